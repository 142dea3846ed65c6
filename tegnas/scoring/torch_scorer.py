"""Indicators of small networks by PyTorch modules, one network at a time.

The way of networks that the native engine can't run, and of ``engine="torch"``: the Gram, the
spectrum and the region count are native all the same.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tegnas.data import Batch
from tegnas.errors import InputError
from tegnas.kernel.batch_statistics import batch_statistics
from tegnas.kernel.targets import centred_targets
from tegnas.regions import InputSource, RegionsWarning, measure_regions, region_inputs
from tegnas.scoring.module_kernels import module_kernels
from tegnas.scoring.needs import SmallNetworkNeeds
from tegnas.scoring.patterns import SCORED
from tegnas.scoring.region_sources import RegionSources
from tegnas.scoring.settings import ScoreSettings
from tegnas.spaces import Architecture, Space
from tegnas.spaces.base import small_network_kinds

# Sets of region inputs that are kept.
_MOST_INPUTS = 64


class TorchScorer:
    """Scores architectures of one space on one batch; keeps what they share between calls.

    Computes on the device of the batch. The arguments are those of ``NativeScorer``.
    """

    chunk = 16

    def __init__(
        self, space: Space, batch: Batch, settings: ScoreSettings, seeds: Sequence[int]
    ) -> None:
        self._space = space
        self._batch = batch
        self._settings = settings
        self._seeds = tuple(seeds)
        self._needs = SmallNetworkNeeds.of(settings)
        self._targets = centred_targets(batch.labels, batch.num_classes)
        self._val_targets = centred_targets(batch.val_labels, batch.num_classes)
        self._region_inputs: dict[tuple[InputSource, int], list[Tensor]] = {}
        self._images_fit = False
        self._said = False
        self._kernel_kind, self._region_kind = small_network_kinds(space, settings.small_networks)
        self._sources = RegionSources(space, self._region_kind, batch)

    def __call__(self, archs: Sequence[Architecture]) -> dict[str, Tensor]:
        """By name of the indicator: float64 (A, networks), on the CPU."""
        rows = [[self._values(arch, seed) for seed in self._seeds] for arch in archs]
        names = [each.name for each in (*self._needs.of_kernels, *self._needs.of_patterns)]
        return {
            name: torch.tensor(
                [[values[name] for values in row] for row in rows], dtype=torch.float64
            ).reshape(len(archs), len(self._seeds))
            for name in names
        }

    def _values(self, arch: Architecture, seed: int) -> dict[str, float]:
        values: dict[str, float] = {}
        if self._needs.of_patterns:
            network = self._network(arch, self._region_kind, seed)
            counts = torch.tensor([self._count_regions(network, seed)], dtype=torch.float64)
            for each in self._needs.of_patterns:
                values[each.name] = float(each.compute(counts)[0])
        if not self._needs.of_kernels:
            return values
        if not self._space.is_connected(arch):
            return values | {each.name: each.worst for each in self._needs.of_kernels}
        network = self._network(arch, self._kernel_kind, seed)
        self._check_images(network)
        kernels, _ = module_kernels(
            network,
            self._batch,
            self._settings,
            self._needs,
            self._targets,
            self._val_targets,
        )
        for each in self._needs.of_kernels:
            value = self._needs.failing_as_worst(each, each.compute(kernels).cpu())
            values[each.name] = float(value[0])
        return values

    def _count_regions(self, network: nn.Module, seed: int) -> int:
        """The count; a caution about activations once, since it holds for the whole space."""
        inputs = self._inputs(self._sources.of(network), seed)
        try:
            found = measure_regions(network, inputs, smooth=SCORED.smooth)
        except (RuntimeError, ValueError, IndexError, TypeError) as error:
            if isinstance(error, InputError):
                raise
            shape = "×".join(map(str, inputs[0].shape[1:]))
            reason = str(error).partition("\n")[0]
            raise InputError(
                f"the networks of {self._space.name} can't take the inputs of the region count, "
                f"{shape} ({reason}); give the space another region_input_shape, or thin= for "
                "networks that can"
            ) from error
        if not self._said:
            for caution in found.of_activations():
                warnings.warn(caution, RegionsWarning, stacklevel=2)
                self._said = True
        return found.count

    def _network(self, arch: Architecture, kind: str, seed: int) -> nn.Module:
        classes = self._batch.num_classes
        network = self._space.network(arch, kind, num_classes=classes, seed=seed)
        return network.to(self._batch.images.device)

    def _check_images(self, network: nn.Module) -> None:
        """Raise ``InputError`` if the networks can't take the images, the first time."""
        if self._images_fit:
            return
        try:
            with torch.no_grad(), batch_statistics(network, self._settings.batch_norm):
                network(self._batch.images)
        except (RuntimeError, IndexError, ValueError, TypeError) as error:
            if isinstance(error, InputError):
                raise
            shape = "×".join(map(str, self._batch.images.shape[1:]))
            reason = str(error).partition("\n")[0]
            raise InputError(
                f"networks of {self._space.name} can't take {self._batch.noun} of {shape} "
                f"({reason}){self._way_out()}"
            ) from error
        self._images_fit = True

    def _way_out(self) -> str:
        if not self._batch.of_images:
            return "; search a space of networks that can, such as a tegnas.spaces.ChoiceSpace"
        if self._batch.source.endswith(".npz") and not self._batch.source.startswith("arrays:"):
            return f"; if they are no images, name the file as arrays:{self._batch.source}"
        return ""

    def _inputs(self, source: InputSource, seed: int) -> list[Tensor]:
        if (source, seed) not in self._region_inputs:
            if len(self._region_inputs) >= _MOST_INPUTS:  # every network has its own
                self._region_inputs.clear()
            inputs = region_inputs(
                source,
                samples=self._settings.region_samples,
                batch_size=self._settings.region_batch_size,
                seed=seed,
            )
            device = self._batch.images.device
            self._region_inputs[source, seed] = [each.to(device) for each in inputs]
        return self._region_inputs[source, seed]
