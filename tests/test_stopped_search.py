"""The command, stopped half way by a signal, goes on to the result of a search that wasn't."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tegnas.search.run_directory import RESULT, SCORES

ROOT = Path(__file__).parents[1]
BUDGET = 120
# Early enough that the search is seconds from its end when the signal arrives, however fast.
STOP_AT = 24
# PyTorch modules, because the native engine would be done before the signal arrives.
ARGUMENTS = (
    *("search", "--images", "noise", "--train", "8", "--val", "8", "--repeats", "1"),
    *("--budget", str(BUDGET), "--seed", "3", "--engine", "torch", "--json"),
    *("--small-networks", "paper", "--region-samples", "100"),
    *("--option", "population=20", "--option", "tournament=5"),
)


def start(out: Path) -> subprocess.Popen[str]:
    # From another directory, as it is used; the package is this one.
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.Popen(
        [sys.executable, "-m", "tegnas", *ARGUMENTS, "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=out.parent,
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        # A shell that starts the tests in the background has them, and so the search, ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def finish(process: subprocess.Popen[str]) -> dict:
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return json.loads(out)


def stored(out: Path) -> int:
    """How many architectures the store holds so far."""
    try:
        with sqlite3.connect(f"file:{out / SCORES}?mode=ro", uri=True) as connection:
            return connection.execute("SELECT COUNT(*) FROM scores").fetchone()[0]
    except sqlite3.OperationalError:  # not there yet
        return 0


def stop(process: subprocess.Popen[str], out: Path, number: int) -> tuple[str, str]:
    """Send a signal once ``STOP_AT`` scores are stored; what the process wrote."""
    deadline = time.monotonic() + 300
    while stored(out) < STOP_AT:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(number)
    written = process.communicate(timeout=60)
    assert not (out / RESULT).exists()
    assert STOP_AT <= stored(out) < BUDGET
    return written


def outcome(out: Path) -> tuple:
    content = json.loads((out / RESULT).read_text())
    return content["best"], content["history"], content["settings"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple:
    """The outcome of a search that nobody stopped."""
    out = tmp_path_factory.mktemp("whole") / "run"
    summary = finish(start(out))
    assert summary["evaluations"] == BUDGET
    return outcome(out)


def test_a_killed_search_loses_nothing(whole, tmp_path):
    out = tmp_path / "run"
    process = start(out)
    stop(process, out, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    before = stored(out)
    assert finish(start(out))["evaluations"] == BUDGET
    assert outcome(out) == whole
    assert stored(out) > before


def test_ctrl_c_says_how_to_go_on(whole, tmp_path):
    out = tmp_path / "run"
    process = start(out)
    stdout, stderr = stop(process, out, signal.SIGINT)
    assert process.returncode == 130
    assert stdout == ""
    assert stderr.splitlines()[-1] == (
        f"tegnas: stopped; what was scored is in {out}, the same command goes on from there"
    )
    assert "Traceback" not in stderr
    finish(start(out))
    assert outcome(out) == whole
