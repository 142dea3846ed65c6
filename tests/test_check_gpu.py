"""``make check-gpu`` without a GPU: its steps, what it reads of tools, that nothing stops it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SAMPLES = Path(__file__).parent / "samples"
sys.path.insert(0, str(ROOT / "tools"))
import check_gpu  # noqa: E402
from gpu import readers  # noqa: E402
from gpu.build_times import FileTime, least_seconds, read_ninja_log  # noqa: E402
from gpu.running import Outcome, run_steps, summary  # noqa: E402
from gpu.steps import Place, Step, chosen, kernel_pattern, steps  # noqa: E402


def sample(name: str) -> str:
    return (SAMPLES / name).read_text()


@pytest.fixture
def place(tmp_path) -> Place:
    return Place(sys.executable, tmp_path / "work", tmp_path / "out", dry=True)


# What the tools print


def test_memcheck_findings_are_named_once_with_their_number():
    summary_line, finding, result = readers.sanitizer(sample("memcheck.txt"))
    assert summary_line == "ERROR SUMMARY: 2 errors"
    assert finding.startswith("2 × Invalid __global__ read of size 4 bytes at void tegnas::cuda")
    assert result == "engine_ntk nas-bench-201 frozen torch.float32 is 1.0e+00 off"


def test_racecheck_hazards_are_read():
    lines = readers.sanitizer(sample("racecheck.txt"))
    assert lines[0] == "RACECHECK SUMMARY: 1 hazard displayed (1 error, 0 warnings)"
    assert lines[1].startswith("1 × Error: Race reported between Write access at void tegnas")


def test_of_each_kernel_ncu_gives_the_slowest_launch():
    first, second = readers.ncu(sample("ncu.csv"))
    assert first == (
        "engine::group_kernel<float, (grouped::Kernel)5>: time 1,210.40 us, memory 1.41 Tbyte/s, "
        "memory % 80.10, SM % 60.00, occupancy % 37.00, registers 80 register/thread; "
        "waits: long_scoreboard 11.1, lg_throttle 2.5, wait 1.3"
    )
    assert second.startswith("engine::gram_kernel<float>: time 894.00 us")


def test_ncu_says_when_it_may_not_read_counters():
    (line,) = readers.ncu(sample("ncu_refused.txt"))
    assert "ERR_NVGPUCTRPERM" in line


def test_failed_tests_are_named():
    lines = readers.pytest(sample("pytest.txt"))
    assert lines[0] == "1 failed, 5 passed, 1 skipped, 1200 deselected in 12.31s"
    assert "test_ntk_gram_equals_the_cpu[1-None-dtype0]" in lines[1] and len(lines) == 2


def test_doctor_says_what_it_runs_on():
    assert readers.doctor(sample("doctor.txt")) == [
        "torch: 2.11.0+cu130",
        "cuda: True",
        "simd: avx512",
        "CUDA devices: NVIDIA H100 80GB HBM3",
    ]


def test_a_file_that_was_compiled_again_counts_once():
    times = read_ninja_log(SAMPLES / "ninja_log", Path("/b"))
    assert times == [FileTime("csrc/cuda/engine.o", 21.0), FileTime("csrc/a.o", 2.0)]
    assert least_seconds(times, 16) == 21.0 and least_seconds(times, 1) == 23.0


@pytest.mark.parametrize("name", ["pytest", "sanitizer", "ncu", "doctor", "printed"])
def test_what_nothing_was_printed_of_says_nothing(name):
    assert getattr(readers, name)("") == []


# The steps


def test_steps_fit_the_time_and_are_found_by_name(place):
    every = steps(place)
    names = [step.name for step in every]
    assert len(set(names)) == len(names)
    assert [step.name for step in chosen(every, "ncu, tests")] == ["tests", "ncu"]
    assert chosen(every, "") == every
    with pytest.raises(SystemExit, match="no step 'nvu'; choose from build, doctor"):
        chosen(every, "nvu")


@pytest.mark.parametrize("dry", [True, False])
def test_every_file_of_a_command_exists(place, dry):
    for step in steps(replace(place, dry=dry)):
        for word in step.command:
            if word.endswith((".py", ".toml")):
                assert Path(word).is_file(), f"{step.name} runs {word}"


def test_scripts_run_on_the_gpu_unless_it_is_a_dry_run(place):
    for dry in (True, False):
        for step in steps(replace(place, dry=dry)):
            small = "--small" in step.command
            if any("/scripts/" in word for word in step.command) or step.name == "bench":
                assert small == dry
            assert ("cpu" in step.command) == small


def test_tools_watch_only_where_there_is_a_gpu(place):
    watched = [step for step in steps(place) if step.tool()]
    assert [step.name for step in watched] == ["memcheck", "ncu", "racecheck"]
    for step in watched:
        assert step.argv(dry=False)[0] in ("compute-sanitizer", "ncu")
        assert step.argv(dry=True) == list(step.command)


def test_options_of_the_tools_are_those_of_their_manuals(place):
    known = {
        "compute-sanitizer": {"--tool", "--error-exitcode", "--print-limit"},
        "ncu": {
            *("--csv", "--page", "--clock-control", "--section", "--kernel-name-base"),
            *("--launch-count", "--kernel-name"),
        },
    }
    for step in steps(place):
        if step.tool():
            used = {word for word in step.tool() if word.startswith("--")}
            assert used <= known[step.tool()[0]]


def test_ncu_looks_for_the_slowest_kernels_by_their_whole_names(tmp_path):
    names = ["void f<float, (ns::Kernel)5>(int *)", "void g<double>(long)"]
    pattern = kernel_pattern(tmp_path / "none")
    assert re.search(pattern, "void tegnas::cuda::engine::gram_kernel<float>(int)")
    (tmp_path / "some").write_text("\n".join(names))
    pattern = kernel_pattern(tmp_path / "some")
    assert all(re.fullmatch(pattern, name) for name in names)
    assert not re.search(pattern, "void f<float, (ns::Kernel)6>(int *)")


@pytest.mark.parametrize(
    ("words", "archs", "work"),
    [
        ("--dry", "8.0;9.0+PTX", "check-cuda"),
        ("--dry --archs 9.0", "9.0", "check-gpu"),
        ("", None, "check-gpu"),
    ],
)
def test_a_dry_run_takes_the_build_of_check_cuda(words, archs, work, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["check_gpu.py", *words.split()])
    options = check_gpu.read_options()
    assert (options.archs, options.work) == (archs, ROOT / "build" / work)


# The scripts, on the CPU


SCRIPTS = ["memcheck", "bench", "scores-best", "all-fast", "gaps", "ncu"]


@pytest.mark.slow
@pytest.mark.parametrize("name", SCRIPTS)
def test_the_script_of_a_step_runs_on_the_cpu(place, name):
    place.work.mkdir()
    (step,) = chosen(steps(place), name)
    done = subprocess.run(
        step.argv(dry=True),
        cwd=place.work,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert step.read(done.stdout)


# Running them


def run(steps: list[Step], tmp_path: Path, total: float = 60) -> list[Outcome]:
    return run_steps(
        steps,
        dry=False,
        total=total,
        cwd=tmp_path,
        log=tmp_path / "log.txt",
        environ=os.environ,
        tell=lambda line: None,
    )


def python(name: str, code: str, limit: float = 30) -> Step:
    return Step(name, limit, (sys.executable, "-c", code), readers.printed)


def ended(pid: int) -> bool:
    """Whether a process is gone within a few seconds, or only waits to be collected."""
    for _ in range(50):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX":
                return True
        except OSError:
            return True
        time.sleep(0.1)
    return False


def test_what_fails_hangs_or_is_missing_stops_nothing(tmp_path):
    outcomes = run(
        [
            python("fails", "print('= half'); raise SystemExit(3)"),
            python("hangs", "import time; print('= begun', flush=True); time.sleep(60)", limit=1),
            Step("absent", 5, ("no-such-tool",), readers.printed),
            python("works", "print('= done'); print('noise')"),
        ],
        tmp_path,
    )
    assert [each.state for each in outcomes] == [
        "FAILED (3)",
        "TIMED OUT",
        "MISSING no-such-tool",
        "ok",
    ]
    assert outcomes[0].lines[0] == "half" and outcomes[1].lines[0] == "begun"
    assert outcomes[3].lines == ("done",)
    log = (tmp_path / "log.txt").read_text()
    assert log.count("#####") == 4 and "noise" in log


def test_a_step_that_hangs_takes_its_children_with_it(tmp_path):
    child = (
        "import subprocess; p = subprocess.Popen(['sleep', '60']); "
        "print('=', p.pid, flush=True); p.wait()"
    )
    (outcome,) = run([python("hangs", child, limit=2)], tmp_path)
    assert ended(int(outcome.lines[0]))


def test_no_step_begins_when_the_time_is_over(tmp_path):
    first, second = run(
        [python("long", "import time; time.sleep(60)"), python("late", "")], tmp_path, total=1.5
    )
    assert (first.state, second.state) == ("TIMED OUT", "no time")


def test_output_that_cannot_be_read_is_no_crash(tmp_path):
    def read(text: str) -> list[str]:
        raise ValueError("torn")

    (outcome,) = run([replace(python("odd", ""), read=read)], tmp_path)
    assert outcome.state == "ok" and "could not be read" in outcome.lines[0]


def test_the_summary_has_sixty_lines_at_most_and_keeps_what_failed():
    lines = tuple(f"line {index}" for index in range(12))
    outcomes = [Outcome(f"step {k}", "ok", 1.0, lines) for k in range(12)]
    outcomes[7] = Outcome("step 7", "FAILED (1)", 1.0, lines)
    text = summary(outcomes, "heading")
    assert len(text) == 60
    begin = next(index for index, line in enumerate(text) if line.startswith("step 7"))
    assert [line.strip() for line in text[begin + 1 : begin + 13]] == list(lines)
