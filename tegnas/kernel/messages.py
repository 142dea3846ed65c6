"""Warnings: a slower way to the same numbers, and numbers that may not be what was wanted."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from torch import Tensor, nn


class AutogradLayersWarning(UserWarning):
    """Some weights took one backward pass per image because the native Gram doesn't know them."""


class EngineWarning(UserWarning):
    """Networks took the way of PyTorch modules because the native engine can't run them."""


class LeftOutWarning(UserWarning):
    """Trainable tensors of a network are left out of its kernel."""


class ConstantSumWarning(UserWarning):
    """The outputs of every image have the same sum: the kernel of the sum is rounding."""


class SingularKernelWarning(UserWarning):
    """The kernel of a network is singular on the examples: what is made of it is infinite."""


def warn_left_out(network: nn.Module, tensors: Sequence[Tensor]) -> None:
    """Say which trainable tensors don't count."""
    shapes = ", ".join("×".join(map(str, each.shape)) or "a number" for each in tensors)
    warnings.warn(
        f"{type(network).__name__} reads trainable tensors that aren't among its parameters "
        f"({shapes}): they are left out of the kernel; register each as nn.Parameter",
        LeftOutWarning,
        stacklevel=4,
    )


def warn_constant_sum(network: nn.Module) -> None:
    """Say that the kernel of the summed outputs means nothing."""
    warnings.warn(
        f"the outputs of {type(network).__name__} have the same sum for every image, as those of a "
        "softmax: the kernel of their sum is nothing but rounding; score the network without its "
        'last layer, or take outputs="trace"',
        ConstantSumWarning,
        stacklevel=4,
    )


def warn_engine(reason: object, *, stacklevel: int) -> None:
    """Say that the native engine can't run a network, and why."""
    warnings.warn(
        f"the native engine can't run this network ({reason}): computed by PyTorch modules, which "
        "is slower",
        EngineWarning,
        stacklevel=stacklevel + 1,
    )


def warn_singular(network: nn.Module, count: int, examples: str, infinite: Sequence[str]) -> None:
    """Say why indicators are infinite, and what can be done about it."""
    one = len(infinite) == 1
    warnings.warn(
        f"the kernel of {type(network).__name__} on these {count} {examples} is singular, so that "
        f"{' and '.join(infinite)} {'is' if one else 'are'} infinite: some {examples} look alike "
        "to the network, or it has fewer weights than that; standardise them, or give fewer "
        "(train=) or others (seed=)",
        SingularKernelWarning,
        stacklevel=3,
    )
