"""The kernels that indicators need, of one PyTorch module."""

from __future__ import annotations

from torch import Tensor, nn

from tegnas.data import Batch
from tegnas.engine.lowering import CannotLower
from tegnas.indicators.sources import Kernels
from tegnas.kernel.gradients import jacobians
from tegnas.kernel.messages import warn_engine
from tegnas.kernel.native_kernels import native_kernels
from tegnas.kernel.ntk import KernelDetails, autograd_names, chosen_weights, ntk, sum_of_grams
from tegnas.parameters import searched_prefixes
from tegnas.scoring.needs import SmallNetworkNeeds
from tegnas.scoring.settings import ScoreSettings


def searched_weights(network: nn.Module) -> str:
    """What of a network is searched: ``"searched"`` where it names them, else ``"all"``."""
    return "all" if searched_prefixes(network) is None else "searched"


def module_kernels(
    network: nn.Module,
    batch: Batch,
    settings: ScoreSettings,
    needs: SmallNetworkNeeds,
    targets: Tensor,
    val_targets: Tensor,
) -> tuple[Kernels, tuple[str, ...]]:
    """The kernels, and the names of weights whose rows came from autograd.

    The Jacobian of the training batch is computed once for all of them.

    Args:
        network: with its weights, on the device of the batch.
        targets, val_targets: centred one-hot labels.
    """
    searched = searched_weights(network)
    if not needs.all_weights and not needs.validation:
        details = ntk(
            network,
            batch.images,
            batch_norm=settings.batch_norm,
            params=searched,
            engine=settings.engine,
            details=True,
        )
        assert isinstance(details, KernelDetails)
        return Kernels(details.kernel[None]), details.autograd
    k_all, k_searched, k_cross, autograd = _with_cross(network, batch, settings, searched)
    kernels = Kernels(
        k_searched[None], k_all[None], k_cross[None], targets, val_targets, settings.ridge
    )
    return kernels, autograd


def _with_cross(
    network: nn.Module, batch: Batch, settings: ScoreSettings, params: str
) -> tuple[Tensor, Tensor, Tensor, tuple[str, ...]]:
    every = chosen_weights(network, "all")
    searched = set(chosen_weights(network, params))
    if settings.batch_norm == "coupled" and settings.engine == "native":
        try:
            kernels = native_kernels(
                network,
                batch.images,
                batch.val_images,
                is_searched=searched.__contains__,
                batch_norm="coupled",
            )
            return (*kernels, ())
        except CannotLower as reason:
            warn_engine(reason, stacklevel=4)
    (left,) = jacobians(network, batch.images, every, batch_norm=settings.batch_norm)
    (right,) = jacobians(network, batch.val_images, searched, batch_norm=settings.batch_norm)
    k_searched = sum_of_grams([left.select(searched)])
    k_rest = sum_of_grams([left.select(set(every) - searched)])
    k_cross = sum_of_grams([right], [left.select(searched)])
    return k_searched + k_rest, k_searched, k_cross, autograd_names([left, right])
