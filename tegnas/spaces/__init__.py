"""Search spaces: architectures as small immutable values."""

from __future__ import annotations

from collections.abc import Iterable

from tegnas.errors import InputError, type_of
from tegnas.spaces.autoformer import AutoFormer
from tegnas.spaces.base import NETWORK_KINDS, Architecture, DeepSpace, ProgramSpace, Space
from tegnas.spaces.choice_space import ChoiceSpace
from tegnas.spaces.darts import Darts
from tegnas.spaces.darts_architecture import DartsArchitecture
from tegnas.spaces.loading import is_reference, load_space
from tegnas.spaces.mnasnet import MnasNet
from tegnas.spaces.mobilenet import MobileNetSpace
from tegnas.spaces.nasbench101 import NasBench101, NasBench101Architecture
from tegnas.spaces.nasbench201 import NasBench201, NasBench201Architecture
from tegnas.spaces.nasbench_macro import NasBenchMacro
from tegnas.spaces.nats_size import NatsSize
from tegnas.spaces.pit import PiT
from tegnas.spaces.transnas_macro import TransNasMacro
from tegnas.spaces.transnas_micro import TransNasMicro
from tegnas.spaces.vit import ViT

_SPACES = {
    each.name: each
    for each in (
        NasBench201,
        NasBench101,
        TransNasMicro,
        TransNasMacro,
        NatsSize,
        NasBenchMacro,
        Darts,
        MobileNetSpace,
        MnasNet,
        AutoFormer,
        PiT,
        ViT,
    )
}


def space_names() -> tuple[str, ...]:
    """The names that ``get_space`` knows."""
    return tuple(_SPACES)


def get_space(name: str) -> Space:
    """The search space of that name, or from a file by ``FILE.py:NAME``.

    ``InputError`` names the known ones.
    """
    if is_reference(name):
        return load_space(name)
    try:
        return _SPACES[name.lower()]()
    except KeyError:
        known = ", ".join(_SPACES)
        raise InputError(
            f"unknown search space {name!r}; tegnas knows {known}, and FILE.py:NAME"
        ) from None


def as_space(given: Space | str) -> Space:
    """A space by itself, or by its name as ``get_space`` takes it.

    Raises:
        InputError: it is neither.
    """
    if isinstance(given, str):
        return get_space(given)
    if isinstance(given, type) or not isinstance(given, Space):
        raise InputError(
            f"{type_of(given)} is not a search space; give one, or its name: "
            f"{', '.join(_SPACES)} or FILE.py:NAME"
        )
    return given


def as_architecture(space: Space, given: Architecture | str) -> Architecture:
    """An architecture by itself, or by its text as ``space.parse`` reads it."""
    return space.parse(given) if isinstance(given, str) else given


def as_architectures(
    space: Space, given: Architecture | str | Iterable[Architecture | str]
) -> tuple[Architecture, ...]:
    """Architectures by themselves or by their texts; one alone is a set of one."""
    alone = isinstance(given, str) or not isinstance(given, Iterable)
    return tuple(as_architecture(space, each) for each in ([given] if alone else given))


__all__ = [
    "NETWORK_KINDS",
    "Architecture",
    "AutoFormer",
    "ChoiceSpace",
    "Darts",
    "DartsArchitecture",
    "DeepSpace",
    "MnasNet",
    "MobileNetSpace",
    "NasBench101",
    "NasBench101Architecture",
    "NasBench201",
    "NasBench201Architecture",
    "NasBenchMacro",
    "NatsSize",
    "PiT",
    "ProgramSpace",
    "Space",
    "TransNasMacro",
    "TransNasMicro",
    "ViT",
    "as_architecture",
    "as_architectures",
    "as_space",
    "get_space",
    "space_names",
]
