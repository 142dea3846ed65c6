"""Orders of candidates and ways of refining, for ``bench/refine_study.py`` to compare."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from refine_worlds import World
from scipy.special import ndtr, ndtri
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, DotProduct, Matern, WhiteKernel
from sklearn.linear_model import BayesianRidge

from tegnas.scoring.ranking import LOG_RANK, combine, ranks

NEIGHBOURS = 24


@dataclass(frozen=True, eq=False)
class Costs:
    """Of a set of n architectures, lower is better.

    Attributes:
        each: of every network by T, E and G, float64 (3, n, networks).
        together: averages over networks, float64 (3, n).
        parameters: float64 (n,); fewer are worse.
    """

    each: np.ndarray
    together: np.ndarray
    parameters: np.ndarray

    @property
    def bad(self) -> np.ndarray:
        """Those that failed, (n,) bool."""
        return np.isinf(self.together).any(0)


def costs_of(world: World, members: np.ndarray) -> Costs:
    """The costs of some architectures of a world."""
    return Costs(world.costs_each[:, members], world.costs[:, members], -world.parameters[members])


Order = Callable[[Costs], np.ndarray]
"""From the costs of a set to one cost, float64 (n,)."""

T, E, G = range(3)


def combined(costs: Costs, which: tuple[int, ...], parameters: bool = False) -> np.ndarray:
    """Log-rank of some of the indicators, with the parameters or without."""
    rows = [costs.together[i] for i in which]
    return combine(rows + [costs.parameters] * parameters, costs.bad, LOG_RANK)


def _leaders(share: float, parameters: bool = False) -> Order:
    def order(costs: Costs) -> np.ndarray:
        whole = combined(costs, (T, E, G))
        cost = combined(costs, (E, G), parameters)
        behind = ranks(whole) > share * len(whole)
        return np.where(behind, 1e6 + whole, cost)

    return order


def _veto(costs: Costs) -> np.ndarray:
    behind = ranks(costs.together[T]) > len(costs.parameters) / 2
    return combined(costs, (E, G)) + 1e6 * behind


def _worse_half(costs: Costs) -> np.ndarray:
    table = ranks(costs.together)
    table[T] = np.maximum(table[T], len(costs.parameters) / 2)
    return combine(list(table), costs.bad, LOG_RANK)


def _agreement(which: tuple[int, ...]) -> Order:
    def order(costs: Costs) -> np.ndarray:
        count = costs.each.shape[2]
        single = np.stack(
            [
                combine([costs.each[i, :, n] for i in which], costs.bad, LOG_RANK)
                for n in range(count)
            ]
        )
        return single.mean(0) + single.std(0)

    return order


ORDERS: dict[str, Order] = {
    "T + E + G": lambda costs: combined(costs, (T, E, G)),
    "E + G": lambda costs: combined(costs, (E, G)),
    "leaders (10 %) by E + G": _leaders(0.1),
    "leaders (25 %) by E + G": _leaders(0.25),
    "leaders (50 %) by E + G": _leaders(0.5),
    "E + G, T as a veto": _veto,
    "T counts in its worse half": _worse_half,
    "agreement on T + E + G": _agreement((T, E, G)),
    "agreement on E + G": _agreement((E, G)),
}
WITH_PARAMETERS: dict[str, Order] = {
    "parameters": lambda costs: combine([costs.parameters], costs.bad, LOG_RANK),
    "E + G + parameters": lambda costs: combined(costs, (E, G), True),
    "T + E + G + parameters": lambda costs: combined(costs, (T, E, G), True),
    "leaders (25 %) by E + G + parameters": _leaders(0.25, True),
}


@dataclass(frozen=True)
class Way:
    """How trainings are spent; the defaults are what ``tegnas refine`` did before the study."""

    order: str = "T + E + G"
    equal: str = "none"
    features: str = "today"
    regression: str = "ridge"
    acquisition: str = "improvement"
    first: int = 4
    apart: bool = False
    around: int = 1
    answer: str = "observed"


def refined(way: Way, world: World, pool: np.ndarray, trainings: int, seed: int) -> list[int]:
    """The finds after every training, ``trainings + 1`` indices of the world."""
    rng = np.random.default_rng(seed)
    costs = costs_of(world, pool)
    order = (ORDERS | WITH_PARAMETERS)[way.order]
    ordered = [pool[i] for i in np.argsort(order(costs), kind="stable")]
    finds = [int(ordered[0])]
    known, trained = list(pool), []
    while len(trained) < trainings:
        if world.grows and trained and way.around:
            known += _neighbours(way, world, known, trained, rng)
        members = _distinct(way, world, np.array(known))
        costs = costs_of(world, members)
        cost = order(costs)
        bad = costs.bad
        usable = [int(members[i]) for i in np.argsort(cost, kind="stable") if not bad[i]]
        taken = {_key(way, world, index) for index in trained}
        left = [index for index in usable if _key(way, world, index) not in taken]
        if not left:
            break
        if len(trained) < way.first:
            chosen = _apart(world, usable, trained, left) if way.apart else left[0]
        else:
            present = set(members.tolist())
            everyone = np.array([*members, *(each for each in trained if each not in present)])
            where = {int(index): i for i, index in enumerate(everyone)}
            x = _features(way, world, everyone, order)
            y = world.observed[trained]
            rows = [where[index] for index in trained]
            mean, spread, noise = REGRESSIONS[way.regression](x, rows, y)
            ahead = [where[index] for index in left]
            gain = _gain(way, mean[ahead], np.hypot(spread[ahead], noise), mean[rows].max())
            chosen = left[int(np.argmax(gain))]
        trained.append(chosen)
        observed = world.observed[trained]
        best = trained[int(np.argmax(observed))]
        if way.answer == "both" and len(trained) >= max(4, way.first):
            everyone = np.array(known)
            where = {int(index): i for i, index in enumerate(everyone)}
            x = _features(way, world, everyone, order)
            rows = [where[index] for index in trained]
            mean, _, _ = REGRESSIONS[way.regression](x, rows, observed)
            best = trained[int(np.argmax(mean[rows] + observed))]
        finds.append(int(best))
    return finds + [finds[-1]] * (trainings + 1 - len(finds))


def _key(way: Way, world: World, index: int) -> object:
    if way.equal == "live":
        return world.live[index]
    return world.classes[index] if way.equal == "class" else index


def _distinct(way: Way, world: World, members: np.ndarray) -> np.ndarray:
    if way.equal == "none":
        return members
    first: dict[object, int] = {}
    for index in members:
        first.setdefault(_key(way, world, int(index)), int(index))
    return np.array(list(first.values()))


def _neighbours(way: Way, world: World, known, trained, rng) -> list[int]:
    best = sorted(trained, key=lambda index: -world.observed[index])[: way.around]
    seen, found = set(known), []
    for index in best:
        near = [each for each in world.neighbours(index) if each not in seen]
        count = NEIGHBOURS // len(best)
        chosen = (
            near if len(near) <= count else [near[i] for i in rng.permutation(len(near))[:count]]
        )
        seen.update(chosen)
        found += chosen
    return found


def _apart(world: World, usable: list[int], trained: list[int], left: list[int]) -> int:
    leaders = [index for index in left if index in set(usable[: max(4, len(usable) // 10)])]
    if not trained or not leaders or not world.structure.shape[1]:
        return left[0]
    known = world.structure[trained]
    distance = [np.abs(known - world.structure[index]).sum(1).min() for index in leaders]
    return leaders[int(np.argmax(distance))]


def _features(way: Way, world: World, members: np.ndarray, order: Order) -> np.ndarray:
    costs = costs_of(world, members)
    columns = [_normal(order(costs)), *(_normal(row) for row in costs.together)]
    if way.features == "parameters":
        columns.append(_normal(costs.parameters))
    scores = np.stack(columns, axis=1)
    if way.features == "scores alone":
        return scores
    if way.features == "scores twice":
        scores = scores * 2
    structure = world.live_structure if way.features == "live" else world.structure
    return np.concatenate([scores, structure[members]], axis=1)


def _normal(cost: np.ndarray) -> np.ndarray:
    return -ndtri((ranks(cost) - 0.5) / len(cost))


def _ridge(x: np.ndarray, rows: list[int], y: np.ndarray):
    centred = x - x[rows].mean(0)
    model = BayesianRidge().fit(centred[rows], y)
    variance = np.einsum("ij,jk,ik->i", centred, model.sigma_, centred)
    return model.predict(centred), np.sqrt(np.maximum(variance, 0)), 1 / np.sqrt(model.alpha_)


def _process(linear: bool):
    def fit(x: np.ndarray, rows: list[int], y: np.ndarray):
        kernel = ConstantKernel(1.0, (1e-2, 1e2)) * Matern(3.0, (1.0, 30.0), nu=2.5)
        if linear:
            kernel = kernel + ConstantKernel(0.1, (1e-3, 1e1)) * DotProduct(1.0, "fixed")
        kernel = kernel + WhiteKernel(0.1, (1e-3, 1.0))
        scale = max(float(np.std(y)), 1e-6)
        centred = x - x[rows].mean(0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            process = GaussianProcessRegressor(kernel).fit(centred[rows], (y - y.mean()) / scale)
        mean, spread = process.predict(centred, return_std=True)
        noise = float(np.sqrt(process.kernel_.k2.noise_level))
        known = np.sqrt(np.maximum(spread**2 - noise**2, 0))
        return y.mean() + scale * mean, scale * known, scale * noise

    return fit


REGRESSIONS = {"ridge": _ridge, "process": _process(False), "process, linear": _process(True)}


def _gain(way: Way, mean: np.ndarray, spread: np.ndarray, best: float) -> np.ndarray:
    if way.acquisition == "mean":
        return mean
    if way.acquisition == "bound":
        return mean + spread
    better = mean - best
    z = better / spread
    return better * ndtr(z) + spread * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
