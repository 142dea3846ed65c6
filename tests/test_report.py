"""Figures and the report: they are written, whole, and the page needs nothing but itself."""

from __future__ import annotations

import base64
import hashlib
import itertools
import random
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from analysis_data import SPACE, made_up_scores, write_run
from typer.testing import CliRunner

from tegnas.cli import app
from tegnas.errors import InputError
from tegnas.search import ParetoFront, ParetoPoint
from tegnas.spaces import get_space

pytest.importorskip("matplotlib", reason="figures need the extra plot")
pytest.importorskip("plotly", reason="reports need the extra plot")

from tiny_space import TinySpace  # noqa: E402

from tegnas.analysis.figures.cell import cell_figure  # noqa: E402
from tegnas.analysis.figures.history import pareto_figure, pareto_indices  # noqa: E402
from tegnas.analysis.figures.landscape import landscape_figure, slice_figure  # noqa: E402
from tegnas.analysis.landscape import lay_out  # noqa: E402
from tegnas.analysis.report import write_report  # noqa: E402
from tegnas.analysis.runs import all_scores, load_runs, read_run  # noqa: E402


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> list[Path]:
    rng = random.Random(0)
    folder = tmp_path_factory.mktemp("runs")
    first = tuple({SPACE.sample(rng): None for _ in range(500)})
    second = tuple({SPACE.sample(rng): None for _ in range(60)})
    return [
        write_run(folder / "one", first),
        write_run(folder / "two", second, strategy="random", seed=1),
    ]


def test_runs_are_joined_and_compared(runs: list[Path], tmp_path: Path) -> None:
    loaded = load_runs(runs)
    joined = all_scores(loaded)
    assert len(set(joined.archs)) == len(joined)
    assert set(joined.archs) == set(loaded[0].scores.archs) | set(loaded[1].scores.archs)
    with pytest.raises(InputError, match="holds no run"):
        load_runs([tmp_path])
    other = write_run(tmp_path / "other", tuple(SPACE)[:5])
    text = (other / "result.json").read_text()
    (other / "result.json").write_text(text.replace('"data": "d"', '"data": "e"'))
    with pytest.raises(InputError, match=r"scored differently \(the images differ\)"):
        load_runs([runs[0], other])
    with pytest.raises(InputError, match="holds several runs; give one of them"):
        read_run(runs[0].parent)


def test_pareto_front() -> None:
    costs = np.array([[1, 5], [2, 2], [5, 1], [3, 3], [2, 2], [np.inf, 0]], float)
    assert pareto_indices(costs).tolist() == [0, 1, 2]


