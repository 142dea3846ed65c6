"""``tegnas export`` and ``tegnas train`` at the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from analysis_data import SPACE, write_run
from typer.testing import CliRunner

from tegnas.cli import app, main
from tegnas.export import to_json

ARCH = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|nor_conv_1x1~2|"
SMALL = ["--channels", "2", "--cells", "1", "--image-size", "8", "--batch-size", "256"]


def run(*arguments: object) -> str:
    done = CliRunner().invoke(app, [str(each) for each in arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def refused(monkeypatch: pytest.MonkeyPatch, capsys, *arguments: object) -> str:
    monkeypatch.setattr("sys.argv", ["tegnas", *(str(each) for each in arguments)])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    return capsys.readouterr().err


def test_export_from_string_json_and_run(tmp_path: Path) -> None:
    source = run("export", ARCH, "--channels", 2)
    assert "class Network" in source and "channels: int = 2" in source
    (tmp_path / "arch.json").write_text(to_json(SPACE, SPACE.parse(ARCH)))
    assert run("export", tmp_path / "arch.json", "--channels", 2) == source
    folder = write_run(tmp_path / "run", tuple(SPACE)[7000:7010])
    genotype = run("export", folder, "--format", "genotype").strip()
    assert genotype in {str(arch) for arch in tuple(SPACE)[7000:7010]}
    run("export", ARCH, "--format", "json", "--out", tmp_path / "again.json")
    assert json.loads((tmp_path / "again.json").read_text())["arch"] == ARCH


def test_export_refuses_in_one_sentence(monkeypatch, capsys, tmp_path: Path) -> None:
    assert "--out" in refused(monkeypatch, capsys, "export", ARCH, "--format", "onnx")
    assert "onnx" in refused(monkeypatch, capsys, "export", ARCH, "--weights", "w.pt")
    missing = tmp_path / "no" / "file.py"
    assert "can't be written" in refused(monkeypatch, capsys, "export", ARCH, "--out", missing)
    assert "NAS-Bench-201" in refused(monkeypatch, capsys, "export", "nonsense")


def test_train_writes_weights_that_export_takes(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    arguments = ["train", ARCH, *SMALL, "--epochs", "1", "--out", folder, "--json"]
    facts = json.loads(run(*arguments))
    assert facts["epochs"] == 1 and 0 <= facts["test_accuracy"] <= 100
    assert {"weights.pt", "checkpoint.pt", "log.csv", "log.jsonl", "run.json"} <= {
        path.name for path in folder.iterdir()
    }
    assert json.loads(run(*arguments)) == facts  # all epochs are there already
    shown = run("show", folder)
    assert "1 epoch\n" in shown and "made by: tegnas train" in shown.lower()
    source = run("export", folder)
    module: dict[str, Any] = {}
    exec(source, module)
    module["Network"]().load_state_dict(torch.load(folder / "weights.pt"))
    pytest.importorskip("onnxscript", reason="ONNX export needs the extra onnx")
    run("export", folder, "--format", "onnx", "--out", tmp_path / "trained.onnx")
    run(
        "export", ARCH, "--channels", 2, "--cells", 1, "--format", "onnx", "--image-size", 8,
        "--weights", folder / "weights.pt", "--out", tmp_path / "network.onnx",
    )  # fmt: skip
    same = [tmp_path / name for name in ("trained.onnx", "network.onnx")]
    assert len({logits(path, 8).tobytes() for path in same}) == 1


def logits(path: Path, side: int) -> np.ndarray:
    """What the model in a file makes of some images."""
    runtime = pytest.importorskip("onnxruntime", reason="ONNX export needs the extra onnx")
    images = np.random.default_rng(0).standard_normal((3, 3, side, side), dtype=np.float32)
    (values,) = runtime.InferenceSession(path).run(None, {"images": images})
    return values


def test_a_training_that_has_not_ended_is_not_taken_away(monkeypatch, capsys, tmp_path) -> None:
    run("train", ARCH, *SMALL, "--epochs", 1, "--out", tmp_path / "run", "--json")
    (tmp_path / "run" / "weights.pt").unlink()
    said = refused(monkeypatch, capsys, "export", tmp_path / "run")
    assert "hasn't ended" in said and f"tegnas show {tmp_path / 'run'}" in said
    said = refused(monkeypatch, capsys, "report", tmp_path / "run")
    assert "directory of a training" in said


def test_train_refuses_in_one_sentence(monkeypatch, capsys) -> None:
    assert "architecture" in refused(monkeypatch, capsys, "train")
    assert "--check" in refused(monkeypatch, capsys, "train", ARCH, "--check", 3)
    assert "noise" in refused(monkeypatch, capsys, "train", ARCH, "--images", "noise")
    assert "epochs" in refused(monkeypatch, capsys, "train", ARCH, "--epochs", 0)


def test_check_compares_rankings() -> None:
    facts = json.loads(run("train", "--check", 3, *SMALL, "--epochs", 1, "--json"))
    assert len(facts["networks"]) == 3
    assert set(facts["kendall_tau"]) == {
        "T (VIF)", "E (R)", "G (LOO)", "PR", "T + E + G + ½ PR"
    }  # fmt: skip
