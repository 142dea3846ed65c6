"""Indicators of small networks by PyTorch modules.

One network at a time, or all of one architecture where they say that they can be run so.

The way of networks that the native engine can't run, and of ``engine="torch"``: the Gram, the
spectrum and the region count are native all the same.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from tegnas.data import Batch
from tegnas.errors import InputError
from tegnas.indicators.sources import Kernels
from tegnas.kernel.alike import alike_jacobians, runs_alike
from tegnas.kernel.batch_statistics import batch_statistics
from tegnas.kernel.gradients import gram
from tegnas.kernel.ntk import chosen_weights
from tegnas.kernel.targets import centred_targets
from tegnas.networks.initialise import initial_values
from tegnas.regions import (
    InputSource,
    Regions,
    RegionsWarning,
    measure_regions,
    pattern_distances,
    region_inputs,
)
from tegnas.regions.alike import alike_regions
from tegnas.scoring.module_kernels import module_kernels, searched_weights
from tegnas.scoring.needs import SmallNetworkNeeds
from tegnas.scoring.patterns import SCORED
from tegnas.scoring.region_sources import RegionSources
from tegnas.scoring.settings import ScoreSettings
from tegnas.spaces import Architecture, Space
from tegnas.spaces.base import small_network_kinds
from tegnas.spaces.isomorphism import LivePartSpace

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
        rows = [self._of_all(arch) for arch in archs]
        names = [each.name for each in (*self._needs.of_images, *self._needs.of_patterns)]
        return {
            name: torch.tensor(
                [[values[name] for values in row] for row in rows], dtype=torch.float64
            ).reshape(len(archs), len(self._seeds))
            for name in names
        }

    def _of_all(self, arch: Architecture) -> list[dict[str, float]]:
        """The values of every network."""
        needs = self._needs
        values: list[dict[str, float]] = [{} for _ in self._seeds]
        if needs.of_patterns:
            found = torch.tensor(self._regions(arch), dtype=torch.float64)
            for each in needs.of_patterns:
                for row, value in zip(values, each.compute(found).tolist(), strict=True):
                    row[each.name] = value
        if needs.of_images and not self._space.is_connected(arch):
            return [row | {each.name: each.worst for each in needs.of_images} for row in values]
        if needs.of_kernels:
            for row, kernels in zip(values, self._kernels(arch), strict=True):
                for each in needs.of_kernels:
                    value = needs.failing_as_worst(each, each.compute(kernels).cpu())
                    row[each.name] = float(value[0])
        if needs.of_distances:
            distances = self._distances(arch)
            for each in needs.of_distances:
                found = needs.failing_as_worst(each, each.compute(distances).cpu())
                for row, value in zip(values, found.tolist(), strict=True):
                    row[each.name] = value
        return values

    def _regions(self, arch: Architecture) -> list[int]:
        """The count of every network, of all at once where they can be run so."""
        network = self._network(arch, self._region_kind, self._seeds[0])
        weights = self._weights_of_all(network)
        source = self._sources.of(network)
        if weights is not None:
            inputs = zip(*(self._inputs(source, seed) for seed in self._seeds), strict=True)
            batches = [torch.stack(each) for each in inputs]
            found = alike_regions(network, weights, batches, smooth=SCORED.smooth)
            if found is not None:
                self._caution(found[0])
                return [each.count for each in found]
        counts = [self._count_regions(arch, network, self._seeds[0])]
        for seed in self._seeds[1:]:
            network = self._network(arch, self._region_kind, seed)
            counts.append(self._count_regions(arch, network, seed))
        return counts

    def _kernels(self, arch: Architecture) -> Iterator[Kernels]:
        """The kernels of every network, of all at once where they can be run so."""
        network = self._network(arch, self._kernel_kind, self._seeds[0])
        self._check_images(network)
        needs, settings, images = self._needs, self._settings, self._batch.images
        weights = self._weights_of_all(network)
        if weights is not None and not needs.all_weights and not needs.validation:
            names = chosen_weights(network, searched_weights(network))
            jacobians = alike_jacobians(network, weights, images, names)
            if jacobians is not None:
                yield from (Kernels(gram(each)[None]) for each in jacobians)
                return
        for seed in self._seeds:
            network = self._network(arch, self._kernel_kind, seed)
            yield module_kernels(
                network, self._batch, settings, needs, self._targets, self._val_targets
            )[0]

    def _distances(self, arch: Architecture) -> Tensor:
        """Between the patterns of the images in every network, float64 (networks, N, N).

        Of the live part: as to kernels, the rest is nothing to them.
        """
        if isinstance(self._space, LivePartSpace):
            arch = self._space.live(arch)
        found = []
        for seed in self._seeds:
            network = self._network(arch, self._kernel_kind, seed)
            self._check_images(network)
            found.append(pattern_distances(network, self._batch.images, smooth=SCORED.smooth))
        return torch.stack(found).double()

    def _weights_of_all(self, network: nn.Module) -> dict[str, Tensor] | None:
        """By name (networks, *shape), where the networks of all seeds can be run at once."""
        by_name = getattr(self._space, "weights_by_name", False)
        if not by_name or not runs_alike(network) or self._settings.batch_norm != "frozen":
            return None
        device = self._batch.images.device
        values = initial_values(network, self._seeds)
        return {name: each.to(device) for name, each in values.items()}

    def _count_regions(self, arch: Architecture, network: nn.Module, seed: int) -> int:
        """The count; a caution about activations once, since it holds for the whole space."""
        inputs = self._inputs(self._sources.of(network), seed)
        try:
            found = measure_regions(network, inputs, smooth=SCORED.smooth)
        except (RuntimeError, ValueError, IndexError, TypeError) as error:
            if isinstance(error, InputError):
                raise
            # What can't take the examples can't take inputs drawn like them, which isn't the point.
            self._check_images(self._network(arch, self._kernel_kind, seed))
            shape = "×".join(map(str, inputs[0].shape[1:]))
            reason = str(error).partition("\n")[0]
            raise InputError(
                f"the networks of {self._space.name} can't take the inputs of the region count, "
                f"{shape} ({reason}); give the space another region_input_shape, or thin= for "
                "networks that can"
            ) from error
        self._caution(found)
        return found.count

    def _caution(self, found: Regions) -> None:
        if not self._said:
            for caution in found.of_activations():
                warnings.warn(caution, RegionsWarning, stacklevel=3)
                self._said = True

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
