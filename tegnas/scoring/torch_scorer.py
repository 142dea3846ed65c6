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
from tegnas.engine.lowering import CannotLower
from tegnas.errors import InputError
from tegnas.indicators.left_out import left_out
from tegnas.kernel.batch_statistics import batch_statistics
from tegnas.kernel.gradients import jacobians
from tegnas.kernel.messages import warn_engine
from tegnas.kernel.native_kernels import native_kernels
from tegnas.kernel.ntk import (
    KernelDetails,
    autograd_names,
    chosen_weights,
    ntk,
    sum_of_grams,
)
from tegnas.kernel.targets import centred_targets
from tegnas.regions.count import count_regions, region_input_shape, region_inputs
from tegnas.scoring.settings import LEFT_OUT, ScoreSettings
from tegnas.spaces import Architecture, Space
from tegnas.spaces.base import small_kinds


class TorchScorer:
    """Scores architectures of one space on one batch; keeps what they share between calls.

    Computes on the device of the batch.
    """

    chunk = 16

    def __init__(self, space: Space, batch: Batch, settings: ScoreSettings) -> None:
        self._space = space
        self._batch = batch
        self._settings = settings
        self._targets = centred_targets(batch.labels, batch.num_classes)
        self._val_targets = centred_targets(batch.val_labels, batch.num_classes)
        self._region_inputs: dict[tuple[tuple[int, ...], int], list[Tensor]] = {}
        self._images_fit = False
        self._kernel_kind, self._region_kind = small_kinds(
            space, deep=settings.definition == LEFT_OUT
        )

    def __call__(self, archs: Sequence[Architecture]) -> Tensor:
        """κ, R and MSE of every repeat: float64 (A, repeats, 3)."""
        seeds = range(self._settings.seed, self._settings.seed + self._settings.repeats)
        rows = [[self._score(arch, seed) for seed in seeds] for arch in archs]
        return torch.tensor(rows, dtype=torch.float64).reshape(len(archs), len(seeds), 3)

    def _score(self, arch: Architecture, seed: int) -> tuple[float, float, float]:
        thin = self._network(arch, self._region_kind, seed)
        regions = count_regions(thin, self._inputs(region_input_shape(thin), seed))
        if not self._space.is_connected(arch):
            return float("inf"), float(regions), float("inf")
        network = self._network(arch, self._kernel_kind, seed)
        self._check_images(network)
        kappa, mse, _ = trainability_and_generalization(
            network,
            self._batch,
            self._settings,
            self._targets,
            self._val_targets,
            body=body_of(network),
        )
        return kappa, float(regions), mse

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
        except RuntimeError as error:
            shape = "×".join(map(str, self._batch.images.shape[1:]))
            reason = str(error).partition("\n")[0]
            raise InputError(
                f"networks of {self._space.name} can't take images of {shape} ({reason})"
            ) from error
        self._images_fit = True

    def _inputs(self, shape: tuple[int, ...], seed: int) -> list[Tensor]:
        if (shape, seed) not in self._region_inputs:
            inputs = region_inputs(
                shape,
                samples=self._settings.region_samples,
                batch_size=self._settings.region_batch_size,
                seed=seed,
            )
            device = self._batch.images.device
            self._region_inputs[shape, seed] = [each.to(device) for each in inputs]
        return self._region_inputs[shape, seed]


def body_of(network: nn.Module) -> str:
    """The body: ``"cells"`` where the network says which weights these are, else ``"all"``."""
    return "cells" if hasattr(network, "cell_prefixes") else "all"


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

    By the definition ``left-out`` both are of the kernel of ``body``.

    Also the names of weights whose rows came from autograd. The Jacobian of the training batch is
    computed once for both.
    """
    if settings.definition == LEFT_OUT:
        k_body, autograd = _kernel(network, batch, settings, body)
        kappa, mse = left_out(k_body)
        return kappa.item(), mse.item(), autograd
    k_all, k_body, k_cross, autograd = _kernels(network, batch, settings, body)
    _, _, kappa = ops.eig_condition(k_all)
    mse = ops.kernel_regression_error(
        k_body[None], k_cross[None], targets, val_targets, ridge=settings.ridge
    )
    return kappa.item(), mse.item(), autograd


def _kernel(
    network: nn.Module, batch: Batch, settings: ScoreSettings, body: str
) -> tuple[Tensor, tuple[str, ...]]:
    """The kernel of the body on the training images."""
    details = ntk(
        network,
        batch.images,
        batch_norm=settings.batch_norm,
        params=body,
        engine=settings.engine,
        details=True,
    )
    assert isinstance(details, KernelDetails)
    return details.kernel, details.autograd


def _kernels(
    network: nn.Module, batch: Batch, settings: ScoreSettings, body: str
) -> tuple[Tensor, Tensor, Tensor, tuple[str, ...]]:
    every = chosen_weights(network, "all")
    searched = set(chosen_weights(network, body))
    if settings.batch_norm == "coupled" and settings.engine == "native":
        try:
            kernels = native_kernels(
                network,
                batch.images,
                batch.val_images,
                in_body=searched.__contains__,
                batch_norm="coupled",
            )
            return (*kernels, ())
        except CannotLower as reason:
            warn_engine(reason, stacklevel=4)
    (left,) = jacobians(network, batch.images, every, batch_norm=settings.batch_norm)
    (right,) = jacobians(network, batch.val_images, searched, batch_norm=settings.batch_norm)
    k_body = sum_of_grams([left.select(searched)])
    k_rest = sum_of_grams([left.select(set(every) - searched)])
    k_cross = sum_of_grams([right], [left.select(searched)])
    return k_body + k_rest, k_body, k_cross, autograd_names([left, right])
