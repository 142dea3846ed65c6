"""Indicators of small networks by the native engine: many networks in one call."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from tegnas import ops
from tegnas.data import Batch
from tegnas.engine.lowering import CannotLower
from tegnas.engine.program import Shape
from tegnas.indicators.sources import Kernels
from tegnas.kernel.targets import centred_targets
from tegnas.memory import check_memory
from tegnas.ops import EngineJobs
from tegnas.regions import region_inputs
from tegnas.scoring.from_device import FromDevice
from tegnas.scoring.jobs import JobMaker
from tegnas.scoring.needs import SmallNetworkNeeds
from tegnas.scoring.region_sources import RegionSources
from tegnas.scoring.settings import ScoreSettings
from tegnas.spaces import Architecture, Space
from tegnas.spaces.base import small_network_kinds
from tegnas.spaces.isomorphism import LivePartSpace

# What kernels and distances of one call may take, if those of one architecture don't take more.
_CALL_BYTES = 2**30


def as_image_shape(shape: tuple[int, ...]) -> Shape:
    """The shape, if it is that of an image, (C, H, W); else ``CannotLower``."""
    if len(shape) != 3:
        raise CannotLower(f"the engine takes images, not inputs of shape {shape}")
    return shape


class NativeScorer:
    """Scores architectures of one space on one batch; keeps what they share between calls.

    Computes on the device of the batch.

    Args:
        space: of the architectures.
        batch: images as the small networks see them.
        settings: how to score.
        seeds: of the networks of each architecture.

    Attributes:
        chunk: architectures per call of the engine: enough for any number of threads, on a GPU
            enough to fill its launches; fewer where what is computed of the images would take more
            than 1 GiB.
        ahead: how many calls to begin before the results of one are waited for: on a GPU one, so
            that it never waits for the host.
    """

    def __init__(
        self, space: Space, batch: Batch, settings: ScoreSettings, seeds: Sequence[int]
    ) -> None:
        self._space = space
        self._batch = batch
        self._settings = settings
        self._needs = SmallNetworkNeeds.of(settings)
        self._device = batch.images.device
        self._seeds = tuple(seeds)
        most, self.ahead = (64, 0) if self._device.type == "cpu" else (256, 1)
        self.chunk = max(1, min(most, _CALL_BYTES // max(1, self._bytes_of_one())))
        kernel_kind, self._region_kind = small_network_kinds(space, settings.small_networks)
        self._kernel_jobs = JobMaker(
            space,
            kernel_kind,
            num_classes=batch.num_classes,
            image_shape=as_image_shape(batch.image_shape),
            seeds=self._seeds,
            device=self._device,
            patterns=bool(self._needs.of_distances),
        )
        # Architectures of one live part have the same kernels and distances to the last bit.
        self._live = space.live if isinstance(space, LivePartSpace) else None
        self._targets = centred_targets(batch.labels, batch.num_classes)
        self._val_targets = centred_targets(batch.val_labels, batch.num_classes)
        # Of live parts, where architectures may share one: the table that holds their values
        # (live parts, networks, indicators), and in which row.
        self._known: dict[Architecture, tuple[FromDevice, int]] = {}
        self._region_jobs: JobMaker | None = None
        # Of each network its own, (networks, M, C, H, W).
        self._region_inputs = torch.zeros(0)

    def _bytes_of_one(self) -> int:
        """What kernels and distances of one architecture take; ``InputError`` if it isn't there."""
        needs = self._needs
        if not needs.of_images:
            return 0
        images, others = len(self._batch.images), len(self._batch.val_images)
        columns = images * (bool(needs.of_kernels) + needs.all_weights) + others * needs.validation
        # As counts, as numbers, and centred.
        columns += 3 * images * bool(needs.of_distances)
        needed = 8 * len(self._seeds) * images * columns
        what = "kernels" if needs.of_kernels else "pattern distances"
        check_memory(
            needed,
            self._device,
            f"the {what} of {len(self._seeds)} networks of one architecture on {images:,} images",
            "give fewer images (train, val)",
        )
        return needed

    def __call__(self, archs: Sequence[Architecture]) -> dict[str, Tensor]:
        """By name of the indicator: float64 (A, networks), on the CPU.

        Raises ``CannotLower`` where a network holds something that programs don't have.
        """
        return self.begin(archs)()

    def begin(self, archs: Sequence[Architecture]) -> Callable[[], dict[str, Tensor]]:
        """Leaves everything to the device; what is given waits for it, and is what a call gives.

        While a GPU computes kernels and distances, the host prepares the region counts, and then
        what is begun next. Raises ``CannotLower`` like a call.
        """
        of_images = self._begin_images(archs) if self._needs.of_images else dict
        patterns = self._begin_regions(archs) if self._needs.of_patterns else dict
        return lambda: of_images() | patterns()

    def _begin_images(self, archs: Sequence[Architecture]) -> Callable[[], dict[str, Tensor]]:
        """A cell without a path is bad whatever else it computes."""
        live = self._live or (lambda arch: arch)
        lives: list[Architecture | None] = [
            live(arch) if self._space.is_connected(arch) else None for arch in archs
        ]
        known = self._known if self._live is not None else {}
        new = [arch for arch in dict.fromkeys(lives) if arch is not None and arch not in known]
        if new:
            columns = [each.reshape(len(new), -1) for each in self._columns(new)]
            computed = FromDevice(torch.stack(columns, dim=2))
            known.update((arch, (computed, row)) for row, arch in enumerate(new))
        places = [None if arch is None else known[arch] for arch in lives]
        return lambda: self._with_bad(places)

    def _with_bad(self, places: Sequence[tuple[FromDevice, int] | None]) -> dict[str, Tensor]:
        """The values at these places, the worst where there is none."""
        indicators = self._needs.of_images
        worst = torch.tensor([each.worst for each in indicators], dtype=torch.float64)
        bad = worst.expand(len(self._seeds), -1)
        tables = {place[0]: place[0].read() for place in places if place is not None}
        table = torch.stack([bad if at is None else tables[at[0]][at[1]] for at in places])
        return {
            each.name: self._needs.failing_as_worst(each, table[..., column])
            for column, each in enumerate(indicators)
        }

    def _columns(self, archs: Sequence[Architecture]) -> list[Tensor]:
        """Of ``SmallNetworkNeeds.of_images``, float64 (architectures · networks,) each."""
        needs, images = self._needs, self._batch.images
        jobs = self._kernel_jobs.make(archs)
        if not needs.of_kernels:
            found = ops.engine_pattern_distances(jobs, images, batch_size=len(images)).double()
            return [each.compute(found) for each in needs.of_distances]
        kernels, distances = self._kernels_and_distances(jobs)
        columns = [each.compute(kernels) for each in needs.of_kernels]
        if needs.of_distances:
            found = distances.double()
            columns += [each.compute(found) for each in needs.of_distances]
        return columns

    def _kernels_and_distances(self, jobs: EngineJobs) -> tuple[Kernels, Tensor]:
        """Both look at the same networks on the same images: one forward pass gives both."""
        needs = self._needs
        k_all, k_searched, k_cross, distances = ops.engine_ntk(
            jobs,
            self._batch.images,
            self._batch.val_images if needs.validation else None,
            batch_norm=self._settings.batch_norm,
            weights="all" if needs.all_weights else "searched",
            distances=bool(needs.of_distances),
        )
        of_all = k_all if needs.all_weights else None
        if not needs.validation:
            return Kernels(k_searched, of_all), distances
        kernels = Kernels(
            k_searched, of_all, k_cross, self._targets, self._val_targets, self._settings.ridge
        )
        return kernels, distances

    def _begin_regions(self, archs: Sequence[Architecture]) -> Callable[[], dict[str, Tensor]]:
        if self._region_jobs is None:
            self._region_jobs = self._prepare_regions(archs[0])
        counts = ops.engine_regions(
            self._region_jobs.make(archs),
            self._region_inputs,
            batch_size=self._settings.region_batch_size,
        )
        computed = FromDevice(counts.reshape(len(archs), -1).double())
        return lambda: {
            each.name: each.compute(computed.read()) for each in self._needs.of_patterns
        }

    def _prepare_regions(self, arch: Architecture) -> JobMaker:
        classes = self._batch.num_classes
        network = self._space.network(arch, self._region_kind, num_classes=classes)
        source = RegionSources(self._space, self._region_kind, self._batch).of(network)
        inputs = [
            torch.cat(
                region_inputs(
                    source,
                    samples=self._settings.region_samples,
                    batch_size=self._settings.region_batch_size,
                    seed=seed,
                )
            )
            for seed in self._seeds
        ]
        shape = as_image_shape(tuple(inputs[0].shape[1:]))
        self._region_inputs = torch.stack(inputs).to(self._device)
        return JobMaker(
            self._space,
            self._region_kind,
            num_classes=classes,
            image_shape=shape,
            seeds=self._seeds,
            device=self._device,
        )
