"""Runs a strategy against the scores, within a budget, resumably."""

from __future__ import annotations

import logging
import operator
import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import cast

import torch

from tegnas._version import __version__
from tegnas.data import BatchLike, as_batch
from tegnas.errors import InputError
from tegnas.ops import compute_device, describe_device
from tegnas.progress import Show, progress_bar
from tegnas.scoring.blindness import blind_indicators
from tegnas.scoring.patterns import pattern_notes
from tegnas.scoring.prepare import prepared
from tegnas.scoring.presets import as_settings
from tegnas.scoring.seeds import NetworkSeeds, usable_seeds
from tegnas.scoring.settings import ScoreSettings
from tegnas.scoring.shrink import small_batch
from tegnas.search.constraints import ConstrainedSpace, Limits
from tegnas.search.costs import COSTS, CostMeter
from tegnas.search.evaluation import (
    Evaluation,
    best_of,
    columns_of,
)
from tegnas.search.evaluator import Evaluator
from tegnas.search.executors import check_executor, make_executor
from tegnas.search.pareto import ParetoFront, import_moocore, pareto_front
from tegnas.search.race import Race
from tegnas.search.result import SearchResult
from tegnas.search.room import check_room
from tegnas.search.run_directory import (
    DEVICES,
    RESULT,
    SCORES,
    marked_running,
    note_device,
    open_run_directory,
    saved_evaluations,
)
from tegnas.search.store import ScoreStore
from tegnas.search.strategies import Strategy, make_strategy
from tegnas.search.within_limits import check_limits
from tegnas.spaces import Architecture, Space, as_space
from tegnas.spaces.isomorphism import representatives
from tegnas.spaces.stored_name import stored_name

DEFAULT_BUDGET = 1000

_LOG = logging.getLogger("tegnas")


@dataclass(frozen=True)
class Progress:
    """How far a search is.

    ``done`` of ``budget`` evaluations, ``scored`` of them computed now; ``measured``: latencies
    measured now, to find architectures within a limit.
    """

    done: int
    budget: int
    scored: int
    measured: int = 0


