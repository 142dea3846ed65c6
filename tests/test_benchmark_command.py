"""``tegnas benchmark``: scores against trained accuracy over the tables of public benchmarks."""

from __future__ import annotations

import json
import math
import random
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import tegnas
from tegnas.analysis.benchmarking import (
    benchmark_rows,
    contestants,
    drawn,
    mean_ranks,
    score_benchmark,
)
from tegnas.analysis.benchmarking.rows import BenchmarkRow
from tegnas.analysis.correlation import Estimate
from tegnas.benchmarks import Benchmark
from tegnas.cli import app
from tegnas.errors import InputError
from tegnas.search.executors.in_process import InProcessExecutor

SPACE = tegnas.get_space("nas-bench-201")
SMALL = ["--images", "noise", "--train", "8", "--val", "8", "--repeats", "1"]
SMALL += ["--region-samples", "50", "--resamples", "20"]


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    rng = random.Random(0)
    archs = list({SPACE.canonical(arch): arch for arch in map(SPACE.sample, [rng] * 20)}.values())
    lines = ["arch,cifar10_test200,cifar100_test200,params_M"]
    for index, arch in enumerate(archs):
        other = "" if index == 3 else f"{index % 7}"
        lines.append(f"{arch},{SPACE.parameters(arch, 10)},{other},{index}")
    file = tmp_path_factory.mktemp("table") / "nb201.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


def run(table: Path, out: Path, *more: str) -> dict:
    arguments = ["benchmark", str(table), *SMALL, "--out", str(out), "--json", *more]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_parameters_order_a_table_of_parameters(table, tmp_path):
    found = run(table, tmp_path, "--also", "parameters")
    row = next(
        each
        for each in found["rows"]
        if (each["score"], each["task"]) == ("parameters", "cifar10_test200")
    )
    agreement = row["tau"]["value"], row["rho"]["value"], row["tau_half"]
    assert agreement == pytest.approx((1, 1, 1))
    assert row["chosen"] == row["best"]


def test_contestants_are_combined_in_one_order(table, tmp_path):
    found = run(table, tmp_path, "--also", "flops+parameters,fast + parameters")
    tau = {
        each["score"]: each["tau"]["value"]
        for each in found["rows"]
        if each["task"] == "cifar10_test200"
    }
    assert tau["flops + parameters"] == pytest.approx(1)  # both order this table alike
    assert {"flops", "parameters"} < tau.keys()
    assert "fast + parameters" in tau
    assert not any(each.startswith("fast + parameters:") for each in tau)


@pytest.mark.parametrize("name", ["best+best", "best+fast", "best+flops+flops=2"])
def test_what_is_combined_twice_is_refused(name):
    settings = tegnas.ScoreSettings()
    with pytest.raises(InputError, match=rf"{re.escape(name)}: .* is named twice"):
        contestants(settings, "best", [name])


def test_an_indicator_that_a_recipe_has_gets_another_weight_there(table, tmp_path):
    settings = tegnas.ScoreSettings()
    own, same, *_, other = contestants(
        settings, "best", ["best+pattern_rank", "best+flops=2+pattern_rank=1"]
    )
    assert same.settings == own.settings and same.parts == ("best",)
    assert other.name == "best + flops=2 + pattern_rank=1" and other.parts == ("best", "flops")
    assert [each.weight for each in other.settings.indicators] == [1, 1, 1, 1, 2]
    asked = ["--preset", "fast", "--also", "best+pattern_rank,best+pattern_rank=9"]
    found = run(table, tmp_path, *asked)
    tau = {
        each["score"]: each["tau"]["value"]
        for each in found["rows"]
        if each["task"] == "cifar10_test200"
    }
    assert tau["best + pattern_rank"] == tau["best: T + E + G + ½ PR"]
    assert tau["best + pattern_rank=9"] != tau["best + pattern_rank"]


def test_all_are_those_that_no_recipe_has():
    def names(*others: str) -> list[str]:
        found = contestants(tegnas.ScoreSettings(), "best", others)
        return [each.name for each in found[1:]]

    assert {"kernel_rank", "ntk_condition", "flops", "zen"} < set(names("all"))
    assert not {"pattern_rank", "linear_regions"} & set(names("all"))
    assert set(names("all")) - set(names("all", "fast")) == {
        "ntk_condition", "ntk_regression_error"
    }  # fmt: skip


