"""Where the feature maps of a network end."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode


class LastFeatureMap(TorchDispatchMode):
    """Finds the last feature map of a forward pass, before the global pooling where there is one.

    What is pooled to one pixel ends there, unless feature maps of more pixels follow, as they do
    where channels are weighed by what was pooled.

    Attributes:
        found: (N, C, H, W), or None if there was none.
    """

    def __init__(self) -> None:
        super().__init__()
        self.found: Tensor | None = None
        self._pooled = False

    def __torch_dispatch__(
        self,
        func: Callable[..., object],
        types: Sequence[type],
        args: tuple = (),
        kwargs: dict | None = None,
    ) -> object:
        result = func(*args, **(kwargs or {}))
        output = result[0] if isinstance(result, tuple) and result else result
        before = args[0] if args else None
        if not isinstance(output, Tensor) or not output.is_floating_point():
            return result
        if isinstance(before, Tensor) and _pools(func, before, output):
            self.found, self._pooled = before, True
        elif output.dim() == 4 and (_pixels(output) > 1 or not self._pooled):
            self.found, self._pooled = output, False
        return result


def _pools(func: Callable[..., object], before: Tensor, after: Tensor) -> bool:
    """Whether every channel of a map becomes one number."""
    if func is torch.ops.aten.convolution.default or before.dim() != 4 or _pixels(before) == 1:
        return False
    return (
        after.shape[:2] == before.shape[:2] and after.numel() == before.shape[0] * before.shape[1]
    )


def _pixels(features: Tensor) -> int:
    return features.shape[2] * features.shape[3]