def search(
    space: Space | str,
    batch: BatchLike,
    strategy: str = "evolution",
    budget: int | None = None,
    seed: int = 0,
    *,
    out: str | Path | None = None,
    shared: str | Path | None = None,
    settings: ScoreSettings | str | None = None,
    options: dict[str, object] | None = None,
    limits: Limits | None = None,
    pareto: str | None = None,
    latency_device: str = "cpu",
    device: torch.device | str | None = None,
    executor: str = "in-process",
    workers: int | None = None,
    address: str | None = None,
    notes: dict[str, object] | None = None,
    accuracy: Callable[[str], float | None] | None = None,
    progress: Callable[[Progress], None] | bool | None = None,
    evaluated: Callable[[Sequence[Evaluation]], None] | None = None,
) -> SearchResult:
    """Search a space for the architecture of the best trainability, expressivity, generalization.

    Args:
        space: where to search, or its name.
        batch: the labelled images or other examples, or what they are drawn from, as for
            ``tegnas.score``.
        strategy: one of ``tegnas.strategy_names()``.
        budget: number of evaluations; an architecture proposed again counts again but costs
            nothing. Ends earlier if the strategy has nothing left to propose. By default the
            strategy's own.
        seed: of the strategy and, unless ``settings`` says otherwise, of the networks.
        out: run directory. Scores are stored there as they come, and a run that was stopped, in
            whatever way, goes on from there to the same result as one that was not. Without it
            nothing is written. The result of a longer search that was saved there is kept.
        shared: file of scores that several runs share, made if absent: what it knows isn't
            computed again, and the seconds of a run count as if it were.
        settings: how to score, or the name of a preset, by default ``"best"``; ``"paper"`` for κ, R
            and MSE as the paper computes them, ``"fast"`` with BatchNorm frozen.
        options: of the strategy, e.g. ``{"population": 128}``.
        limits: costs that no architecture may exceed; one that does is never scored.
        pareto: ``"params"``, ``"flops"`` or ``"latency"``: also the front of rank score and this
            cost.
        latency_device: where latency is measured.
        device: ``"cpu"``, ``"cuda"`` or ``"cuda:N"``: where scores are computed, by default where
            the batch is. The run's configuration lists the devices that it was computed on.
        executor, workers, address: where scores are computed, see ``make_executor``; the result
            doesn't depend on it.
        notes: more to write into the run's configuration, e.g. the name of a preset.
        accuracy: true accuracy of an architecture string where known; looked up for the best one
            after the search.
        progress: called after every batch of scores; True shows a bar, in a terminal or a notebook.
        evaluated: called with what the strategy asked for last, once it is scored, in order; a
            resumed search calls it for everything again.

    Raises:
        InputError: a strategy, option, executor or cost that isn't known or can't be used with
            this space, a device that isn't here, a budget too small, limits that no architecture
            was found within, an ``out`` that can't be used or belongs to another configuration.
    """
    space = as_space(space)
    settings = as_settings(settings, seed)
    batch = as_batch(batch, train=settings.train, val=settings.val, seed=settings.seed)
    fitting = prepared(space, batch, settings)
    batch, settings = fitting.batch, fitting.settings
    limits = limits or Limits()
    if device is not None:
        batch = batch.to(compute_device(device))
    check_executor(executor, batch, workers, address)
    represent = representatives(space) if settings.share_isomorphic else lambda arch: arch
    if pareto is not None and pareto not in COSTS:
        raise InputError(f"unknown cost {pareto!r}; tegnas knows {', '.join(COSTS)}")
    if pareto is not None:
        import_moocore()  # what is missing is said before the search
    # Once without constraints, so that a wrong question is answered before anything is written.
    searcher = make_strategy(strategy, space, seed, **(options or {}))
    if settings.race and not getattr(searcher, "races", True):
        raise InputError(
            f"{strategy} compares what it scores within rounds alone, so that nothing may be given "
            "up on the word of earlier ones: leave the race out, or choose another strategy"
        )
    budget = check_budget(budget, searcher)
    reference = getattr(space, "reference", space.name)
    configuration: dict[str, object] = {
        "tegnas": __version__,
        "space": reference,
        "strategy": strategy,
        "options": searcher.options(),
        "seed": seed,
        "score": settings.to_json(),
        "images": batch.source,
        "train": len(batch.images),
        "val": len(batch.val_images),
        "data": batch.fingerprint(),
        **({"limits": limits.active()} if limits.active() else {}),
        **(notes or {}),
    }
    written = [Path(each) for each in (out, shared) if each is not None]
    if not limits.active():  # else nobody knows how many there are within them
        check_room(space, settings, budget, written)
    directory = None if out is None else open_run_directory(Path(out), configuration)
    computing = describe_device(batch.images.device)
    configuration[DEVICES] = (
        [computing] if directory is None else note_device(directory, computing, budget)
    )
    seeds = usable_seeds(space, small_batch(space, batch, settings), settings)

    def open_store(path: Path | None) -> ScoreStore:
        return ScoreStore(
            path,
            space=stored_name(space, settings.small_networks),
            settings=settings,
            data=batch.fingerprint(),
        )

    with ExitStack() as stack:
        report = progress if callable(progress) else None
        if progress is True:
            show = stack.enter_context(progress_bar(f"{strategy} on {space.name}"))
            report = partial(_show, show)
        reports = _Reports(budget, report)
        if directory is not None:
            stack.enter_context(marked_running(directory))
        store = open_store(None if directory is None else directory / SCORES)
        stack.enter_context(closing(store))
        common = None if shared is None else open_store(Path(shared))
        if common is not None:
            stack.enter_context(closing(common))
        cost = CostMeter(
            space,
            batch.image_shape,
            batch.num_classes,
            image_dtype=batch.images.dtype,
            device=latency_device,
            recall=store.cost,
            record=store.add_cost,
            measured=reports.measured,
        )
        if limits.active():
            check_limits(space, limits, cost)
            bound = ConstrainedSpace(space, limits, cost)
            searcher = make_strategy(strategy, cast(Space, bound), seed, **(options or {}))
        workplace = make_executor(
            executor, space, batch, settings, seeds.seeds, workers=workers, address=address
        )
        stack.enter_context(closing(workplace))
        evaluator = Evaluator(store, workplace, common, represent)
        race = Race(evaluator, settings) if settings.race else None
        _LOG.info("%s on %s, budget %d: begins", strategy, space.name, budget)
        history = _run(searcher, budget, race or evaluator, reports, evaluated)
        answer = _recommendation(searcher)
        if race is not None:
            history = race.finish(history, answer)
        _LOG.info("%s on %s: %d evaluations done", strategy, space.name, len(history))
        if not history and limits.active():
            raise InputError(f"no architecture of {space.name} is within the limits ({limits})")
        best = best_of(history)
        if accuracy is not None:
            best = replace(best, accuracy=accuracy(str(best.arch)))
        result = SearchResult(
            reference,
            best,
            tuple(history),
            store.seconds(),
            {**configuration, "budget": budget},
            next((each for each in history if each.arch == answer), None),
            _front(history, pareto, cost),
            (
                *fitting.notes,
                *pattern_notes(space, batch, settings),
                *_warnings(history, settings, seeds),
                *_notes(searcher),
            ),
        )
    if directory is not None:
        _save_unless_longer(result, directory)
    return result


