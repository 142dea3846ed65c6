"""Spaces of the user's own: named choices, and a function that builds the network.

from tegnas.spaces import ChoiceSpace

def build(choices, num_classes):
    return nn.Sequential(nn.Conv2d(3, choices["width"], 3, padding=1), nn.ReLU(), ...)

SPACE = ChoiceSpace("cnn", {"width": (8, 16), "depth": (1, 2)}, build)
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor, nn

from tegnas.errors import InputError
from tegnas.networks.initialise import initialised
from tegnas.parameters import searched_prefixes
from tegnas.spaces.base import DEEP_KINDS, NETWORK_KINDS, THIN_KINDS, check_kind
from tegnas.spaces.factorised import Choice
from tegnas.spaces.product import ProductSpace
from tegnas.spaces.small_size import DEEP_SIZE, DEEP_THIN_SIZE, SmallSize

# ``build(choices, num_classes)``, or with ``width=`` and ``depth=``, see ``ChoiceSpace``.
Builder = Callable[..., nn.Module]

_KINDS = (*NETWORK_KINDS, *DEEP_KINDS)

# Of the images that regions are counted on where a space says nothing.
_SIDES = {"thin": 3, "deep-thin": 2}
# Letters of a text that needs no code in its place.
_SHORT_ENOUGH = 24


@dataclass(frozen=True)
class ChoiceArchitecture:
    """The option taken in every choice, by name and printed form."""

    options: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return ",".join(f"{name}={option}" for name, option in self.options)


class ChoiceSpace(ProductSpace):
    """A space given by its choices.

    Args:
        name: what results call it.
        choices: the options of every choice by its name. Options are anything whose printed forms
            differ and hold no comma.
        build: ``build(choices, num_classes)`` makes the network of the options taken, a mapping
            from name to option. It must give logits (N, num_classes) for images (N, C, H, W), or
            whatever other examples (N, …) the space is scored on. Its weights are set afterwards,
            from the seed.
        proxy: the same for a small network with the same choices, on which T and G are computed;
            without it they are computed on the network itself.
        thin: the same for the network on which linear regions are counted; without it, the proxy.
        region_input_shape: of one input of the region count, small enough that networks differ:
            standard normal numbers, or ids drawn like those of the data. By default images of 3×3
            pixels, 2×2 for deep networks, and inputs drawn like the data where it isn't images or
            the networks don't take small ones.
        region_inputs: a function of a number and a ``torch.Generator`` that draws so many inputs of
            the region count, in place of ``region_input_shape``.
        image_channels: how many channels of images the networks take: 3, or 1 for grey ones.
            Grey images are given to them that way; by default images stay as they are.
        searched: what the names of the searched weights begin with, which T and G are computed
            from; all by default.
        channels: of the first stage of the narrowest network. Where it is given, the space has deep
            small networks, by one rule with the published spaces: ``build(choices, num_classes,
            width=share)`` makes the network as it is with that share of its channels, and linear
            regions are counted on the same, still narrower, unless there is a ``thin``.
        deep, deep_thin: how much of the network they keep. With a depth below 1, ``build`` is also
            given ``depth=``, the share of the blocks of each stage. By default as published spaces,
            and all of the depth where ``build`` doesn't take it.

    Attributes:
        deep, deep_thin: of the small networks.
        image_channels: as given.

    Raises:
        InputError: no choices, a choice without options, names and options that can't be told
            apart in text, fewer channels than one, or a ``build`` that doesn't take what it would
            be given.
    """

    weights_by_name = True

    def __init__(
        self,
        name: str,
        choices: Mapping[str, Sequence[object]],
        build: Builder,
        *,
        proxy: Builder | None = None,
        thin: Builder | None = None,
        region_input_shape: tuple[int, ...] | None = None,
        region_inputs: Callable[[int, torch.Generator], Tensor] | None = None,
        image_channels: int | None = None,
        searched: tuple[str, ...] = ("",),
        channels: int | None = None,
        deep: SmallSize | None = None,
        deep_thin: SmallSize | None = None,
    ) -> None:
        if not choices:
            raise InputError(f"the space {name!r} has no choices; give it at least one")
        self.name = name
        self._values = {
            choice: {str(option): option for option in options}
            for choice, options in choices.items()
        }
        for choice, options in choices.items():
            printed = [str(option) for option in options]
            if not printed or len(set(printed)) < len(printed):
                raise InputError(
                    f"choice {choice!r} of {name!r} needs options with different printed forms, "
                    f"got {printed}"
                )
            if any(char in text for text in (choice, *printed) for char in ",=\n"):
                raise InputError(
                    f"choice {choice!r} of {name!r} holds a comma, a line break or '=' in its "
                    "name or options"
                )
        self.deep = _size_for(build, DEEP_SIZE) if deep is None else deep
        self.deep_thin = _size_for(build, DEEP_THIN_SIZE) if deep_thin is None else deep_thin
        self._builders: dict[str, Builder] = {
            "full": build,
            "proxy": proxy or build,
            "thin": thin or proxy or build,
        }
        if channels is not None:
            if channels < 1:
                raise InputError(f"channels must be at least 1, got {channels}")
            self.deep_kinds = DEEP_KINDS
            self._builders["deep"] = _narrowed(name, build, channels, self.deep)
            self._builders["deep-thin"] = thin or _narrowed(name, build, channels, self.deep_thin)
        if region_input_shape is not None and region_inputs is not None:
            raise InputError(
                f"{name!r} has both region_input_shape and region_inputs; give one of them"
            )
        self._region_input_shape = region_input_shape
        self._region_inputs = region_inputs
        self.image_channels = image_channels
        self._searched = searched

    def parse(self, text: str) -> ChoiceArchitecture:
        """Read ``name=option,…`` or the short form.

        ``InputError`` names what is unknown or missing.
        """
        short = self.read_short(text)
        if short is not None:
            return short
        read = dict(part.partition("=")[::2] for part in text.strip().split(","))
        if set(read) != set(self._values):
            raise InputError(
                f"{text!r} is not an architecture of {self.name!r}, whose choices are "
                f"{', '.join(self._values)}, each as name=option with commas between"
            )
        for choice, option in read.items():
            if option not in self._values[choice]:
                raise InputError(
                    f"{choice}={option} in {text!r} is not an option of {self.name!r}; it has "
                    f"{', '.join(self._values[choice])}"
                )
        return ChoiceArchitecture(tuple((choice, read[choice]) for choice in self._values))

    def short(self, arch: ChoiceArchitecture) -> str:
        """The whole text, where no architecture of the space has a long one; else its code."""
        longest = sum(
            len(name) + max(map(len, options)) + 2 for name, options in self._values.items()
        )
        return str(arch) if longest <= _SHORT_ENOUGH else super().short(arch)

    def choices(self) -> tuple[Choice, ...]:
        """The choices, in the order given."""
        return tuple(Choice(name, tuple(options)) for name, options in self._values.items())

    def encode(self, arch: ChoiceArchitecture) -> tuple[int, ...]:
        """The index of every option taken."""
        return tuple(list(self._values[name]).index(option) for name, option in arch.options)

    def decode(self, indices: Sequence[int]) -> ChoiceArchitecture:
        """The architecture with these options."""
        return ChoiceArchitecture(
            tuple(
                (choice.name, choice.options[index])
                for choice, index in zip(self.choices(), indices, strict=True)
            )
        )

    def network(
        self,
        arch: ChoiceArchitecture,
        kind: str = "proxy",
        *,
        num_classes: int = 10,
        seed: int = 0,
    ) -> nn.Module:
        """What the builder of that kind makes, with weights from the seed."""
        check_kind(kind, tuple(each for each in _KINDS if each in self._builders))
        taken = {name: self._values[name][option] for name, option in arch.options}
        network = initialised(lambda: self._builders[kind](taken, num_classes), seed)
        if searched_prefixes(network) is None:
            vars(network)["searched_prefixes"] = self._searched
        if kind in THIN_KINDS:
            self._say_region_inputs(network, kind)
        return network

    def _say_region_inputs(self, network: nn.Module, kind: str) -> None:
        """Let a network say what its regions are counted on, unless it does."""
        if any(hasattr(network, name) for name in ("region_inputs", "region_input_shape")):
            return
        if self._region_inputs is not None:
            vars(network)["region_inputs"] = self._region_inputs
        elif self._region_input_shape is not None:
            vars(network)["region_input_shape"] = self._region_input_shape
        else:
            vars(network)["region_image_side"] = _SIDES[kind]


def _size_for(build: Builder, size: SmallSize) -> SmallSize:
    """The size, with all of the depth where the builder can't make less of it."""
    takes_depth = _takes(build, width=1.0, depth=size.depth)
    return size if takes_depth else replace(size, depth=1.0)


def _takes(build: Builder, **shares: float) -> bool:
    try:
        inspect.signature(build).bind({}, 1, **shares)
    except TypeError:
        return False
    return True


def _narrowed(name: str, build: Builder, channels: int, size: SmallSize) -> Builder:
    """``build`` for a small network of a size; ``channels`` are those that it has at full width."""
    shares = {"width": min(1.0, size.channels / channels)}
    if size.depth < 1:
        shares["depth"] = size.depth
    if not _takes(build, **shares):
        raise InputError(
            f"the builder of {name!r} is asked for small networks by a share, which it doesn't "
            f"take: give it the keyword {' and '.join(shares)}, or leave channels out"
        )
    return partial(build, **shares)
