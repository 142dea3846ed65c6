"""Scores of architectures by the native engine: many networks in one call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from tegnas import ops
from tegnas.data import Batch
from tegnas.indicators.left_out import left_out
from tegnas.kernel.targets import centred_targets
from tegnas.regions.count import region_input_shape, region_inputs
from tegnas.scoring.jobs import JobMaker
from tegnas.scoring.settings import LEFT_OUT, ScoreSettings
from tegnas.spaces import Architecture, Space
from tegnas.spaces.base import small_kinds
from tegnas.spaces.isomorphism import PrunableSpace


class NativeScorer:
    """Scores architectures of one space on one batch; keeps what they share between calls.

    Computes on the device of the batch.

    Attributes:
        chunk: architectures per call of the engine: enough for any number of threads, while the
            kernels of a call stay within a few megabytes; on a GPU enough to fill its launches.
    """

    def __init__(self, space: Space, batch: Batch, settings: ScoreSettings) -> None:
        self._space = space
        self._batch = batch
        self._settings = settings
        self._device = batch.images.device
        self.chunk = 64 if self._device.type == "cpu" else 256
        self._seeds = range(settings.seed, settings.seed + settings.repeats)
        kernel_kind, self._region_kind = small_kinds(space, deep=settings.definition == LEFT_OUT)
        self._proxies = JobMaker(
            space,
            kernel_kind,
            num_classes=batch.num_classes,
            image_shape=batch.image_shape,
            seeds=self._seeds,
            device=self._device,
        )
        self._targets = centred_targets(batch.labels, batch.num_classes)
        self._val_targets = centred_targets(batch.val_labels, batch.num_classes)
        # κ and MSE of live parts, (repeats, 2), where architectures may share one.
        self._known: dict[Architecture, Tensor] = {}
        self._thins: JobMaker | None = None
        self._region_inputs: list[Tensor] = []

    def __call__(self, archs: Sequence[Architecture]) -> Tensor:
        """κ, R and MSE of every repeat: float64 (A, repeats, 3), on the CPU.

        Raises ``CannotLower`` where a network holds something that programs don't have.
        """
        kernels = self._kernel_scores(archs)
        columns = (kernels[..., 0], self._expressivity(archs).cpu(), kernels[..., 1])
        return torch.stack(columns, dim=2)

    def _kernel_scores(self, archs: Sequence[Architecture]) -> Tensor:
        """κ and MSE, (A, repeats, 2). A cell without a path is bad whatever else it computes."""
        lives: list[Architecture | None] = [
            self._live(arch) if self._space.is_connected(arch) else None for arch in archs
        ]
        known = self._known if isinstance(self._space, PrunableSpace) else {}
        new = [arch for arch in dict.fromkeys(lives) if arch is not None and arch not in known]
        if new:
            columns = self._trainability_and_generalization(new)
            table = torch.stack([each.reshape(len(new), -1) for each in columns], dim=2).cpu()
            known.update(zip(new, table, strict=True))
        bad = torch.full((len(self._seeds), 2), torch.inf, dtype=torch.float64)
        return torch.stack([bad if arch is None else known[arch] for arch in lives])

    def _live(self, arch: Architecture) -> Architecture:
        """Architectures of one live part have the same kernels to the last bit."""
        return self._space.live(arch) if isinstance(self._space, PrunableSpace) else arch

    def _trainability_and_generalization(
        self, archs: Sequence[Architecture]
    ) -> tuple[Tensor, Tensor]:
        if self._settings.definition == LEFT_OUT:
            _, k_body, _ = ops.engine_ntk(
                self._proxies.make(archs),
                self._batch.images,
                batch_norm=self._settings.batch_norm,
            )
            return left_out(k_body)
        k_all, k_body, k_cross = ops.engine_ntk(
            self._proxies.make(archs),
            self._batch.images,
            self._batch.val_images,
            batch_norm=self._settings.batch_norm,
        )
        _, _, kappa = ops.eig_condition(k_all)
        mse = ops.kernel_regression_error(
            k_body, k_cross, self._targets, self._val_targets, ridge=self._settings.ridge
        )
        return kappa, mse

    def _expressivity(self, archs: Sequence[Architecture]) -> Tensor:
        if self._thins is None:
            self._thins = self._prepare_regions(archs[0])
        jobs = self._thins.make(archs)
        repeats = len(self._seeds)
        counts = [
            ops.engine_regions(
                replace(
                    jobs,
                    programs=jobs.programs[repeat::repeats],
                    offsets=jobs.offsets[repeat::repeats],
                ),
                inputs,
                batch_size=self._settings.region_batch_size,
            )
            for repeat, inputs in enumerate(self._region_inputs)
        ]
        return torch.stack(counts, dim=1).double()

    def _prepare_regions(self, arch: Architecture) -> JobMaker:
        classes = self._batch.num_classes
        thin = self._space.network(arch, self._region_kind, num_classes=classes)
        shape = region_input_shape(thin)
        self._region_inputs = [
            torch.cat(
                region_inputs(
                    shape,
                    samples=self._settings.region_samples,
                    batch_size=self._settings.region_batch_size,
                    seed=seed,
                )
            ).to(self._device)
            for seed in self._seeds
        ]
        return JobMaker(
            self._space,
            self._region_kind,
            num_classes=classes,
            image_shape=shape,
            seeds=self._seeds,
            device=self._device,
        )
