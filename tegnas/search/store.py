"""Every score ever computed in a run, in one SQLite file: all the SQL of the package."""

from __future__ import annotations

import json
import math
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tegnas.errors import InputError
from tegnas.files import parse_json
from tegnas.scoring.average import averaged_rows
from tegnas.scoring.scores import Scores
from tegnas.scoring.settings import ScoreSettings, of_small_networks
from tegnas.search.evaluation import Evaluation
from tegnas.search.read_only import read_only
from tegnas.spaces import Architecture

VERSION = 3

# Significant digits of what searches see. The last digits of a score depend on the
# batches that architectures were scored in (and so on kills and on the number of workers); those
# kept don't, and architectures of one function tie.
_DIGITS = 10

_SCHEMA = """
CREATE TABLE IF NOT EXISTS architectures (
    id INTEGER PRIMARY KEY, space TEXT NOT NULL, settings TEXT NOT NULL, data TEXT NOT NULL,
    architecture TEXT NOT NULL, seconds REAL NOT NULL, checksum INTEGER NOT NULL,
    UNIQUE (space, settings, data, architecture)
);
CREATE TABLE IF NOT EXISTS scores (
    architecture INTEGER NOT NULL REFERENCES architectures, indicator TEXT NOT NULL,
    network INTEGER NOT NULL, value REAL,
    PRIMARY KEY (architecture, indicator, network)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS settings (
    key TEXT PRIMARY KEY, content TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS costs (
    space TEXT NOT NULL, architecture TEXT NOT NULL, name TEXT NOT NULL, cost REAL NOT NULL,
    PRIMARY KEY (space, architecture, name)
) WITHOUT ROWID;
"""

_SELECT = "SELECT indicator, value FROM scores WHERE architecture = ? ORDER BY indicator, network"

Networks = dict[str, tuple[float, ...]]
"""Of every indicator the value of each network."""


