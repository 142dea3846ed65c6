"""Indicators of the user's own: a function and a decorator."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from tokenize import TokenError
from typing import Any

import torch

from tegnas.errors import InputError
from tegnas.indicators.base import EXTRA, Indicator
from tegnas.indicators.sources import ALL, SEARCHED, Architecture, Kernel, Kernels, Network, Source

FROM = ("network", "kernel", "architecture")


def indicator(
    *,
    better: str,
    computed_from: str = "network",
    name: str | None = None,
    symbol: str | None = None,
    role: str = EXTRA,
    log_scale: bool = False,
    weight: float = 1.0,
    network: str = "full",
    networks: int = 1,
    weights: str = SEARCHED,
) -> Callable[[Callable[..., Any]], Indicator]:
    """Make an indicator of a function, for ``indicators=[…]`` and ``--indicator FILE.py:NAME``.

    Args:
        better: ``"lower"`` or ``"higher"``.
        computed_from: what the function is called with. ``"network"``: ``(network, images,
            labels)``, an untrained ``nn.Module`` and the training images. ``"kernel"``:
            ``(kernel)``, the NTK of a small network on the images, float64 (N, N).
            ``"architecture"``: ``(arch, space)``. It returns a number; NaN from a network or a
            kernel counts as a failure, from an architecture as not defined.
        name: by default that of the function.
        symbol: in tables, by default the name.
        role: ``"T"``, ``"E"``, ``"G"`` or ``"extra"``.
        log_scale: whether values span orders of magnitude.
        weight: how much its ranks count beside those of others.
        network: for ``"network"``: which kind, see ``Space.network``.
        networks: for ``"network"``: how many of different seeds are looked at.
        weights: for ``"kernel"``: ``"searched"`` or ``"all"``.

    Raises:
        InputError: a malformed name or weight, or an unknown role, direction or kind of source.
    """

    def decorate(function: Callable[..., Any]) -> Indicator:
        if computed_from not in FROM:
            raise InputError(
                f"computed_from must be one of {', '.join(FROM)}, got {computed_from!r}"
            )
        if weights not in (ALL, SEARCHED):
            raise InputError(f"weights must be {ALL} or {SEARCHED}, got {weights!r}")
        source: Source
        compute: Callable[..., Any] = function
        if computed_from == "network":
            source = Network(network, networks)
        elif computed_from == "kernel":
            source, compute = Kernel(weights), _of_each_kernel(function, weights)
        else:
            source, compute = Architecture(), lambda arch, space, batch: function(arch, space)
        own = name or function.__name__
        return Indicator(
            name=own,
            symbol=symbol or own,
            title=(inspect.getdoc(function) or own).partition("\n")[0].rstrip("."),
            role=role,
            better=better,
            source=source,
            compute=compute,
            log_scale=log_scale,
            weight=weight,
            version=_fingerprint(function),
        )

    return decorate


def _of_each_kernel(function: Callable[..., Any], weights: str) -> Callable[[Kernels], Any]:
    def compute(kernels: Kernels) -> torch.Tensor:
        chosen = kernels.all if weights == ALL else kernels.searched
        assert chosen is not None
        return torch.tensor([float(function(each)) for each in chosen], dtype=torch.float64)

    return compute


def _fingerprint(function: Callable[..., Any]) -> str:
    """Of the function's text, so that scores of an edited one aren't taken for the old one's."""
    try:
        text = inspect.getsource(function)
    except (OSError, TypeError, SyntaxError, TokenError):  # typed at a prompt, or an object
        code = getattr(function, "__code__", None)
        text = repr((code.co_code, code.co_consts, code.co_names)) if code else repr(function)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
