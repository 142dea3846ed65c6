"""Run directories and architecture files from somebody else: read, never run, never trusted."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from analysis_data import SPACE, write_run
from paper import SETTINGS, scored

from tegnas.cli import main
from tegnas.errors import InputError
from tegnas.export import from_json, to_json
from tegnas.search import SearchResult
from tegnas.search.store import ScoreStore
from tegnas.spaces import get_space

pytest.importorskip("matplotlib", reason="figures need the extra plot")
pytest.importorskip("plotly", reason="reports need the extra plot")

ARCHS = tuple(SPACE)[7000:7010]
SCORE = SETTINGS.names[0]

# Loading it leaves a trace.
MODEL = """
from pathlib import Path
Path({trace!r}).touch()
from tegnas.spaces import NasBench201

class Theirs(NasBench201):
    name = "theirs"

SPACE = Theirs()
"""

Refuse = Callable[..., str]


@pytest.fixture
def refused(monkeypatch, capsys, tmp_path) -> Refuse:
    """Runs a command in an empty directory; it must end in one sentence, which is given back."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", ["tegnas", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        out, err = capsys.readouterr()
        assert stopped.value.code == 2, err
        assert out == ""
        (line,) = err.splitlines()
        assert line.startswith("tegnas: ")
        return line

    return call


@pytest.fixture
def run(monkeypatch, capsys, tmp_path) -> Callable[..., str]:
    """Runs a command that must do what it was asked for."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", ["tegnas", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        out, err = capsys.readouterr()
        assert stopped.value.code == 0, err
        return out

    return call


@pytest.fixture
def theirs(tmp_path) -> Path:
    """A run directory whose files name its space by a Python file in it."""
    folder = write_run(tmp_path / "theirs", ARCHS)
    (folder / "model.py").write_text(MODEL.format(trace=str(tmp_path / "was-run")))
    name = f"{folder / 'model.py'}:SPACE"
    content = json.loads((folder / "result.json").read_text())
    content["space"] = content["settings"]["space"] = name
    (folder / "result.json").write_text(json.dumps(content))
    (folder / "run.json").write_text(json.dumps({"space": name}))
    arch = {"space": name, "arch": str(ARCHS[0])}
    (folder / "arch.json").write_text(json.dumps(arch))
    (tmp_path / "table.csv").write_text(
        "arch,accuracy\n" + "".join(f"{arch},{60 + i}\n" for i, arch in enumerate(ARCHS))
    )
    return folder


COMMANDS = (
    ("report", "theirs"),
    ("watch", "theirs"),
    ("plot", "theirs", "--figure", "history"),
    ("export", "theirs"),
    ("export", "theirs/arch.json"),
    ("train", "theirs", "--epochs", 1),
    ("train", "theirs/arch.json", "--epochs", 1),
    ("correlate", "--run", "theirs", "--table", "table.csv"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: "-".join(map(str, command[:2])))
def test_no_file_runs_code(command, theirs, refused, tmp_path):
    said = refused(*command)
    assert f"--space {theirs / 'model.py'}:SPACE" in said
    assert not (tmp_path / "was-run").exists()


def test_what_the_user_names_herself_is_run(theirs, run, tmp_path):
    space = f"{theirs / 'model.py'}:SPACE"
    run("report", "theirs", "--space", space)
    assert (tmp_path / "was-run").exists() and (tmp_path / "report.html").stat().st_size > 1000
    run("plot", "theirs", "--figure", "history", "--space", space)
    run("correlate", "--run", "theirs", "--table", "table.csv", "--space", space, "--json")
    for source in ("theirs", "theirs/arch.json"):
        found = run("export", source, "--format", "genotype", "--space", space).strip()
        assert SPACE.parse(found) in ARCHS


def test_python_asks_for_the_space_as_well(theirs, tmp_path):
    with pytest.raises(InputError, match="code is not run because a file names it.*space="):
        SearchResult.load(theirs / "result.json")
    with pytest.raises(InputError, match="code is not run because a file names it.*space="):
        from_json((theirs / "arch.json").read_text())
    assert not (tmp_path / "was-run").exists()
    space = get_space(f"{theirs / 'model.py'}:SPACE")
    assert SearchResult.load(theirs / "result.json", space).best.arch in ARCHS
    assert from_json((theirs / "arch.json").read_text(), space) == (space, ARCHS[0])


def test_a_run_of_another_space_than_the_named_one_is_refused(refused, tmp_path):
    write_run(tmp_path / "run", ARCHS)
    (tmp_path / "arch.json").write_text(to_json(SPACE, ARCHS[0]))
    for command in (("report", "run"), ("export", "run"), ("export", "arch.json")):
        said = refused(*command, "--space", "darts")
        assert "is of the space nas-bench-201 and not of darts" in said


# Malformed


def change(**entries: object) -> Callable[[dict], object]:
    return lambda content: {**content, **entries}


def without(name: str) -> Callable[[dict], object]:
    return lambda content: {key: value for key, value in content.items() if key != name}


def best(**entries: object) -> Callable[[dict], object]:
    return lambda content: {**content, "best": {**content["best"], **entries}}


def score(**entries: object) -> Callable[[dict], object]:
    def changed(content: dict) -> dict:
        settings = content["settings"]
        return {**content, "settings": {**settings, "score": {**settings["score"], **entries}}}

    return changed


MALFORMED: dict[str, Callable[[dict], object]] = {
    "a list": lambda content: [content],
    "null": lambda content: None,
    "no space": without("space"),
    "no best": without("best"),
    "no history": without("history"),
    "no seconds": without("seconds"),
    "no settings": without("settings"),
    "an empty history": change(history=[]),
    "a history that is an object": change(history={"0": 1}),
    "a history of texts": change(history=["a"]),
    "a history of lists": change(history=[[1, 2, 3]]),
    "a best that is a number": change(best=3),
    "a best that is null": change(best=None),
    "settings that are a list": change(settings=[1]),
    "settings that are null": change(settings=None),
    "a space that is a list": change(space=["nas-bench-201"]),
    "a space that is a number": change(space=201),
    "an unknown space": change(space="nas-bench-999"),
    "seconds in words": change(seconds="long"),
    "seconds that are NaN": change(seconds=float("nan")),
    "seconds beyond any float": change(seconds=10**400),
    "an architecture that is a number": best(arch=7),
    "an architecture of another space": best(arch="Genotype(normal=[])"),
    "an architecture without end": best(arch="|" * 10**6),
    "a value in words": best(**{SCORE: "low"}),
    "a value that is NaN": best(**{SCORE: float("nan")}),
    "a value that is infinite": best(**{SCORE: float("inf")}),
    "a value that is true": best(**{SCORE: True}),
    "a value that is a list": best(**{SCORE: [1.0]}),
    "indicators that are a number": score(indicators=3),
    "indicators that are numbers": score(indicators=[3]),
    "an unknown indicator": score(indicators=["beauty"]),
    "an indicator of a file": score(indicators=["their.py:INDICATOR"]),
    "repeats in words": score(repeats="three"),
    "a ridge in words": score(ridge="high"),
    "an average that is a list": score(average=[]),
    "an unknown setting": score(speed=3),
    "an accuracy in words": best(accuracy="high"),
    "an accuracy that is a list": best(accuracy=[93]),
    "an unknown combination": score(combination="sum"),
    "a combination that is an object": score(combination={}),
    "a recommendation that is a text": change(recommended="this"),
    "a front that is a list": change(pareto=[]),
    "a front without points": change(pareto={"objective": "params", "hypervolume": 1}),
    "a front of texts": change(pareto={"objective": "a", "hypervolume": 1, "points": ["x"]}),
    "a front of no objective": change(pareto={"objective": 1, "hypervolume": 1, "points": []}),
}

BYTES: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda content: b"",
    "half of it": lambda content: content[: len(content) // 2],
    "zeros": lambda content: bytes(len(content)),
    "UTF-16": lambda content: content.decode().encode("utf-16"),
    "latin-1": lambda content: content.replace(b'"strategy": "evolution"', b'"strategy": "\xe9"'),
    "two objects": lambda content: content + content,
    "a name twice": lambda content: content.replace(b'"seconds"', b'"space": "darts", "seconds"'),
    "half a character": lambda content: content.replace(b'"evolution"', b'"\\ud800"'),
    "thousands of brackets": lambda content: b"[" * 10**6,
    "thousands of objects": lambda content: b'{"a":' * 10**5 + b"1" + b"}" * 10**5,
    "thousands of digits": lambda content: content.replace(b'"seed": 0', b'"seed": ' + b"9" * 5000),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_result_is_one_sentence(name, refused, tmp_path):
    path = write_run(tmp_path / "run", ARCHS) / "result.json"
    path.write_text(json.dumps(MALFORMED[name](json.loads(path.read_text()))))
    assert len({refused("report", "run"), refused("plot", "run"), refused("export", "run")}) == 1


@pytest.mark.parametrize("name", BYTES)
def test_a_file_that_is_no_json_is_one_sentence(name, refused, tmp_path):
    folder = write_run(tmp_path / "run", ARCHS)
    content = (folder / "result.json").read_bytes()
    damaged = BYTES[name](content)
    assert damaged != content
    (folder / "result.json").write_bytes(damaged)
    assert "result.json is not a saved search result" in refused("report", "run")
    (folder / "result.json").write_bytes(content)
    (folder / "run.json").write_bytes(damaged)
    assert "run.json is not the configuration of a run" in refused("report", "run")
    assert "run.json is damaged" in refused("search", "--budget", 4, "--out", "run")
    (tmp_path / "arch.json").write_bytes(damaged)
    assert "this is not JSON with the entries" in refused("export", "arch.json")


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"strategy": ["a"], "seed": {}, "options": []},
        {"strategy": {"a": 1}, "options": {"a": {"b": []}}},
        {"strategy": "x" * 10**5, "seed": "\x1b[31m\n\x00", "images": 5, "budget": -1},
    ],
    ids=("nothing", "lists", "objects", "texts"),
)
def test_settings_are_shown_whatever_they_are(settings, run, tmp_path):
    folder = write_run(tmp_path / "run", ARCHS)
    content = json.loads((folder / "result.json").read_text())
    settings["score"] = content["settings"]["score"]
    (folder / "result.json").write_text(json.dumps({**content, "settings": settings}))
    (folder / "run.json").write_text(json.dumps(settings))
    run("report", "run")
    run("plot", "run", "--no-svg", "--figure", "history", "--figure", "cell")


@pytest.mark.parametrize(("entry", "value"), [("train", "many"), ("images", 5)])
def test_neighbours_of_a_run_that_does_not_say_how_it_was_scored(entry, value, refused, tmp_path):
    folder = write_run(tmp_path / "run", ARCHS)
    content = json.loads((folder / "result.json").read_text())
    content["settings"][entry] = value
    (folder / "result.json").write_text(json.dumps(content))
    assert "doesn't say how it was scored" in refused("report", "run", "--neighbours", 5)


@pytest.mark.parametrize("name", ["result.json", "run.json", "arch.json", "scores.sqlite"])
def test_a_pipe_in_place_of_a_file_keeps_nobody_waiting(name, refused, tmp_path):
    folder = write_run(tmp_path / "run", ARCHS)
    (folder / "run.json").write_text("{}")
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    if name == "arch.json":
        assert "it is a pipe" in refused("export", "run/arch.json")
    else:
        assert name in refused("report", "run")
    if name in ("run.json", "scores.sqlite"):
        assert name in refused("search", "--budget", 4, "--out", "run")


def test_nothing_is_written_through_a_link(refused, run, tmp_path):
    target = tmp_path / "precious"
    target.write_text("work of years")
    folder = write_run(tmp_path / "run", ARCHS)
    (tmp_path / "report.html").symlink_to(target)
    run("report", "run")
    assert target.read_text() == "work of years"
    assert not (tmp_path / "report.html").is_symlink()
    (folder / "run.json").write_text("{}")
    (folder / "scores.sqlite").unlink()
    (folder / "scores.sqlite").symlink_to(target)
    assert "is no file of a run" in refused("search", "--budget", 4, "--out", "run")
    assert target.read_text() == "work of years"


EVIL = "$\\frac{$ <a href='http://e.org'>here</a><script>alert(1)</script>"


def test_names_are_text_and_neither_formulas_nor_html(run, tmp_path):
    folder = write_run(tmp_path / "run", ARCHS, strategy=EVIL)
    content = json.loads((folder / "result.json").read_text())
    content["settings"] |= {"images": EVIL, "options": {EVIL: EVIL}}
    (folder / "result.json").write_text(json.dumps(content))
    run("plot", "run")
    run("report", "run")
    page = (tmp_path / "report.html").read_text("utf-8")
    assert page.count("e.org") > 3
    # In the page itself, and in the charts' texts, of which plotly makes links.
    for tag in (
        "<script>alert",
        "<a href='http://e.org",
        "\\u003ca href='http:\\u002f\\u002fe.org",
    ):
        assert tag not in page


def test_what_steers_a_terminal_is_written_out(refused, tmp_path):
    path = write_run(tmp_path / "run", ARCHS) / "result.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "space": "\x1b]0;owned\x07\u202e"}))
    said = refused("report", "run")
    assert "\\x1b]0;owned\\x07\\u202e" in said


# Read-only


def without_power() -> list[str]:
    """Before a command: even root can't write where the permissions of files forbid it."""
    if os.getuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root writes anywhere, and setpriv of util-linux isn't here")
    return ["setpriv", "--bounding-set", "-dac_override"]


# Each command into the directory at hand, and what the store of the run is read as.
_READ = """
import json, sys
from tegnas.analysis.score_table import read_scores
from tegnas.cli import main
run, table = sys.argv[1:]
for words in (
    ["report", run], ["plot", run, "--figure", "history", "--no-svg"],
    ["export", run, "--out", "network.py"], ["correlate", "--run", run, "--table", table],
):
    sys.argv = ["tegnas", *words]
    try:
        main()
    except SystemExit as ended:
        assert not ended.code, words
print(json.dumps(list(map(str, read_scores(run).archs))))
"""


@pytest.mark.parametrize("killed", [False, True], ids=("finished", "killed"))
def test_a_directory_that_cannot_be_written_is_read(killed, tmp_path):
    folder, table = write_run(tmp_path / "run", ARCHS[:9]), tmp_path / "table.csv"
    table.write_text(
        "arch,accuracy\n" + "".join(f"{arch},{60 + i}\n" for i, arch in enumerate(ARCHS))
    )
    if killed:
        add_to_the_log(folder / "scores.sqlite", tmp_path)
    (tmp_path / "out").mkdir()
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    folder.chmod(0o555)
    done = subprocess.run(
        [*without_power(), sys.executable, "-c", _READ, str(folder), str(table)],
        capture_output=True, text=True, cwd=tmp_path / "out", timeout=120, check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )  # fmt: skip
    folder.chmod(0o755)
    assert done.returncode == 0, done.stderr
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert written == {"report.html", "figures", "network.py"}
    read = json.loads(done.stdout.splitlines()[-1])
    assert set(read) == set(map(str, ARCHS if killed else ARCHS[:9]))


def add_to_the_log(store: Path, folder: Path) -> None:
    """Leave a store as a killed search does: what was written last stands in the log alone."""
    names = (store.name, f"{store.name}-wal")
    key = {"space": SPACE.name, "settings": SETTINGS, "data": "d"}
    with closing(ScoreStore(store, **key)) as opened:
        opened.add(scored(ARCHS[9:], *np.ones((3, 1))))
        for name in names:
            shutil.copyfile(store.with_name(name), folder / name)
    for name in names:
        (folder / name).replace(store.with_name(name))
