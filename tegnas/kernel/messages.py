"""Warnings that say which part took a slower way, and why; the numbers are the same."""

from __future__ import annotations

import warnings


class AutogradLayersWarning(UserWarning):
    """Some weights took one backward pass per image because the native Gram doesn't know them."""


class EngineWarning(UserWarning):
    """Networks took the way of PyTorch modules because the native engine can't run them."""


def warn_engine(reason: object, *, stacklevel: int) -> None:
    """Say that the native engine can't run a network, and why."""
    warnings.warn(
        f"the native engine can't run this network ({reason}): computed by PyTorch modules, which "
        "is slower",
        EngineWarning,
        stacklevel=stacklevel + 1,
    )
