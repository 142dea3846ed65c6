"""Networks that PyTorch can't differentiate, since they write over what the gradient needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from tegnas.errors import InputError

_WRITTEN_OVER = "modified by an inplace operation"


@contextmanager
def refuse_written_over(network: nn.Module) -> Iterator[None]:
    """Turn PyTorch's error about an operation in place into an ``InputError`` that says so."""
    try:
        yield
    except RuntimeError as error:
        if _WRITTEN_OVER not in str(error):
            raise
        raise InputError(
            f"{type(network).__name__} changes a tensor in place that its gradient needs "
            f"({str(error).partition(':')[2].partition(';')[0].strip()}), so that PyTorch can't "
            "differentiate it: make that operation one that isn't in place"
        ) from error
