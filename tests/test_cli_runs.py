"""Runs at the command line: listed, shown, and looked at before they end."""

from __future__ import annotations

import importlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from analysis_data import SETTINGS, SPACE, write_run
from rich.console import Console
from typer.testing import CliRunner

from tegnas.cli import app, progress
from tegnas.cli.architecture_text import written
from tegnas.cli.commands import COMMANDS
from tegnas.cli.tables import print_search
from tegnas.cli.training_view import EpochView
from tegnas.search import Progress, SearchResult
from tegnas.search.run_directory import is_running, marked_running
from tegnas.spaces import space_names
from tegnas.train.log import EpochReport

ARCHS = tuple(SPACE)[7000:8980:33]


def run(*arguments: object) -> str:
    done = CliRunner().invoke(app, [str(each) for each in arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def configured(path: Path, budget: int) -> Path:
    """With the configuration that a search writes first."""
    settings = {
        "tegnas": "0", "space": SPACE.name, "strategy": "evolution", "options": {"population": 8},
        "seed": 0, "score": SETTINGS.to_json(), "images": "digits", "train": 64, "val": 64,
        "data": "d", "budget": budget,
    }  # fmt: skip
    (path / "run.json").write_text(json.dumps(settings))
    return path


def stopped_run(path: Path, budget: int = 1000) -> Path:
    """A run without a result."""
    write_run(path, ARCHS)
    (path / "result.json").unlink()
    return configured(path, budget)


def finished_run(path: Path) -> Path:
    return configured(write_run(path, ARCHS), len(ARCHS))


def test_runs_are_listed_with_their_state_and_what_goes_on_with_them(tmp_path: Path) -> None:
    finished_run(tmp_path / "done")
    stopped_run(tmp_path / "group" / "half")
    (tmp_path / "notes").mkdir()
    done, half = json.loads(run("runs", tmp_path, "--json"))["runs"]
    assert (done["state"], done["done"], half["state"], half["done"], half["of"]) == (
        "finished", 60, "stopped", 60, 1000,
    )  # fmt: skip
    assert len(done["best"]) == 6 and half["best"] is None
    with marked_running(tmp_path / "group" / "half"):
        (_, half) = json.loads(run("runs", tmp_path, "--json"))["runs"]
        assert half["state"] == "running"
        assert f"running, seen in a browser by: tegnas watch {tmp_path / 'group' / 'half'}" in run(
            "runs", tmp_path
        )
    text = run("runs", tmp_path)
    assert "60 of 1,000" in text and f"--out {tmp_path / 'group' / 'half'}" in text
    assert "stopped, goes on by: tegnas search --space nas-bench-201 --images digits" in text


def test_runs_are_listed_in_lines_where_the_window_is_narrow(tmp_path: Path, monkeypatch) -> None:
    finished_run(tmp_path / "nas-bench-201-evolution-best-digits-seed0")
    narrow = Console(file=io.StringIO(), width=60)
    monkeypatch.setattr(importlib.import_module("tegnas.cli.runs"), "output", lambda: narrow)
    run("runs", tmp_path)
    line = (
        f"{tmp_path}/nas-bench-201-evolution-best-digits-seed0: evolution on nas-bench-201, images"
    )
    assert narrow.file.getvalue().startswith(line)


def test_a_copy_of_a_finished_run_is_finished(tmp_path: Path) -> None:
    path = finished_run(tmp_path / "done")
    shutil.copyfile(path / "scores.sqlite", tmp_path / "later")
    os.replace(tmp_path / "later", path / "scores.sqlite")
    assert json.loads(run("runs", tmp_path, "--json"))["runs"][0]["state"] == "finished"
    assert "hasn't ended" not in run("show", path)


def test_a_run_is_running_as_long_as_its_process(tmp_path: Path) -> None:
    path = stopped_run(tmp_path / "run")
    code = (
        "import sys, pathlib; from tegnas.search.run_directory import marked_running\n"
        f"with marked_running(pathlib.Path({str(path)!r})):\n"
        "    print('in', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "in\n"
        assert is_running(path)
        process.kill()
        process.wait()
    assert not is_running(path) and not is_running(tmp_path / "absent")


def test_show_tells_the_best_so_far_and_how_to_go_on(tmp_path: Path) -> None:
    text = run("show", stopped_run(tmp_path / "run"), "--top", 3)
    assert "stopped, 60 of 1,000 evaluations" in text and "Best of 60 architectures" in text
    assert "hasn't ended" in text and "Goes on by: tegnas search" in text
    assert len(re.findall(r"^ \d ", text, re.MULTILINE)) == 3
    assert "|nor_conv" not in text and "|nor_conv" in run("show", tmp_path / "run", "--long")
    content = json.loads(run("show", tmp_path / "run", "--json"))
    assert content["state"] == "stopped" and SPACE.parse(content["best"]["arch"])


def test_stopped_runs_are_drawn_reported_and_exported(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="figures need the extra plot")
    pytest.importorskip("plotly", reason="reports need the extra plot")
    path = stopped_run(tmp_path / "run")
    run("plot", path, "--out", tmp_path / "figures", "--figure", "history", "--no-svg")
    assert (tmp_path / "figures" / "history.png").is_file()
    run("report", path, "--out", tmp_path / "report.html")
    assert "hasn" in (tmp_path / "report.html").read_text("utf-8")
    assert "class Network" in run("export", path)


def test_a_folder_of_compare_stands_for_its_runs(tmp_path: Path) -> None:
    pytest.importorskip("plotly", reason="reports need the extra plot")
    for name in ("random-seed0", "random-seed1"):
        finished_run(tmp_path / "compared" / name)
    (tmp_path / "compared" / "comparison.json").write_text("{}")
    run("report", tmp_path / "compared", "--out", tmp_path / "report.html")
    assert (tmp_path / "report.html").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("images", "are_images", "trained"),
    [
        ("digits", True, "train RUN\n"),
        ("noise", True, "train RUN --images SOURCE\n"),
        ("wine", False, ""),
    ],
)
def test_what_comes_next_is_what_can_be_done(
    images: str, are_images: bool, trained: str, tmp_path: Path, capsys
) -> None:
    result = SearchResult.load(finished_run(tmp_path / "run") / "result.json")
    result.settings["images"] = images
    print_search(result, tmp_path / "run", written(SPACE, False), None, are_images=are_images)
    text = capsys.readouterr().out.replace(str(tmp_path / "run"), "RUN")
    assert "tegnas export RUN -o network.py" in text
    assert ("tegnas train" in text, "tegnas refine" in text) == (are_images, are_images)
    assert trained in text


def test_a_run_is_trained_on_its_own_images(tmp_path: Path) -> None:
    path = finished_run(tmp_path / "run")
    settings = json.loads((path / "run.json").read_text())
    (path / "run.json").write_text(json.dumps({**settings, "images": "folder:absent"}))
    done = CliRunner().invoke(app, ["train", str(path), "--out", str(tmp_path / "trained")])
    assert "the image folder absent does not exist" in str(done.exception)


def test_figures_that_cannot_be_drawn_are_named_and_the_others_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="figures need the extra plot")
    path = finished_run(tmp_path / "run")
    out = tmp_path / "figures"
    out.mkdir()
    (out / "slice.png").write_bytes(b"of an earlier call")
    done = CliRunner().invoke(app, ["plot", str(path), "--out", str(out), "--no-svg"])
    assert done.exit_code == 0, done.output
    assert "no slice: " in done.stderr and "aren't scored" in done.stderr
    assert "earlier call is removed" in done.stderr
    names = {each.name for each in out.iterdir()}
    assert names == {"landscape.png", "history.png", "pareto.png", "cell.png"}
    assert "--figure slice scores them" in done.stderr
    for words in (["plot", str(path)], ["report", str(path)], ["watch", str(path)]):
        refused = CliRunner().invoke(app, [*words, "--layout", "tsne"])
        assert "unknown layout 'tsne'" in str(refused.exception)


def test_a_slice_that_is_asked_for_scores_what_it_lacks(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="figures need the extra plot")
    path, out = tmp_path / "run", tmp_path / "figures"
    run(*"search --images digits --strategy random --budget 6 --preset fast --repeats 1".split(),
        *"--train 4 --val 4 --region-samples 50 --seed 3 --out".split(), path)  # fmt: skip
    asked = ["plot", str(path), "--figure", "slice", "--no-svg", "--out", str(out)]
    run(*asked)
    assert [each.name for each in out.iterdir()] == ["slice.png"]
    result = json.loads((path / "result.json").read_text())
    result["settings"]["images"] = "folder:absent"
    (path / "result.json").write_text(json.dumps(result))
    done = CliRunner().invoke(app, asked)
    assert "the image folder absent does not exist" in str(done.exception)


# Help and logs


def test_help_says_what_the_commands_say() -> None:
    text = run("--help")
    for name, line in COMMANDS.items():
        shown = " ".join(run(name, "--help").split())
        assert line in shown
        assert name in text


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_whole_names_of_options(name: str, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert "…" not in run(name, "--help").replace(",…", "")


def test_help_names_spaces_and_strategies_whole(monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = " ".join(run("compare", "--help").split())
    assert "random, evolution, reinforce, prune, fpnas, local" in text
    assert all(name in text for name in space_names())
    assert "Usage: tegnas" in (usage := run("score", "--help")) and "[ARCHITECTURE]..." in usage
    assert "list[str]" not in usage


def test_a_command_that_is_misspelt_is_guessed() -> None:
    done = CliRunner().invoke(app, ["serch"])
    assert str(done.exception) == "there is no command 'serch'; did you mean search?"


def test_a_bar_is_whole_in_a_narrow_window() -> None:
    """The title is there from the beginning, and no number is cut."""
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    view = progress._bar(console)
    view.show("evolution on nas-bench-201", Progress(0, 1000, 0))
    view.show("evolution on nas-bench-201", Progress(640, 1000, 400, 290))
    view.close()
    shown = console.file.getvalue()
    assert "0/?" not in shown and "…" not in shown
    assert "640/1000" in shown and "290 timed" in shown


def test_the_version_is_shown_without_torch() -> None:
    code = "import sys; sys.argv = ['tegnas', '--version']; from tegnas.cli import main\n"
    code += "try: main()\nfinally: print('torch' in sys.modules, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert re.fullmatch(r"tegnas [\d.]+\nFalse False\n", done.stdout)


def test_a_log_has_a_line_now_and_then(monkeypatch, capsys) -> None:
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    with progress.search_progress(as_json=False) as view:
        for second in range(100):
            now = float(second)
            view.show("random on tiny", Progress(second, 99, second))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == ("random on tiny: 5 of 99 evaluations, 1.0 scores/s, about 94 s left")
    assert len(lines) == 5 and "99 of 99" in lines[-1]
    with progress.search_progress(as_json=True) as view:
        view.show("random on tiny", Progress(1, 9, 1))
    assert capsys.readouterr().err == ""


def test_trainings_are_logged_where_nobody_looks(monkeypatch, capsys) -> None:
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    with EpochView(99, Console(file=io.StringIO())) as view:
        for epoch in range(1, 100):
            now = float(epoch)
            view.show(EpochReport(epoch, 0.1, 1.5, 30.0, 1.4, 40.0, 1.0))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "epoch 5 of 99, loss 1.500, test 40.00 %, about 94 s left"
    assert len(lines) == 5 and lines[-1].startswith("epoch 99 of 99")


def test_every_extra_that_is_named_exists() -> None:
    root = Path(__file__).parents[1]
    text = (root / "pyproject.toml").read_text()
    named = {
        extra
        for path in (root / "tegnas").rglob("*.py")
        for extra in re.findall(r"tegnas\[(\w+)\]", path.read_text("utf-8"))
    }
    assert named and all(re.search(rf"^{extra} = \[", text, re.MULTILINE) for extra in named)