def _show(show: Show, state: Progress) -> None:
    show(state.done, state.budget)


def _save_unless_longer(result: SearchResult, directory: Path) -> None:
    """Save a result, or say by the time of its file that the one of a longer search is complete."""
    if len(result) >= (saved_evaluations(directory) or 0):
        result.save(directory / RESULT)
    else:
        os.utime(directory / RESULT)


class _Reports:
    """Tells how far a search is, after scores as well as after measurements."""

    def __init__(self, budget: int, progress: Callable[[Progress], None] | None) -> None:
        self._progress = progress
        self._history = 0
        self._state = Progress(0, budget, 0)

    def evaluated(self, history: int) -> None:
        """The strategy was told so many evaluations."""
        self._history = history
        self.scored(0, 0)

    def scored(self, done: int, computed: int) -> None:
        """So many of those asked for last are known, and so many were computed for it."""
        self._tell(done=self._history + done, scored=self._state.scored + computed)

    def measured(self, count: int) -> None:
        """So many latencies were measured."""
        self._tell(measured=count)

    def _tell(self, **changes: int) -> None:
        self._state = replace(self._state, **changes)
        if self._progress is not None:
            self._progress(self._state)


def check_budget(budget: int | None, strategy: Strategy) -> int:
    """The number of evaluations; ``InputError`` if it is too small for the strategy."""
    if budget is None:
        return strategy.default_budget
    try:
        budget = operator.index(budget)
    except TypeError:
        raise InputError(
            f"the budget must be a whole number of evaluations, got {budget!r}"
        ) from None
    if budget < 1:
        raise InputError(f"the budget must be at least 1 evaluation, got {budget}")
    minimum = getattr(strategy, "minimum_budget", 1)
    if budget < minimum:
        raise InputError(
            f"{strategy.name} needs a budget of at least {minimum} evaluations here, got {budget}"
        )
    return budget


def _run(
    strategy: Strategy,
    budget: int,
    evaluate: Evaluator | Race,
    reports: _Reports,
    evaluated: Callable[[Sequence[Evaluation]], None] | None,
) -> list[Evaluation]:
    history: list[Evaluation] = []
    while len(history) < budget:
        archs = strategy.ask(budget - len(history))
        if not archs:
            break
        evaluations = evaluate(archs, reports.scored)
        strategy.tell(evaluations)
        history.extend(evaluations)
        if evaluated is not None:
            evaluated(evaluations)
        reports.evaluated(len(history))
    return history


def _recommendation(strategy: Strategy) -> Architecture | None:
    recommend = getattr(strategy, "recommendation", None)
    return recommend() if recommend else None


def _notes(strategy: Strategy) -> tuple[str, ...]:
    notes = getattr(strategy, "notes", None)
    return notes() if notes else ()


def _front(history: list[Evaluation], objective: str | None, cost: CostMeter) -> ParetoFront | None:
    if objective is None:
        return None
    return pareto_front(history, objective, lambda each: cost(each.arch, objective))


def _warnings(
    history: Sequence[Evaluation], settings: ScoreSettings, seeds: NetworkSeeds
) -> tuple[str, ...]:
    """What the scores of a search don't tell; supernets count as pruning looks at them."""
    distinct = list({each.arch: each for each in history}.values())
    columns = dict(zip(settings.names, columns_of(distinct), strict=True))
    return (*filter(None, [seeds.note]), *blind_indicators(settings, columns))
