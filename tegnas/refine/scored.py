"""What a refinement starts from: scored architectures, and how further ones are scored alike."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from tegnas.data import Batch, load_batch
from tegnas.errors import InputError
from tegnas.fields import Fields
from tegnas.indicators.base import Indicator
from tegnas.scoring.scores import Scores
from tegnas.scoring.seeds import usable_seeds
from tegnas.scoring.settings import ScoreSettings
from tegnas.scoring.shrink import small_batch
from tegnas.search.constraints import ConstrainedSpace, Limits
from tegnas.search.costs import CostMeter
from tegnas.search.evaluation import Evaluation, distinct_architectures
from tegnas.search.evaluator import Evaluator
from tegnas.search.executors import make_executor
from tegnas.search.result import SearchResult
from tegnas.search.run_directory import RESULT, SCORES, check_is_search
from tegnas.search.store import ScoreStore, read_store
from tegnas.spaces import Architecture, Space
from tegnas.spaces.isomorphism import representatives
from tegnas.spaces.stored_name import stored_name


@dataclass(frozen=True)
class Scored:
    """Scored architectures.

    Attributes:
        space: of the architectures.
        evaluations: each architecture once, supernets left out.
        settings: how they were scored.
        batch: the images that they were scored on; None where no further ones can be scored.
        limits: costs that no further architecture may exceed.
        latency_device: where latency is measured.
    """

    space: Space
    evaluations: tuple[Evaluation, ...]
    settings: ScoreSettings
    batch: Batch | None = None
    limits: Limits = field(default_factory=Limits)
    latency_device: str = "cpu"


def load_run(
    directory: Path, space: Space | None = None, indicators: Sequence[Indicator] = ()
) -> SearchResult:
    """The result of a finished search with the scores of single networks, which its store has.

    Args:
        directory: of the search.
        space, indicators: where its files can't name them, see ``SearchResult.load``.

    Raises:
        InputError: the result or the store can't be read, or the store lacks an architecture.
    """
    check_is_search(directory)
    if not (directory / RESULT).exists():
        raise InputError(f"the search in {directory} hasn't ended: finish it first")
    found = SearchResult.load(directory / RESULT, space, indicators=indicators)
    known = read_store(directory / SCORES).networks
    names = found.best.settings.names
    history = []
    for each in found.history:
        networks = known.get(str(each.arch))
        if networks is None:
            raise InputError(f"{directory / SCORES} has no scores of {each.arch}; search again")
        history.append(replace(each, networks=tuple(networks[name] for name in names)))
    return replace(found, history=tuple(history))


def scored_of(
    found: SearchResult | Scores, space: Space, batch: Batch | None, further: bool
) -> Scored:
    """What a search or a call of ``tegnas.score`` scored.

    Args:
        batch: the images; those of a search are loaded again where ``further`` ones will be scored.

    Raises:
        InputError: the images aren't those of the search, or can't be loaded again as they were.
    """
    if isinstance(found, SearchResult):
        distinct = distinct_architectures(found.history)
        evaluations = tuple(each for each in distinct if each.stopped_after is None)
        asked = Fields(found.settings, "settings")
        if further:
            batch = _images(asked, batch)
        limits = asked.object_or_none("limits")
        bounds = {} if limits is None else {name: limits.number(name) for name in limits.content}
        device = found.settings.get("latency_device") or "cpu"
        return Scored(space, evaluations, found.best.settings, batch, Limits(**bounds), str(device))
    rows = {
        arch: found[index] for index, arch in enumerate(found.archs) if not found.stopped[index]
    }
    return Scored(space, tuple(rows.values()), found.settings, batch)


def _images(asked: Fields, batch: Batch | None) -> Batch:
    if batch is None:
        sizes = {name: int(asked.number(name)) for name in ("train", "val")}
        seed = int(asked.object("score").number("seed"))
        batch = load_batch(asked.text("images"), **sizes, seed=seed)
    if batch.fingerprint() != asked.text("data"):
        raise InputError(
            "the images of the search can't be loaded again as they were, so that no neighbours "
            "can be scored: choose --neighbours 0"
        )
    return batch


class Neighbourhood:
    """Scores neighbours of good architectures as the search scored, within its limits.

    Args:
        scored: what there is, with images.
        store: file of the scores, so that none is computed twice; None keeps nothing.
        shared: file of scores that several runs share.
    """

    def __init__(self, scored: Scored, store: Path | None, shared: Path | None = None) -> None:
        assert scored.batch is not None
        space, batch, settings = scored.space, scored.batch, scored.settings
        seeds = usable_seeds(space, small_batch(space, batch, settings), settings)
        self._stack = ExitStack()

        def opened(path: Path | None) -> ScoreStore:
            found = ScoreStore(
                path,
                space=stored_name(space, settings.small_networks),
                settings=settings,
                data=batch.fingerprint(),
            )
            return self._stack.enter_context(closing(found))

        kept = opened(store)
        common = None if shared is None else opened(shared)
        executor = make_executor("in-process", space, batch, settings, seeds.seeds)
        self._stack.enter_context(closing(executor))
        represent = representatives(space) if settings.share_isomorphic else lambda arch: arch
        self._evaluate = Evaluator(kept, executor, common, represent)
        self._space = space
        if scored.limits.active():
            shape = batch.images.shape
            cost = CostMeter(
                space,
                (shape[1], shape[2], shape[3]),
                batch.num_classes,
                device=scored.latency_device,
                recall=kept.cost,
                record=kept.add_cost,
            )
            self._space = cast(Space, ConstrainedSpace(space, scored.limits, cost))

    def around(
        self,
        arch: Architecture,
        count: int,
        wanted: Callable[[Architecture], bool],
        rng: random.Random,
    ) -> Sequence[Evaluation]:
        """At most ``count`` neighbours that are wanted, drawn at random, with their scores."""
        near = [each for each in self._space.neighbours(arch) if wanted(each)]
        chosen = near if len(near) <= count else rng.sample(near, count)
        return self._evaluate(chosen, lambda known, computed: None) if chosen else ()

    def close(self) -> None:
        """Release the store."""
        self._stack.close()
