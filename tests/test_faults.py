"""What fails under a command is one sentence, at odd places as well."""

from __future__ import annotations

import errno
import io
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch

from tegnas.cli import main
from tegnas.cli.faults import one_sentence, printable, stopped_in, warn_in_a_line
from tegnas.errors import InputError

ROOT = Path(__file__).parents[1]


def allocate() -> None:
    torch.empty(2**60, dtype=torch.uint8)


def raised(error: Exception):
    def call() -> None:
        raise error

    return call


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (raised(MemoryError()), "the memory isn't enough; take fewer"),
        (allocate, "the memory isn't enough (1152921504.6 GB were asked for at once); take fewer"),
        (raised(RuntimeError("CUDA out of memory. Tried to")), "the memory isn't enough"),
        (raised(OSError(errno.ENOSPC, "No space left", "/a/b")), "/a/b: No space left; what a run"),
        (raised(OSError(errno.EROFS, "Read-only", "/a/b")), "/a/b: Read-only; what a run"),
        (raised(InputError("first\nsecond\x1b[31m")), "first second\\x1b[31m"),
    ],
)
def test_what_the_machine_lacks_is_one_sentence(call, said, capsys):
    with pytest.raises(SystemExit) as ended, one_sentence():
        call()
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith(f"tegnas: {said}") and len(err.splitlines()) == 1


def test_faults_of_tegnas_keep_their_traceback():
    for error in (RuntimeError("shapes don't fit"), OSError(errno.EBADF, "Bad"), KeyError("a")):
        with pytest.raises(type(error)), one_sentence():
            raise error


def test_a_warning_is_a_note_in_a_line(monkeypatch, capsys):
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # put back afterwards
    warn_in_a_line()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning("two\nlines", UserWarning, "file.py", 3)
    assert capsys.readouterr().err == "tegnas: note: two lines\n"


def test_ctrl_c_twice_is_ctrl_c(tmp_path, capsys):
    before = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(SystemExit) as ended, stopped_in(tmp_path):
            raise KeyboardInterrupt
        os.kill(os.getpid(), signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    assert ended.value.code == 130
    assert "the same command goes on from there" in capsys.readouterr().err


def test_texts_are_printed_in_one_line():
    assert printable("κ  ok\n\x07\u202e\udcff") == "κ  ok \\x07\\u202e\\udcff"


# At odd places

_SCORE = (
    "score", "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|skip_connect~2|",
    "--train", "8", "--val", "8", "--repeats", "1",
)  # fmt: skip


def test_a_closed_pipe_ends_quietly(monkeypatch, capsys):
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    monkeypatch.setattr(sys, "argv", ["tegnas", *_SCORE, "--json"])
    monkeypatch.setattr(sys, "stdout", Closed())
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert capsys.readouterr().err == ""


def test_without_stdout_the_work_is_done(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "stdout", None)
    for words in (_SCORE, (*_SCORE, "--json"), ("doctor",)):
        monkeypatch.setattr(sys, "argv", ["tegnas", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code


def test_a_locale_without_kappa_stops_nothing(monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, "latin-1"))
    monkeypatch.setattr(sys, "argv", ["tegnas", *_SCORE, "--preset", "fast"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    assert b"\\u03ba" in written.getvalue()


@pytest.mark.parametrize(
    "words",
    [
        ("search", "--budget", "2", "--out", "file"),
        ("compare", "--strategies", "random", "--budget", "2", "--out", "file"),
        ("train", _SCORE[1], "--epochs", "1", "--out", "file"),
        ("search", "--budget", "2", "--out", "file/below"),
    ],
)
def test_an_out_that_is_a_file_is_named(words, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("work of years")
    monkeypatch.setattr(sys, "argv", ["tegnas", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    (line,) = [each for each in capsys.readouterr().err.splitlines() if each.startswith("tegnas:")]
    assert "file" in line and "can't be used for the run" in line
    assert Path("file").read_text() == "work of years"


@pytest.mark.slow
def test_without_home_and_locale_everything_works(tmp_path):
    """In a process of its own: what is set up at the start of one matters."""
    words = ["search", "--budget", "3", "--strategy", "random", *_SCORE[2:], "--out", "run"]
    code = (
        "import sys\nfrom tegnas.cli import main\n"
        f"for words in ({words!r}, ['report', 'run'], ['plot', 'run', '--figure', 'cell']):\n"
        "    sys.argv = ['tegnas', *words]\n"
        "    try:\n        main()\n"
        "    except SystemExit as ended:\n        assert not ended.code, words\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, cwd=tmp_path, timeout=180, check=False,
        env={
            "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LC_ALL": "en_US.ISO-8859-1",
            "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "HOME": "/nonexistent",
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "report.html").is_file()