class ScoreStore:
    """Scores keyed by space, architecture, settings of the score and fingerprint of the data.

    What was written survives a killed process: every ``add`` is one committed transaction.

    Attributes:
        settings: of the scores.
    """

    def __init__(
        self, path: Path | None, *, space: str, settings: ScoreSettings, data: str
    ) -> None:
        self.settings = settings
        self._key = (space, settings.key(), data)
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
        _check_version(self._connection, self._path)
        # Write-ahead logging: a commit costs no wait for the disk, and a kill loses nothing.
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        with self._connection:
            for statement in _SCHEMA.split(";"):
                self._connection.execute(statement)
            self._connection.execute(f"PRAGMA user_version = {VERSION}")
            self._connection.execute(
                "INSERT OR IGNORE INTO settings VALUES (?, ?)",
                (self.settings.key(), json.dumps(self.settings.to_json())),
            )

    def get(self, arch: Architecture, networks: int | None = None) -> Evaluation | None:
        """The stored score of an architecture, to ten digits, if there is one.

        ``networks``: by the first so many alone, as a race sees them; None for a full score.
        """
        known = self._networks_of(str(arch))
        if known is None or self._held(known) < (networks or self.settings.repeats):
            return None
        if networks is not None:
            known = self._first_of(known, networks)
        rows = [known[name] for name in self.settings.names]
        values = averaged_rows(rows, self.settings.average)
        return Evaluation(
            arch,
            self.settings,
            _rounded(values),
            networks=tuple(_rounded(row) for row in rows),
            stopped_after=networks,
        )

    def held(self, arch: Architecture) -> int:
        """How many networks of an architecture are stored: after a race perhaps not all."""
        known = self._networks_of(str(arch))
        return 0 if known is None else self._held(known)

    def _held(self, networks: Networks) -> int:
        return networks_held(self.settings, networks)

    def _first_of(self, networks: Networks, count: int) -> Networks:
        """The values of the first networks; what isn't computed of small networks is whole."""
        small = {each.name for each in self.settings.indicators if of_small_networks(each)}
        return {
            name: values[:count] if name in small else values for name, values in networks.items()
        }

    def add(self, scores: Scores, seconds: float = 0.0, first: int = 0) -> None:
        """Write some scores, and the time that went by for them together.

        ``first``: they are of the networks from this one on, and go behind those stored before.
        """
        tables = {name: values.tolist() for name, values in scores.networks.items()}
        share = seconds / max(1, len(scores))
        if first > 0:
            self._write(
                self._longer(str(arch), {name: rows[index] for name, rows in tables.items()}, share)
                for index, arch in enumerate(scores.archs)
            )
            return
        self._write(
            (str(arch), {name: tuple(rows[index]) for name, rows in tables.items()}, share)
            for index, arch in enumerate(scores.archs)
        )

    def _longer(
        self, text: str, more: Mapping[str, Sequence[float]], seconds: float
    ) -> tuple[str, Networks, float]:
        """What is stored of an architecture with further networks behind."""
        found = self._read(text)
        assert found is not None  # the first networks are stored before further ones
        networks, before = found
        longer = {name: (*values, *more.get(name, ())) for name, values in networks.items()}
        return text, longer, before + seconds

    def copy(
        self, archs: Iterable[Architecture], other: ScoreStore, networks: int | None = None
    ) -> None:
        """Take over what another store knows more of some architectures, seconds included.

        ``networks``: no more than the first so many, with their share of the seconds.
        """
        self._write(self._further(archs, other, networks))

    def _further(
        self, archs: Iterable[Architecture], other: ScoreStore, networks: int | None
    ) -> Iterator[tuple[str, Networks, float]]:
        for arch in archs:
            found = other._read(str(arch))
            if found is None or self._held(found[0]) <= self.held(arch):
                continue
            known, seconds = found
            if networks is not None and self._held(known) > networks:
                seconds *= networks / self._held(known)
                known = self._first_of(known, networks)
            yield str(arch), known, seconds

    def share(self, scored: Architecture, arch: Architecture) -> None:
        """Write the score of one architecture for another too, which took no time."""
        found = self._read(str(scored))
        assert found is not None  # it was scored before it is shared
        self._write([(str(arch), found[0], 0.0)])

    def seconds(self) -> float:
        """The time that all scores of this key took, whoever computed them."""
        with self._errors():
            (total,) = self._connection.execute(
                "SELECT TOTAL(seconds) FROM architectures "
                "WHERE space = ? AND settings = ? AND data = ?",
                self._key,
            ).fetchone()
        return total

    def mean_seconds(self) -> float:
        """What a score of this key took on average, NaN where there is none."""
        with self._errors():
            (mean,) = self._connection.execute(
                "SELECT AVG(seconds) FROM architectures "
                "WHERE space = ? AND settings = ? AND data = ?",
                self._key,
            ).fetchone()
        return math.nan if mean is None else mean

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

    def __len__(self) -> int:
        (count,) = self._connection.execute("SELECT COUNT(*) FROM architectures").fetchone()
        return count

    def close(self) -> None:
        """Release the file."""
        self._connection.close()

    def _find(self, text: str) -> tuple[int, int] | None:
        return self._connection.execute(
            "SELECT id, checksum FROM architectures WHERE space = ? AND settings = ? AND data = ? "
            "AND architecture = ?",
            (*self._key, text),
        ).fetchone()

    def _networks_of(self, text: str) -> Networks | None:
        with self._errors():
            row = self._find(text)
            if row is None:
                return None
            number, checksum = row
            networks = _networks(self._connection.execute(_SELECT, (number,)).fetchall())
        _check(self._path, self._key, text, networks, checksum)
        return networks

    def _read(self, text: str) -> tuple[Networks, float] | None:
        networks = self._networks_of(text)
        if networks is None:
            return None
        with self._errors():
            (seconds,) = self._connection.execute(
                "SELECT seconds FROM architectures WHERE space = ? AND settings = ? AND data = ? "
                "AND architecture = ?",
                (*self._key, text),
            ).fetchone()
        return networks, seconds

    def _write(self, rows: Iterable[tuple[str, Networks, float]]) -> None:
        with self._errors(), self._connection:
            for text, networks, seconds in rows:
                checksum = _checksum(self._key, text, networks)
                (number,) = self._connection.execute(
                    "INSERT INTO architectures (space, settings, data, architecture, seconds, "
                    "checksum) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                    "seconds = excluded.seconds, checksum = excluded.checksum RETURNING id",
                    (*self._key, text, seconds, checksum),
                ).fetchone()
                self._connection.executemany(
                    "INSERT OR REPLACE INTO scores VALUES (?, ?, ?, ?)",
                    [
                        (number, name, network, None if math.isnan(value) else value)
                        for name, values in networks.items()
                        for network, value in enumerate(values)
                    ],
                )


@dataclass(frozen=True)
class StoredScores:
    """All that a store holds of one configuration.

    Attributes:
        space: name of the space, as the store has it.
        settings: how the scores were made, as ``ScoreSettings.to_json`` wrote it.
        networks: by the architecture's string, in their order.
        order: the architectures' strings in the order in which they were scored.
        seconds: the time that all the scores took.
    """

    space: str
    settings: Mapping[str, Any]
    networks: Mapping[str, Networks]
    order: tuple[str, ...]
    seconds: float


