"""``make check-wheel``: one wheel, built once, in fresh environments with other releases of torch.

Builds the wheel with this interpreter's torch and installs it beside each release of TORCHES, and
the one of ``make check-cuda`` where that is. There, with nothing but that environment on the PATH
(so without a compiler), it runs the quick tests of the operators and a search. A torch is kept for
the next time; one that can't be installed within --seconds is named as not checked, and fewer than
two checked releases are a failure.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import wheel as wheels  # noqa: E402

# The oldest that tegnas supports, and the one that this project's CPU build comes with.
TORCHES = ("2.13.0", "2.10.0")
PACKAGES = ["numpy", "scipy", "scikit-learn", "typer", "rich", "pyyaml", "pytest", "hypothesis"]
QUICK = [
    *("test_native_code.py", "test_stable_abi.py", "test_native_borders.py", "test_fork.py"),
    *("test_op_eig_condition.py", "test_op_kernel_regression_error.py", "test_op_ntk_gram.py"),
    *("test_op_leave_one_out.py", "test_op_regions.py", "test_program_template.py"),
]
OUT = ROOT / "build" / "check-wheel"
SEARCH = ["-m", "tegnas", "search", "--images", "digits", "--budget", "20", "--seed", "0"]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--torch", nargs="*", default=TORCHES, help="releases to try")
    parser.add_argument("--seconds", type=float, default=240, help="for installing each of them")
    options = parser.parse_args()
    wheel = wheels.named_for_linux(wheels.build(OUT / "built"), OUT)
    print(f"check-wheel: {wheel.name}, {wheel.stat().st_size / 2**20:.1f} MiB", flush=True)
    checked = []
    for release in options.torch:
        python = environment(release, options.seconds)
        if python is None:
            print(f"check-wheel: NOT CHECKED with torch {release}: not installed in time")
        else:
            checked.append(check(python, wheel))
    cuda = ROOT / ".venv-cuda" / "bin" / "python"
    if cuda.exists():
        checked.append(check(cuda, wheel))
    if len(set(checked)) < 2:
        raise SystemExit(f"check-wheel: checked with {checked or 'no torch'}; two are needed")
    print(f"check-wheel: passed with torch {', '.join(checked)}")


def environment(release: str, seconds: float) -> Path | None:
    """The interpreter of an environment with a release of torch, made on first use.

    None where it couldn't be installed in time; what pip has downloaded serves the next try.
    """
    folder = ROOT / f".venv-torch-{release}"
    python, stamp = folder / "bin" / "python", folder / ".installed"
    wanted = " ".join([f"torch=={release}", *PACKAGES])
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    begin = time.monotonic()
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    install = [str(python), "-m", "pip", "install", "-q", *wanted.split()]
    try:
        subprocess.run(install, check=True, timeout=seconds)
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
        print(f"check-wheel: {error}", file=sys.stderr)
        return None
    stamp.write_text(wanted)
    print(f"check-wheel: torch {release} installed in {time.monotonic() - begin:.0f} s", flush=True)
    return python


def check(lender: Path, wheel: Path) -> str:
    """Tries the wheel beside what an environment has, from a folder with nothing but the tests.

    Gives the release of torch.
    """
    python = wheels.environment(OUT / "stranger", wheel, lender)
    away = OUT / "away"
    shutil.rmtree(away, ignore_errors=True)
    away.mkdir(parents=True)
    for file in (ROOT / "tests").glob("*.py"):
        shutil.copy(file, away)
    hidden = wheels.without_compiler(python) | {"OMP_NUM_THREADS": str(min(2, os.cpu_count() or 1))}
    found = wheels.run([str(python), "-c", WHERE], env=hidden, cwd=away).split()
    print(f"check-wheel: torch {found[0]}, {found[1]}", flush=True)
    pytest = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-x", *QUICK]
    begin = time.monotonic()
    print(wheels.run(pytest, env=hidden, cwd=away).strip().splitlines()[-1], flush=True)
    tested = time.monotonic()
    wheels.run([str(python), *SEARCH, "--out", "run"], env=hidden, cwd=away)
    print(
        f"check-wheel: torch {found[0]}: quick tests {tested - begin:.0f} s, search "
        f"{time.monotonic() - tested:.0f} s",
        flush=True,
    )
    return found[0]


# Torch's version, and that the package is the installed one.
WHERE = """
import tegnas, torch
assert "site-packages" in tegnas.__file__, tegnas.__file__
print(torch.__version__, tegnas.__file__)
"""

if __name__ == "__main__":
    main()
