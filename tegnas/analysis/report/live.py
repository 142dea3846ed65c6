"""The document of runs that may still be running, made anew when they have stored more."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tegnas.analysis.report.document import document
from tegnas.analysis.report.page import as_json
from tegnas.analysis.runs import Run, check_alike, load_runs
from tegnas.analysis.score_table import configuration
from tegnas.analysis.unfinished import is_unfinished, last_score, read_unfinished
from tegnas.errors import InputError
from tegnas.indicators import Indicator
from tegnas.search.run_directory import CONFIGURATION, RESULT
from tegnas.spaces import Space
from tegnas.spaces.recorded import recorded_space

# Of the time, the part that is spent on making documents; the first takes longer, since libraries
# are loaded for it, and nobody should wait for that twice.
_SHARE = 0.1
_LONGEST = 10.0  # seconds between two


class LiveDocument:
    """What a page of some runs shows now.

    Args:
        paths: the run directories.
        space: of the runs; needed where it is one from a file, see ``SearchResult.load``.
        indicators: those of the user's own that the runs are scored by.
        accuracies: percent by architecture string, where known.
        layout: see ``lay_out``.

    Raises:
        InputError: no run is given, one is no directory of a run, or one is of a space that must be
            given and isn't.
    """

    def __init__(
        self,
        paths: Sequence[str | Path],
        *,
        space: Space | None = None,
        indicators: Sequence[Indicator] = (),
        accuracies: Mapping[str, float] | None = None,
        layout: str = "pls",
    ) -> None:
        if not paths:
            raise InputError("name one or more run directories")
        self.paths = tuple(map(Path, paths))
        for path in self.paths:
            if not any((path / name).is_file() for name in (CONFIGURATION, RESULT)):
                raise InputError(f"{path} is no run directory: it holds no {CONFIGURATION}")
            name = configuration(path).get("space")
            if name is not None:
                recorded_space(name, path, space)
        self._space, self._indicators = space, indicators
        self._accuracies, self._layout = dict(accuracies or {}), layout
        self._lock = threading.Lock()
        self._seen: object = None
        self._next = 0.0
        self._tag, self._json = "", ""

    def current(self) -> tuple[str, str]:
        """The document as JSON and a tag that changes with it.

        It is made, by one thread, at most so often that making it takes a tenth of the time, or
        every ten seconds.
        """
        with self._lock:
            seen = self._state()
            started = time.monotonic()
            if seen != self._seen and started >= self._next:
                self._seen = seen
                self._tag = str(int(self._tag or 0) + 1)
                self._json = as_json({**self._made(), "tag": self._tag})
                took = time.monotonic() - started
                self._next = started + max(took, min(took / _SHARE, _LONGEST))
            return self._tag, self._json

    def _state(self) -> object:
        """Something that changes whenever a run has stored more."""
        return [
            [_stamp(path / RESULT), last_score(path), _stamp(path / CONFIGURATION)]
            for path in self.paths
        ]

    def _made(self) -> dict[str, Any]:
        runs: list[Run] = []
        states: list[dict[str, Any]] = []
        for path in self.paths:
            name = path.resolve().name
            try:
                run, finished = self._read(path)
            except InputError as error:
                states.append({"name": name, "problem": str(error)})
                continue
            runs.append(run)
            states.append(
                {
                    "name": name,
                    "finished": finished,
                    "scored": len(run.scores),
                    "last": last_score(path) / 1e9,
                }
            )
        try:
            check_alike(runs)
            content = self._document(runs) if runs else None
        except InputError as error:
            return {"states": [*states, {"name": "these runs", "problem": str(error)}]}
        return {"states": states, "content": content}

    def _document(self, runs: Sequence[Run]) -> dict[str, Any]:
        return document(runs, accuracies=self._accuracies, layout=self._layout)

    def _read(self, path: Path) -> tuple[Run, bool]:
        if is_unfinished(path):
            return read_unfinished(path, self._space, self._indicators), False
        return load_runs([path], self._space, self._indicators)[0], True


def _stamp(path: Path) -> int:
    return path.stat().st_mtime_ns if path.is_file() else 0
