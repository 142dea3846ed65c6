"""Every strategy on every space, stopped half way; limits, fronts, presets and comparisons."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest
from paper import evaluated, paper_settings
from strategy_runs import run

from tegnas.cli import main
from tegnas.cli.compare import read_seeds
from tegnas.data import load_batch
from tegnas.errors import InputError
from tegnas.networks.complexity import count_parameters
from tegnas.scoring import get_preset
from tegnas.scoring.settings import changed
from tegnas.search import Limits, SearchResult, search, strategy_names
from tegnas.search.compare import compare, summarise
from tegnas.search.evaluation import rank_scores
from tegnas.search.strategies import drawing, make_strategy
from tegnas.spaces import get_space

EXAMPLE = Path(__file__).parents[1] / "examples" / "residual_mlp_space.py"
SPACES = [
    "nas-bench-201",
    "nas-bench-101",
    "transnas-micro",
    "transnas-macro",
    "darts",
    "nats-size",
    "nas-bench-macro",
    "mobilenet",
    "autoformer",
    "pit",
    "vit",
    "mnasnet",
    f"{EXAMPLE}:SPACE",
]
PRUNED = ["nas-bench-201", "darts", "transnas-micro"]
NO_PRODUCTS = ["transnas-macro", "vit"]
SETTINGS = paper_settings(repeats=1, region_samples=32, region_batch_size=32)
BUDGET = 8


@pytest.fixture(scope="module")
def batch():
    return load_batch("digits", train=6, val=6, seed=0)


class Stopped(Exception):
    """Instead of a kill."""


def stop_half_way(state) -> None:
    if state.done >= BUDGET // 2:
        raise Stopped


@pytest.mark.parametrize("space", SPACES, ids=lambda name: Path(name).stem)
@pytest.mark.parametrize("strategy", [n for n in strategy_names() if n != "prune"])
def test_every_strategy_goes_on_to_the_same_end(strategy, space, batch, tmp_path):
    if (strategy, space) == ("exhaustive", "darts"):
        pytest.skip("too large to go through")
    if strategy in ("reinforce", "fpnas") and space in NO_PRODUCTS:
        pytest.skip("no product of choices")
    options = {"evolution": {"population": 4, "tournament": 2}}.get(strategy)
    arguments = {"settings": SETTINGS, "options": options, "seed": 1, "budget": BUDGET}
    with pytest.raises(Stopped):
        search(
            get_space(space), batch, strategy, out=tmp_path / "a", progress=stop_half_way,
            **arguments,
        )  # fmt: skip
    stopped = search(get_space(space), batch, strategy, out=tmp_path / "a", **arguments)
    whole = search(get_space(space), batch, strategy, **arguments)
    assert stopped.history == whole.history
    assert len(whole.history) == BUDGET
    assert (
        SearchResult.load(tmp_path / "a" / "result.json", get_space(space)).history == whole.history
    )


@pytest.mark.parametrize("space", SPACES[:-1], ids=lambda name: Path(name).stem)
@pytest.mark.parametrize("images", ["digits", "noise", "cifar"])
def test_deep_small_networks_are_searched_on(space, images, request):
    settings = changed(get_preset("best"), repeats=1, region_samples=32)
    if images == "cifar":
        images = str(request.getfixturevalue("shared_data") / "cifar10_dev500.npz")
    images = load_batch(images, train=6, val=6, seed=0)
    result = search(get_space(space), images, "random", 3, settings=settings)
    assert len(result.history) == 3
    assert all(0 < each["linear_regions"] <= 32 for each in result.history)


def test_pruning_goes_on_to_the_same_end(batch, tmp_path):
    arguments = {"settings": SETTINGS, "options": {"drop": 3}}
    with pytest.raises(Stopped):
        search(
            get_space("nas-bench-201"), batch, "prune", out=tmp_path / "a",
            progress=stop_half_way, **arguments,
        )  # fmt: skip
    stopped = search(get_space("nas-bench-201"), batch, "prune", out=tmp_path / "a", **arguments)
    assert len(stopped.history) == 24 + 1
    assert stopped.recommended == stopped.best == stopped.history[-1]
    loaded = SearchResult.load(tmp_path / "a" / "result.json")
    assert (loaded.recommended, loaded.history) == (stopped.recommended, stopped.history)


@pytest.mark.parametrize("name", [n for n in strategy_names() if n != "exhaustive"])
def test_strategies_find_more_than_chance_on_darts(name):
    space = get_space("darts")

    def separable(arch):
        count = str(arch).count("sep_conv_3x3")
        return evaluated(arch, 1.0 / (1 + count), float(count), 1.0 / (1 + count))

    def most(strategy: str) -> float:
        budget = make_strategy("prune", space, 0).default_budget
        history = run(strategy, space, budget, seed=0, score=separable)
        return max(each.regions for each in history if "{" not in str(each.arch))

    assert space.parse(str(run(name, space, 400, score=separable)[-1].arch))
    if name != "random":
        assert most(name) > most("random")


def test_pruning_darts_ends_on_a_genotype_within_its_budget():
    space = get_space("darts")
    strategy = make_strategy("prune", space, 0)
    assert strategy.options() == {"drop": 3, "change": "mean"}
    # 28 edges from 7 to 4 to 1 operations, 24 edges of nodes with more than two inputs, the end.
    assert strategy.default_budget == 28 * 7 + 28 * 4 + 24 + 1


def test_reinforce_has_the_learning_rate_of_the_paper_on_darts():
    strategy = make_strategy("reinforce", get_space("darts"), 0)
    assert strategy.options()["learning_rate"] == 0.07


def test_a_budget_too_small_to_prune_is_named(batch):
    with pytest.raises(InputError, match="prune needs a budget of at least 55"):
        search(get_space("nas-bench-201"), batch, "prune", 54)


@pytest.mark.parametrize(
    "space", [n for n in SPACES if n not in PRUNED], ids=lambda n: Path(n).stem
)
def test_a_space_without_supernet_is_not_pruned(space):
    with pytest.raises(InputError, match="prune needs a supernet, .* has none; choose another"):
        make_strategy("prune", get_space(space), 0)


def test_limits_hold_and_belong_to_the_run(batch, tmp_path):
    space = get_space("nats-size")
    arguments = {"settings": SETTINGS, "out": tmp_path / "a"}
    result = search(space, batch, "random", 6, limits=Limits(params=100_000), **arguments)
    for each in result.history:
        assert count_parameters(space.network(each.arch, "full")) <= 100_000
    assert json.loads((tmp_path / "a" / "run.json").read_text())["limits"] == {"params": 100_000}
    with pytest.raises(InputError, match="params was 100000"):
        search(space, batch, "random", 6, limits=Limits(params=90_000), **arguments)


def test_exhaustive_search_of_nothing_says_so(batch):
    space = get_space(f"{EXAMPLE}:SPACE")
    with pytest.raises(InputError, match="residual-mlp is within the limits .at most 1 param"):
        search(space, batch, "exhaustive", 6, settings=SETTINGS, limits=Limits(params=1))


def test_a_front_is_kept_with_the_result(batch, tmp_path):
    pytest.importorskip("moocore", reason="pip install 'tegnas[pareto]'")
    space = get_space("nats-size")
    result = search(
        space, batch, "random", 8, settings=SETTINGS, pareto="flops", out=tmp_path / "a"
    )
    assert 1 <= len(result.pareto.points) <= 8
    assert 0 <= result.pareto.hypervolume <= 1
    assert [p.cost for p in result.pareto.points] == sorted(p.cost for p in result.pareto.points)
    assert SearchResult.load(tmp_path / "a" / "result.json").pareto == result.pareto
    with pytest.raises(InputError, match="unknown cost 'weight'; tegnas knows params, flops"):
        search(space, batch, "random", 8, pareto="weight")


def test_a_run_directory_without_scores_takes_another_configuration(batch, tmp_path, monkeypatch):
    monkeypatch.setattr(drawing, "MAX_DRAWS", 3)
    space = get_space("nas-bench-201")
    arguments = {"settings": SETTINGS, "out": tmp_path / "a"}
    with pytest.raises(InputError, match="the least found is"):
        search(space, batch, "random", 2, limits=Limits(params=10), **arguments)
    assert len(search(space, batch, "random", 2, **arguments).history) == 2
    with pytest.raises(InputError, match="belongs to another configuration"):
        search(space, batch, "random", 2, limits=Limits(params=10), **arguments)


def test_a_file_is_no_run_directory(batch, tmp_path):
    (tmp_path / "a").write_text("")
    space = get_space("nas-bench-201")
    with pytest.raises(InputError, match="can't be used for the run: it is a file"):
        search(space, batch, "random", 2, settings=SETTINGS, out=tmp_path / "a")
    with pytest.raises(InputError, match="can't be used for the run: Not a dir"):
        compare(space, batch, ["random"], [0], 2, settings=SETTINGS, out=tmp_path / "a" / "b")


class TestCompare:
    def test_a_budget_too_small_is_said_before_the_first_run(self, batch, tmp_path):
        with pytest.raises(InputError, match="prune needs a budget of at least 55"):
            compare(get_space("nas-bench-201"), batch, ["random", "prune"], [0], 5, out=tmp_path)
        assert not any(tmp_path.iterdir())

    def test_every_strategy_and_seed_has_a_row(self, batch, tmp_path):
        space = get_space("nas-bench-201")
        arguments = {"settings": SETTINGS, "out": tmp_path}
        first = compare(space, batch, ["random", "local"], [0, 1], 6, **arguments)
        assert [(row.strategy, row.seed) for row in first] == [
            ("random", 0), ("random", 1), ("local", 0), ("local", 1),
        ]  # fmt: skip
        assert all(0 <= row.outranks <= 1 and row.evaluations == 6 for row in first)
        with (tmp_path / "comparison.csv").open() as file:
            assert [row["arch"] for row in csv.DictReader(file)] == [row.arch for row in first]
        # Nothing is computed twice when seeds are added, and seconds are those of the first time.
        again = compare(space, batch, ["random", "local"], [0, 1, 2], 6, **arguments)
        assert len(again) == 6
        assert [row.arch for row in again if row.seed < 2] == [row.arch for row in first]
        assert [row.seconds for row in again if row.seed < 2] == [row.seconds for row in first]
        assert all(row.seconds > 0 for row in again)

    def test_runs_share_their_scores(self, batch, tmp_path):
        space = get_space("nas-bench-201")
        computed = []
        compare(
            space, batch, ["random"], [0, 1], 5, out=tmp_path, settings=SETTINGS,
            progress=lambda strategy, seed, state: computed.append(state.scored),
        )  # fmt: skip
        assert max(computed) == 5
        computed.clear()
        # Another strategy of the same draws: aging evolution begins like random search.
        rows = compare(
            space, batch, ["evolution"], [0, 1], 5, out=tmp_path, settings=SETTINGS,
            progress=lambda strategy, seed, state: computed.append(state.scored),
        )  # fmt: skip
        assert max(computed) == 0
        assert all(row.seconds > 0 for row in rows)

    def test_summary_says_how_many_accuracies_are_known(self, batch, tmp_path):
        rows = compare(
            get_space("nas-bench-201"), batch, ["random"], [0, 1, 2], 3, out=tmp_path,
            settings=SETTINGS, accuracy=lambda arch: 90.0 if "none" in arch else None,
        )  # fmt: skip
        (summary,) = summarise(rows)
        assert summary.runs == 3
        assert summary.known == sum("none" in row.arch for row in rows)
        content = json.loads((tmp_path / "comparison.json").read_text())
        assert content["strategies"][0]["known"] == summary.known
        assert summary.best_known == 90.0  # among three architectures one has a none

    def test_best_known_is_the_best_ranked_that_the_table_has(self, batch, tmp_path):
        arguments = {"settings": SETTINGS, "out": tmp_path}
        space = get_space("nas-bench-201")
        (row,) = compare(space, batch, ["random"], [0], 6, **arguments)
        result = SearchResult.load(tmp_path / "random-seed0" / "result.json")
        ranks = rank_scores(result.history)
        others = [str(each.arch) for each in result.history if str(each.arch) != row.arch]
        accuracies = dict(zip(others, (70.0, 80.0, 90.0, 91.0, 92.0), strict=True))
        (row,) = compare(space, batch, ["random"], [0], 6, accuracy=accuracies.get, **arguments)
        second = result.history[ranks.argsort(kind="stable")[1]]
        assert (row.accuracy, row.best_known) == (None, accuracies[str(second.arch)])

    def test_a_strategy_may_have_options_and_a_budget_of_its_own(self, batch, tmp_path):
        names = ["random", "random:budget=2", "evolution:population=4:tournament=2"]
        rows = compare(
            get_space("nas-bench-201"), batch, names, [0], 5, out=tmp_path, settings=SETTINGS
        )
        assert [(row.strategy, row.evaluations) for row in rows] == list(
            zip(names, (5, 2, 5), strict=True)
        )
        run = json.loads(
            (tmp_path / "evolution-population-4-tournament-2-seed0/run.json").read_text()
        )
        assert run["options"] == {"population": 4, "tournament": 2}

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("random:budget", "'random:budget' takes NAME=VALUE"),
            ("random:budget=few", "must be a whole number of evaluations"),
            ("random:population=4", "strategy 'random' has no option 'population'"),
        ],
    )
    def test_wrong_options_of_a_strategy_are_named(self, name, message, batch, tmp_path):
        with pytest.raises(InputError, match=message):
            compare(get_space("nas-bench-201"), batch, ["local", name], [0], out=tmp_path / "a")
        assert not (tmp_path / "a").exists()

    def test_nothing_to_compare_is_named(self, batch, tmp_path):
        with pytest.raises(InputError, match="at least one strategy and one seed"):
            compare(get_space("nas-bench-201"), batch, [], [0], out=tmp_path)
        with pytest.raises(InputError, match="unknown strategy 'magic'"):
            compare(get_space("nas-bench-201"), batch, ["magic"], [0], out=tmp_path)

    @pytest.mark.parametrize(("text", "seeds"), [("0-3", [0, 1, 2, 3]), ("4,2", [4, 2])])
    def test_seeds(self, text, seeds):
        assert read_seeds(text) == seeds
        with pytest.raises(InputError, match="FIRST-LAST"):
            read_seeds("a-b")


class TestCommand:
    SMALL = ("--images", "digits", "--train", "6", "--val", "6", "--repeats", "1")

    def call(self, monkeypatch, capfd, *arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["tegnas", *map(str, arguments)])
        try:
            main()
        except SystemExit as error:
            return (error.code or 0, *capfd.readouterr())
        return (0, *capfd.readouterr())

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("--max-params", 10), "limits (at most 10 parameters); the least found is"),
            (("--max-flops", 0), "the limit on flops must be above 0"),
            (("--executor", "ray", "--address", "127.0.0.1:1"), "no Ray cluster answers at"),
            (("--workers", 2), "workers are for the executors process and ray"),
            (("--preset", "slow"), "unknown preset 'slow'; tegnas has best, fast, paper"),
            (("--pareto", "size"), "unknown cost 'size'"),
            (("--space", "absent.py:SPACE"), "can't be read"),
            (("--strategy", "prune", "--max-params", 10**6), "prune can't keep constraints"),
        ],
    )
    def test_what_cannot_be_done_is_one_sentence(
        self, arguments, message, monkeypatch, capfd, tmp_path
    ):
        if "ray" in arguments:
            pytest.importorskip("ray", reason="pip install 'tegnas[ray]'")
        monkeypatch.setattr(drawing, "MAX_DRAWS", 5)
        status, out, err = self.call(
            monkeypatch, capfd, "search", *self.SMALL, "--out", tmp_path / "a", *arguments
        )
        assert (status, out) == (2, "")
        assert message in " ".join(err.split())
        assert "Traceback" not in err

    def test_presets_are_written_in_full(self, monkeypatch, capfd, tmp_path):
        status, out, err = self.call(
            monkeypatch, capfd, "search", *self.SMALL, "--preset", "paper", "--budget", 2,
            "--strategy", "random", "--json", "--out", tmp_path / "a",
        )  # fmt: skip
        assert status == 0, err
        written = json.loads((tmp_path / "a" / "run.json").read_text())
        assert written["score"]["small_networks"] == "paper"
        assert written["score"]["batch_norm"] == "coupled"
        assert written["score"]["repeats"] == 1  # given one by one, so it wins
        assert written["score"]["region_samples"] == get_preset("paper").region_samples

    def test_a_space_of_ones_own_is_searched(self, monkeypatch, capfd, tmp_path):
        status, out, err = self.call(
            monkeypatch, capfd, "search", *self.SMALL, "--space", f"{EXAMPLE}:SPACE",
            "--strategy", "local", "--budget", 12, "--json", "--out", tmp_path / "a",
        )  # fmt: skip
        assert status == 0, err
        assert "blocks=" in json.loads(out)["best"]["arch"]

    def test_compare_prints_a_line_per_strategy(self, monkeypatch, capfd, tmp_path):
        monkeypatch.setenv("COLUMNS", "160")
        status, out, err = self.call(
            monkeypatch, capfd, "compare", *self.SMALL, "--strategies", "random,fpnas",
            "--seeds", "0-1", "--budget", 4, "--out", tmp_path / "a",
        )  # fmt: skip
        assert status == 0, err
        assert "random" in out and "fpnas" in out and "comparison.csv" in out