def read_store(path: Path) -> StoredScores:
    """Read a store without writing to it.

    Raises:
        InputError: it can't be read, is damaged, was written by another version of tegnas, or
            holds scores of several configurations, which can't be compared.
    """
    try:
        with read_only(path) as connection:
            _check_version(connection, path)
            keys = connection.execute(
                "SELECT DISTINCT space, settings, data FROM architectures"
            ).fetchall()
            if not keys:
                raise InputError(
                    f"{path} holds no scores yet; a search that runs writes its first ones soon"
                )
            if len(keys) != 1:
                raise InputError(
                    f"{path} holds scores of {len(keys)} configurations; give a run directory of "
                    "one tegnas search"
                )
            contents = connection.execute(
                "SELECT content FROM settings WHERE key = ?", (keys[0][1],)
            ).fetchall()
            rows = connection.execute(
                "SELECT a.architecture, a.checksum, s.indicator, s.value, a.id, a.seconds "
                "FROM architectures a JOIN scores s ON s.architecture = a.id "
                "ORDER BY a.architecture, s.indicator, s.network"
            ).fetchall()
    except sqlite3.Error as error:
        raise InputError(f"{path} can't be read as a store of scores ({error})") from None
    grouped: dict[str, list[tuple[str, float | None]]] = {}
    checksums: dict[str, int] = {}
    numbers: dict[str, int] = {}
    seconds: dict[str, float] = {}
    for text, checksum, name, value, number, taken in rows:
        grouped.setdefault(text, []).append((name, value))
        checksums[text], numbers[text], seconds[text] = checksum, number, taken
    networks = {text: _networks(values) for text, values in grouped.items()}
    for text, values in networks.items():
        _check(path, keys[0], text, values, checksums[text])
    try:
        settings = parse_json(contents[0][0])
    except (InputError, LookupError, AttributeError) as error:
        raise InputError(f"{path} is damaged: its settings can't be read ({error})") from None
    order = tuple(sorted(networks, key=numbers.__getitem__))
    return StoredScores(str(keys[0][0]), settings, networks, order, math.fsum(seconds.values()))


def networks_held(settings: ScoreSettings, networks: Networks) -> int:
    """Of how many small networks the values are: all of them, but after a race."""
    if not settings.race:
        return settings.repeats
    lengths = [
        len(networks.get(each.name, ())) for each in settings.indicators if of_small_networks(each)
    ]
    return min(lengths)


def count_scores(path: Path) -> int:
    """How many architectures a store holds scores of; 0 where that can't be told."""
    try:
        with read_only(path) as connection:
            _check_version(connection, path)
            (count,) = connection.execute("SELECT COUNT(*) FROM architectures").fetchone()
            return count
    except (sqlite3.Error, InputError):
        return 0


def is_empty(path: Path) -> bool:
    """Whether a store is one of this version without a score; False where that can't be told."""
    try:
        with read_only(path) as connection:
            _check_version(connection, path)
            return connection.execute("SELECT 1 FROM architectures LIMIT 1").fetchone() is None
    except (sqlite3.Error, InputError):
        return False


def _check_version(connection: sqlite3.Connection, path: Path | None) -> None:
    """Refuse a store of another version, or with more than tables in it.

    A view in a table's place may be a query without end, and a trigger changes what is written.
    """
    odd = connection.execute(
        "SELECT type, name FROM sqlite_master WHERE type NOT IN ('table', 'index') "
        "OR type = 'table' AND rootpage = 0"  # a virtual table, which is code
    ).fetchone()
    if odd is not None:
        raise InputError(
            f"{path} holds the {odd[0]} {odd[1]}, which no store of scores has; choose another "
            "--out"
        )
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version not in (0, VERSION):
        raise InputError(
            f"{path} was written by another version of tegnas (format {version}, this one reads "
            f"{VERSION}); nothing in it was changed: read it with that version, or choose another "
            "--out"
        )


def _networks(rows: Iterable[tuple[str, float | None]]) -> Networks:
    values: dict[str, list[float]] = {}
    for name, value in rows:
        values.setdefault(name, []).append(math.nan if value is None else value)
    return {name: tuple(each) for name, each in values.items()}


def _checksum(key: tuple[str, str, str], text: str, networks: Networks) -> int:
    content = [(name, networks[name]) for name in sorted(networks)]
    return zlib.crc32(repr((key, text, content)).encode())


def _check(
    path: Path | None, key: tuple[str, str, str], text: str, networks: Networks, checksum: int
) -> None:
    if _checksum(key, text, networks) != checksum:
        raise InputError(
            f"{path} is damaged: the score of {text} isn't the one that was written; choose "
            "another --out"
        )


def _rounded(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(float(f"{each:.{_DIGITS}g}") for each in values)
