"""Spends a few trainings on the candidates of a search, resumably."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tegnas._version import __version__
from tegnas.data import Batch
from tegnas.errors import InputError
from tegnas.refine.journal import Journal
from tegnas.refine.model import AccuracyModel
from tegnas.refine.pool import Features, Pool
from tegnas.refine.result import FILE, RefineResult, best_of
from tegnas.refine.scored import Neighbourhood, Scored, load_run, scored_of
from tegnas.refine.training import Outcome, Trainer, Training, estimates
from tegnas.scoring.scores import Scores
from tegnas.search.result import SearchResult
from tegnas.search.run_directory import REFINES, SCORES, open_run_directory
from tegnas.spaces import Architecture, Space, get_space

# Neighbours of the best that are scored before each choice; on NAS-Bench-201 these are all.
DEFAULT_NEIGHBOURS = 24

# The first trainings are taken of the leaders: a model of fewer would say nothing.
_FIRST = 4
# Which share of the candidates are leaders.
_LEADERS = 0.1


@dataclass(frozen=True)
class RefineProgress:
    """How far a refinement is.

    Attributes:
        done: trainings that ended, with the share of the one under way where it can be told.
        trainings: how many there may be.
        best: highest accuracy so far, in percent; None before the first.
    """

    done: float
    trainings: int
    best: float | None


def refine(
    found: SearchResult | Scores | str | Path,
    trainer: Trainer,
    trainings: int = 10,
    *,
    space: Space | None = None,
    seed: int = 0,
    neighbours: int | None = None,
    batch: Batch | None = None,
    at_once: int = 1,
    worth: float = 0.0,
    out: str | Path | None = None,
    shared: str | Path | None = None,
    progress: Callable[[RefineProgress], None] | None = None,
) -> RefineResult:
    """Train a few of the candidates that a search found, and give the best.

    The first one is the best by E + G (see ``leader_scores``), the next three are those of the best
    tenth that are farthest apart in their structure. From then on a linear model of accuracy
    given that order, the ranks by each indicator and the structure (Bayesian regression of
    scikit-learn) says what is expected of every candidate and how sure that is; next is the one
    that is highest at a standard deviation above what is expected. Before each choice the
    neighbours of the best one so far are scored and become candidates too. Candidates whose
    networks are equal in their live part are one.

    Args:
        found: a finished search, its run directory, or scores.
        trainer: how accuracies are had: ``ShortTrainer`` on images, ``TableTrainer`` from a table.
        trainings: how many at most; with 0 the find is the best candidate by E + G.
        space: of the architectures; needed with scores, and where the run is of one from a file.
        seed: of the choice among more neighbours than are scored.
        neighbours: how many of the best one's are scored before each choice; by default 24 for a
            search, and for scores where ``batch`` is given, else 0.
        batch: the images that were scored on; those of a search are loaded again without it.
        at_once: how many candidates are chosen at a time, for as many workers. The outcome depends
            on it, and not on how many workers there are. What is expected of those chosen already
            counts as observed (Ginsbourger et al., 2010).
        worth: ends when another training is expected to add less than so many percent.
        out: directory: every training is written there as it ends, and a refinement that was
            stopped, in whatever way, goes on from there to the same result. More trainings may be
            asked for later.
        shared: file of scores that several runs share, see ``search``: neighbours that it knows
            aren't scored again.
        progress: called as trainings go on.

    Raises:
        InputError: a number out of range, no candidates, images that can't be loaded again, or an
            ``out`` that can't be used or belongs to another configuration.
    """
    for name, value, least in (("trainings", trainings, 0), ("at_once", at_once, 1)):
        if value < least:
            raise InputError(f"{name} must be at least {least}, got {value}")
    if isinstance(found, str | Path):
        found = load_run(Path(found), space)
    if space is None:
        if not isinstance(found, SearchResult):
            raise InputError("scores don't say of which space they are; give space")
        space = get_space(found.space)
    if neighbours is None:
        extends = isinstance(found, SearchResult) or batch is not None
        neighbours = DEFAULT_NEIGHBOURS if extends else 0
    if neighbours < 0:
        raise InputError(f"neighbours must be at least 0, got {neighbours}")
    extends = neighbours > 0 and trainings > 0
    if extends and batch is None and not isinstance(found, SearchResult):
        raise InputError("neighbours are scored on the images of the scores; give batch")
    scored = scored_of(found, space, batch, extends)
    configuration = {
        "tegnas": __version__,
        "space": getattr(space, "reference", space.name),
        REFINES: _fingerprint(scored),
        "seed": seed,
        "neighbours": neighbours,
        "at_once": at_once,
        **trainer.options(),
    }
    directory = None if out is None else open_run_directory(Path(out), configuration)
    journal = Journal(directory)
    store = None if directory is None else directory / SCORES
    common = None if shared is None else Path(shared)
    nearby = closing(Neighbourhood(scored, store, common)) if extends else nullcontext()
    with closing(trainer), nearby as around:
        run = _Refinement(scored, trainer, journal, around, seed, neighbours, trainings, progress)
        while run.left() > 0 and (chosen := run.choose(min(at_once, run.left()), worth)):
            run.train(chosen)
        result = run.result({**configuration, "trainings": trainings})
    if directory is not None:
        result.save(directory / FILE)
    return result


class _Refinement:
    """The state of a refinement: the pool, and what was trained of it."""

    def __init__(
        self,
        scored: Scored,
        trainer: Trainer,
        journal: Journal,
        around: Neighbourhood | None,
        seed: int,
        neighbours: int,
        trainings: int,
        progress: Callable[[RefineProgress], None] | None,
    ) -> None:
        self._space = scored.space
        self._trainer = trainer
        self._journal = journal
        self._around = around
        self._rng = random.Random(seed)
        self._seed = seed
        self._neighbours = neighbours
        self._trainings = trainings
        self._progress = progress
        known = [each for each in scored.evaluations if trainer.knows(each.arch)]
        self._pool = Pool(scored.space, known)
        self._before = len(self._pool)
        self._trained: list[Training] = []
        if not known or not self._pool.order():
            raise InputError(
                f"none of the {len(scored.evaluations)} scored architectures is a candidate: no "
                "table knows them, or all of them failed; search longer, or give another table"
            )

    def left(self) -> int:
        """How many trainings may still be made."""
        return self._trainings - len(self._trained)

    def choose(self, count: int, worth: float) -> list[Training]:
        """The candidates that are trained next; none where nothing is left or worth it."""
        self._extend()
        places = {index: place for place, index in enumerate(self._pool.order(), start=1)}
        trained = [self._pool.index(each.arch) for each in self._trained]
        candidates = [index for index in places if index not in trained]
        chosen: list[Training] = []
        believed: list[tuple[int, float]] = []
        features = self._pool.features()
        while candidates and len(chosen) < count:
            if len(self._trained) + len(chosen) < _FIRST:
                least = max(_FIRST, int(_LEADERS * len(places)))
                leaders = [each for each in candidates if places[each] <= least] or candidates
                taken = [*trained, *(self._pool.index(each.arch) for each in chosen)]
                index, expected, spread = self._pool.apart(leaders, taken), None, None
            elif len(self._trained) < _FIRST:
                break  # the model comes once the first ones are trained
            else:
                model = self._model(features, believed)
                if model.gain(candidates).max() < worth:
                    break
                index = candidates[int(np.argmax(model.promise(candidates)))]
                expected = float(model.mean[index])
                spread = float(np.hypot(model.spread[index], model.noise))
                believed.append((index, expected))
            candidates.remove(index)
            arch = self._pool.evaluations[index].arch
            chosen.append(
                Training(arch, places[index], None, expected, spread, self._trainer.truth(arch))
            )
        return chosen

    def train(self, chosen: Sequence[Training]) -> None:
        """Train what was chosen, as far as the journal doesn't know it."""
        before = [each.outcome for each in self._trained if each.outcome is not None]
        missing = [each.arch for each in chosen if self._journal.get(each.arch) is None]
        self._report(len(chosen) - len(missing))
        done = len(chosen) - len(missing)
        for index, outcome in self._run(missing, before, done):
            self._journal.add(missing[index], outcome)
            done += 1
            self._report(done)
        for each in chosen:
            self._trained.append(replace(each, outcome=self._journal.get(each.arch)))

    def _run(
        self, archs: Sequence[Architecture], before: Sequence[Outcome], done: int
    ) -> Iterator[tuple[int, Outcome]]:
        if archs:
            yield from self._trainer.run(archs, before, lambda share: self._report(done + share))

    def result(self, settings: dict[str, object]) -> RefineResult:
        """What was found, how sure that is and what another training would be worth."""
        places = self._pool.order()
        if self._trained:
            best = best_of(self._trained)
        else:
            arch = self._pool.evaluations[places[0]].arch
            best = Training(arch, 1, truth=self._trainer.truth(arch))
        facts = (
            str(settings["space"]),
            best,
            tuple(self._trained),
            len(places),
            len(self._pool) - self._before,
        )
        trained = {self._pool.index(each.arch) for each in self._trained}
        candidates = [index for index in places if index not in trained]
        if len(self._trained) < _FIRST:
            return RefineResult(*facts, settings=settings)
        model = self._model(self._pool.features(), [])
        gain = float(model.gain(candidates).max(initial=0.0)) if candidates else 0.0
        sureness = model.sureness(self._pool.index(best.arch), candidates, self._seed)
        return RefineResult(*facts, sureness, gain, model.learned(), settings)

    def _model(self, features: Features, believed: Sequence[tuple[int, float]]) -> AccuracyModel:
        outcomes = [each.outcome for each in self._trained if each.outcome is not None]
        indices = [self._pool.index(each.arch) for each in self._trained]
        accuracy = [*estimates(outcomes), *(value for _, value in believed)]
        return AccuracyModel(
            features, [*indices, *(index for index, _ in believed)], np.array(accuracy)
        )

    def _extend(self) -> None:
        """Neighbours of the best one become candidates."""
        if self._around is None or not self._trained:
            return

        def wanted(arch: Architecture) -> bool:
            return arch not in self._pool and self._trainer.knows(arch)

        best = best_of(self._trained).arch
        self._pool.add(self._around.around(best, self._neighbours, wanted, self._rng))

    def _report(self, done: float) -> None:
        if self._progress is not None:
            best = best_of(self._trained).observed if self._trained else None
            self._progress(RefineProgress(len(self._trained) + done, self._trainings, best))


def _fingerprint(scored: Scored) -> str:
    content = [(str(each.arch), each.values) for each in scored.evaluations]
    return hashlib.sha256(repr((scored.settings.key(), content)).encode()).hexdigest()