def test_plot_writes_every_figure(runs: list[Path], tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["plot", *map(str, runs), "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    names = {path.name for path in tmp_path.iterdir()}
    wanted = ("landscape", "history", "pareto", "cell-1-one", "cell-2-two")
    assert {f"{name}.{kind}" for name in wanted for kind in ("png", "svg")} <= names
    assert all((tmp_path / name).stat().st_size > 3000 for name in names)


def test_cells_of_darts_are_drawn() -> None:
    darts = get_space("darts")
    assert len(cell_figure(darts, darts.sample(random.Random(0))).axes) == 2
    with pytest.raises(InputError, match="drawn"):
        cell_figure(TinySpace(), "anything")


@pytest.mark.parametrize("name", ["mobilenet", "autoformer", "vit", "transnas-macro"])
def test_spaces_without_cells_show_what_is_taken_of_every_choice(name: str) -> None:
    space = get_space(name)
    arch = space.sample(random.Random(0))
    (axis,) = cell_figure(space, arch, "best").axes
    part = space.space_of(arch) if name == "vit" else space
    taken = [text.get_text() for text in axis.texts if text.get_gid() == "taken"]
    expected = [
        choice.options[index]
        for choice, index in zip(part.choices(), part.encode(arch), strict=True)
    ]
    assert [text.partition(" (")[0] for text in taken] == expected


def test_choices_of_stages_are_a_table() -> None:
    space = get_space("mobilenet")
    (axis,) = cell_figure(space, space.sample(random.Random(0)), "best").axes
    texts = [text.get_text() for text in axis.texts]
    assert {"stage 0", "stage 3", "width", "kernel size"} <= set(texts)
    assert len(texts) == 4 + 4 + 16  # rows, columns, cells


def test_edges_between_the_same_nodes_are_drawn_apart() -> None:
    twice = "sep_conv_3x3~0 max_pool_3x3~0 " * 4
    space = get_space("darts")
    arch = space.parse(f"normal {twice} reduce {twice}")
    figure = cell_figure(space, arch)
    for axis, cell in zip(figure.axes, space.cells(arch), strict=True):
        labels = [text.get_position() for text in axis.texts if "3×3" in text.get_text()]
        assert len(set(labels)) == 8
        (x0, y0), (x1, y1) = (cell.nodes["c(k−2)"], cell.nodes["0"])
        aside = [abs((x - x0) * (y1 - y0) - (y - y0) * (x1 - x0)) > 0.1 for x, y in labels[:2]]
        assert aside == [False, True]


def test_labels_of_cells_keep_clear_of_each_other() -> None:
    darts = get_space("darts")
    rng = random.Random(0)
    for cell in (cell for _ in range(20) for cell in darts.cells(darts.sample(rng))):
        points = []
        for edge in cell.edges:
            (x0, y0), (x1, y1) = cell.nodes[edge.source], cell.nodes[edge.target]
            if edge.operation:
                points.append((x0 + edge.place * (x1 - x0), y0 + edge.place * (y1 - y0)))
        assert len(points) == 8 and sum(not edge.operation for edge in cell.edges) == 4
        for a, b in itertools.combinations(points, 2):
            assert abs(a[0] - b[0]) > 0.7 or abs(a[1] - b[1]) > 0.1


def test_good_is_one_end_of_the_colours_in_every_panel() -> None:
    scores = made_up_scores(tuple(SPACE)[:60])
    figure = landscape_figure(lay_out(scores), scores)
    drawn = [axis for axis in figure.axes if axis.get_visible() and axis.collections]
    names = [axis.collections[0].get_cmap().name for axis in drawn[:4]]
    assert names == ["cividis_r", "cividis", "cividis_r", "cividis_r"]


def test_searches_that_end_alike_are_both_seen(runs: list[Path]) -> None:
    (run,) = load_runs(runs[:1])
    figure = landscape_figure(lay_out(run.scores), run.scores, [run, run])
    below, above = (line for line in figure.axes[0].lines if line.get_label()[0] != "_")
    assert below.get_linewidth() > above.get_linewidth() + 1


def test_slices_are_drawn() -> None:
    scores = made_up_scores(tuple(SPACE)[:8])
    figure = slice_figure([[0], [1, 2, 3], [4]], scores, None, "a to b")
    assert len(figure.axes) == 4


def test_report_shows_the_front_of_a_cost(runs: list[Path], tmp_path: Path) -> None:
    (run,) = load_runs(runs[:1])
    points = tuple(ParetoPoint(each, 7.5, 123.0) for each in run.result.history[:2])
    result = replace(run.result, pareto=ParetoFront("params", points, 0.5))
    *_, axis = pareto_figure([replace(run, result=result)]).axes
    assert axis.get_xlabel() == "parameters (lower is better)"
    write_report([replace(run, result=result)], tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text("utf-8")
    assert page.count('"texts":["123","7.5"]') == 2


def test_report_holds_everything_and_refers_to_nothing(runs: list[Path], tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    loaded = load_runs(runs)
    best = str(loaded[0].result.best.arch)
    write_report(loaded, path, accuracies={best: 93.21})
    page = path.read_text("utf-8")
    for text in (best, "93.21", "evolution, seed 0", "random, seed 1", "--option population=8"):
        assert text in page
    assert "\\u003cdigits>" in page and "<digits>" not in page
    own = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert not re.findall(r"(?:src|href)=[\"'](?!data:)", own)
    # The scripts that run are those whose hashes the policy has.
    scripts = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in scripts]
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="(.*?)">', page)
    assert re.findall(r"'sha256-(.*?)'", policy) == hashes and len(hashes) == 2
    assert "default-src 'none'" in policy and "connect-src" not in policy
