"""Search strategies on made-up scores: deterministic, within their budget, better than chance."""

from __future__ import annotations

import math
import random
from statistics import mean

import numpy as np
import pytest
import torch
from paper import evaluated
from strategy_runs import best_value, convolutions, run

from tegnas.errors import InputError
from tegnas.search.evaluation import Evaluation
from tegnas.search.strategies import make_strategy, strategy_names
from tegnas.search.strategies.drawing import MAX_DRAWS
from tegnas.search.strategies.policy import FactorisedPolicy
from tegnas.search.strategies.prune import relative_change
from tegnas.search.strategies.reinforce import RelativeChange
from tegnas.spaces import Space, get_space
from tegnas.spaces.factorised import Supernet

SEARCHES = [name for name in strategy_names() if name != "exhaustive"]
LEARNERS = [name for name in SEARCHES if name != "random"]


@pytest.fixture(scope="module")
def space() -> Space:
    return get_space("nas-bench-201")


@pytest.mark.parametrize("name", SEARCHES)
def test_is_a_function_of_its_seed(name, space):
    first, again, other = (run(name, space, 120, seed) for seed in (3, 3, 4))
    assert first == again
    assert name == "prune" or first != other


@pytest.mark.parametrize("name", SEARCHES)
def test_proposes_what_the_space_holds(name, space):
    for evaluation in run(name, space, 60):
        assert space.parse(str(evaluation.arch)) == evaluation.arch


@pytest.mark.parametrize("name", LEARNERS)
def test_beats_random_search_at_equal_budget(name, space):
    def found(strategy: str) -> float:
        histories = [run(strategy, space, 400, seed) for seed in range(10)]
        singles = [
            [each for each in history if not isinstance(each.arch, Supernet)]
            for history in histories
        ]
        return mean(best_value(history) for history in singles)

    assert found(name) > found("random")


@pytest.mark.parametrize(
    ("name", "options"),
    [("local", {"improvement": "best"}), ("local", {"improvement": "first"}), ("prune", {})],
)
def test_questions_may_be_cut_short(name, options, space):
    whole = run(name, space, 100, **options)
    assert run(name, space, 100, limit=7, **options) == whole


def test_bad_architectures_never_stop_a_search(space):
    def hopeless(arch: object) -> Evaluation:
        return evaluated(arch, math.inf, 1.0, math.inf)

    for name in SEARCHES:
        assert len(run(name, space, 40, score=hopeless)) == 40


def test_evolution_says_that_nothing_evolved(space):
    strategy = make_strategy("evolution", space, seed=0, population=4, tournament=2)
    for _ in range(2):
        strategy.tell([convolutions(arch) for arch in strategy.ask(2)])
        (note,) = strategy.notes()
        assert "nothing evolved" in note and "population of 4" in note
    strategy.tell([convolutions(arch) for arch in strategy.ask(2)])
    assert strategy.notes() == ()


def test_local_search_ends_when_everything_is_known():
    class Corner:
        """Four architectures, each next to two others."""

        name = "corner"

        def sample(self, rng):
            return rng.choice("abcd")

        def neighbours(self, arch):
            position = "abcd".index(arch)
            return iter(("abcd"[position - 1], "abcd"[(position + 1) % 4]))

        def mutate(self, arch, rng):
            return rng.choice(list(self.neighbours(arch)))

    def score(arch: object) -> Evaluation:
        return evaluated(arch, float("abcd".index(arch)), 1.0, 1.0)

    for improvement in ("best", "first"):
        history = run("local", Corner(), 50, score=score, improvement=improvement)
        assert sorted(each.arch for each in history) == ["a", "b", "c", "d"]


def test_prune_ends_on_a_single_path_and_says_so(space):
    strategy = make_strategy("prune", space, seed=0)
    assert strategy.recommendation() is None
    count = 0
    while archs := strategy.ask(1000):
        count += len(archs)
        strategy.tell([convolutions(arch) for arch in archs])
    assert count == strategy.default_budget == 24 + 18 + 12 + 1
    assert str(strategy.recommendation()).count("nor_conv_3x3") == 6


def test_prune_can_drop_several_operations_at_once(space):
    assert make_strategy("prune", space, seed=0, drop=3).default_budget == 24 + 1


def test_prune_by_relative_changes_scores_the_supernet_of_every_round(space):
    strategy = make_strategy("prune", space, seed=0, change="relative")
    assert strategy.ask(1000)[0] == space.supernet()
    assert strategy.default_budget == 25 + 19 + 13 + 1
    assert str(run("prune", space, 58, change="relative")[-1].arch).count("nor_conv_3x3") == 6


def test_removals_are_ranked_by_their_relative_change_in_the_same_network():
    def scored(*networks: tuple[float, float, float]) -> Evaluation:
        return evaluated("a", *np.mean(networks, 0).tolist(), networks=networks)

    before = scored((10.0, 100.0, 2.0), (1000.0, 50.0, 4.0))
    change = relative_change(before, scored((20.0, 110.0, 1.0), (900.0, 50.0, 4.0)))
    # In the means κ falls; in the first network it doubles, which is more than the second falls.
    assert (change.kappa, change.regions, change.mse) == pytest.approx((0.45, 0.05, -0.25))


