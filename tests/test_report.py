"""Figures and the report: they are written, whole, and the page needs nothing but itself."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
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
from tegnas.analysis.figures.history import pareto_indices  # noqa: E402
from tegnas.analysis.figures.landscape import slice_figure  # noqa: E402
from tegnas.analysis.report import write_report  # noqa: E402
from tegnas.analysis.runs import all_scores, load_runs  # noqa: E402

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


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
    with pytest.raises(InputError, match="scored differently"):
        load_runs([runs[0], other])


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
    taken = [text.get_text() for text in axis.texts if text.get_color() == "white"]
    expected = [
        choice.options[index]
        for choice, index in zip(part.choices(), part.encode(arch), strict=True)
    ]
    assert [text.partition(" (")[0] for text in taken] == expected


def test_edges_between_the_same_nodes_are_drawn_apart() -> None:
    twice = "sep_conv_3x3~0 max_pool_3x3~0 " * 4
    figure = cell_figure(
        get_space("darts"), get_space("darts").parse(f"normal {twice} reduce {twice}")
    )
    for axis in figure.axes:
        labels = [text.get_position() for text in axis.texts if "3×3" in text.get_text()]
        assert len(set(labels)) == 8
        (x0, y0), (x1, y1) = ((0.0, 1.2), (1.7, 0.54))  # input 0 and node 0
        aside = [abs((x - x0) * (y1 - y0) - (y - y0) * (x1 - x0)) > 0.1 for x, y in labels[:2]]
        assert aside == [False, True]


def test_slices_are_drawn() -> None:
    scores = made_up_scores(tuple(SPACE)[:8])
    figure = slice_figure([[0], [1, 2, 3], [4]], scores, None, "a to b")
    assert len(figure.axes) == 4


def test_report_shows_the_front_of_a_cost(runs: list[Path], tmp_path: Path) -> None:
    (run,) = load_runs(runs[:1])
    points = tuple(ParetoPoint(each, 7.5, 123.0) for each in run.result.history[:2])
    result = replace(run.result, pareto=ParetoFront("params", points, 0.5))
    write_report([replace(run, result=result)], tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "Rank score against cost" in page and page.count("<td>7.5</td>") == 2


def test_report_holds_everything_and_refers_to_nothing(runs: list[Path], tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    loaded = load_runs(runs)
    best = str(loaded[0].result.best.arch)
    write_report(loaded, path, accuracies={best: 93.21})
    page = path.read_text("utf-8")
    for text in (best, "93.21", "evolution, seed 0", "random, seed 1", "--option population=8"):
        assert text in page
    assert "&lt;digits&gt;" in page and "<digits>" not in page
    own = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert not re.findall(r"(?:src|href)=[\"'](?!data:)", own)


@pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's package chromium")
def test_report_opens_in_a_browser_without_complaint(runs: list[Path], tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(load_runs(runs), path)
    # The page's own policy forbids every request, so that one would be an error in the console.
    assert console(path, tmp_path) == []
    policy = re.search(r"<meta http-equiv.*?>", path.read_text("utf-8"), re.DOTALL)
    assert policy is not None
    bad = tmp_path / "bad.html"
    bad.write_text(f'{policy[0]}<img src="https://example.org/x.png"><script>oops()</script>')
    complaints = " ".join(console(bad, tmp_path))
    assert "Content Security Policy" in complaints and "oops" in complaints


def console(page: Path, folder: Path) -> list[str]:
    """What headless Chromium writes to the console while it shows a page."""
    done = subprocess.run(
        [
            str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", f"--user-data-dir={folder / 'profile'}",
            "--enable-logging=stderr", "--virtual-time-budget=20000", "--dump-dom", page.as_uri(),
        ],
        capture_output=True, text=True, timeout=180, env={**os.environ, "HOME": str(folder)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    if page.name == "report.html":
        # Every chart was drawn: the three of them, with their own toolbars.
        assert done.stdout.count('class="modebar-container"') == 3
    return [line for line in done.stderr.splitlines() if "CONSOLE" in line]
