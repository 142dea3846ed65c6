"""``make check-gpu``: everything that has to be known of a GPU, in one command of nine minutes.

Builds the extension for the GPU that is there, tests it, compares scores with the CPU's, lets
compute-sanitizer watch every operator, measures, and profiles; see ``gpu/steps.py``. Everything
that is printed goes to OUT/log.txt, and a summary of 60 lines at most to OUT/summary.txt. A step
that fails or runs out of time stops nothing.

    python3 tools/check_gpu.py --out OUT                  all steps
    python3 tools/check_gpu.py --out OUT --steps tests    single ones, with the build that is there
    python3 tools/check_gpu.py --out OUT --dry            no GPU: the same, smaller, on the CPU

A dry run needs the toolkit and the environment with a CUDA torch that ``make check-cuda`` makes.
It takes what that has built, for sm_90 among others, and compiles what has changed since;
``--archs 9.0`` builds for sm_90 alone, where a run on a GPU builds.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from gpu.running import run_steps, summary  # noqa: E402
from gpu.steps import ROOT, Place, chosen, steps  # noqa: E402
from gpu.toolkit import ARCH_LIST, WORK, build_environment, cuda_home  # noqa: E402

TOTAL = 9 * 60.0


def main() -> None:
    options = read_options()
    place = Place(options.python, options.work.resolve(), options.out.resolve(), options.dry)
    for folder in (place.work, place.out):
        folder.mkdir(parents=True, exist_ok=True)
    log = place.out / "log.txt"
    log.unlink(missing_ok=True)
    begin = time.monotonic()
    outcomes = run_steps(
        chosen(steps(place), options.steps),
        dry=options.dry,
        total=options.total,
        cwd=place.out,
        log=log,
        environ=environment(place, options.archs, options.jobs),
        tell=lambda line: print(line, flush=True),
    )
    seconds = time.monotonic() - begin
    where = "dry run without a GPU" if options.dry else "on a GPU"
    heading = f"check-gpu, {where}: {seconds:.0f} s of {options.total:.0f}; {platform.node()}"
    text = "\n".join(summary(outcomes, heading))
    (place.out / "summary.txt").write_text(text + "\n")
    print(text)
    if not all(outcome.good for outcome in outcomes):
        raise SystemExit(1)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "check-gpu" / "out")
    parser.add_argument("--steps", default="", help="names between commas; all of them by default")
    parser.add_argument("--dry", action="store_true", help="no GPU: less work, on the CPU")
    parser.add_argument("--archs", help="GPUs to build for, as in TORCH_CUDA_ARCH_LIST")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has torch")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2, help="compiled at a time")
    parser.add_argument("--total", type=float, help="seconds for all steps")
    parser.add_argument("--work", type=Path, help="where the build is kept")
    options = parser.parse_args()
    if options.work is None:
        shared = options.dry and options.archs is None
        options.work = ROOT / (WORK if shared else Path("build", "check-gpu"))
    if options.dry and options.archs is None:
        options.archs = ARCH_LIST
    if options.total is None:
        # A dry run compiles on whatever cores there are.
        options.total = 3600.0 if options.dry else TOTAL
    return options


def environment(place: Place, archs: str | None, jobs: int) -> dict[str, str]:
    """That of the build, with the built package first on the path."""
    environ = build_environment(place.python, cuda_home(), arch_list=archs, jobs=jobs)
    before = [os.environ["PYTHONPATH"]] if os.environ.get("PYTHONPATH") else []
    return {
        **environ,
        "PYTHONPATH": os.pathsep.join([str(place.library), *before]),
        "PYTHONUNBUFFERED": "1",
    }


if __name__ == "__main__":
    main()
