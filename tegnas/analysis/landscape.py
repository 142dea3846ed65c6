"""Architectures laid out in the plane, with searches drawn as paths over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tegnas.analysis.encoding import one_hot
from tegnas.analysis.score_table import ScoreTable
from tegnas.errors import InputError
from tegnas.scoring.ranking import ranks
from tegnas.search.evaluation import Evaluation, rank_scores
from tegnas.spaces import Architecture
from tegnas.spaces.factorised import Supernet

METHODS = {
    "pls": "partial least squares: the two directions of the one-hot codes that tell most of the "
    "ranks by the indicators",
    "pca": "principal components: the two directions in which the one-hot codes vary most",
    "mds": "multidimensional scaling: distances in the plane as close as can be to the numbers of "
    "differing choices",
}
_MDS_LIMIT = 2000


@dataclass(frozen=True, eq=False)
class Layout:
    """Where architectures lie in the plane.

    ``points``: float64 (A, 2), in the order of ``archs``. ``method``: a key of ``METHODS``.
    """

    archs: tuple[Architecture, ...]
    points: np.ndarray
    method: str

    def position(self, archs: Sequence[Architecture]) -> np.ndarray:
        """The points of some of the architectures, (n, 2)."""
        index = {arch: i for i, arch in enumerate(self.archs)}
        return self.points[[index[arch] for arch in archs]]


def check_layout(method: str) -> None:
    """Raise ``InputError`` if there is no such layout."""
    if method not in METHODS:
        raise InputError(f"unknown layout {method!r}; choose one of {', '.join(METHODS)}")


def lay_out(scores: ScoreTable, method: str = "pls") -> Layout:
    """Project one-hot codes of the choices (for cells: edge by edge) to two dimensions.

    On a complete space one-hot codes vary the same in every direction, so that principal
    components are arbitrary there; partial least squares looks for the directions that matter to
    the indicators instead, and a position is still a sum of one term per edge.

    Args:
        method: ``"pls"``, ``"pca"`` (both linear) or ``"mds"`` (up to 2,000 architectures), each
            as scikit-learn computes it.

    Raises:
        InputError: unknown method, fewer than three architectures, or too many for ``"mds"``.
    """
    check_layout(method)
    if len(scores) < 3:
        raise InputError(f"a landscape needs 3 architectures or more, got {len(scores)}")
    codes = one_hot(scores.space, scores.archs)
    if method == "pls":
        points = _partial_least_squares(codes, _targets(scores))
    elif method == "pca":
        points = _principal_components(codes)
    else:
        points = _multidimensional_scaling(codes)
    return Layout(scores.archs, _oriented(points, scores.rank_score), method)


def best_so_far(history: Sequence[Evaluation]) -> list[int]:
    """The evaluations at which a search found something better, by rank score over its history.

    Supernets, which pruning also scores, are no architectures and don't count.

    Returns:
        Indices into ``history``, from the first finite evaluation to the best.
    """
    places = [i for i, each in enumerate(history) if not isinstance(each.arch, Supernet)]
    sums = dict(zip(places, rank_scores([history[index] for index in places]), strict=True))
    path: list[int] = []
    for index, value in sums.items():
        if not history[index].failed and (not path or value < sums[path[-1]]):
            path.append(index)
    return path


def _targets(scores: ScoreTable) -> np.ndarray:
    return np.stack([ranks(each) for each in scores.costs().values()], 1)


def _partial_least_squares(codes: np.ndarray, targets: np.ndarray) -> np.ndarray:
    from sklearn.cross_decomposition import PLSRegression

    varying = codes[:, codes.std(0) > 0]
    if min(varying.shape[1], targets.std(0).min()) < 2:
        return _principal_components(codes)
    return PLSRegression(n_components=2).fit(varying, targets).transform(varying)


def _principal_components(codes: np.ndarray) -> np.ndarray:
    from sklearn.decomposition import PCA

    return PCA(2, svd_solver="full").fit_transform(codes)


def _multidimensional_scaling(codes: np.ndarray) -> np.ndarray:
    if len(codes) > _MDS_LIMIT:
        raise InputError(
            f"multidimensional scaling takes up to {_MDS_LIMIT:,} architectures, got "
            f"{len(codes):,}; choose pls or pca"
        )
    from scipy.spatial.distance import cdist
    from sklearn.decomposition import KernelPCA

    # Half the Manhattan distance of one-hot codes is the number of differing choices. Classical
    # scaling is the kernel PCA of −d²/2.
    differing = cdist(codes, codes, "cityblock") / 2
    return KernelPCA(2, kernel="precomputed").fit_transform(-(differing**2) / 2)


def _oriented(points: np.ndarray, cost: np.ndarray) -> np.ndarray:
    """Signs of the axes don't matter; better architectures come to lie right and up."""
    finite = np.isfinite(cost)
    if not finite.any():
        return points
    worse = cost[finite] - cost[finite].mean()
    for axis in range(2):
        if points[finite, axis] @ worse > 0:
            points[:, axis] *= -1
    return points
