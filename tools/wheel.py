"""A wheel that loads in every torch from 2.10 on, and environments of strangers to try it in.

    python tools/wheel.py [--out dist]

builds the wheel for this machine's processors (with the CUDA kernels where FORCE_CUDA=1 asks for
them) and names it after the oldest Linux that it runs on, as auditwheel finds it from the library's
symbols. Nothing is bundled: torch's own libraries are there wherever tegnas runs.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Of torch and of CUDA's runtime, which torch brings along.
NOT_BUNDLED = ("libtorch_cpu.so", "libtorch_cuda.so", "libcudart.so.*")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    print(named_for_linux(build(ROOT / "build" / "wheel"), parser.parse_args().out))


def build(out: Path) -> Path:
    """Builds the wheel with the torch of this interpreter; object files are kept between calls.

    Raises:
        SystemExit: it doesn't build; the output says why.
    """
    shutil.rmtree(out, ignore_errors=True)
    # setuptools would keep what was built for another choice, and files that are gone.
    shutil.rmtree(ROOT / "build" / f"lib.{_platform()}", ignore_errors=True)
    command = [sys.executable, "-m", "pip", "wheel", "--no-build-isolation", "--no-deps", "-q"]
    run([*command, "-w", str(out), str(ROOT)])
    (wheel,) = out.glob("tegnas-*.whl")
    return wheel


def named_for_linux(wheel: Path, out: Path) -> Path:
    """The wheel with its manylinux tag, in another folder.

    Raises:
        SystemExit: auditwheel refuses it, say for a library that isn't part of every Linux.
    """
    before = set(out.glob("*.whl"))
    excluded = [word for name in NOT_BUNDLED for word in ("--exclude", name)]
    run([sys.executable, "-m", "auditwheel", "repair", *excluded, "-w", str(out), str(wheel)])
    made = set(out.glob("*.whl")) - before or {max(out.glob("*.whl"), key=os.path.getmtime)}
    return made.pop()


def environment(folder: Path, wheel: Path, lender: str | Path = sys.executable) -> Path:
    """A fresh environment with the wheel and, of everything else, what another interpreter has.

    Gives its interpreter. Nothing is downloaded or compiled, and the lender stays as it is.
    """
    run([str(lender), "-m", "venv", "--without-pip", "--clear", str(folder)])
    python = folder / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q"]
    run([*install, "--no-deps", "--no-index", str(wheel)])
    (packages,) = packages_of(python)
    Path(packages, "borrowed.pth").write_text("\n".join(packages_of(lender)))
    return python


def packages_of(python: str | Path) -> list[str]:
    """The folders that an interpreter takes packages from."""
    program = "import sys; print(*(each for each in sys.path if each.endswith('site-packages')))"
    return run([str(python), "-c", program]).split()


def without_compiler(python: Path) -> dict[str, str]:
    """The variables of a machine that has nothing on its PATH but an environment."""
    kept = {name: value for name, value in os.environ.items() if name not in ("CC", "CXX")}
    return kept | {"PATH": str(python.parent), "PYTHONSAFEPATH": "1"}


def run(command: list[str], **options) -> str:
    """Output of a command; exits with it where the command fails."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
    )
    if done.returncode != 0:
        raise SystemExit(f"{done.stdout}\nwheel: {' '.join(command)} failed.")
    return done.stdout


def _platform() -> str:
    return f"{sysconfig.get_platform()}-{sys.implementation.cache_tag}"


if __name__ == "__main__":
    main()
