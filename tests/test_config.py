"""Options from a file, options as a file, and what shells complete."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tegnas.cli import main

yaml = pytest.importorskip("yaml")  # not on every machine with a GPU

RUN = """
strategy: evolution
option: {population: 4, tournament: 2}
budget: 5
train: 8
val: 8
--repeats: 1
region_samples: 100
out: run
json: true
"""


@pytest.fixture
def command(monkeypatch, capfd, tmp_path):
    """Runs the command in an empty directory: its status, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["tegnas", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return (ended.value.code or 0, *capfd.readouterr())

    return call


def test_a_search_takes_its_options_from_a_file(command):
    Path("run.yaml").write_text(RUN)
    status, out, err = command("search", "--config", "run.yaml", "--budget", "6")
    assert status == 0, err
    content = json.loads(out)
    settings = content["settings"]
    assert content["evaluations"] == 6  # the command line wins
    assert settings["options"] == {"population": 4, "tournament": 2}
    assert (settings["train"], settings["score"]["repeats"]) == (8, 1)
    assert settings["score"]["region_samples"] == 100


def test_what_is_printed_is_read_again(command):
    Path("run.yaml").write_text(RUN)
    _, printed, _ = command("search", "--config", "run.yaml", "--seed", "7", "--print-config")
    content = yaml.safe_load(printed)
    assert content["seed"] == 7 and content["option"] == ["population=4", "tournament=2"]
    assert content["region-samples"] == 100 and content["max-flops"] is None
    assert not Path("run").exists()
    Path("again.yaml").write_text(printed)
    assert command("search", "--config", "again.yaml", "--print-config")[1] == printed


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("bugdet: 3", "has no option 'bugdet'; did you mean budget?"),
        ("config: other.yaml", "has no option 'config'"),
        ("- budget", "must hold options and their values"),
        ("budget: [1, [2]]", "must be a value or a list of values"),
        ("budget: {a: 1}", "must be a value or a list of values"),
        ("a: [", "is no YAML"),
        ("space: theirs.py:SPACE", "names code, theirs.py:SPACE, which isn't run"),
        ("indicators: flops,theirs.py:mine", "give it on the command line: --indicators"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence(command, text, sentence):
    Path("run.yaml").write_text(text)
    status, out, err = command("search", "--config", "run.yaml")
    assert (status, out) == (2, "") and len(err.splitlines()) == 1
    assert sentence in err


def test_values_are_checked_as_those_of_the_command_line(command):
    Path("run.yaml").write_text("budget: many")
    status, _, err = command("search", "--config", "run.yaml")
    assert status == 2 and "--budget" in err
    assert "can't be read" in command("search", "--config", "nowhere.yaml")[2]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("tegnas search --print", {"--print-config"}),
        ("tegnas search --space nas-bench-", {"nas-bench-201", "nas-bench-101", "nas-bench-macro"}),
        ("tegnas search --images cifar1", {"cifar10:", "cifar100:"}),
    ],
)
def test_shells_complete_commands_options_and_names(words, offered):
    environment = {
        **os.environ,
        "_TEGNAS_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    program = (
        "import sys; sys.argv[0] = 'tegnas'; from tegnas.cli import app; app(prog_name='tegnas')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True
    )
    assert set(done.stdout.split()) == offered, done.stderr
