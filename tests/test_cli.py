"""The ``tegnas`` command: what it prints, and one sentence for whatever can't be done."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import tegnas
from tegnas.cli import main
from tegnas.cli.options import read_assignments
from tegnas.search import SearchResult
from tegnas.search.command import search_command
from tegnas.search.evaluation import rank_scores

SMALL = ("--train", "8", "--val", "8", "--repeats", "1")
BEST = ("variance_inflation", "linear_regions", "leave_one_out_error", "pattern_rank")
ARCH = "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|avg_pool_3x3~2|"
DISCONNECTED = "|skip_connect~0|+|none~0|none~1|+|none~0|none~1|nor_conv_3x3~2|"


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    status: int
    out: str
    err: str


@pytest.fixture
def command(monkeypatch, capfd, tmp_path) -> Callable[..., Outcome]:
    """Runs the command in an empty directory, in a terminal of 200 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["tegnas", *map(str, arguments)])
        status = 0
        try:
            main()
        except SystemExit as error:
            status = error.code or 0
        return Outcome(status, *capfd.readouterr())

    return call


def search(command, *arguments: object, images: str = "digits") -> Outcome:
    return command("search", "--images", images, *SMALL, "--budget", 6, *arguments)


def check_refused(outcome: Outcome, *fragments: str) -> None:
    """One sentence on stderr, nothing on stdout, a status that isn't 0."""
    assert outcome.status == 2
    assert outcome.out == ""
    (line,) = outcome.err.splitlines()
    assert line.startswith("tegnas: ")
    for fragment in fragments:
        assert fragment in line


# Searches


@pytest.mark.parametrize("images", ["digits", "noise"])
@pytest.mark.parametrize("strategy", ["random", "exhaustive", "evolution"])
def test_search_prints_one_object_of_json(command, images, strategy, tmp_path):
    outcome = search(command, "--strategy", strategy, "--json", "--out", "run", images=images)
    assert outcome.status == 0, outcome.err
    assert outcome.err == ""
    (line,) = outcome.out.splitlines()
    content = json.loads(line, parse_constant=lambda name: pytest.fail(name))
    assert content["evaluations"] == 6 and content["seconds"] > 0
    assert set(content["best"]) == {"arch", *BEST}
    assert tegnas.get_space("nas-bench-201").parse(content["best"]["arch"])
    settings = content["settings"]
    assert (settings["images"], settings["strategy"], settings["budget"]) == (images, strategy, 6)
    assert (settings["train"], settings["val"], settings["score"]["repeats"]) == (8, 8, 1)
    assert Path(content["out"]) == Path("run")
    result = SearchResult.load(tmp_path / "run" / "result.json")
    assert str(result.best.arch) == content["best"]["arch"]


def test_search_shows_the_best_where_they_are_and_what_to_do_next(command, tmp_path):
    outcome = search(command, "--seed", 4, "--strategy", "random")
    assert outcome.status == 0
    run = "runs/nas-bench-201-random-best-digits-seed4"
    result = SearchResult.load(tmp_path / run / "result.json")
    space = tegnas.get_space("nas-bench-201")
    for each in result.history:
        assert (space.short(each.arch) in outcome.out) == (each in sorted_best(result))
        assert str(each.arch) not in outcome.out
    assert "Best of 6 architectures" in outcome.out
    assert f"Saved in {run}: run.json, scores.sqlite, result.json" in outcome.out
    assert f"Next: tegnas report {run} -o report.html" in outcome.out
    whole = search(command, "--seed", 4, "--strategy", "random", "--long").out
    assert all(str(each.arch) in whole for each in sorted_best(result))


def test_a_shorter_search_leaves_the_result_of_a_longer_one(command, tmp_path):
    search(command, "--out", "run")
    before = (tmp_path / "run" / "result.json").read_bytes()
    shorter = search(command, "--out", "run", "--budget", 3)
    assert "Best of 3 architectures" in shorter.out
    assert "Not saved: run keeps the result of a longer run, 6 evaluations" in shorter.out
    content = json.loads(search(command, "--out", "run", "--budget", 3, "--json").out)
    assert content["evaluations"] == 3 and content["kept_evaluations"] == 6
    assert (tmp_path / "run" / "result.json").read_bytes() == before
    search(command, "--out", "run", "--budget", 7)
    assert (tmp_path / "run" / "result.json").read_bytes() != before


