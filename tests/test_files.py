"""Files are written whole or not at all, and what isn't a file is never waited for."""

from __future__ import annotations

import errno
import io
import os
import stat
import zipfile
from pathlib import Path

import pytest
import torch
from torch import nn

from tegnas.errors import InputError
from tegnas.fields import Fields
from tegnas.files import parse_json, read_json, read_regular, remove_leftovers, write_atomically
from tegnas.train import load_weights
from tegnas.train.checkpoint import read_checkpoint, save_checkpoint

# Writing


def test_a_file_is_written_as_utf8_and_replaced(tmp_path):
    path = tmp_path / "κ.txt"
    write_atomically(path, "κ\n")
    assert path.read_bytes() == b"\xce\xba\n"
    path.chmod(0o640)
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new" and stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [each.name for each in tmp_path.iterdir()] == ["κ.txt"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (OSError(errno.EROFS, "Read-only file system"), "Read-only file system"),
    ],
)
def test_what_was_there_stays_when_writing_fails(step, error, said, tmp_path, monkeypatch):
    def fail(*arguments: object) -> None:
        raise error

    (tmp_path / "a").write_text("old")
    monkeypatch.setattr(os, step, fail) if step == "fsync" else monkeypatch.setattr(
        Path, "replace", fail
    )
    with pytest.raises(InputError, match=f"a can't be written: {said}"):
        write_atomically(tmp_path / "a", "new")
    assert [each.name for each in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "old"


def test_a_kill_leaves_the_old_file_and_a_leftover_that_is_known(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("old")
    child = os.fork()
    if child == 0:
        os.fsync = lambda descriptor: os._exit(9)
        write_atomically(tmp_path / "a", "new")
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert (tmp_path / "a").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 2
    (tmp_path / ".other.partial").touch()
    remove_leftovers(tmp_path.iterdir())
    assert {each.name for each in tmp_path.iterdir()} == {"a", ".other.partial"}


def test_a_link_is_replaced_and_its_target_kept(tmp_path):
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to("target")
    write_atomically(tmp_path / "link", "new")
    assert (tmp_path / "target").read_text() == "old"
    assert (tmp_path / "link").read_text() == "new"


def test_what_is_no_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="pipe can't be written: it is a pipe or a device"):
        write_atomically(tmp_path / "pipe", "x")
    with pytest.raises(InputError, match="can't be written: it is a directory"):
        write_atomically(tmp_path, "x")
    with pytest.raises(InputError, match="can't be written: No such file or directory"):
        write_atomically(tmp_path / "no" / "file", "x")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_devices_are_written_to(capfd):
    write_atomically("/dev/null", "x")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    write_atomically("/dev/stdout", "page")
    assert capfd.readouterr().out.endswith("page")
    with pytest.raises(InputError, match="No space left on device"):
        write_atomically("/dev/full", "x" * 10**5)


# Reading


def test_only_files_are_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="it is a pipe"):
        read_regular(tmp_path / "pipe")
    with pytest.raises(OSError, match="it is a pipe or a device"):
        read_regular("/dev/zero")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(OSError, match="more than such a file has"):
        read_regular(tmp_path / "large")
    with pytest.raises(InputError, match="absent is not a result .No such file"):
        read_json(tmp_path / "absent", "a result")


def test_json_is_one_object_whose_names_differ():
    assert parse_json(b'{"a": {"b": [1]}}') == {"a": {"b": [1]}}
    assert parse_json('{"a": "\\ud83d\\ude00"}') == {"a": "\U0001f600"}
    with pytest.raises(InputError, match="'b' stands twice"):
        parse_json('{"a": {"b": 1, "b": 2}}')


def test_entries_are_asked_for_by_kind():
    fields = Fields({"text": "a", "number": 1, "none": None, "list": [{"x": 1}, 3], "true": True})
    assert (fields.text("text"), fields.number("number")) == ("a", 1.0)
    assert fields.number_or_none("none") is fields.number_or_none("absent") is None
    assert fields.number_or("none", float("inf")) == float("inf")
    for call, said in (
        (lambda: fields.number_or("absent", 0.0), "absent is missing"),
        (lambda: fields.number("true"), "true is no finite number"),
        (lambda: fields.text("number"), "number is a number and not a text"),
        (lambda: list(fields.objects("list")), r"list\[1\] is a number and not an object"),
        (lambda: next(fields.objects("list")).text("x"), r"list\[0\].x is a number and not a text"),
    ):
        with pytest.raises(InputError, match=said):
            call()


# Weights


@pytest.fixture
def checkpoint(tmp_path) -> Path:
    torch.manual_seed(0)
    save_checkpoint(tmp_path / "a.pt", nn.Linear(9, 7).state_dict())
    return tmp_path / "a.pt"


def test_weights_are_a_file_of_torch_and_come_back(checkpoint):
    weights = torch.load(checkpoint, weights_only=True)
    own = read_checkpoint(checkpoint)
    assert weights.keys() == own.keys() == {"weight", "bias"}
    assert torch.equal(weights["weight"], own["weight"])
    network = nn.Linear(9, 7)
    load_weights(network, checkpoint)
    assert torch.equal(network.weight, own["weight"])


def test_every_flipped_bit_and_every_cut_is_found(checkpoint):
    content = checkpoint.read_bytes()
    network = nn.Linear(9, 7)
    # Every byte of the end, where the seal is, and a prime step through the rest.
    places = {*range(0, len(content), 7), *range(len(content) - 120, len(content))}
    for place in places:
        damaged = bytearray(content)
        damaged[place] ^= 1 << place % 8
        checkpoint.write_bytes(damaged)
        with pytest.raises(InputError, match="can't be read as weights"):
            load_weights(network, checkpoint)
    for length in (0, 1, 100, len(content) // 2, len(content) - 100, len(content) - 1):
        checkpoint.write_bytes(content[:length])
        with pytest.raises(InputError, match="can't be read as weights"):
            load_weights(network, checkpoint)


def test_weights_of_another_program_are_checked_by_their_own_checksums(tmp_path):
    path = tmp_path / "foreign.pt"
    network = nn.Linear(9, 7)
    torch.save(network.state_dict(), path)
    load_weights(network, path)
    with pytest.raises(InputError, match="has no checksum that can be read"):
        read_checkpoint(path)  # one that tegnas wrote has it
    content = path.read_bytes()
    place = content.index(network.weight.detach().numpy().tobytes())
    path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    with pytest.raises(InputError, match="the checksum of its part .* is that of other content"):
        load_weights(network, path)


def test_weights_that_unfold_or_run_code_are_refused(tmp_path):
    written = io.BytesIO()
    torch.save({"weight": torch.zeros(10**6)}, written)
    packed = tmp_path / "packed.pt"
    with (
        zipfile.ZipFile(written) as source,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for each in source.infolist():
            target.writestr(each.filename, source.read(each))
    with pytest.raises(InputError, match="can't be read as weights"):
        load_weights(nn.Linear(9, 7), packed)

    class Evil:
        def __reduce__(self) -> tuple:
            return os.mkdir, (str(tmp_path / "was-run"),)

    torch.save({"weight": Evil()}, tmp_path / "evil.pt")
    with pytest.raises(InputError, match="can't be read as weights"):
        load_weights(nn.Linear(9, 7), tmp_path / "evil.pt")
    assert not (tmp_path / "was-run").exists()