def test_the_change_to_and_from_an_infinite_score():
    bad, good = (evaluated("a", value, 1.0, value) for value in (math.inf, 2.0))
    changes = [relative_change(*pair).kappa for pair in ((good, bad), (bad, bad), (bad, good))]
    assert changes == [math.inf, math.inf, -1.0]


def test_fpnas_draws_fewer_as_it_becomes_sure_and_ends_on_its_mode(space):
    strategy = make_strategy("fpnas", space, seed=0)
    counts = []
    for _ in range(60):
        archs = strategy.ask(1000)
        counts.append(len(archs))
        strategy.tell([convolutions(arch) for arch in archs])
    assert counts[0] == 5  # six uniform choices of five: 9.66 nats, one sample for every two
    assert counts[-1] < counts[0]
    assert strategy.ask(1) == [strategy.recommendation()]


def test_reinforce_has_the_learning_rate_of_the_paper(space):
    assert make_strategy("reinforce", space, seed=0).options()["learning_rate"] == 0.04


def test_relative_change_is_the_rewards_of_the_paper():
    rewards = RelativeChange(window=3)
    told = [(10.0, 1.0, 2.0), (5.0, 3.0, 2.0), (math.inf, 0.0, math.inf), (10.0, 1.0, 2.0)]
    changes = [rewards.next(evaluated("a", *each)) for each in told]
    assert changes[0] == 0.0
    assert changes[1] == pytest.approx(1 + 1 + 0, abs=1e-5)  # κ halves, R rises, MSE stays
    assert changes[2] == pytest.approx(-1 - 1 + 0, abs=1e-5)  # bad: the worst so far, 10, 1 and 2
    assert changes[3] == pytest.approx(0.0, abs=1e-5)  # as bad as the worst so far


def test_policy_starts_uniform_and_follows_its_weights():
    policy = FactorisedPolicy([2, 4], learning_rate=0.1)
    assert policy.entropy() == pytest.approx(math.log(8))
    for _ in range(50):
        policy.ascend([(1, 2), (0, 0)], [1.0, -1.0])
    assert policy.mode() == (1, 2)
    assert policy.entropy() < math.log(8)
    assert set(policy.sample(random.Random(0))) <= {0, 1, 2, 3}


def test_policy_steps_are_those_of_torch():
    policy = FactorisedPolicy([2, 3], learning_rate=0.1)
    logits = [torch.zeros(size, dtype=torch.float64, requires_grad=True) for size in (2, 3)]
    adam = torch.optim.Adam(logits, lr=0.1)
    for samples, weights in [([(1, 2), (0, 0)], [0.7, 0.3]), ([(0, 2)], [-1.5])]:
        policy.ascend(samples, weights)
        adam.zero_grad()
        for sample, weight in zip(samples, weights, strict=True):
            log_p = [torch.log_softmax(each, 0) for each in logits]
            (-weight * (log_p[0][sample[0]] + log_p[1][sample[1]])).backward()
        adam.step()
    for row, each in zip(policy.probabilities(), logits, strict=True):
        expected = torch.softmax(each.detach(), 0).numpy()
        np.testing.assert_allclose(row[: len(each)], expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("reinforce", {"learning_rate": 0.0}),
        ("reinforce", {"momentum": 1.0}),
        ("fpnas", {"temperature": -1.0}),
        ("local", {"improvement": "worst"}),
        ("prune", {"drop": 0}),
        ("prune", {"change": "small"}),
    ],
)
def test_wrong_options_are_one_sentence(name, options, space):
    with pytest.raises(InputError, match=name if name != "local" else "improvement"):
        make_strategy(name, space, seed=0, **options)


class OneArchitecture:
    """A space with nothing to choose."""

    name = "single"

    def sample(self, rng):
        return "only"

    def neighbours(self, arch):
        return iter(())

    def mutate(self, arch, rng):
        raise AssertionError("never called")


@pytest.mark.parametrize("name", ["local", "evolution", "reinforce", "fpnas", "prune"])
def test_a_space_that_lacks_what_a_strategy_needs_is_named(name):
    with pytest.raises(InputError, match="single"):
        make_strategy(name, OneArchitecture(), seed=0)


def test_constraints_that_nothing_meets_end_the_search(space):
    class Nothing:
        def __getattr__(self, name):
            return getattr(space, name)

        def admits(self, arch):
            return False

        def describe(self):
            return "at most 1 parameters"

        max_draws = MAX_DRAWS

    strategy = make_strategy("reinforce", Nothing(), seed=0)
    with pytest.raises(InputError, match=f"{MAX_DRAWS:,} draws"):
        strategy.ask(10)
