"""How the extension is found, chosen and described."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

from tegnas import ops
from tegnas.errors import NativeCodeError
from tegnas.ops import _library

PROGRAM = """
import torch
from tegnas import ops
x = torch.linspace(-1, 1, 600, dtype=torch.float64).sin().reshape(1, 5, 4, 6, 5)
gram = ops.ntk_gram([ops.Conv2dTerm(x, x.cos(), 3, padding=1, groups=2)])
print(ops.build_info()["simd"], *gram.flatten().tolist(), ops.eig_condition(gram).lambda_max.item())
"""


def run(simd: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        env={**os.environ, "TEGNAS_SIMD": simd},
    )


@pytest.fixture(scope="module")
def portable() -> list[float]:
    level, *numbers = run("portable").stdout.split()
    assert level == "portable"
    return [float(number) for number in numbers]


@pytest.mark.parametrize("simd", ["avx2", "avx512"])
def test_every_instruction_set_gives_the_same_numbers(simd, portable):
    done = run(simd)
    if f"TEGNAS_SIMD={simd} is not available" in done.stderr:
        pytest.skip(f"this machine lacks {simd}")
    level, *numbers = done.stdout.split()
    assert level == simd
    assert [float(number) for number in numbers] == pytest.approx(portable, rel=1e-9)


def test_an_unknown_instruction_set_gets_one_sentence():
    done = run("sse9")
    assert done.returncode != 0
    assert (
        done.stderr.strip()
        .splitlines()[-1]
        .startswith("tegnas.errors.NativeCodeError: TEGNAS_SIMD=sse9 is not available")
    )


def test_build_info():
    info = ops.build_info()
    assert set(info) == {"simd", "cuda", "cuda_arch_list", "compiler", "torch"}
    assert info["simd"] in ("avx512", "avx2", "portable")
    assert info["torch"].startswith("2.")  # not that of today: one build fits all


def test_native_ops():
    expected = "count_regions eig_condition kernel_regression_error leave_one_out ntk_gram"
    names = [
        *expected.split(),
        "pack_signs",
        "pattern_distances",
        "pattern_rank",
        "engine_ntk",
        "engine_regions",
    ]
    names.append("engine_pattern_distances")
    assert {f"tegnas::{name}" for name in names} <= set(ops.native_ops())


def test_a_missing_extension_gets_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "tegnas._C", None)
    with pytest.raises(NativeCodeError, match="tegnas._C is missing; run pip install"):
        _library.load()


def test_an_old_torch_gets_one_sentence_with_what_to_install(monkeypatch):
    monkeypatch.setattr(torch, "__version__", "2.9.1+cu128")
    with pytest.raises(NativeCodeError, match="torch 2.9.1.* is installed; run pip install --upg"):
        _library.load()


def test_refusals_arrive_as_their_types():
    with pytest.raises(TypeError, match=r"^pack_signs: activations must be .*, got Half\.$"):
        ops.pack_signs([torch.zeros(2, 3, dtype=torch.float16)])
    with pytest.raises(ValueError, match=r"^eig_condition: matrices must be square"):
        ops.eig_condition(torch.zeros(2, 3))


def test_an_outdated_extension_gets_one_sentence():
    with pytest.raises(NativeCodeError, match="out of date: it lacks no_such_op; run pip"):
        _library.register_fake("no_such_op", lambda: None)
