"""The neural tangent kernel of an untrained network on a batch of images."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tegnas.engine.lowering import CannotLower
from tegnas.errors import InputError
from tegnas.kernel.batch_statistics import check_batch_norm
from tegnas.kernel.gradients import Jacobian, check_outputs, gram, jacobians, weight_names
from tegnas.kernel.messages import AutogradLayersWarning, warn_engine
from tegnas.kernel.native_kernels import native_kernels

ParameterChoice = str | Callable[[str], bool]


@dataclass(frozen=True)
class KernelDetails:
    """A kernel with the names of the weights that went into it, by the way they took."""

    kernel: Tensor
    native: tuple[str, ...]
    autograd: tuple[str, ...]


def ntk(
    network: nn.Module,
    images: Tensor,
    other: Tensor | None = None,
    *,
    batch_norm: str = "frozen",
    params: ParameterChoice = "all",
    outputs: str = "sum",
    details: bool = False,
    engine: str = "native",
) -> Tensor | KernelDetails:
    """Empirical NTK Θ = J Jᵀ (Jacot et al. 2018; TEG-NAS, arXiv 2108.11939, section 3.1).

    Args:
        network: gives logits (N, K) for images (N, C, H, W). It is not changed: BatchNorm uses the
            statistics of the batch, dropout is off, running statistics are neither read nor
            written.
        images: floating-point tensor with the image index first.
        other: a second batch (N', ...) gives the cross kernel between the two; each batch has
            BatchNorm statistics of its own.
        batch_norm: ``"frozen"`` holds the statistics constant in the derivative, ``"coupled"``
            differentiates through them as the paper does (N backward passes).
        params: ``"all"`` weights, those in ``"cells"`` of a network that says which these are, or
            a function from a parameter's name to bool. Only parameters named ``…weight`` count.
        outputs: ``"sum"``, the kernel of the summed logits (the paper's), or ``"trace"``, the
            sum of the kernels of the logits.
        details: return ``KernelDetails`` instead of the kernel alone.
        engine: ``"native"`` runs a coupled kernel in the native engine if the network consists of
            what programs have, else, and for ``"torch"``, by backward passes of PyTorch: the same
            numbers to rounding.

    Returns:
        float64 tensor (N, N), or (N, N') with ``other``.

    Raises:
        InputError: an unknown mode, no logits, no weights, or images of a wrong type.

    Warns:
        AutogradLayersWarning: weights that the native Gram doesn't know went through autograd
            (frozen mode; with ``details`` they are named in the result instead).
        EngineWarning: a coupled kernel that the native engine can't run, and why.
    """
    check_batch_norm(batch_norm)
    check_outputs(outputs)
    names = chosen_weights(network, params)
    check_images(network, images)
    if other is not None:
        check_images(network, other)
    if batch_norm == "coupled" and engine == "native":
        try:
            return _coupled_by_engine(network, images, other, names, outputs, details)
        except CannotLower as reason:
            warn_engine(reason, stacklevel=2)
    lefts = jacobians(network, images, names, batch_norm=batch_norm, outputs=outputs)
    if other is None:
        kernel = sum_of_grams(lefts)
    else:
        rights = jacobians(network, other, names, batch_norm=batch_norm, outputs=outputs)
        kernel = sum_of_grams(lefts, rights)
    by_autograd = autograd_names(lefts)
    if details:
        native = tuple(name for name in names if name not in by_autograd)
        return KernelDetails(kernel, native, by_autograd)
    if by_autograd and batch_norm == "frozen":
        warnings.warn(
            f"the native Gram doesn't know {', '.join(by_autograd)}: computed by autograd, one "
            "backward pass per image",
            AutogradLayersWarning,
            stacklevel=2,
        )
    return kernel


def _coupled_by_engine(
    network: nn.Module,
    images: Tensor,
    other: Tensor | None,
    names: list[str],
    outputs: str,
    details: bool,
) -> Tensor | KernelDetails:
    body = set(names)
    left, right = (images, None) if other is None else (other, images)
    _, kernel, cross = native_kernels(
        network, left, right, in_body=body.__contains__, batch_norm="coupled", outputs=outputs
    )
    kernel = kernel if other is None else cross
    return KernelDetails(kernel, tuple(names), ()) if details else kernel


def chosen_weights(network: nn.Module, params: ParameterChoice) -> list[str]:
    """The names of the weights that ``params`` stands for; ``InputError`` if there are none."""
    names = weight_names(network)
    if callable(params):
        names = [name for name in names if params(name)]
    elif params == "cells":
        prefixes = getattr(network, "cell_prefixes", None)
        if prefixes is None:
            raise InputError(
                f"{type(network).__name__} doesn't say which parameters are in its cells; set its "
                'attribute cell_prefixes, or pass params="all" or a function of the name'
            )
        names = [name for name in names if name.startswith(tuple(prefixes))]
    elif params != "all":
        raise InputError(f'unknown params {params!r}; use "all", "cells" or a function of the name')
    if not names and params != "cells":
        raise InputError(f"{type(network).__name__} has no parameter named …weight to derive by")
    return names


def autograd_names(parts: list[Jacobian]) -> tuple[str, ...]:
    """Weights whose rows came from autograd."""
    return tuple(sorted({name for part in parts for name in part.rows}))


def sum_of_grams(lefts: list[Jacobian], rights: list[Jacobian] | None = None) -> Tensor:
    """Sum over logits of J Jᵀ, or of J_left J_rightᵀ."""
    pairs = [(left, None) for left in lefts] if rights is None else zip(lefts, rights, strict=True)
    return torch.stack([gram(left, right) for left, right in pairs]).sum(0)


def check_images(network: nn.Module, images: Tensor) -> None:
    """Raise ``InputError`` unless ``images`` is a batch of the network's type, on its device."""
    if not isinstance(images, Tensor) or not images.is_floating_point():
        kind = images.dtype if isinstance(images, Tensor) else type(images).__name__
        raise InputError(f"images must be a floating-point tensor (N, ...), got {kind}")
    if images.dtype not in (torch.float32, torch.float64):
        raise InputError(f"images must be float32 or float64, got {images.dtype}; convert them")
    if images.dim() < 2 or len(images) == 0:
        raise InputError(f"images must be a batch (N, ...), got shape {tuple(images.shape)}")
    parameter = next(network.parameters(), None)
    if parameter is not None and parameter.device != images.device:
        raise InputError(
            f"images are on {images.device} but the network is on {parameter.device}; move one of "
            "them"
        )
    if parameter is not None and parameter.dtype != images.dtype:
        raise InputError(
            f"images are {images.dtype} but the network is {parameter.dtype}; convert one of them"
        )
