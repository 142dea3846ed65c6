"""Named settings of a search."""

from __future__ import annotations

from dataclasses import dataclass

from tegnas.errors import InputError


@dataclass(frozen=True)
class Preset:
    """What a preset sets; options given one by one win over it.

    Attributes:
        batch_norm: as in ``ScoreSettings``.
        repeats: networks per architecture.
        region_samples, region_batch_size: of the region count.
        train, val: images of the batches behind T and G.
    """

    batch_norm: str
    repeats: int
    region_samples: int
    region_batch_size: int
    train: int
    val: int


# The sizes are those of the paper's released code in both: three networks, batches of 64 images,
# three batches of 1000 inputs for the region count. Strategies have the published defaults anyway.
PRESETS = {
    "fast": Preset("frozen", 3, 3000, 1000, 64, 64),
    "paper": Preset("coupled", 3, 3000, 1000, 64, 64),
}


def get_preset(name: str) -> Preset:
    """The preset of that name; ``InputError`` names the known ones."""
    try:
        return PRESETS[name]
    except KeyError:
        raise InputError(f"unknown preset {name!r}; tegnas has {', '.join(PRESETS)}") from None
