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
from tegnas.kernel.checks import check_images
from tegnas.kernel.gradients import Jacobian, check_outputs, gram, jacobians
from tegnas.kernel.messages import AutogradLayersWarning, warn_engine
from tegnas.kernel.native_kernels import native_kernels
from tegnas.kernel.row_owners import keeps_rows
from tegnas.parameters import counted_parameters, searched_prefixes

ParameterChoice = str | Callable[[str], bool]


@dataclass(frozen=True)
class KernelDetails:
    """A kernel with the names of the parameters behind it.

    Attributes:
        kernel: float64 (N, N), or (N, N') between two batches.
        native: parameters whose part the native Gram or engine computed.
        autograd: parameters whose rows came from autograd: by one backward pass per image, or two
            passes in all where they are added to every image (positions) or repeated (tokens).
        left_out: the parameters that don't count: biases, and what ``params`` doesn't choose.
    """

    kernel: Tensor
    native: tuple[str, ...]
    autograd: tuple[str, ...]
    left_out: tuple[str, ...] = ()


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
        network: gives logits (N, K) for images (N, C, H, W), alone or as ``logits`` of a larger
            output. BatchNorm uses the statistics of the batch (running statistics are neither read
            nor written), dropout and autocast are off, and the network is afterwards exactly as it
            was, the state of the random numbers included.
        images: floating-point tensor with the image index first.
        other: a second batch (N', ...) gives the cross kernel between the two; each batch has
            BatchNorm statistics of its own.
        batch_norm: ``"frozen"`` holds the statistics constant in the derivative, ``"coupled"``
            differentiates through them as the paper does (N backward passes).
        params: ``"all"``, the ``"searched"`` ones of a network that says in ``searched_prefixes``
            what their names begin with, or a function from a parameter's name to bool, each
            without biases (``tegnas.parameters.counted_parameters``).
        outputs: ``"sum"``, the kernel of the summed logits (the paper's), or ``"trace"``, the
            sum of the kernels of the logits.
        details: return ``KernelDetails`` instead of the kernel alone.
        engine: ``"native"`` runs a coupled kernel in the native engine if the network consists of
            what programs have, else, and for ``"torch"``, by backward passes of PyTorch: the same
            numbers to rounding.

    Returns:
        float64 tensor (N, N), or (N, N') with ``other``.

    Raises:
        InputError: an unknown mode, no logits, no parameters that count, images or a network of a
            wrong kind, or one that hides layers from the derivative (reentrant checkpoints).

    Warns:
        AutogradLayersWarning: parameters that the native Gram doesn't know went through autograd
            (frozen mode; with ``details`` they are named in the result instead).
        LeftOutWarning: trainable tensors that aren't parameters of the network.
        ConstantSumWarning: all images have the same sum of logits, as behind a softmax.
        EngineWarning: a coupled kernel that the native engine can't run, and why.
    """
    check_batch_norm(batch_norm)
    check_outputs(outputs)
    check_images(network, images)
    if other is not None:
        check_images(network, other)
    names = chosen_weights(network, params)
    if batch_norm == "coupled" and engine == "native" and not keeps_rows(network):
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
        return KernelDetails(kernel, native, by_autograd, _left_out(network, names))
    slow = sorted({name for part in lefts for name in part.one_by_one})
    if slow and batch_norm == "frozen":
        warnings.warn(
            f"the native Gram doesn't know {', '.join(slow)}: computed by autograd, one "
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
    searched = set(names)
    left, right = (images, None) if other is None else (other, images)
    _, kernel, cross = native_kernels(
        network,
        left,
        right,
        is_searched=searched.__contains__,
        batch_norm="coupled",
        outputs=outputs,
    )
    kernel = kernel if other is None else cross
    if not details:
        return kernel
    return KernelDetails(kernel, tuple(names), (), _left_out(network, names))


def _left_out(network: nn.Module, names: list[str]) -> tuple[str, ...]:
    chosen = set(names)
    return tuple(name for name, _ in network.named_parameters() if name not in chosen)


def chosen_weights(network: nn.Module, params: ParameterChoice) -> list[str]:
    """The names of the parameters that ``params`` stands for.

    Raises ``InputError`` if there are none, unless nothing is searched.
    """
    names = counted_parameters(network)
    if callable(params):
        names = [name for name in names if params(name)]
    elif params == "searched":
        prefixes = searched_prefixes(network)
        if prefixes is None:
            raise InputError(
                f"{type(network).__name__} doesn't say which of its parameters are searched; set "
                'its attribute searched_prefixes, or pass params="all" or a function of the name'
            )
        names = [name for name in names if name.startswith(prefixes)]
    elif params != "all":
        raise InputError(
            f'unknown params {params!r}; use "all", "searched" or a function of the name'
        )
    if not names and params != "searched":
        chosen = " that params chooses" if callable(params) else ""
        raise InputError(
            f"{type(network).__name__} has no parameter{chosen} to derive by: all but biases count"
        )
    return names


def autograd_names(parts: list[Jacobian]) -> tuple[str, ...]:
    """Parameters whose rows came from autograd."""
    return tuple(sorted({name for part in parts for name in part.rows}))


def sum_of_grams(lefts: list[Jacobian], rights: list[Jacobian] | None = None) -> Tensor:
    """Sum over logits of J Jᵀ, or of J_left J_rightᵀ."""
    pairs = [(left, None) for left in lefts] if rights is None else zip(lefts, rights, strict=True)
    return torch.stack([gram(left, right) for left, right in pairs]).sum(0)
