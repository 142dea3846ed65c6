"""Costs, limits and Pareto fronts."""

from __future__ import annotations

import random
from importlib.util import find_spec
from math import inf

import pytest
from paper import evaluated
from strategy_runs import convolutions, run

from tegnas.errors import InputError
from tegnas.networks.complexity import count_flops, count_parameters
from tegnas.search.constraints import ConstrainedSpace, Limits
from tegnas.search.costs import CostMeter
from tegnas.search.pareto import pareto_front
from tegnas.search.strategies import drawing, strategy_names
from tegnas.spaces import get_space
from tegnas.spaces.factorised import Supernet

SPACE = get_space("nas-bench-201")
LIMITS = Limits(params=400_000)


def cost_meter(**options) -> CostMeter:
    return CostMeter(SPACE, (3, 32, 32), 10, **options)


@pytest.fixture(scope="module")
def bound() -> ConstrainedSpace:
    return ConstrainedSpace(SPACE, LIMITS, cost_meter())


@pytest.mark.parametrize(
    "name",
    [
        "nas-bench-201",
        "nas-bench-101",
        "transnas-micro",
        "transnas-macro",
        "nats-size",
        "mobilenet",
    ],
)
def test_costs_are_those_of_the_full_network(name):
    space = get_space(name)
    arch = space.sample(random.Random(0))
    cost = CostMeter(space, (3, 32, 32), 10)
    network = space.network(arch, "full")
    assert cost(arch, "params") == count_parameters(network)
    assert cost(arch, "flops") == count_flops(network)


def test_the_largest_network_costs_what_the_benchmark_states():
    arch = SPACE.decode((3,) * 6)
    assert cost_meter()(arch, "params") == 1_531_546


def test_a_latency_is_measured_once_and_kept():
    kept: dict[tuple[str, str], float] = {}
    record = lambda arch, name, cost: kept.__setitem__((arch, name), cost)  # noqa: E731
    arch = SPACE.decode((1,) * 6)
    first = cost_meter(record=record)(arch, "latency")
    assert first > 0
    assert kept == {(str(arch), "latency on cpu"): first}
    again = cost_meter(recall=lambda arch, name: kept.get((arch, name)))
    assert again(arch, "latency") == first


@pytest.mark.parametrize(
    "name", [each for each in strategy_names() if each not in ("exhaustive", "prune")]
)
def test_no_strategy_proposes_what_is_too_large(name, bound):
    history = run(name, bound, 60)
    assert len(history) == 60
    assert all(bound.admits(each.arch) for each in history)


def test_exhaustive_search_lists_what_is_within_the_limits():
    tiny = ConstrainedSpace(get_space("nats-size"), Limits(params=12_000),
                            CostMeter(get_space("nats-size"), (3, 32, 32), 10))  # fmt: skip
    first = next(iter(tiny))
    assert str(first) == "8:8:8:8:8"


def test_prune_says_that_it_keeps_no_limits(bound):
    with pytest.raises(InputError, match="prune can't keep constraints"):
        run("prune", bound, 100)


@pytest.mark.parametrize("limits", [{"params": 0}, {"flops": -1.0}, {"latency": float("nan")}])
def test_limits_that_nothing_meets_are_named(limits):
    with pytest.raises(InputError, match="must be above 0"):
        Limits(**limits)


def test_impossible_limits_are_one_sentence(monkeypatch):
    monkeypatch.setattr(drawing, "MAX_DRAWS", 20)
    impossible = ConstrainedSpace(SPACE, Limits(params=10), cost_meter())
    least = r"at most 10 parameters; the least found is [\d,]+ parameters.* in 20 draws; loosen"
    with pytest.raises(InputError, match=least):
        impossible.sample(random.Random(0))


def test_a_mutant_within_the_limits_is_found_among_few():
    arch = SPACE.decode((0,) * 6)
    smallest = cost_meter()(arch, "params")
    only = ConstrainedSpace(SPACE, Limits(params=smallest), cost_meter())
    assert all(
        cost_meter()(only.mutate(arch, random.Random(seed)), "params") == smallest
        for seed in range(3)
    )


@pytest.mark.parametrize("name", ["local", "evolution"])
def test_a_single_admitted_architecture_is_enough(name):
    space = get_space("nats-size")
    only = ConstrainedSpace(space, Limits(params=11_714), CostMeter(space, (3, 32, 32), 10))
    only.sample = lambda rng: space.parse("8:8:8:8:8")
    options = {"population": 2, "tournament": 1} if name == "evolution" else {}
    history = run(name, only, 4, **options)
    assert {str(each.arch) for each in history} == {"8:8:8:8:8"}


@pytest.mark.skipif(find_spec("moocore") is None, reason="pip install 'tegnas[pareto]'")
class TestParetoFront:
    def test_front_and_hypervolume(self):
        values = {"a": (1.0, 10.0), "b": (2.0, 5.0), "c": (3.0, 6.0), "d": (4.0, 0.0)}
        history = [evaluated(name, rank, -rank, rank) for name, (rank, _) in values.items()]
        front = pareto_front(history, "params", lambda each: values[each.arch][1])
        assert [point.evaluation.arch for point in front.points] == ["d", "b", "a"]
        assert [point.cost for point in front.points] == [0.0, 5.0, 10.0]
        # In units of the history: a at (0, 1), b at (1/3, 1/2), d at (1, 0).
        assert front.hypervolume == pytest.approx((2 / 3) * (1 / 2))

    def test_supernets_and_repeats_are_left_out(self):
        one = convolutions(SPACE.decode((3,) * 6))
        supernet = evaluated(Supernet((("none",),) * 6), 1.0, 9.0, 0.1)
        front = pareto_front([one, one, supernet], "params", lambda each: 1.0)
        assert [point.evaluation for point in front.points] == [one]

    def test_what_failed_is_no_trade_however_cheap(self):
        dead, good = (evaluated(name, rank, -rank, rank) for name, rank in (("a", inf), ("b", 1.0)))
        front = pareto_front([dead, good], "params", lambda each: float(each.arch == "b"))
        assert [point.evaluation for point in front.points] == [good]
        front = pareto_front([dead], "params", lambda each: 1.0)
        assert [point.evaluation for point in front.points] == [dead]
