"""T, E and G of one network in plain PyTorch: the baselines of the benchmarks.

``by_loop`` computes them as the paper's released code does (one backward pass per image, pairwise
products of activation patterns), ``by_hooks`` as well as plain PyTorch can in frozen mode.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tegnas.reference.eigen import eig_condition
from tegnas.reference.frozen import frozen_rows, gram_of_rows
from tegnas.reference.ntk import jacobian, with_batch_statistics
from tegnas.reference.regions import count_regions_pairwise
from tegnas.reference.regression import kernel_regression_error

Kernels = tuple[Tensor, Tensor, Tensor]


def searched_prefixes(network: nn.Module) -> tuple[str, ...]:
    """What the names of its searched weights begin with."""
    return tuple(getattr(network, "searched_prefixes"))  # noqa: B009  (an attribute of ours)


def kernels_by_loop(
    network: nn.Module, images: Tensor, val_images: Tensor, *, batch_norm: str
) -> Kernels:
    """Kernel of all weights, of the searched ones, cross kernel of these: float64."""
    prefixes = searched_prefixes(network)

    def is_searched(name: str) -> bool:
        return name.startswith(prefixes)

    searched = jacobian(network, images, batch_norm=batch_norm, select=is_searched).double()
    rest = jacobian(
        network, images, batch_norm=batch_norm, select=lambda name: not is_searched(name)
    ).double()
    val = jacobian(network, val_images, batch_norm=batch_norm, select=is_searched).double()
    k_searched = searched @ searched.T
    return k_searched + rest @ rest.T, k_searched, val @ searched.T


def kernels_by_hooks(network: nn.Module, images: Tensor, val_images: Tensor) -> Kernels:
    """The same three kernels, frozen, from one backward pass per batch."""
    prefixes = searched_prefixes(network)
    rows = frozen_rows(network, images)
    searched = {name: each for name, each in rows.items() if name.startswith(prefixes)}
    rest = {name: each for name, each in rows.items() if name not in searched}
    val = frozen_rows(network, val_images)
    k_searched = gram_of_rows(searched)
    cross = gram_of_rows({name: val[name] for name in searched}, searched)
    return k_searched + gram_of_rows(rest), k_searched, cross


def relu_activations(network: nn.Module, inputs: Sequence[Tensor]) -> list[Tensor]:
    """Signs of all 4-D ReLU outputs over all batches, layer by layer: each (M, features)."""
    network = with_batch_statistics(network, "frozen")
    layers: dict[str, list[Tensor]] = {}
    for name, module in network.named_modules():
        if isinstance(module, nn.ReLU):
            module.register_forward_hook(
                lambda module, args, output, name=name: layers.setdefault(name, []).append(
                    (output > 0).flatten(1)
                )
            )
    with torch.no_grad():
        for batch in inputs:
            network(batch)
    return [torch.cat(batches) for batches in layers.values()]


def score_by_loop(
    proxy: nn.Module,
    thin: nn.Module,
    images: tuple[Tensor, Tensor],
    targets: tuple[Tensor, Tensor],
    region_inputs: Sequence[Tensor],
    *,
    batch_norm: str,
) -> tuple[float, int, float]:
    """κ, R and MSE of one pair of networks as the paper's code computes them."""
    kernels = kernels_by_loop(proxy, *images, batch_norm=batch_norm)
    regions = count_regions_pairwise(relu_activations(thin, region_inputs))
    return _finish(kernels, targets, regions)


def score_by_hooks(
    proxy: nn.Module,
    thin: nn.Module,
    images: tuple[Tensor, Tensor],
    targets: tuple[Tensor, Tensor],
    region_inputs: Sequence[Tensor],
) -> tuple[float, int, float]:
    """κ, R and MSE of one pair of networks, frozen, as well as plain PyTorch can."""
    kernels = kernels_by_hooks(proxy, *images)
    signs = torch.cat(relu_activations(thin, region_inputs), 1)
    return _finish(kernels, targets, len(torch.unique(signs, dim=0)))


def _finish(
    kernels: Kernels, targets: tuple[Tensor, Tensor], regions: int
) -> tuple[float, int, float]:
    k_all, k_searched, cross = kernels
    kappa = eig_condition(k_all)[2].item()
    mse = kernel_regression_error(k_searched, cross, *targets).item()
    return kappa, regions, mse
