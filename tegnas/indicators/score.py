"""T, E and G of architectures: the call that everything else is built on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import torch
from torch import Tensor, nn

from tegnas import ops
from tegnas.data import Batch
from tegnas.indicators.gradients import jacobians
from tegnas.indicators.ntk import autograd_names, chosen_weights, sum_of_grams
from tegnas.indicators.regions import count_regions, region_inputs
from tegnas.indicators.regression import centred_targets
from tegnas.indicators.scores import Scores
from tegnas.indicators.settings import ScoreSettings
from tegnas.spaces import Architecture, Space


def score(
    archs: Iterable[Architecture | str],
    batch: Batch,
    *,
    space: Space,
    settings: ScoreSettings | None = None,
    progress: Callable[[int], None] | None = None,
    **changes: object,
) -> Scores:
    """Trainability, expressivity and generalization of architectures at initialisation.

    Method: TEG-NAS (arXiv 2108.11939), section 3; the exact definitions are in the documentation
    of ``ntk``, ``count_regions`` and ``ops.kernel_regression_error``.

    Args:
        archs: architectures of ``space``, or their strings.
        batch: labelled images (see ``load_batch``).
        space: the space that the architectures belong to.
        settings: how to score; keyword arguments with the names of its fields (``batch_norm``,
            ``repeats``, ``seed``, …) change single ones.
        progress: called with the number of architectures scored so far.

    Returns:
        ``Scores`` with one entry per architecture. An architecture without a path from input to
        output, or with a singular kernel, has κ = MSE = inf.

    Raises:
        InputError: a malformed architecture string or setting.
    """
    settings = replace(settings or ScoreSettings(), **changes)
    values = tuple(space.parse(arch) if isinstance(arch, str) else arch for arch in archs)
    inputs = _RepeatInputs(batch, settings)
    rows = []
    for done, arch in enumerate(values, start=1):
        rows.append(_score_one(space, arch, batch, settings, inputs))
        if progress is not None:
            progress(done)
    table = torch.tensor(rows, dtype=torch.float64).reshape(len(values), settings.repeats, 3)
    return Scores(values, *(table[:, :, column].contiguous() for column in range(3)))


class _RepeatInputs:
    """What all architectures share: regression targets and region inputs."""

    def __init__(self, batch: Batch, settings: ScoreSettings) -> None:
        self.targets = centred_targets(batch.labels, batch.num_classes)
        self.val_targets = centred_targets(batch.val_labels, batch.num_classes)
        self._settings = settings
        self._regions: dict[tuple[int, ...], list[list[Tensor]]] = {}

    def regions(self, shape: tuple[int, ...], repeat: int) -> list[Tensor]:
        if shape not in self._regions:
            self._regions[shape] = [
                region_inputs(
                    shape,
                    samples=self._settings.region_samples,
                    batch_size=self._settings.region_batch_size,
                    seed=self._settings.seed + index,
                )
                for index in range(self._settings.repeats)
            ]
        return self._regions[shape][repeat]


def _score_one(
    space: Space, arch: Architecture, batch: Batch, settings: ScoreSettings, inputs: _RepeatInputs
) -> list[tuple[float, float, float]]:
    result = []
    for repeat in range(settings.repeats):
        seed = settings.seed + repeat
        thin = space.network(arch, "thin", num_classes=batch.num_classes, seed=seed)
        regions = count_regions(thin, inputs.regions(thin.region_input_shape, repeat))
        if space.is_connected(arch):
            network = space.network(arch, "proxy", num_classes=batch.num_classes, seed=seed)
            kappa, mse, _ = trainability_and_generalization(
                network, batch, settings, inputs.targets, inputs.val_targets, body="cells"
            )
        else:
            kappa = mse = float("inf")
        result.append((kappa, float(regions), mse))
    return result


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
