"""Races: networks that aren't computed, and what a search and a score make of it."""

from __future__ import annotations

import json
import random
import sys

import numpy as np
import pytest
from paper import evaluated, paper_settings
from tiny_space import TinySpace

from tegnas import InputError, SearchResult, get_space, load_batch, score, search
from tegnas.analysis.runs import read_run
from tegnas.analysis.score_table import read_scores
from tegnas.cli import main
from tegnas.refine.scored import scored_of
from tegnas.scoring.average import averaged
from tegnas.scoring.race import better_half, halvings
from tegnas.scoring.ranking import rank_score
from tegnas.scoring.settings import ScoreSettings, changed
from tegnas.search.command import search_command
from tegnas.search.evaluation import best_of, distinct_architectures, rank_scores
from tegnas.search.race import Race
from tegnas.search.run_directory import RESULT

SPACE = get_space("nas-bench-201")
PLAIN = paper_settings(repeats=5, region_samples=60, region_batch_size=30)
RACED = changed(PLAIN, race=2)
BUDGET = 24


@pytest.fixture(scope="module")
def batch():
    return load_batch("digits", train=8, val=6, size=8)


@pytest.fixture(scope="module")
def plain(batch) -> SearchResult:
    return search(SPACE, batch, "random", BUDGET, settings=PLAIN)


@pytest.fixture(scope="module")
def raced(batch) -> SearchResult:
    return search(SPACE, batch, "random", BUDGET, settings=RACED)


def outcome(result: SearchResult) -> tuple:
    return result.best, result.history


# The rule


@pytest.mark.parametrize(
    "networks, most, expected",
    [(1, None, ()), (2, None, (1,)), (5, None, (1, 2, 4)), (10, 2, (1, 2)), (10, 9, (1, 2, 4, 8))],
)
def test_a_race_halves_after_powers_of_two(networks, most, expected):
    assert halvings(networks, most) == expected


def test_the_better_half_is_rounded_up_and_keeps_ties():
    assert better_half([3, 1, 2]).tolist() == [False, True, True]
    assert better_half([1, 1, 1, 2]).tolist() == [True, True, True, False]
    assert better_half([4, 3, 2, 1], least=3).tolist() == [False, True, True, True]
    assert better_half([1, 2], least=5).all()
    assert better_half([]).shape == (0,)


def test_what_was_stopped_ranks_behind_every_full_score():
    full = [evaluated(index, 10.0 + index, 5.0, 1.0) for index in range(3)]
    stopped = evaluated("best", 1.0, 50.0, 0.1)
    stopped = type(stopped)(**{**vars(stopped), "stopped_after": 1})
    assert rank_scores([*full, stopped]).argmax() == 3
    assert best_of([*full, stopped]).arch == 0
    again = evaluated("best", 1.0, 50.0, 0.1)
    assert distinct_architectures([stopped, again, stopped]) == [again]


def test_one_that_was_stopped_among_few_goes_on_at_the_end():
    """Stopped because the first two are better; among all that came later it is in front."""
    costs = dict(enumerate([1.0, 2.0, 3.0, 9.0, 9.5, 10.0, 11.0, 12.0]))

    def evaluate(archs, report, networks=None):
        found = [evaluated(arch, costs[arch], -costs[arch], costs[arch]) for arch in archs]
        return [type(each)(**{**vars(each), "stopped_after": networks}) for each in found]

    race = Race(evaluate, changed(PLAIN, race=1))
    history = [each for arch in costs for each in race([arch], lambda known, computed: None)]
    assert [each.stopped_after for each in history[:3]] == [None, 1, 1]
    finished = race.finish(history)
    assert [each.stopped_after for each in finished] == [None] * 4 + [1] * 4


# Searches


def test_full_scores_are_those_of_a_search_without_a_race(plain, raced):
    assert [each.arch for each in raced.history] == [each.arch for each in plain.history]
    for mine, other in zip(raced.history, plain.history, strict=True):
        count = mine.stopped_after or PLAIN.repeats
        expected = [averaged(np.array(row[:count])).item() for row in other.networks]
        assert mine.values == pytest.approx(expected, rel=1e-9)
        assert [len(row) for row in mine.networks] == [count] * 3


