"""The steps of a first run on a GPU, as values, in the order of their worth.

Every step is a command with a time limit, and a function that makes a few lines of what it printed.
In a dry run, where there is no GPU, the same scripts do less work on the CPU; the tools that need a
GPU to start (compute-sanitizer, ncu) are left out and the command that they would watch is run.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gpu import readers
from gpu.toolkit import library_folder, objects_folder

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = Path(__file__).resolve().parent / "scripts"
PRESETS = ("best", "fast", "paper")

# What ncu is asked for: achieved bandwidth, occupancy, what warps wait for.
NCU_SECTIONS = (
    "SpeedOfLight",
    "MemoryWorkloadAnalysis",
    "Occupancy",
    "LaunchStats",
    "WarpStateStats",
)


@dataclass(frozen=True)
class Place:
    """Where a run happens.

    Attributes:
        python: the interpreter that has torch.
        work: the folder of the build, for steps that leave something to later ones.
        out: the folder that the run's results are written to.
        dry: no GPU: less work, on the CPU.
    """

    python: str
    work: Path
    out: Path
    dry: bool

    @property
    def library(self) -> Path:
        """Where the package is built."""
        return library_folder(self.work)

    @property
    def objects(self) -> Path:
        """Where object files are kept."""
        return objects_folder(self.work)

    @property
    def slowest(self) -> Path:
        """Names of the slowest kernels, one per line, written by ``host_gaps``."""
        return self.work / "slowest.txt"


@dataclass(frozen=True)
class Step:
    """One step.

    Attributes:
        name: what it is called by in ``STEPS=``.
        limit: seconds after which it is ended.
        tool: makes the command line of a program that watches the command, once the steps before
            it have run; left out in a dry run.
        command: what is run.
        read: what its output says, in a few lines.
        environ: variables set for it.
        cwd: where it runs; None for the folder of the results.
    """

    name: str
    limit: float
    command: tuple[str, ...]
    read: Callable[[str], list[str]]
    tool: Callable[[], tuple[str, ...]] = tuple
    environ: tuple[tuple[str, str], ...] = ()
    cwd: Path | None = None

    def argv(self, *, dry: bool) -> list[str]:
        """The whole command line."""
        return [*(() if dry else self.tool()), *self.command]


def steps(place: Place) -> list[Step]:
    """All steps, most valuable first."""

    def script(name: str, *options: str) -> tuple[str, ...]:
        where = ("--device", "cpu", "--small") if place.dry else ("--device", "cuda")
        return (place.python, str(SCRIPTS / f"{name}.py"), *where, *options)

    def scores(preset: str, limit: float) -> Step:
        return Step(
            f"scores-{preset}", limit, script("compare_scores", "--preset", preset), readers.printed
        )

    def watched(tool: str, limit: float) -> Step:
        return Step(
            tool,
            limit,
            script("every_operator"),
            readers.sanitizer,
            lambda: (
                *("compute-sanitizer", "--tool", tool),
                *("--error-exitcode", "9", "--print-limit", "20"),
            ),
            # An allocation of its own for every tensor, so that a step outside of one is seen.
            (("PYTORCH_NO_CUDA_MEMORY_CACHING", "1"),),
        )

    sections = [word for section in NCU_SECTIONS for word in ("--section", section)]
    return [
        Step("build", 180, _build(place), readers.build(place.objects), cwd=ROOT),
        Step("doctor", 30, (place.python, "-m", "tegnas", "doctor"), readers.doctor),
        Step("tests", 120, _tests(place), readers.pytest),
        scores("best", 45),
        scores("fast", 45),
        watched("memcheck", 75),
        Step(
            "bench",
            45,
            (
                place.python,
                str(ROOT / "bench" / "bench_device.py"),
                *(("--device", "cpu", "--small") if place.dry else ()),
            ),
            readers.printed,
        ),
        Step("all-best", 60, script("score_all", "--preset", "best"), readers.printed),
        Step("all-fast", 60, script("score_all", "--preset", "fast"), readers.printed),
        Step("gaps", 45, script("host_gaps", "--slowest", str(place.slowest)), readers.printed),
        Step(
            "ncu",
            60,
            script("one_call"),
            readers.printed if place.dry else readers.ncu,
            lambda: (
                *("ncu", "--csv", "--page", "raw", "--clock-control", "none", *sections),
                *("--kernel-name-base", "demangled", "--launch-count", "9"),
                *("--kernel-name", f"regex:{kernel_pattern(place.slowest)}"),
            ),
        ),
        watched("racecheck", 75),
        scores("paper", 75),
    ]


def _build(place: Place) -> tuple[str, ...]:
    library = ("--build-lib", str(place.library))
    objects = ("--build-temp", str(place.objects))
    return (place.python, "setup.py", "build_py", *library, "build_ext", *library, *objects)


def _tests(place: Place) -> tuple[str, ...]:
    return (
        *(place.python, "-m", "pytest", str(ROOT / "tests"), "-m", "cuda", "-q", "--tb=short"),
        *("-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT)),
        *("-o", f"pythonpath={place.library} {ROOT}", "-p", "no:cacheprovider"),
        # A file that misses a library of its own is reported and stops no other.
        "--continue-on-collection-errors",
    )


def kernel_pattern(slowest: Path) -> str:
    """A regular expression for ncu: the kernels that were found slowest, else all of the engine."""
    names = slowest.read_text().splitlines() if slowest.exists() else []
    escaped = ["".join(f"\\{c}" if c in "()<>[]{}.*+?^$|\\" else c for c in name) for name in names]
    return "|".join(escaped) if escaped else "group_kernel|gram_kernel"


def chosen(all_steps: list[Step], names: str) -> list[Step]:
    """The steps whose names are given between commas or spaces; all of them for none.

    Raises:
        SystemExit: there is no step of that name.
    """
    wanted = names.replace(",", " ").split()
    known = [step.name for step in all_steps]
    for name in wanted:
        if name not in known:
            sys.exit(f"check-gpu: there is no step {name!r}; choose from {', '.join(known)}.")
    return [step for step in all_steps if not wanted or step.name in wanted]
