"""The candidates of a refinement: their scores as features of a model, and their order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tegnas.analysis.encoding import distances, encode, one_hot
from tegnas.refine.leaders import leader_scores
from tegnas.scoring.ranking import ranks
from tegnas.search.evaluation import Evaluation, columns_of
from tegnas.spaces import Architecture, Space
from tegnas.spaces.factorised import CodedSpace
from tegnas.spaces.isomorphism import LivePartSpace

# See ``docs/studies/top.md``.
_SCORES_COUNT = 2.0


@dataclass(frozen=True, eq=False)
class Features:
    """What the model is given of A candidates.

    Attributes:
        names: of the columns.
        values: float64 (A, columns).
        emphasis: by which each column is multiplied, float64 (columns,); one number stands for all.
            What is larger is shrunk less.
    """

    names: tuple[str, ...]
    values: np.ndarray
    emphasis: np.ndarray | float = 1.0


class Pool:
    """Scored architectures in the order in which they were found, equal networks once.

    Where the space knows the live part of an architecture, those of one live part are one
    candidate, the first that was found: what else they have takes no part in the network, and
    training two of them would be training one twice.
    """

    def __init__(self, space: Space, evaluations: Sequence[Evaluation]) -> None:
        self._space = space
        self.evaluations: list[Evaluation] = []
        self._live = space.live if isinstance(space, LivePartSpace) else _itself
        self._places: dict[Architecture, int] = {}
        self.add(evaluations)

    def add(self, evaluations: Iterable[Evaluation]) -> None:
        """Take in those that aren't there yet."""
        for each in evaluations:
            if each.arch not in self:
                self._places[self._live(each.arch)] = len(self.evaluations)
                self.evaluations.append(each)

    def __len__(self) -> int:
        return len(self.evaluations)

    def __contains__(self, arch: Architecture) -> bool:
        return self._live(arch) in self._places

    def index(self, arch: Architecture) -> int:
        """Where an architecture stands, or the one whose network is equal."""
        return self._places[self._live(arch)]

    def order(self) -> list[int]:
        """Indices of the architectures that didn't fail, best first (see ``leader_scores``)."""
        ordered = np.argsort(leader_scores(self.evaluations), kind="stable")
        return [index for index in ordered.tolist() if not self.evaluations[index].failed]

    def apart(self, leaders: Sequence[int], taken: Sequence[int]) -> int:
        """The leader that differs in most choices from the nearest of those taken.

        The first of several, and the first of all where nothing is taken or a space names no
        choices. Trainings of architectures that are alike teach a model one thing.
        """
        if not taken or not isinstance(self._space, CodedSpace):
            return leaders[0]
        codes = encode(self._space, [self.evaluations[index].arch for index in (*leaders, *taken)])
        known = codes[len(leaders) :]
        nearest = [int(distances(known, code).min()) for code in codes[: len(leaders)]]
        return leaders[int(np.argmax(nearest))]

    def features(self) -> Features:
        """The ranks of every indicator and of the order, as normal scores, and the structure.

        A normal score is what a standard normal number of that rank would be: the scale is the
        same for all, and the leaders, among which there is most to tell, lie farthest apart. More
        is better. The structure is one column for every option of every choice, 1 where it is
        taken; a space that names no choices has none. A few trainings say less of many operations
        than of a few scores, so that these count twice. How much an indicator counts is learnt: its
        weight is in the order alone.
        """
        settings = self.evaluations[0].settings
        names, columns = ["order"], [_normal(leader_scores(self.evaluations))]
        for each, values in zip(settings.indicators, columns_of(self.evaluations), strict=True):
            if not np.isnan(values).any():
                names.append(each.symbol)
                columns.append(_normal(each.cost(values)))
        table = np.stack(columns, axis=1)
        scores = len(names)
        if isinstance(self._space, CodedSpace):
            table = np.concatenate(
                [table, one_hot(self._space, [each.arch for each in self.evaluations])], axis=1
            )
            names += [
                f"{choice.name}: {option}"
                for choice in self._space.choices()
                for option in choice.options
            ]
        emphasis = np.where(np.arange(len(names)) < scores, _SCORES_COUNT, 1.0)
        return Features(tuple(names), table, emphasis)


def _itself(arch: Architecture) -> Architecture:
    return arch


def _normal(cost: np.ndarray) -> np.ndarray:
    from scipy.special import ndtri  # slow to import

    return -ndtri((ranks(cost) - 0.5) / len(cost))
