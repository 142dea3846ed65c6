"""Scores of architectures by PyTorch modules, one network at a time.

The way of networks that the native engine can't run, and of ``engine="torch"``: the Gram, the
spectrum and the region count are native all the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tegnas import ops
from tegnas.data import Batch
from tegnas.indicators.gradients import jacobians
from tegnas.indicators.ntk import autograd_names, chosen_weights, sum_of_grams
from tegnas.indicators.regions import count_regions, region_input_shape, region_inputs
from tegnas.indicators.regression import centred_targets
from tegnas.indicators.settings import ScoreSettings
from tegnas.spaces import Architecture, Space


class TorchScorer:
    """Scores architectures of one space on one batch; keeps what they share between calls."""

    chunk = 16

    def __init__(self, space: Space, batch: Batch, settings: ScoreSettings) -> None:
        self._space = space
        self._batch = batch
        self._settings = settings
        self._targets = centred_targets(batch.labels, batch.num_classes)
        self._val_targets = centred_targets(batch.val_labels, batch.num_classes)
        self._region_inputs: dict[tuple[tuple[int, ...], int], list[Tensor]] = {}

    def __call__(self, archs: Sequence[Architecture]) -> Tensor:
        """κ, R and MSE of every repeat: float64 (A, repeats, 3)."""
        seeds = range(self._settings.seed, self._settings.seed + self._settings.repeats)
        rows = [[self._score(arch, seed) for seed in seeds] for arch in archs]
        return torch.tensor(rows, dtype=torch.float64).reshape(len(archs), len(seeds), 3)

    def _score(self, arch: Architecture, seed: int) -> tuple[float, float, float]:
        classes = self._batch.num_classes
        thin = self._space.network(arch, "thin", num_classes=classes, seed=seed)
        regions = count_regions(thin, self._inputs(region_input_shape(thin), seed))
        if not self._space.is_connected(arch):
            return float("inf"), float(regions), float("inf")
        kappa, mse, _ = trainability_and_generalization(
            self._space.network(arch, "proxy", num_classes=classes, seed=seed),
            self._batch,
            self._settings,
            self._targets,
            self._val_targets,
            body="cells",
        )
        return kappa, float(regions), mse

    def _inputs(self, shape: tuple[int, ...], seed: int) -> list[Tensor]:
        if (shape, seed) not in self._region_inputs:
            self._region_inputs[shape, seed] = region_inputs(
                shape,
                samples=self._settings.region_samples,
                batch_size=self._settings.region_batch_size,
                seed=seed,
            )
        return self._region_inputs[shape, seed]


def trainability_and_generalization(
    network: nn.Module,
    batch: Batch,
    settings: ScoreSettings,
    targets: Tensor,
    val_targets: Tensor,
    *,
    body: str,
) -> tuple[float, float, tuple[str, ...]]:
    """κ of the kernel of all weights, and the regression error of the kernel of ``body``.

    Also the names of weights that took the way of autograd although frozen. The Jacobian of the
    training batch is computed once for both.
    """
    every = chosen_weights(network, "all")
    searched = chosen_weights(network, body)
    rest = [name for name in every if name not in set(searched)]
    (left,) = jacobians(network, batch.images, every, batch_norm=settings.batch_norm)
    (right,) = jacobians(network, batch.val_images, searched, batch_norm=settings.batch_norm)
    k_xx = sum_of_grams([left.select(searched)])
    k_yx = sum_of_grams([right], [left.select(searched)])
    _, _, kappa = ops.eig_condition(k_xx + sum_of_grams([left.select(rest)]))
    mse = ops.kernel_regression_error(
        k_xx[None], k_yx[None], targets, val_targets, ridge=settings.ridge
    )
    autograd = autograd_names([left, right]) if settings.batch_norm == "frozen" else ()
    return kappa.item(), mse.item(), autograd