def test_why_there_are_fewer_architectures_than_evaluations_is_said(command):
    options = ("--option", "population=2", "--option", "tournament=2", "--budget", 60)
    outcome = search(command, "--preset", "fast", "--max-params", 80_000, *options)
    assert "60 evaluations were of" in outcome.out and "costs nothing" in outcome.out


def sorted_best(result: SearchResult) -> list:
    order = np.argsort(rank_scores(result.history), kind="stable")[:5]
    return [result.history[index] for index in order]


def test_names_in_brackets_are_printed_as_they_are(command, tmp_path):
    outcome = search(command, "--out", "run[red]1")
    assert "Saved in run[red]1: run.json" in outcome.out
    assert (tmp_path / "run[red]1" / "result.json").is_file()


def test_the_same_command_twice_gives_the_same_and_scores_nothing(command):
    first = json.loads(search(command, "--json").out)
    second = json.loads(search(command, "--json").out)
    for content in (first, second):
        content.pop("seconds")
    assert first == second


def test_a_table_gives_the_accuracy_of_what_was_found(command, tmp_path):
    plain = json.loads(search(command, "--json", "--out", "a").out)
    best = plain["best"]["arch"]
    Path("known.csv").write_text(f"arch,accuracy\n{best},93.5\n{DISCONNECTED},10\n")
    Path("other.csv").write_text(f"arch,accuracy\n{DISCONNECTED},10\n")
    known = json.loads(search(command, "--json", "--out", "a", "--table", "known.csv").out)
    assert known["best"] == {**plain["best"], "accuracy": 93.5}
    unknown = json.loads(search(command, "--json", "--out", "a", "--table", "other.csv").out)
    assert unknown["best"] == plain["best"]
    shown = search(command, "--out", "a", "--table", "known.csv").out
    assert "93.50" in shown and "not in the table" in shown


def test_npz_images_are_searched_on(command, tmp_path):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (30, 16, 16, 3), dtype=np.uint8)
    np.savez("own.npz", x=pixels, y=np.arange(30) % 3)
    outcome = search(command, "--json", images="own.npz")
    assert outcome.status == 0
    assert json.loads(outcome.out)["settings"]["images"] == "own.npz"
    assert (tmp_path / "runs" / "nas-bench-201-evolution-best-own-seed0" / "run.json").is_file()


@pytest.mark.parametrize(
    "options",
    [
        ("--strategy", "random"),
        ("--strategy", "evolution", "--preset", "fast", "--option", "population=4",
         "--option", "tournament=2", "--max-params", 900_000, "--image-size", 16),
        ("--strategy", "local", "--indicators", "linear_regions,flops", "--average", "mean",
         "--combination", "rank-sum", "--region-samples", 70, "--region-batch-size", 35,
         "--engine", "torch", "--share-isomorphic", "--image-size", 0, "--seed", 3),
    ],
)  # fmt: skip
def test_the_command_that_a_report_names_gives_the_same_result(command, tmp_path, options):
    assert search(command, "--out", "first", *options).status == 0
    first = SearchResult.load(tmp_path / "first" / "result.json")
    _, *again = shlex.split(search_command(first))
    assert command(*again, "--out", "second").status == 0
    second = SearchResult.load(tmp_path / "second" / "result.json")
    assert (second.best, second.history) == (first.best, first.history)
    assert {**second.settings, "devices": 0} == {**first.settings, "devices": 0}


# Scores


