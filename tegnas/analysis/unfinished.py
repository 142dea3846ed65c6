"""A search that is still running, or was stopped: read from what it has stored so far."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tegnas.analysis.runs import Run
from tegnas.analysis.score_table import ScoreTable, configuration, table_of
from tegnas.indicators import Indicator
from tegnas.scoring.average import averaged_rows
from tegnas.search import SearchResult
from tegnas.search.evaluation import Evaluation, best_of
from tegnas.search.run_directory import RESULT, SCORES
from tegnas.search.store import StoredScores, networks_held, read_store
from tegnas.spaces import Space


def is_unfinished(path: Path) -> bool:
    """Whether scores were written after the result, or there is no result yet."""
    result = path / RESULT
    return not result.is_file() or result.stat().st_mtime_ns < last_score(path)


def last_score(path: Path) -> int:
    """When the run last wrote scores, in nanoseconds since 1970; 0 if it never did."""
    store = path / SCORES
    times = [store.stat().st_mtime_ns] if store.is_file() else []
    log = store.with_name(f"{SCORES}-wal")
    # Whoever reads makes an empty log.
    if log.is_file() and log.stat().st_size > 0:
        times.append(log.stat().st_mtime_ns)
    return max(times, default=0)


def read_unfinished(
    path: Path, space: Space | None = None, indicators: Sequence[Indicator] = ()
) -> Run:
    """The run as far as it went: each architecture once, in the order in which they were scored.

    Args:
        path: the run directory.
        space: of the run; needed where it is one from a file, see ``SearchResult.load``.
        indicators: those of the user's own that the run is scored by.

    Raises:
        InputError: it holds no scores yet, or they can't be read.
    """
    stored = read_store(path / SCORES)
    scores = table_of(stored, path, space, indicators)
    known = {
        str(arch): Evaluation(arch, scores.settings, tuple(values))
        for arch, values in zip(scores.archs, scores.values.tolist(), strict=True)
    }
    best = best_of(list(known.values()))
    known |= _given_up(stored, scores)
    history = tuple(known[text] for text in stored.order if text in known)
    settings = configuration(path)
    name = str(settings.get("space", scores.space.name))
    result = SearchResult(name, best, history, stored.seconds, settings)
    return Run(path.resolve().name, result, scores)


def _given_up(stored: StoredScores, scores: ScoreTable) -> dict[str, Evaluation]:
    """What a race gave up so far, or hasn't decided about."""
    settings, found = scores.settings, {}
    for text, networks in stored.networks.items():
        held = networks_held(settings, networks)
        if held < settings.repeats:
            rows = [networks[name] for name in settings.names]
            values = averaged_rows(rows, settings.average)
            arch = scores.space.parse(text)
            found[text] = Evaluation(arch, settings, tuple(values), stopped_after=held)
    return found