def test_half_of_what_is_asked_for_together_is_stopped_after_the_first_network(plain, raced):
    first = np.array([[row[0] for row in each.networks] for each in plain.history])
    better = better_half(rank_score(PLAIN.indicators, list(first.T), PLAIN.combination))
    assert [each.stopped_after != 1 for each in raced.history] == better.tolist()
    assert raced.best.stopped_after is None


def test_a_result_counts_its_networks(plain, raced, tmp_path):
    counts = [each.stopped_after or 5 for each in raced.history]
    assert raced.networks == (sum(counts), 5 * BUDGET)
    assert plain.networks == (5 * BUDGET, 5 * BUDGET) and plain.raced == ""
    assert f"{sum(counts)} of {5 * BUDGET} networks" in raced.raced
    raced.save(tmp_path / RESULT)
    loaded = SearchResult.load(tmp_path / RESULT)
    assert outcome(loaded) == outcome(raced) and loaded.networks == raced.networks
    assert raced.summary()["networks"] == {
        "computed": sum(counts),
        "of": 5 * BUDGET,
        "stopped": raced.stopped,
    }
    assert raced.to_frame()["networks"].tolist() == counts
    places = [each.stopped_after is not None for each in raced.ranked()]
    assert places == sorted(places)
    assert "--race 2" in search_command(raced)


@pytest.mark.parametrize("strategy", ["evolution", "fpnas", "local", "reinforce"])
def test_a_stopped_search_goes_on_to_the_same_end(strategy, batch, tmp_path):
    options = {"population": 6, "tournament": 3} if strategy == "evolution" else {}
    asked = {"settings": RACED, "options": options}
    whole = search(SPACE, batch, strategy, 14, **asked)

    class Killed(Exception):
        pass

    def kill(evaluations):
        left.pop()
        if not left:
            raise Killed

    left = [None] * 3
    with pytest.raises(Killed):
        search(SPACE, batch, strategy, 14, out=tmp_path, evaluated=kill, **asked)
    short = search(SPACE, batch, strategy, 9, out=tmp_path, **asked)
    assert len(short) == 9
    assert outcome(search(SPACE, batch, strategy, 14, out=tmp_path, **asked)) == outcome(whole)


def test_a_kill_between_two_networks_changes_nothing(batch, raced, tmp_path, monkeypatch):
    from tegnas.search.evaluator import Evaluator

    calls = []
    add = Evaluator._add

    def killed(self, scores, first):
        add(self, scores, first)
        calls.append(first)
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Evaluator, "_add", killed)
    with pytest.raises(KeyboardInterrupt):
        search(SPACE, batch, "random", BUDGET, settings=RACED, out=tmp_path)
    assert calls == [0, 1]
    monkeypatch.undo()
    again = search(SPACE, batch, "random", BUDGET, settings=RACED, out=tmp_path)
    assert outcome(again) == outcome(raced)


def test_processes_race_as_this_process_does(batch, raced):
    found = search(SPACE, batch, "random", BUDGET, settings=RACED, executor="process", workers=2)
    assert outcome(found) == outcome(raced)


def test_modules_race_as_the_native_engine_does(batch, raced):
    found = search(SPACE, batch, "random", BUDGET, settings=changed(RACED, engine="torch"))
    assert [each.stopped_after for each in found] == [each.stopped_after for each in raced]
    tiny = search(TinySpace(), batch, "exhaustive", 12, settings=RACED)
    assert 0 < tiny.stopped < 12


def test_isomorphic_architectures_race_as_one(batch):
    settings = changed(RACED, share_isomorphic=True)
    archs = search(SPACE, batch, "random", 12, settings=settings)
    assert archs.best.stopped_after is None


def test_runs_share_scores_of_one_race_and_of_no_other(batch, raced, tmp_path):
    store = tmp_path / "all.sqlite"
    for name in ("a", "b"):
        found = search(
            SPACE, batch, "random", BUDGET, settings=RACED, out=tmp_path / name, shared=store
        )
        assert outcome(found) == outcome(raced)
    computed = []
    search(
        SPACE, batch, "random", 4, settings=PLAIN, shared=store,
        progress=lambda state: computed.append(state.scored),
    )  # fmt: skip
    assert computed[-1] == 4
    with pytest.raises(InputError, match="race was 2, is None"):
        search(SPACE, batch, "random", BUDGET, settings=PLAIN, out=tmp_path / "a")


