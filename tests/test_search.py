"""Searches end to end on twenty tiny networks: budget, determinism, resuming, results."""

from __future__ import annotations

import errno
import json
import math
import random
import shutil
import sqlite3
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from paper import SETTINGS as PAPER
from paper import evaluated, paper_settings
from strategy_runs import run
from tiny_space import TinyArchitecture, TinySpace

from tegnas import (
    Evaluation,
    InputError,
    SearchResult,
    get_space,
    load_batch,
    score,
    search,
)
from tegnas.data import Batch
from tegnas.search import Progress, make_strategy, strategy_names
from tegnas.search.evaluation import best_of, rank_scores
from tegnas.search.run_directory import CONFIGURATION, RESULT, SCORES
from tegnas.search.store import read_store

SPACE = TinySpace()
SETTINGS = paper_settings(repeats=2, region_samples=60, region_batch_size=30)
EVOLUTION = {"population": 6, "tournament": 3}
OPTIONS = {"random": {}, "exhaustive": {}, "evolution": EVOLUTION}


@pytest.fixture(scope="module")
def batch() -> Batch:
    return load_batch("digits", train=8, val=6, size=8)


def tiny_search(batch: Batch, strategy: str = "random", budget: int = 8, **changes: object):
    arguments = {"settings": SETTINGS, "options": OPTIONS.get(strategy, {})} | changes
    return search(SPACE, batch, strategy, budget, **arguments)


def outcome(result: SearchResult) -> tuple:
    return result.best, result.history


# Strategies


def test_exhaustive_search_sees_every_architecture_in_order(batch):
    result = tiny_search(batch, "exhaustive", budget=100)
    assert [each.arch for each in result.history] == list(SPACE)
    expected = score(SPACE, batch, space=SPACE, settings=SETTINGS)
    found = [(each.kappa, each.regions, each.mse) for each in result.history]
    columns = expected.kappa, expected.regions, expected.mse
    torch.testing.assert_close(torch.tensor(found, dtype=torch.float64), torch.stack(columns, 1))
    assert result.best.arch == expected.archs[int(expected.rank_score().argmin())]


def test_random_search_draws_without_replacement_until_the_space_is_used_up(batch):
    result = tiny_search(batch, "random", budget=100)
    archs = [each.arch for each in result.history]
    assert len(archs) == len(set(archs)) == 20
    assert archs != list(SPACE)
    assert tiny_search(batch, "random", budget=7).history == result.history[:7]


def test_evolution_starts_with_a_random_population():
    strategy = make_strategy("evolution", SPACE, 3, **EVOLUTION)
    founders = strategy.ask(100)
    rng = random.Random(3)
    assert founders == [SPACE.sample(rng) for _ in range(6)]
    assert make_strategy("evolution", SPACE, 3, **EVOLUTION).ask(4) == founders[:4]


def graded(arch: TinyArchitecture) -> Evaluation:
    """Wider is better in everything; the rest makes no difference."""
    return evaluated(arch, 10.0 - arch.width, float(arch.width), 1.0 / arch.width)


def test_evolution_mutates_the_best_of_its_tournament_and_buries_the_oldest():
    # With a tournament of everybody the parent is the best of the last six.
    history = run("evolution", SPACE, 60, score=graded, population=6, tournament=6)
    assert len(history) == 60
    for index in range(6, 60):
        living = history[index - 6 : index]
        best = rank_scores(living).min()
        parents = [
            each.arch
            for each, value in zip(living, rank_scores(living), strict=True)
            if value == best
        ]
        child = history[index].arch
        assert any(child in list(SPACE.neighbours(parent)) for parent in parents)
    # Even the best dies when it is the oldest, whatever its rank.
    assert any(
        max(each.arch.width for each in history[i : i + 6])
        > max(each.arch.width for each in history[i + 6 : i + 12])
        for i in range(48)
    )