def test_every_score_and_column_has_a_row_per_task(table, tmp_path):
    found = run(table, tmp_path, "--also", "parameters,fast")
    names = [each["score"] for each in found["rows"] if each["task"] == "cifar100_test200"]
    assert [name.partition(":")[0] for name in names] == [
        *[names[0].partition(":")[0]] * 6, "parameters", *["fast"] * 4, "table",
    ]  # fmt: skip
    assert [name.partition(": ")[2] for name in names[:6]] == [
        "T + E + G + ½ PR", "T + E + G", "T (VIF)", "E (R)", "G (LOO)", "PR"
    ]  # fmt: skip
    counts = {each["task"]: each["count"] for each in found["rows"]}
    assert counts["cifar100_test200"] == counts["cifar10_test200"] - 1


def test_it_goes_on_where_it_stopped_without_scoring_again(table, tmp_path, monkeypatch):
    first = run(table, tmp_path)

    def refuse(*_: object) -> None:
        raise AssertionError("scored again")

    monkeypatch.setattr(InProcessExecutor, "run", refuse)
    assert run(table, tmp_path) == first


def test_the_page_holds_the_command_the_tables_and_the_figure(table, tmp_path):
    page = tmp_path / "page.md"
    run(table, tmp_path / "out", "--page", str(page))
    text = page.read_text()
    assert "### cifar10_test200: " in text and "(page.png)" in text
    assert (tmp_path / "page.png").stat().st_size > 1000


def test_a_name_that_is_nothing_is_refused(table, tmp_path):
    arguments = ["benchmark", str(table), *SMALL, "--out", str(tmp_path), "--also", "nonsense"]
    with pytest.raises(InputError, match=r"unknown indicator 'nonsense'.* a preset is one of"):
        CliRunner().invoke(app, arguments, catch_exceptions=False)


def made(name: str, archs: list, **truth: list[float]) -> Benchmark:
    columns = {task: np.array(values, dtype=float) for task, values in truth.items()}
    return Benchmark(name, SPACE, tuple(archs), columns, {}, (), f"{name}.csv")


def test_one_architecture_of_each_class_is_drawn_and_those_of_unknown_quality_are_not():
    same = [
        SPACE.parse("|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|"),
        SPACE.parse("|none~0|+|nor_conv_3x3~0|none~1|+|skip_connect~0|none~1|none~2|"),
    ]
    assert SPACE.canonical(same[0]) == SPACE.canonical(same[1])
    others = [SPACE.decode((index,) * 6) for index in (1, 2, 3)]
    benchmark = made("b", same + others, a=[1, 2, 3, 4, math.nan], b=[math.nan] * 5)
    members = drawn(benchmark, None, 0)
    assert list(members) == [0, 2, 3] or list(members) == [1, 2, 3]
    assert len(drawn(benchmark, 2, 0)) == 2
    with pytest.raises(InputError, match="fewer than two"):
        drawn(made("c", others, a=[1, math.nan, math.nan]), None, 0)


def test_a_benchmark_has_one_vote_however_many_tasks_it_has():
    def row(benchmark: str, task: str, score: str, tau: float) -> BenchmarkRow:
        value = Estimate(tau, tau, tau)
        return BenchmarkRow(benchmark, task, score, "recipe", 9, value, value, 0, 0, 0, 0, 1)

    rows = [
        *(row("x", task, "good", 0.1) for task in "abc"),
        *(row("x", task, "bad", 0.2) for task in "abc"),
        row("y", "a", "good", 0.9),
        row("y", "a", "bad", math.nan),
        row("y", "a", "only here", 1.0),
    ]
    assert mean_ranks(rows) == {"good": 1.5, "bad": 1.5}


def test_the_first_of_300_is_averaged_over_random_sets_of_a_larger_table():
    archs = list(SPACE)[:: len(SPACE) // 400]
    size = [float(SPACE.parameters(arch, 10)) for arch in archs]
    benchmark = made("b", archs, size=size, inverse=[-each for each in size])
    settings = tegnas.get_preset("best")
    compared = contestants(settings, "best", ["parameters"])[1:]
    batch = tegnas.load_batch("noise", train=8, val=8)
    scored = score_benchmark(benchmark, np.arange(len(archs)), batch, compared, None)
    right, wrong = benchmark_rows(scored, resamples=0)
    assert right.chosen == right.best <= max(size)
    assert wrong.chosen == -right.chosen < wrong.best