def test_what_was_stopped_is_in_no_table_of_scores(batch, raced, tmp_path):
    search(SPACE, batch, "random", BUDGET, settings=RACED, out=tmp_path)
    full = {each.arch for each in raced.history if each.stopped_after is None}
    assert set(read_scores(tmp_path).archs) == full
    assert {each.arch for each in scored_of(raced, SPACE, None, False).evaluations} == full
    (tmp_path / RESULT).unlink()  # as one that is still running
    unfinished = read_run(tmp_path).result
    assert unfinished.best.arch == raced.best.arch and unfinished.networks == raced.networks


def test_pruning_cannot_race(batch):
    with pytest.raises(InputError, match="leave the race out"):
        search(SPACE, batch, "prune", settings=RACED)


def test_settings_without_a_race_are_what_they_were():
    assert "race" not in PLAIN.to_json() and RACED.to_json()["race"] == 2
    assert ScoreSettings.from_json(PLAIN.to_json()) == PLAIN
    assert ScoreSettings.from_json(RACED.to_json()) == RACED
    assert PLAIN.key() != RACED.key()
    with pytest.raises(InputError, match="race must be a whole number"):
        changed(PLAIN, race=-1)
    with pytest.raises(InputError, match="no indicator"):
        changed(PLAIN, race=1, indicators=("parameters",))


# The best of a set


def test_the_best_of_a_set_have_full_scores(plain, batch):
    archs = [each.arch for each in plain.history]
    full = score(archs, batch, space=SPACE, settings=PLAIN)
    found = score(archs, batch, space=SPACE, settings=PLAIN, best=5)
    assert sorted(found.counts.tolist()) == [1] * 12 + [2] * 6 + [4] + [5] * 5
    for index, each in enumerate(found):
        assert (each.stopped_after is None) == (found.counts[index] == 5)
        count = int(found.counts[index])
        expected = [
            averaged(full.networks[name][index, :count].numpy()).item() for name in each.by_name
        ]
        assert each.values == pytest.approx(expected, rel=1e-9)
    best = found.best(5)
    assert all(found[archs.index(arch)].stopped_after is None for arch in best)
    assert len(found[:7].counts) == 7
    assert f"{found.counts.sum()} of {5 * BUDGET} networks" in found.raced
    assert found.to_frame()["networks"].tolist() == found.counts.tolist()


def test_indicators_of_the_architecture_itself_are_computed_once(batch):
    archs = [SPACE.sample(random.Random(index)) for index in range(6)]
    settings = changed(PLAIN, indicators=("linear_regions", "parameters"))
    found = score([*archs, archs[0]], batch, space=SPACE, settings=settings, best=1)
    full = score(archs, batch, space=SPACE, settings=settings)
    assert found["parameters"][:6].tolist() == full["parameters"].tolist()
    assert found.counts[6] == found.counts[0]


def test_the_best_of_nothing_and_a_wrong_number(batch):
    assert len(score([], batch, space=SPACE, settings=PLAIN, best=1)) == 0
    with pytest.raises(InputError, match="best must be a whole number"):
        score([], batch, space=SPACE, settings=PLAIN, best=0)


# The command


def test_the_command_says_how_many_networks_were_computed(monkeypatch, capsys, tmp_path):
    small = ["--preset", "fast", "--train", "8", "--val", "8", "--repeats", "2"]
    small += ["--region-samples", "60"]

    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["tegnas", *arguments, *small])
        with pytest.raises(SystemExit):
            main()
        return capsys.readouterr().out

    asked = ("search", "--strategy", "random", "--budget", "8", "--race", "1")
    out = ("--out", str(tmp_path / "run"))
    content = json.loads(run(*asked, *out, "--json"))
    networks = content["networks"]
    assert networks["computed"] == 16 - networks["stopped"] < networks["of"] == 16
    assert f"{networks['computed']} of 16 networks" in run(*asked, *out)
    archs = ["012342", "333333", "000001"]
    rows = json.loads(run("score", *archs, "--best", "1", "--json"))["scores"]
    assert sorted(row["networks"] for row in rows)[::2] == [1, 2]
    assert "networks were computed" in run("score", *archs, "--best", "1")