def test_score_prints_one_object_of_json(command):
    outcome = command("score", ARCH, DISCONNECTED, *SMALL, "--json")
    assert outcome.status == 0
    (line,) = outcome.out.splitlines()
    first, second = json.loads(line, parse_constant=lambda name: pytest.fail(name))["scores"]
    assert (first["arch"], first["position"]) == (ARCH, 1)
    bad = {"variance_inflation": None, "leave_one_out_error": None, "pattern_rank": None}
    assert second == {**second, "arch": DISCONNECTED, **bad, "position": 2}
    batch = tegnas.load_batch("digits", train=8, val=8)
    space = tegnas.get_space("nas-bench-201")
    expected = tegnas.score([ARCH], batch, space=space, repeats=1)
    for name in BEST:
        assert first[name] == expected[name].item()


def test_score_shows_mean_and_spread(command):
    outcome = command("score", ARCH, DISCONNECTED, *SMALL, "--repeats", 2, "--images", "noise")
    assert outcome.status == 0
    assert "302104" in outcome.out and "100003" in outcome.out
    assert ARCH in command("score", "302104", *SMALL, "--long").out
    assert "±" in outcome.out and "inf" in outcome.out


def test_doctor_knows_the_build(command):
    content = json.loads(command("doctor", "--json").out)
    assert content["tegnas"] == tegnas.__version__
    assert {"torch", "python", "simd", "cuda", "CUDA devices"} <= set(content)
    assert "tegnas::ntk_gram" in content["native operators"]
    shown = command("doctor").out
    assert "native operators" in shown and tegnas.__version__ in shown


def test_help_lists_the_commands(command):
    outcome = command("--help")
    assert outcome.status == 0
    for name in ("search", "score", "doctor"):
        assert name in outcome.out


# What is refused


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ARCH.replace("nor_conv_3x3", "conv_9x9"), "unknown operation 'conv_9x9'"),
        (ARCH[:-1], "is not a NAS-Bench-201 architecture; it should look like"),
        ("", "is not a NAS-Bench-201 architecture"),
    ],
)
def test_architectures_that_are_none_are_refused(command, text, message):
    check_refused(command("score", ARCH, text, *SMALL), message)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--strategy", "annealing"], "unknown strategy 'annealing'; tegnas knows random"),
        (["--space", "nas-bench-999"], "unknown search space 'nas-bench-999'; tegnas knows nas-"),
        (["--option", "speed=3"], "strategy 'evolution' has no option 'speed'; it has population"),
        (["--option", "population"], "--option takes NAME=VALUE, e.g. population=128"),
        (["--option", "population=all"], "population of strategy 'evolution' must be a whole"),
        (["--option", "population=1"], "population of at least 2"),
        (["--budget", "0"], "the budget must be at least 1 evaluation, got 0"),
        (["--train", "1"], "train must be a whole number, at least 2"),
        (["--val", "0"], "val must be a whole number, at least 2"),
        (["--repeats", "0"], "repeats must be a whole number, at least 1, got 0"),
        (["--seed", "-1"], "seed must be a whole number"),
        (["--batch-norm", "eval"], "unknown batch_norm 'eval'; choose one of frozen, coupled"),
        (["--device", "tpu"], "unknown device 'tpu'; choose cpu, cuda or cuda:N"),
        (["--device", "cuda:99"], "cuda:99"),
        (["--images", "mnist"], "mnist"),
        (["--images", "cifar10:absent"], "absent"),
        (["--images", "absent.npz"], "the image file absent.npz does not exist"),
        (["--train", "2000"], "1797 examples"),
        (["--table", "absent.csv"], "the accuracy table absent.csv can't be read"),
        (["--pareto", "price"], "unknown cost 'price'"),
    ],
)
def test_wrong_options_are_refused_and_nothing_is_written(command, arguments, message, tmp_path):
    check_refused(search(command, *arguments), message)
    assert not list(tmp_path.iterdir())