def test_a_tournament_of_one_draws_its_parents_evenly():
    space = get_space("nas-bench-201")
    history = run("evolution", space, 400, population=4, tournament=1)
    ages = Counter()
    for index in range(4, 400):
        for age in range(1, 5):
            if history[index].arch in list(space.neighbours(history[index - age].arch)):
                ages[age] += 1
                break
    assert all(ages[age] > 40 for age in range(1, 5))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"population": 1}, "population of at least 2"),
        ({"population": 4, "tournament": 5}, "tournament between 1 and the population"),
        ({"population": 4, "tournament": 0}, "tournament between 1 and the population"),
        ({"population": "many"}, "population of strategy 'evolution' must be a whole number"),
        ({"population": 4.5}, "must be a whole number, got 4.5"),
        ({"mutation": 1}, "strategy 'evolution' has no option 'mutation'; it has population, tour"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        make_strategy("evolution", SPACE, 0, **options)


def test_unknown_strategies_are_named():
    with pytest.raises(InputError, match="unknown strategy 'annealing'; tegnas knows random, exh"):
        make_strategy("annealing", SPACE, 0)
    assert {"random", "exhaustive", "evolution"} <= set(strategy_names())


# The driver


@pytest.mark.parametrize("strategy", OPTIONS)
def test_the_budget_is_kept_and_progress_told(batch, strategy):
    seen: list[Progress] = []
    result = tiny_search(batch, strategy, budget=15, progress=seen.append)
    assert len(result.history) == 15
    done = [each.done for each in seen]
    assert done == sorted(done) and done[-1] == 15
    assert all(each.budget == 15 for each in seen)
    assert seen[-1].scored == len({each.arch for each in result.history})
    assert result.settings["budget"] == 15 and result.settings["strategy"] == strategy
    assert result.seconds > 0


def test_a_budget_below_one_is_refused(batch):
    for budget in (0, -3):
        with pytest.raises(InputError, match=f"budget must be at least 1 evaluation, got {budget}"):
            tiny_search(batch, budget=budget)
    for budget in ("5", 2.5):
        with pytest.raises(InputError, match="budget must be a whole number of evaluations"):
            tiny_search(batch, budget=budget)
    assert len(tiny_search(batch, budget=torch.tensor(2))) == 2


@pytest.mark.parametrize("strategy", OPTIONS)
def test_the_same_seed_gives_the_same_result(batch, strategy):
    torch.manual_seed(0)
    random.seed(0)
    first = tiny_search(batch, strategy, 14, seed=5)
    torch.manual_seed(1)
    random.seed(1)
    assert outcome(tiny_search(batch, strategy, 14, seed=5)) == outcome(first)
    if strategy != "exhaustive":
        assert tiny_search(batch, strategy, 14, seed=6).history != first.history


def test_the_seed_is_that_of_the_networks_too_unless_the_settings_say_otherwise(batch):
    one = search(SPACE, batch, "exhaustive", 2, seed=4)
    assert one.settings["score"]["seed"] == 4
    expected = score(list(SPACE)[:2], batch, space=SPACE, seed=4)
    assert one["variance_inflation"] == pytest.approx(expected["variance_inflation"].numpy())
    assert tiny_search(batch, seed=4).settings["score"]["seed"] == 0


def test_nothing_is_written_without_a_directory(batch, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tiny_search(batch, budget=2)
    assert not list(tmp_path.iterdir())


def test_the_accuracy_of_the_best_is_looked_up_and_never_guessed(batch):
    asked: list[str] = []

    def table(arch: str) -> float | None:
        asked.append(arch)
        return 91.5

    known = tiny_search(batch, budget=3, accuracy=table)
    assert known.best.accuracy == 91.5 and asked == [str(known.best.arch)]
    assert tiny_search(batch, budget=3, accuracy=lambda arch: None).best.accuracy is None


@pytest.mark.parametrize("engine", ["native", "torch"])
def test_architectures_without_finite_scores_never_stop_a_search(batch, engine):
    class Dead(TinySpace):
        """Every network gives the same logits for every image."""

        def network(self, arch, kind="proxy", *, num_classes=10, seed=0):
            network = super().network(arch, kind, num_classes=num_classes, seed=seed)
            with torch.no_grad():
                network[0].weight.zero_()
                network[0].bias.fill_(-1.0)
            return network

    for strategy, options in OPTIONS.items():
        result = search(
            Dead(), batch, strategy, 12, settings=replace(SETTINGS, engine=engine), options=options
        )
        assert len(result.history) == 12
        assert result.best.kappa == result.best.mse == math.inf
        assert result.best == result.history[0]


# Going on


@pytest.mark.parametrize("strategy", OPTIONS)
def test_a_stopped_search_goes_on_to_the_same_result(batch, strategy, tmp_path):
    class Stop(Exception):
        pass

    def stop_after(evaluations: int):
        def progress(state: Progress) -> None:
            if state.done >= evaluations:
                raise Stop

        return progress

    whole = tiny_search(batch, strategy, 18, out=tmp_path / "whole")
    for evaluations in (1, 10):
        with pytest.raises(Stop):
            tiny_search(
                batch, strategy, 18, out=tmp_path / "parts", progress=stop_after(evaluations)
            )
    assert not (tmp_path / "parts" / RESULT).exists()
    scored: list[Progress] = []
    resumed = tiny_search(batch, strategy, 18, out=tmp_path / "parts", progress=scored.append)
    assert outcome(resumed) == outcome(whole)
    assert scored[-1].scored < len({each.arch for each in whole.history})
    assert outcome(saved_result(tmp_path / "parts")) == outcome(whole)


def saved_result(directory: Path) -> SearchResult:
    return SearchResult.load(directory / RESULT, SPACE)


def test_a_finished_search_is_read_and_not_scored_again(batch, tmp_path):
    first = tiny_search(batch, out=tmp_path)
    told: list[Progress] = []
    assert outcome(tiny_search(batch, out=tmp_path, progress=told.append)) == outcome(first)
    assert told[-1].scored == 0


def test_a_larger_budget_goes_on_from_a_smaller_one(batch, tmp_path):
    small = tiny_search(batch, "evolution", 8, out=tmp_path)
    large = tiny_search(batch, "evolution", 16, out=tmp_path)
    assert large.history[:8] == small.history
    assert outcome(large) == outcome(tiny_search(batch, "evolution", 16))


def test_every_repeat_of_every_score_is_stored(batch, tmp_path):
    result = tiny_search(batch, "evolution", 20, out=tmp_path)
    distinct = {str(each.arch) for each in result.history}
    stored = read_store(tmp_path / SCORES)
    assert set(stored.networks) == distinct
    expected = score([result.best.arch], batch, space=SPACE, settings=SETTINGS)
    found = stored.networks[str(result.best.arch)]
    assert found == {name: tuple(expected.networks[name][0].tolist()) for name in SETTINGS.names}


def test_a_score_that_was_changed_in_the_store_is_noticed(batch, tmp_path):
    tiny_search(batch, budget=2, out=tmp_path)
    with sqlite3.connect(tmp_path / SCORES) as connection:
        connection.execute("UPDATE scores SET value = value * 2 WHERE network = 1")
    with pytest.raises(InputError, match="is damaged: the score of .* isn't the one"):
        tiny_search(batch, budget=2, out=tmp_path)
    with pytest.raises(InputError, match="is damaged"):
        read_store(tmp_path / SCORES)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": 1}, "seed was 0, is 1"),
        ({"strategy": "evolution"}, "strategy was 'random', is 'evolution'"),
        ({"settings": replace(SETTINGS, repeats=1)}, "repeats was 2, is 1"),
    ],
)
def test_a_directory_of_another_configuration_is_refused(batch, tmp_path, change, named):
    tiny_search(batch, budget=2, out=tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(InputError, match=f"belongs to another configuration .*{named}.*--out"):
        tiny_search(batch, **{"budget": 2, "out": tmp_path} | change)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_another_strategy_is_named_first_and_without_its_options(batch, tmp_path):
    tiny_search(batch, "evolution", 2, out=tmp_path)
    changed = replace(SETTINGS, repeats=1)
    with pytest.raises(InputError) as caught:
        tiny_search(batch, "random", 2, out=tmp_path, settings=changed, seed=1)
    assert "(strategy was 'evolution', is 'random', repeats was 2, is 1, seed was" in str(
        caught.value
    )


def test_other_options_and_other_images_are_other_configurations(batch, tmp_path):
    tiny_search(batch, "evolution", 2, out=tmp_path)
    with pytest.raises(InputError, match="population was 6, is 7"):
        tiny_search(batch, "evolution", 2, out=tmp_path, options={**EVOLUTION, "population": 7})
    with pytest.raises(InputError, match="the images differ"):
        tiny_search(replace(batch, images=batch.images + 1), "evolution", 2, out=tmp_path)


def test_directories_that_hold_something_else_are_refused(batch, tmp_path):
    (tmp_path / "thesis.tex").write_text("work of years")
    with pytest.raises(InputError, match="holds other files and no run; choose another --out"):
        tiny_search(batch, out=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(InputError, match="can't be used for the run"):
        tiny_search(batch, out=tmp_path / "thesis.tex")


@pytest.mark.parametrize("content", ["", "[1, 2]", '{"seed": 0', "null"])
def test_a_damaged_configuration_is_named(batch, tmp_path, content):
    tiny_search(batch, budget=2, out=tmp_path)
    (tmp_path / CONFIGURATION).write_text(content)
    with pytest.raises(InputError, match="run.json is damaged; choose another --out"):
        tiny_search(batch, budget=2, out=tmp_path)


def test_a_run_killed_while_it_wrote_its_configuration_starts_anew(batch, tmp_path):
    (tmp_path / ".tegnas-0123456789ab.partial").write_text('{"tegnas": "0.')
    assert len(tiny_search(batch, budget=2, out=tmp_path).history) == 2


def test_a_directory_that_cannot_be_written_is_named(batch, tmp_path, monkeypatch):
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(InputError, match="run.json can't be written: No space left on device"):
        tiny_search(batch, budget=2, out=tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_store_of_another_version_is_refused(batch, tmp_path):
    tiny_search(batch, budget=2, out=tmp_path)
    with sqlite3.connect(tmp_path / SCORES) as connection:
        connection.execute("PRAGMA user_version = 999")
    with pytest.raises(InputError, match="another version of tegnas .format 999.*--out"):
        tiny_search(batch, budget=2, out=tmp_path)


ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)"


@pytest.mark.parametrize(
    "script",
    [
        "DROP TABLE scores; CREATE VIEW scores AS "
        f"{ENDLESS} SELECT 1 architecture, '' indicator, x network, 0.0 value FROM n WHERE x < 0",
        "CREATE TRIGGER later AFTER INSERT ON scores BEGIN DELETE FROM settings; END",
        "DROP TABLE costs; CREATE VIRTUAL TABLE costs USING fts5(space, architecture, name, cost)",
    ],
    ids=["view", "trigger", "virtual table"],
)
def test_a_store_of_more_than_tables_is_refused(script, batch, tmp_path):
    tiny_search(batch, budget=2, out=tmp_path)
    with sqlite3.connect(tmp_path / SCORES) as connection:
        connection.executescript(script)
    connection.close()
    for read in (
        lambda: tiny_search(batch, budget=2, out=tmp_path),
        lambda: read_store(tmp_path / SCORES),
    ):
        with pytest.raises(InputError, match=r"holds the (view|trigger|table) \w+, which no store"):
            read()


def test_a_file_that_is_no_store_is_named(batch, tmp_path):
    tiny_search(batch, budget=2, out=tmp_path)
    for leftover in tmp_path.glob(f"{SCORES}*"):
        leftover.unlink()
    (tmp_path / SCORES).write_bytes(b"not a database" * 100)
    with pytest.raises(InputError, match="can't be used as a store of scores .*--out"):
        tiny_search(batch, budget=2, out=tmp_path)


def test_a_store_damaged_in_the_middle_is_named(batch, tmp_path):
    tiny_search(batch, "exhaustive", 20, out=tmp_path / "run")
    path = tmp_path / "run" / SCORES
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\x00" * (len(content) - 4096))
    with pytest.raises(InputError, match="can't be used as a store of scores"):
        tiny_search(batch, "exhaustive", 20, out=tmp_path / "run")
    shutil.rmtree(tmp_path / "run")


# Results


def test_results_survive_being_saved(batch, tmp_path):
    space = get_space("nas-bench-201")
    disconnected = "|none~0|+|none~0|none~1|+|none~0|none~1|skip_connect~2|"
    evaluations = (
        evaluated(space.parse(disconnected), math.inf, 12.0, math.inf),
        evaluated(space.sample(random.Random(0)), 1234.5678901234567, 2.0, 0.1, 93.25),
    )
    result = SearchResult(
        space.name, evaluations[1], evaluations, 1.5, {"seed": 0, "score": PAPER.to_json()}
    )
    result.save(tmp_path / "result.json")
    assert SearchResult.load(tmp_path / "result.json") == result
    # Plain JSON, readable by anything: no Infinity or NaN.
    content = json.loads(
        (tmp_path / "result.json").read_text(), parse_constant=lambda name: pytest.fail(name)
    )
    assert content["history"][0]["ntk_condition"] is None
    assert content["best"]["accuracy"] == 93.25
    assert content["evaluations"] == content["distinct"] == 2
    assert [path.name for path in tmp_path.iterdir()] == ["result.json"]


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '"text"', '{"space": "nas-bench-201", "best": 3, "history": []}']
)
def test_a_file_that_is_no_result_is_named(tmp_path, content):
    (tmp_path / "result.json").write_text(content)
    with pytest.raises(InputError, match="result.json is not a saved search result"):
        SearchResult.load(tmp_path / "result.json")
    with pytest.raises(InputError, match="absent.json is not a saved search result"):
        SearchResult.load(tmp_path / "absent.json")


def test_the_best_is_the_first_of_lowest_rank_sum_among_distinct_architectures():
    a, b, c = (TinyArchitecture(width, 1, "bn") for width in (1, 2, 3))
    good, same, bad = evaluated(a, 1, 9, 0.1), evaluated(b, 1, 9, 0.1), evaluated(c, 5, 1, 0.5)
    assert best_of([bad, same, good]).arch == b
    assert best_of([bad, good, same, good]).arch == a
    # A repeated architecture counts once: c repeated would push the ranks of the others.
    assert best_of([bad, bad, bad, good]).arch == a
