"""What somebody meets who has never seen this project: the wheel, and what the build says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import wheel as wheels  # noqa: E402

import build_support  # noqa: E402

SEARCH = ["-m", "tegnas", "search", "--images", "digits", "--budget", "10", "--seed", "0"]


@pytest.mark.slow
def test_the_wheel_searches_where_no_compiler_is(tmp_path, capsys):
    wheel = wheels.build(tmp_path / "wheel")
    begin = time.monotonic()
    python = wheels.environment(tmp_path / "stranger", wheel)
    installed = time.monotonic()
    hidden = wheels.without_compiler(python)
    assert [shutil.which(name, path=hidden["PATH"]) for name in ("g++", "cc", "ninja")] == [
        None
    ] * 3
    done = subprocess.run(
        [python, *SEARCH, "--out", "run"], cwd=tmp_path, env=hidden, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Best of 10 architectures" in done.stdout
    where = [python, "-c", "import tegnas; print(tegnas.__file__)"]
    file = subprocess.run(where, cwd=tmp_path, env=hidden, capture_output=True, text=True).stdout
    assert file.startswith(str(tmp_path / "stranger"))
    with capsys.disabled():
        print(
            f" [wheel installed in {installed - begin:.1f} s, first search after "
            f"{time.monotonic() - installed:.1f} s]",
            end="",
        )


def test_an_old_torch_is_refused_with_what_to_install():
    assert build_support.torch_obstacle("2.10.0+cpu") is None
    assert build_support.torch_obstacle("3.0") is None
    sentence = build_support.torch_obstacle("2.9.1+cu128")
    assert sentence is not None
    assert "torch 2.10 or newer is needed and 2.9.1+cu128 is installed" in sentence
    assert "pip install --upgrade 'torch>=2.10'" in sentence


def test_an_old_setuptools_is_refused_with_what_to_install():
    assert build_support.setuptools_obstacle("77.0.3") is None
    sentence = build_support.setuptools_obstacle("65.5.0")
    assert sentence is not None and "pip install --upgrade 'setuptools>=77'" in sentence


def test_an_old_compiler_is_told_from_a_new_one(tmp_path):
    assert build_support.compiler_obstacle(build_support.cxx_command(os.environ)) is None
    old = tmp_path / "old-g++"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    sentence = build_support.compiler_obstacle(str(old))
    assert sentence is not None and "doesn't compile C++20" in sentence and "CXX=" in sentence


def build(
    tmp_path: Path, prepend: str = "", command: str = "bdist_wheel", **variables: str
) -> list[str]:
    """The lines of a build in a copy of what the build reads; it must fail."""
    for name in ("setup.py", "build_support.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "tegnas").mkdir()
    shutil.copy(ROOT / "tegnas" / "_version.py", tmp_path / "tegnas")
    program = f"import sys; sys.argv = ['setup.py', '{command}']\n{prepend}\n"
    program += "exec(compile(open('setup.py').read(), 'setup.py', 'exec'))"
    program = program.replace("exec(", "__file__ = 'setup.py'; exec(", 1)
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode != 0, done.stdout
    return done.stdout.strip().splitlines()


def test_a_missing_compiler_is_said_before_anything_is_copied(tmp_path):
    lines = build(tmp_path, CXX="no-such-compiler")
    assert lines[-1].startswith("tegnas: there is no C++ compiler here (no-such-compiler is not")
    assert "apt install g++" in lines[-1]
    assert not re.search("copying|Errno", "\n".join(lines)) and len(lines) < 6


def test_a_missing_torch_is_said_before_anything_is_copied(tmp_path):
    lines = build(tmp_path, "sys.modules['torch'] = None")
    assert "there is none here (with build isolation pip hides" in lines[-1]
    assert "pip install --no-build-isolation ." in lines[-1]
    assert "copying" not in "\n".join(lines) and len(lines) < 6


def test_a_missing_torch_is_said_before_pip_downloads_one(tmp_path):
    """pip asks for the metadata of the wheel, and then for all that the metadata names."""
    lines = build(tmp_path, "sys.modules['torch'] = None", command="dist_info")
    assert "there is none here (with build isolation pip hides" in lines[-1] and len(lines) < 6


def test_an_old_setuptools_is_said_first(tmp_path):
    lines = build(tmp_path, "import setuptools; setuptools.__version__ = '65.5.0'")
    assert len(lines) == 1 and lines[0].startswith("tegnas: building needs setuptools 77 or newer")


@pytest.mark.slow
def test_the_source_distribution_has_docs_examples_and_tests(tmp_path):
    command = [sys.executable, "setup.py", "-q", "egg_info", "--egg-base", str(tmp_path), "sdist"]
    subprocess.run([*command, "-d", str(tmp_path)], cwd=ROOT, check=True, capture_output=True)
    (made,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(made) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for name in (
        *("docs/index.md", "docs/api/spaces.md", "mkdocs.yml", "CITATION.cff", "Makefile"),
        *("csrc/ops/tensor.h", "csrc/tests/CMakeLists.txt", "csrc/kernels/cuda/block.cuh"),
        *("tests/conftest.py", "tests/samples/pytest.txt", "tools/wheel.py"),
        *(f"examples/{file.name}" for file in (ROOT / "examples").glob("*.py")),
    ):
        assert (ROOT / name).exists() is False or name in names, name
    assert not [name for name in names if name.endswith((".so", ".pyc"))]