PIXELS = np.random.default_rng(0).integers(0, 256, (30, 3, 8, 8), dtype=np.uint8)
GOOD = {"x": PIXELS.astype(np.float32), "y": np.arange(30) % 3}
HOLE = GOOD["x"].copy()
HOLE[17, 1, 2, 3] = np.nan


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": np.zeros((30, 8), np.uint8)}, "images of shape (30, 8)"),
        ({"x": np.zeros((30, 5, 8, 8), np.uint8)}, "neither the second nor the last axis"),
        ({"x": np.zeros((30, 3, 8, 8), np.int32)}, "images of dtype int32; store uint8 or float"),
        ({"x": HOLE}, "NaN or infinite"),
        ({"y": np.zeros(30, np.int64)}, "one class"),
        ({"x": PIXELS * 0 + 7}, "fewer than 16 images that differ"),
        ({"y": np.arange(29) % 3}, "30 images but 29 labels"),
        ({"y": GOOD["y"].astype(np.float32)}, "labels of images.npz are of dtype float32"),
        ({"x": np.zeros((3, 3, 8, 8), np.uint8), "y": np.arange(3)}, "3 examples"),
    ],
)
@pytest.mark.parametrize("name", ["search", "score"])
def test_images_that_cannot_be_used_are_refused(command, name, change, message):
    np.savez("images.npz", **(GOOD | change))
    if name == "search":
        check_refused(search(command, images="images.npz"), message)
    else:
        check_refused(command("score", ARCH, "--images", "images.npz", *SMALL), message)


@pytest.mark.parametrize("engine", ["native", "torch"])
def test_images_too_small_for_the_networks_are_refused(command, engine):
    np.savez("images.npz", **(GOOD | {"x": PIXELS[:, :, :2, :2]}))
    check_refused(search(command, "--engine", engine, images="images.npz"), "2×2", "small")


@pytest.mark.parametrize("length", [0, 100, -200])
def test_a_truncated_file_is_refused(command, length):
    np.savez("images.npz", **GOOD)
    content = Path("images.npz").read_bytes()
    Path("images.npz").write_bytes(content[:length])
    check_refused(search(command, images="images.npz"), "images.npz")


def test_a_directory_of_another_configuration_is_refused(command):
    assert search(command, "--out", "run", "--json").status == 0
    for change, named in (
        (["--seed", 1], "(seed was 0, is 1, the images differ)"),
        (["--val", 9], "(val was 8, is 9, the images differ)"),
        (["--repeats", 2], "(repeats was 1, is 2)"),
        (["--preset", "fast"], "(preset was 'best', is 'fast')"),
    ):
        refused = search(command, "--out", "run", *change)
        check_refused(refused, "run belongs to another configuration", named, "another --out")
        assert len(refused.err) <= 160  # two lines of a terminal


def test_limits_that_nothing_is_within_are_told_before_anything_is_drawn(command):
    refused = search(command, "--max-params", 1, "--out", "run")
    check_refused(refused, "the least found is 73,306 parameters; loosen them")
    refused = search(command, "--max-latency-ms", 0.0001, "--out", "run", "--space", "nats-size")
    (line,) = [each for each in refused.err.splitlines() if each.startswith("tegnas: ")]
    assert "at most 0.0001 ms" in line and "loosen them" in line


def test_what_a_pareto_front_needs_is_said_before_the_search(command, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "moocore", None)
    check_refused(search(command, "--pareto", "params"), "pip install 'tegnas[pareto]'")
    assert not list(tmp_path.iterdir())


def test_a_directory_of_something_else_is_refused(command):
    Path("thesis").mkdir()
    Path("thesis/chapter1.tex").touch()
    check_refused(search(command, "--out", "thesis"), "thesis holds other files and no run")
    check_refused(search(command, "--out", "thesis/chapter1.tex"), "can't be used for the run")


def test_an_option_that_is_no_number_is_a_usage_error(command):
    outcome = command("search", "--budget", "many")
    assert outcome.status == 2 and outcome.out == ""
    assert "--budget" in outcome.err and "integer" in outcome.err
    assert "Traceback" not in outcome.err


# Details


def test_assignments_are_read_as_numbers_where_they_are():
    read = read_assignments(["a=1", "b=0.5", "c=fast", "d=x=y", "e=1e-3"])
    assert read == {"a": 1, "b": 0.5, "c": "fast", "d": "x=y", "e": 0.001}
    assert type(read["a"]) is int
