"""Everything that changes the value of a score, in one immutable value."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass

from tegnas.errors import InputError
from tegnas.indicators.batch_statistics import check_batch_norm

# Raised whenever a change of code changes scores, so that old stores aren't read as new ones.
DEFINITION = 1

ENGINES = ("native", "torch")

# Leaves room to count up the repeats within what a torch generator takes.
MAX_SEED = 2**62


@dataclass(frozen=True)
class ScoreSettings:
    """Settings of a score.

    Attributes:
        batch_norm: ``"frozen"`` or ``"coupled"`` (see ``tegnas.ntk``).
        repeats: networks per architecture, initialised from ``seed``, ``seed + 1``, …
        seed: of the first network.
        region_samples: inputs on which linear regions are counted.
        region_batch_size: inputs per forward pass; BatchNorm statistics are those of the pass.
        ridge: added to the diagonal of the kernel before the regression behind G.
        share_isomorphic: isomorphic architectures have one score, that of the representative of
            their class. Their own scores differ slightly, since a weight depends on the place of
            its layer in the cell.
        engine: ``"native"``, or ``"torch"`` for PyTorch modules, one network at a time.
    """

    batch_norm: str = "frozen"
    repeats: int = 3
    seed: int = 0
    region_samples: int = 3000
    region_batch_size: int = 1000
    ridge: float = 0.0
    share_isomorphic: bool = False
    engine: str = "native"

    def __post_init__(self) -> None:
        check_batch_norm(self.batch_norm)
        if self.engine not in ENGINES:
            raise InputError(f"unknown engine {self.engine!r}; choose one of {', '.join(ENGINES)}")
        for name in ("repeats", "region_samples", "region_batch_size"):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise InputError(f"{name} must be a whole number, at least 1, got {value!r}")
        if type(self.seed) is not int or not 0 <= self.seed <= MAX_SEED:
            raise InputError(f"seed must be a whole number from 0 to {MAX_SEED}, got {self.seed!r}")
        if not 0 <= self.ridge < math.inf:
            raise InputError(f"ridge must be finite and 0 or more, got {self.ridge}")

    def key(self) -> str:
        """A short text that changes whenever a score could change."""
        text = json.dumps({"definition": DEFINITION, **asdict(self)}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
