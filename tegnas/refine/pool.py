"""The candidates of a refinement: their scores as features of a model, and their order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tegnas.analysis.encoding import one_hot
from tegnas.scoring.ranking import ranks
from tegnas.search.evaluation import Evaluation, columns_of, rank_scores
from tegnas.spaces import Architecture, Space
from tegnas.spaces.factorised import CodedSpace


@dataclass(frozen=True, eq=False)
class Features:
    """What the model is given of A candidates.

    Attributes:
        names: of the columns.
        values: float64 (A, columns).
    """

    names: tuple[str, ...]
    values: np.ndarray


class Pool:
    """Scored architectures, each once, in the order in which they were found."""

    def __init__(self, space: Space, evaluations: Sequence[Evaluation]) -> None:
        self._space = space
        self.evaluations: list[Evaluation] = []
        self._places: dict[Architecture, int] = {}
        self.add(evaluations)

    def add(self, evaluations: Iterable[Evaluation]) -> None:
        """Take in those that aren't there yet."""
        for each in evaluations:
            if each.arch not in self._places:
                self._places[each.arch] = len(self.evaluations)
                self.evaluations.append(each)

    def __len__(self) -> int:
        return len(self.evaluations)

    def __contains__(self, arch: Architecture) -> bool:
        return arch in self._places

    def index(self, arch: Architecture) -> int:
        """Where an architecture stands."""
        return self._places[arch]

    def order(self) -> list[int]:
        """Indices of the architectures that didn't fail, best first by T + E + G."""
        ordered = np.argsort(rank_scores(self.evaluations), kind="stable")
        return [index for index in ordered.tolist() if not self.evaluations[index].failed]

    def features(self) -> Features:
        """The ranks of every indicator and of all combined, as normal scores, and the structure.

        A normal score is what a standard normal number of that rank would be: the scale is the
        same for all, and the leaders, among which there is most to tell, lie farthest apart. More
        is better. The structure is one column for every option of every choice, 1 where it is
        taken; a space that names no choices has none.
        """
        settings = self.evaluations[0].settings
        names, columns = ["T+E+G"], [_normal(rank_scores(self.evaluations))]
        for each, values in zip(settings.indicators, columns_of(self.evaluations), strict=True):
            if not np.isnan(values).any():
                names.append(each.symbol)
                columns.append(_normal(each.cost(values)))
        table = np.stack(columns, axis=1)
        if isinstance(self._space, CodedSpace):
            table = np.concatenate(
                [table, one_hot(self._space, [each.arch for each in self.evaluations])], axis=1
            )
            names += [
                f"{choice.name}: {option}"
                for choice in self._space.choices()
                for option in choice.options
            ]
        return Features(tuple(names), table)


def _normal(cost: np.ndarray) -> np.ndarray:
    from scipy.special import ndtri  # slow to import

    return -ndtri((ranks(cost) - 0.5) / len(cost))
