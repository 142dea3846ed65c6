"""Named settings of a score, and which of them counts where nothing is said."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from tegnas.errors import InputError
from tegnas.scoring.average import MEAN, MEDIAN
from tegnas.scoring.ranking import LOG_RANK, RANK_SUM
from tegnas.scoring.settings import LEFT_OUT, PAPER, ScoreSettings


@dataclass(frozen=True)
class Preset:
    """What a preset sets; options given one by one win over it.

    Attributes:
        definition, image_size, average, combination, parameters, batch_norm: as in
            ``ScoreSettings``.
        repeats: networks per architecture.
        region_samples, region_batch_size: of the region count.
        train, val: images of the batches behind T and G.
    """

    batch_norm: str
    repeats: int
    region_samples: int
    region_batch_size: int
    train: int = 64
    val: int = 64
    definition: str = PAPER
    image_size: int | None = None
    average: str = MEAN
    combination: str = RANK_SUM
    parameters: bool = False

    def settings(self, **changes: Any) -> ScoreSettings:
        """Its settings of the score; ``changes`` are those of ``ScoreSettings``."""
        values = asdict(self)
        del values["train"], values["val"]
        return ScoreSettings(**(values | changes))


# The sizes of the first two are those of the paper's released code: three networks, batches of 64
# images, three batches of 1000 inputs for the region count. Strategies have the published defaults
# anyway. What "best" is made of was chosen by the studies in docs/ranking.md and
# docs/ranking-second.md.
PRESETS = {
    "fast": Preset("frozen", 3, 3000, 1000),
    "paper": Preset("coupled", 3, 3000, 1000),
    "best": Preset(
        "frozen",
        5,
        1000,
        1000,
        definition=LEFT_OUT,
        image_size=16,
        average=MEDIAN,
        combination=LOG_RANK,
        parameters=True,
    ),
}

# Python's ``score``, ``search`` and ``compare`` take the one that ranks best. The command takes
# "fast", the three numbers as the paper defines them, which is also what ``ScoreSettings()`` says.
DEFAULT_PRESET = "best"


def get_preset(name: str) -> Preset:
    """The preset of that name; ``InputError`` names the known ones."""
    try:
        return PRESETS[name]
    except KeyError:
        raise InputError(f"unknown preset {name!r}; tegnas has {', '.join(PRESETS)}") from None


def default_settings(**changes: Any) -> ScoreSettings:
    """The settings of a score where none are given; ``changes`` are those of ``ScoreSettings``."""
    return PRESETS[DEFAULT_PRESET].settings(**changes)
