"""Correlation with accuracy: the statistics, the comparison and the command."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paper import SETTINGS, paper_settings, scored
from typer.testing import CliRunner

from tegnas import ScoreSettings, get_indicator, load_batch
from tegnas.analysis import field
from tegnas.analysis.baselines import baselines
from tegnas.analysis.comparison import compare, one_per_class
from tegnas.analysis.comparison_rows import comparison_markdown
from tegnas.analysis.correlation import correlate, precision_at_top, sample_note
from tegnas.analysis.score_table import ScoreTable, read_scores
from tegnas.benchmarks import load_columns
from tegnas.cli import app
from tegnas.errors import InputError
from tegnas.networks.complexity import count_flops, count_parameters
from tegnas.search.store import ScoreStore
from tegnas.spaces import get_space

SPACE = get_space("nas-bench-201")


def table(count: int = 40) -> ScoreTable:
    """Made-up scores of every 397th architecture; the first ones fail."""
    archs = tuple(SPACE)[:: len(SPACE) // count][:count]
    values = np.random.default_rng(0).random((3, count))
    values[0, :3] = values[2, :3] = np.inf
    return ScoreTable(SPACE, archs, SETTINGS, values.T)


def test_perfect_and_reversed_order() -> None:
    accuracy = np.arange(50.0)
    same = correlate("same", np.exp(accuracy / 10), accuracy, resamples=20)
    for estimate in (same.tau, same.rho, same.weighted_tau, same.precision):
        assert math.isclose(estimate.value, 1) and math.isclose(estimate.low, 1)
    reverse = correlate("reverse", -accuracy, accuracy, resamples=0)
    assert reverse.tau.value == -1 and reverse.precision.value == 0
    assert math.isnan(reverse.tau.low)


def test_tau_of_a_hand_made_case() -> None:
    # Of the six pairs five agree and one doesn't.
    result = correlate("x", np.array([1, 2, 4, 3.0]), np.array([1, 2, 3, 4.0]), resamples=0)
    assert math.isclose(result.tau.value, 4 / 6)


def test_missing_infinite_and_tied_scores_are_counted() -> None:
    score = np.array([np.nan, -np.inf, -np.inf, 1, 2, 2, 3, 4, 5, 6, 7])
    result = correlate("x", score, np.arange(11.0), resamples=50)
    assert (result.count, result.missing, result.infinite, result.tied) == (10, 1, 2, 4)
    assert result.tau.low <= result.tau.value <= result.tau.high
    finite = np.array([-9, -9, 1, 2, 2, 3, 4, 5, 6, 7.0])
    without = correlate("x", finite, np.arange(10.0), resamples=0)
    assert without.tau.value == result.tau.value


def test_small_samples_have_no_intervals_and_are_called_small() -> None:
    result = correlate("x", np.array([1.0, 2.0]), np.array([1.0, 2.0]), resamples=50)
    assert result.tau.value == 1 and math.isnan(result.tau.low) and math.isnan(result.precision.low)
    assert "too few" in sample_note(9) and "few, 95 %" in sample_note(10)
    assert sample_note(30) == "95 % intervals"


def test_a_constant_score_has_no_correlation() -> None:
    result = correlate("x", np.ones(5), np.arange(5.0), resamples=5)
    assert math.isnan(result.tau.value) and math.isnan(result.rho.value)
    assert math.isclose(result.precision.value, 1 / 5)


@given(st.lists(st.integers(0, 5), min_size=3, max_size=12), st.integers(0, 5))
def test_precision_is_the_mean_over_random_ways_to_break_ties(score: list[int], seed: int) -> None:
    accuracy = np.random.default_rng(seed).permutation(len(score)).astype(float)
    exact = precision_at_top(np.array(score, float), accuracy, 0.4)
    rng = np.random.default_rng(0)
    size = max(1, round(0.4 * len(score)))
    best = set(np.argsort(-accuracy)[:size])
    drawn = [
        len(best & set(np.lexsort((rng.random(len(score)), -np.array(score)))[:size])) / size
        for _ in range(400)
    ]
    assert abs(np.mean(drawn) - exact) < 0.12


@pytest.mark.parametrize(
    "score, accuracy, options",
    [
        ([1, 2], [1, 2, 3], {}),
        ([1, np.nan], [1, 2], {}),
        ([1, 2], [1, np.nan], {}),
        ([1, 2], [1, 2], {"top": 1.0}),
    ],
)
def test_bad_input_is_refused(score, accuracy, options) -> None:
    with pytest.raises(InputError):
        correlate("x", np.array(score, float), np.array(accuracy, float), **options)


def test_sizes_by_sums_are_the_measured_ones() -> None:
    archs = (next(iter(SPACE)), *list(SPACE)[7777:7780], list(SPACE)[-1])
    sizes = baselines(SPACE, archs)
    for index, arch in enumerate(archs[1:3], start=1):
        network = SPACE.network(arch, "full")
        assert sizes["parameters"][index] == count_parameters(network)
        assert sizes["FLOPs"][index] == count_flops(network)
        assert sizes["convolutions"][index] == str(arch).count("conv")


def test_comparison_has_combinations_baselines_and_strata() -> None:
    scores = table()
    accuracies = {str(arch): float(i) for i, arch in enumerate(scores.archs) if i % 4}
    other = {str(arch): accuracies.get(str(arch), 0.0) for arch in scores.archs[5:]}
    result = compare(scores, accuracies, others={"mine": other}, resamples=10, top=0.2)
    assert result.unknown == 10 and len(result.archs) == 30
    assert list(result.strata)[:2] == ["all", "top 20 % by accuracy"]
    by_name = {each.name: each for each in result.strata["all"]}
    assert {"T (κ)", "E (R)", "G (MSE)", "T + E", "T + E + G", "parameters"} <= set(by_name)
    assert by_name["mine"].tau.value == 1 and by_name["mine"].missing == 3
    assert by_name["T (κ)"].infinite == 2
    assert result.strata["top 20 % by accuracy"][0].count == 6
    with pytest.raises(InputError, match="0 of the 40"):
        compare(scores, {})


def test_further_scores_stand_beside_the_first_with_what_they_took() -> None:
    scores = table()
    sizes = replace(
        scores, settings=paper_settings(indicators=["flops"]), values=scores.values[:, :1]
    )
    accuracies = {str(arch): float(i) for i, arch in enumerate(scores.archs)}
    result = compare(
        scores,
        accuracies,
        further={"again": scores, "flops": sizes},
        milliseconds={"": {"T (κ)": 1.0}, "again": {"T (κ)": 2.0}, "flops": {"FLOPs": 3.0}},
        resamples=2,
    )
    assert {"T (κ)", "T (κ), again", "FLOPs"} <= set(result.columns)
    assert result.milliseconds == {"T (κ)": 1.0, "T (κ), again": 2.0, "FLOPs": 3.0}
    assert result.indicators["FLOPs"].name == "flops"
    assert "| ms |" in comparison_markdown(result)


def test_markdown_has_a_row_for_every_score() -> None:
    scores = table()
    accuracies = {str(arch): float(i) for i, arch in enumerate(scores.archs)}
    text = comparison_markdown(compare(scores, accuracies, resamples=5))
    assert len(text.splitlines()) == 2 + 10 and "| T + E + G | " in text


def test_one_architecture_per_class() -> None:
    archs = list(SPACE)[:2000]
    chosen = one_per_class(SPACE, archs, None, 0)
    assert len({SPACE.canonical(arch) for arch in chosen}) == len(chosen)
    assert len(chosen) == len({SPACE.canonical(arch) for arch in archs})
    assert one_per_class(SPACE, archs, 5, 0) == one_per_class(SPACE, archs, 5, 0)
    assert len(one_per_class(SPACE, archs, 10_000, 0)) == len(chosen)
    with pytest.raises(InputError, match="a comparison needs two"):
        one_per_class(SPACE, archs[:1], 300, 0)


def write_run(path, scores: ScoreTable) -> None:
    path.mkdir()
    store = ScoreStore(path / "scores.sqlite", space=SPACE.name, settings=SETTINGS, data="d")
    store.add(scored(scores.archs, *scores.values.T))
    store.close()


def test_command_reads_a_run_and_writes_everything(tmp_path) -> None:
    scores = table()
    write_run(tmp_path / "run", scores)
    read = read_scores(tmp_path / "run")
    assert set(read.archs) == set(scores.archs)
    accuracies = tmp_path / "table.csv"
    rows = [f"{arch},{50 + i}" for i, arch in enumerate(scores.archs)]
    accuracies.write_text("\n".join(["arch,accuracy", *rows]))
    proxies = tmp_path / "proxies.csv"
    proxies.write_text("\n".join(["arch,cost", *(f"{a},{-i}" for i, a in enumerate(scores.archs))]))
    arguments = ["correlate", "--table", str(accuracies), "--run", str(tmp_path / "run")]
    arguments += ["--scores", str(proxies), "--lower", "cost", "--resamples", "10"]
    arguments += ["--csv", str(tmp_path / "out.csv"), "--page", str(tmp_path / "out.md"), "--json"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    found = {row["score"]: row for row in json.loads(done.stdout)["correlations"][:20]}
    page = (tmp_path / "out.md").read_text()
    assert page.startswith("**all: ") and "| T (" in page
    with (tmp_path / "out.csv").open() as file:
        written = list(csv.DictReader(file))
    first = [row for row in written if row["stratum"] == "all" and row["score"] == "cost"]
    assert float(first[0]["kendall_tau"]) == 1 and "cost" in found
    assert load_columns(proxies)["cost"][str(scores.archs[3])] == -3


def test_figures_are_written(tmp_path) -> None:
    pytest.importorskip("matplotlib", reason="figures need the extra plot")
    from tegnas.analysis.figures.correlation import rank_figure, scatter_figure
    from tegnas.analysis.figures.style import save

    scores = table()
    comparison = compare(
        scores, {str(arch): float(i) for i, arch in enumerate(scores.archs)}, resamples=0
    )
    for name, figure in (("a.png", scatter_figure), ("b.svg", rank_figure)):
        assert save(figure(comparison), tmp_path / name).stat().st_size > 10_000
    with pytest.raises(InputError, match="figure"):
        save(scatter_figure(comparison), tmp_path / "c.nonsense")


def test_a_directory_without_scores_is_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="scores.sqlite"):
        read_scores(tmp_path)
    (tmp_path / "scores.sqlite").write_text("nonsense, but long enough to be no database at all")
    with pytest.raises(InputError, match="can't be read"):
        read_scores(tmp_path)


def test_the_field_is_every_indicator_by_a_recipe_or_alone(monkeypatch) -> None:
    names = ("kernel_rank", "pattern_rank", "flops", "linear_regions")
    monkeypatch.setattr(field, "BUILTIN", tuple(map(get_indicator, names)))
    batch = load_batch("noise", train=8, val=8, seed=0)
    settings = ScoreSettings(train=8, val=8, repeats=1, region_samples=50)
    found = field.score_field(tuple(SPACE)[5000:5002], batch, SPACE, settings)
    assert list(found.tables) == ["", "fast", "kernel_rank", "flops"]
    assert set(found.milliseconds[""]) == {
        "T (VIF)", "E (R)", "G (LOO)", "PR", "T + E + G + ½ PR"
    }  # fmt: skip
