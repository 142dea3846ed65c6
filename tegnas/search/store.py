"""Every score ever computed in a run, in one SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from tegnas.errors import InputError
from tegnas.scoring.average import MEAN, averaged
from tegnas.scoring.scores import Scores
from tegnas.search.evaluation import Evaluation
from tegnas.spaces import Architecture

VERSION = 2

# Significant digits of what searches see. The last digits of a score depend on the
# batches that architectures were scored in (and so on kills and on the number of workers); those
# kept don't, and architectures of one function tie.
_DIGITS = 10

_SCHEMA = """
CREATE TABLE IF NOT EXISTS scores (
    space TEXT NOT NULL, architecture TEXT NOT NULL, settings TEXT NOT NULL, data TEXT NOT NULL,
    repeat INTEGER NOT NULL, kappa REAL NOT NULL, regions REAL NOT NULL, mse REAL NOT NULL,
    seconds REAL NOT NULL,
    PRIMARY KEY (space, architecture, settings, data, repeat)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS costs (
    space TEXT NOT NULL, architecture TEXT NOT NULL, name TEXT NOT NULL, cost REAL NOT NULL,
    PRIMARY KEY (space, architecture, name)
) WITHOUT ROWID;
"""


class ScoreStore:
    """Scores keyed by space, architecture, settings of the score and fingerprint of the data.

    ``average`` is taken over the repeats of an architecture (see ``ScoreSettings``).

    What was written survives a killed process: every ``add`` is one committed transaction.
    """

    def __init__(
        self, path: Path | None, *, space: str, settings: str, data: str, average: str = MEAN
    ) -> None:
        self._average = average
        self._key = (space, settings, data)
        self._path = path
        with self._errors():
            self._connection = sqlite3.connect(":memory:" if path is None else path)
            self._prepare()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise InputError(
                f"{self._path} can't be used as a store of scores ({error}); choose another --out"
            ) from None

    def _prepare(self) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version not in (0, VERSION):
            raise InputError(
                f"{self._path} was written by another version of tegnas (format {version}, this "
                f"one reads {VERSION}); choose another --out"
            )
        # Write-ahead logging: a commit costs no wait for the disk, and a kill loses nothing.
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        with self._connection:
            for statement in _SCHEMA.split(";"):
                self._connection.execute(statement)
            self._connection.execute(f"PRAGMA user_version = {VERSION}")

    def get(self, arch: Architecture) -> Evaluation | None:
        """The stored score of an architecture, to ten digits, if there is one."""
        space, settings, data = self._key
        with self._errors():
            rows = self._connection.execute(
                "SELECT kappa, regions, mse FROM scores WHERE space = ? AND architecture = ? "
                "AND settings = ? AND data = ? ORDER BY repeat",
                (space, str(arch), settings, data),
            ).fetchall()
        if not rows:
            return None
        table = torch.tensor(rows, dtype=torch.float64)
        kappa, regions, mse = _rounded(averaged(table.T, self._average).tolist())
        networks = tuple(_rounded(row) for row in rows)
        return Evaluation(arch, kappa, regions, mse, networks=networks)

    def add(self, scores: Scores, seconds: float = 0.0) -> None:
        """Write all repeats of some scores, and the time that went by for them together."""
        space, settings, data = self._key
        columns = (scores.kappa_repeats, scores.regions_repeats, scores.mse_repeats)
        table = torch.stack(columns, -1).tolist()
        share = seconds / max(1, scores.kappa_repeats.numel())
        self._write(
            (space, str(arch), settings, data, repeat, *values, share)
            for arch, repeats in zip(scores.archs, table, strict=True)
            for repeat, values in enumerate(repeats)
        )

    def copy(self, archs: Iterable[Architecture], other: ScoreStore) -> None:
        """Take over what another store knows of some architectures, their seconds included."""
        space, settings, data = self._key
        for arch in archs:
            with other._errors():
                rows = other._connection.execute(
                    "SELECT * FROM scores WHERE space = ? AND architecture = ? AND settings = ? "
                    "AND data = ?",
                    (space, str(arch), settings, data),
                ).fetchall()
            self._write(rows)

    def share(self, scored: Architecture, arch: Architecture) -> None:
        """Write the score of one architecture for another too, which took no time."""
        space, settings, data = self._key
        with self._errors(), self._connection:
            self._connection.execute(
                "INSERT OR REPLACE INTO scores SELECT space, ?, settings, data, repeat, kappa, "
                "regions, mse, 0.0 FROM scores WHERE space = ? AND architecture = ? "
                "AND settings = ? AND data = ?",
                (str(arch), space, str(scored), settings, data),
            )

    def seconds(self) -> float:
        """The time that all scores of this key took, whoever computed them."""
        with self._errors():
            (total,) = self._connection.execute(
                "SELECT TOTAL(seconds) FROM scores WHERE space = ? AND settings = ? AND data = ?",
                self._key,
            ).fetchone()
        return total

    def cost(self, arch: str, name: str) -> float | None:
        """A stored cost of an architecture, if there is one."""
        with self._errors():
            row = self._connection.execute(
                "SELECT cost FROM costs WHERE space = ? AND architecture = ? AND name = ?",
                (self._key[0], arch, name),
            ).fetchone()
        return None if row is None else row[0]

    def add_cost(self, arch: str, name: str, cost: float) -> None:
        """Write a cost of an architecture."""
        with self._errors(), self._connection:
            self._connection.execute(
                "INSERT OR REPLACE INTO costs VALUES (?, ?, ?, ?)",
                (self._key[0], arch, name, cost),
            )

    def _write(self, rows: Iterable[tuple[object, ...]]) -> None:
        with self._errors(), self._connection:
            self._connection.executemany(
                "INSERT OR REPLACE INTO scores VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows
            )

    def __len__(self) -> int:
        (count,) = self._connection.execute(
            "SELECT COUNT(*) FROM (SELECT DISTINCT space, architecture, settings, data FROM scores)"
        ).fetchone()
        return count

    def close(self) -> None:
        """Release the file."""
        self._connection.close()


def _rounded(values: Iterable[float]) -> tuple[float, float, float]:
    kappa, regions, mse = (float(f"{each:.{_DIGITS}g}") for each in values)
    return kappa, regions, mse
