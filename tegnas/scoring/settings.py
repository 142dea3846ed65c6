"""Everything that changes the value of a score, in one immutable value."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass

from tegnas.errors import InputError
from tegnas.kernel.batch_statistics import check_batch_norm
from tegnas.scoring.average import AVERAGES, MEAN
from tegnas.scoring.ranking import COMBINATIONS, RANK_SUM

ENGINES = ("native", "torch")

PAPER, LEFT_OUT = "paper", "left-out"
DEFINITIONS = (PAPER, LEFT_OUT)

# Raised whenever a change of code changes scores, so that old stores aren't read as new ones.
VERSIONS = {PAPER: 2, LEFT_OUT: 3}

# Leaves room to count up the repeats within what a torch generator takes.
MAX_SEED = 2**62


@dataclass(frozen=True)
class ScoreSettings:
    """Settings of a score.

    Attributes:
        definition: of κ and MSE: ``"paper"``, or ``"left-out"`` (see ``left_out``), which looks at
            the training images alone and takes no labels.
        image_size: images with larger sides are shrunk to this; None leaves them as they are.
        combination: how a set is ordered: ``"rank-sum"`` or ``"log-rank"`` (see ``combine``).
        parameters: whether the number of parameters of the full network takes part in that order
            as a fourth term.
        batch_norm: ``"frozen"`` or ``"coupled"`` (see ``tegnas.ntk``).
        average: over the networks of an architecture: ``"mean"``, or ``"median"``, with which a
            few networks with singular kernels don't decide.
        repeats: networks per architecture, initialised from ``seed``, ``seed + 1``, …
        seed: of the first network.
        region_samples: inputs on which linear regions are counted.
        region_batch_size: inputs per forward pass; BatchNorm statistics are those of the pass.
        ridge: added to the diagonal of the kernel before the regression behind G, by the
            definition ``"paper"``.
        share_isomorphic: isomorphic architectures have one score, that of the representative of
            their class. Their own scores differ slightly, since a weight depends on the place of
            its layer in the cell.
        engine: ``"native"``, or ``"torch"`` for PyTorch modules, one network at a time.
    """

    definition: str = PAPER
    image_size: int | None = None
    combination: str = RANK_SUM
    parameters: bool = False
    batch_norm: str = "frozen"
    average: str = MEAN
    repeats: int = 3
    seed: int = 0
    region_samples: int = 3000
    region_batch_size: int = 1000
    ridge: float = 0.0
    share_isomorphic: bool = False
    engine: str = "native"

    def __post_init__(self) -> None:
        check_batch_norm(self.batch_norm)
        for name, known in (
            ("definition", DEFINITIONS),
            ("combination", COMBINATIONS),
            ("average", AVERAGES),
            ("engine", ENGINES),
        ):
            value = getattr(self, name)
            if value not in known:
                raise InputError(f"unknown {name} {value!r}; choose one of {', '.join(known)}")
        if self.image_size is not None and (
            type(self.image_size) is not int or self.image_size < 1
        ):
            raise InputError(
                f"image_size must be a whole number, at least 1, or None, got {self.image_size!r}"
            )
        for name in ("repeats", "region_samples", "region_batch_size"):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise InputError(f"{name} must be a whole number, at least 1, got {value!r}")
        if type(self.seed) is not int or not 0 <= self.seed <= MAX_SEED:
            raise InputError(f"seed must be a whole number from 0 to {MAX_SEED}, got {self.seed!r}")
        if not 0 <= self.ridge < math.inf:
            raise InputError(f"ridge must be finite and 0 or more, got {self.ridge}")
        if self.ridge > 0 and self.definition != PAPER:
            raise InputError(f"a ridge belongs to the definition {PAPER}; leave it out")

    def key(self) -> str:
        """A short text that changes whenever a score could change."""
        values = asdict(self)
        # What is made of the scores of single networks changes none of them.
        for name in ("average", "combination", "parameters"):
            del values[name]
        text = json.dumps({"version": VERSIONS[self.definition], **values}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
