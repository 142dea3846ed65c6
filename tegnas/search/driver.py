"""Runs a strategy against the scores, within a budget, resumably."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tegnas._version import __version__
from tegnas.data import Batch
from tegnas.errors import InputError
from tegnas.indicators.scorer import Scorer
from tegnas.indicators.scores import Scores
from tegnas.indicators.settings import ScoreSettings
from tegnas.search.evaluation import Evaluation, best_of
from tegnas.search.result import SearchResult
from tegnas.search.run_directory import RESULT, SCORES, open_run_directory
from tegnas.search.store import ScoreStore
from tegnas.search.strategies import make_strategy
from tegnas.spaces import Architecture, Space

DEFAULT_BUDGET = 1000


@dataclass(frozen=True)
class Progress:
    """How far a search is: ``done`` of ``budget`` evaluations, ``scored`` of them computed now."""

    done: int
    budget: int
    scored: int


def search(
    space: Space,
    batch: Batch,
    strategy: str = "evolution",
    budget: int = DEFAULT_BUDGET,
    seed: int = 0,
    *,
    out: str | Path | None = None,
    settings: ScoreSettings | None = None,
    options: dict[str, object] | None = None,
    accuracy: Callable[[str], float | None] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> SearchResult:
    """Search a space for the architecture of lowest rank-sum of κ, R and MSE.

    Args:
        space: where to search.
        batch: the labelled images behind T and G.
        strategy: ``"random"``, ``"exhaustive"`` or ``"evolution"``.
        budget: number of evaluations; an architecture proposed again counts again but costs
            nothing. Ends earlier if the strategy has nothing left to propose.
        seed: of the strategy and, unless ``settings`` says otherwise, of the networks.
        out: run directory. Scores are stored there as they come, and a run that was stopped, in
            whatever way, goes on from there to the same result as one that was not. Without it
            nothing is written.
        settings: how to score (``ScoreSettings``).
        options: of the strategy, e.g. ``{"population": 128}``.
        accuracy: true accuracy of an architecture string where known; looked up for the best one
            after the search.
        progress: called after every chunk of scores.

    Raises:
        InputError: unknown strategy or option, a budget below 1, an ``out`` that can't be used or
            belongs to another configuration.
    """
    if budget < 1:
        raise InputError(f"the budget must be at least 1 evaluation, got {budget}")
    settings = settings or ScoreSettings(seed=seed)
    searcher = make_strategy(strategy, space, seed, **(options or {}))
    configuration: dict[str, object] = {
        "tegnas": __version__,
        "space": space.name,
        "strategy": strategy,
        "options": searcher.options(),
        "seed": seed,
        "score": asdict(settings),
        "images": batch.source,
        "train": len(batch.images),
        "val": len(batch.val_images),
        "data": batch.fingerprint(),
    }
    directory = None if out is None else open_run_directory(Path(out), configuration)
    store = ScoreStore(
        None if directory is None else directory / SCORES,
        space=space.name,
        settings=settings.key(),
        data=batch.fingerprint(),
    )
    scorer = Scorer(space, batch, settings)
    start = time.perf_counter()
    history: list[Evaluation] = []
    scored = 0

    def evaluate(archs: list[Architecture]) -> list[Evaluation]:
        nonlocal scored
        found = {arch: store.get(arch) for arch in archs}
        missing = [arch for arch, evaluation in found.items() if evaluation is None]
        # A chunk is what lies between two writes to the store: all that a killed run can lose.
        for first in range(0, len(missing), scorer.chunk):
            chunk = missing[first : first + scorer.chunk]
            scores = Scores.from_table(chunk, scorer(chunk))
            store.add(scores)
            scored += len(scores)
            for arch in scores.archs:
                found[arch] = store.get(arch)
            report(len(history) + len(archs) - len(missing) + first + len(scores))
        return [found[arch] for arch in archs]

    def report(done: int) -> None:
        if progress is not None:
            progress(Progress(done, budget, scored))

    try:
        while len(history) < budget:
            archs = searcher.ask(budget - len(history))
            if not archs:
                break
            evaluations = evaluate(archs)
            searcher.tell(evaluations)
            history.extend(evaluations)
            report(len(history))
    finally:
        store.close()
    best = best_of(history)
    if accuracy is not None:
        best = replace(best, accuracy=accuracy(str(best.arch)))
    result = SearchResult(
        space.name,
        best,
        tuple(history),
        time.perf_counter() - start,
        {**configuration, "budget": budget},
    )
    if directory is not None:
        result.save(directory / RESULT)
    return result
