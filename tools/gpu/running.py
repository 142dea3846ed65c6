"""Runs steps one after the other, each within its time, whatever happens to any of them."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gpu.steps import Step

# What a step may print at most in the summary.
MOST_LINES = 12
# A dry run shows that everything works, on whatever machine, be it busy: there each step may take
# so many times its limit.
DRY_PATIENCE = 10


@dataclass(frozen=True)
class Outcome:
    """What became of a step.

    Attributes:
        name: of the step.
        state: ``"ok"``, ``"FAILED (status)"``, ``"TIMED OUT"``, ``"MISSING tool"``, ``"no time"``.
        seconds: that it took.
        lines: what its output says.
    """

    name: str
    state: str
    seconds: float
    lines: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        return self.state == "ok"


def run_steps(
    steps: Sequence[Step],
    *,
    dry: bool,
    total: float,
    cwd: Path,
    log: Path,
    environ: Mapping[str, str],
    tell: Callable[[str], None] = print,
) -> list[Outcome]:
    """Runs all steps that the time allows and appends everything they print to one file.

    Args:
        steps: in order.
        dry: leave the watching tools out.
        total: seconds for all of them; a step gets its own limit or what is left, if that is less.
            In a dry run the limits are ``DRY_PATIENCE`` times as long.
        cwd: where they run, unless they say so themselves.
        log: the file; each step's output stands under a line with its command.
        environ: their environment, to which a step adds its own.
        tell: called with a line as each step ends.
    """
    end = time.monotonic() + total
    outcomes = []
    for step in steps:
        left = end - time.monotonic()
        if left < 1:
            outcome = Outcome(step.name, "no time", 0.0)
        else:
            limit = step.limit * (DRY_PATIENCE if dry else 1)
            outcome = _run(step, dry, min(limit, left), cwd, log, environ)
        outcomes.append(outcome)
        tell(f"check-gpu: {outcome.name}: {outcome.state}, {outcome.seconds:.0f} s")
    return outcomes


def _run(
    step: Step, dry: bool, limit: float, cwd: Path, log: Path, environ: Mapping[str, str]
) -> Outcome:
    argv = step.argv(dry=dry)
    begin = time.monotonic()
    with log.open("a") as to:
        to.write(f"\n##### {step.name}, at most {limit:.0f} s: {' '.join(argv)}\n")
        to.flush()
        start = to.tell()
        try:
            # A session of its own, so that all that it starts can be ended with it.
            process = subprocess.Popen(
                argv,
                cwd=step.cwd or cwd,
                env={**environ, **dict(step.environ)},
                stdin=subprocess.DEVNULL,
                stdout=to,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            to.write(f"{error}\n")
            return Outcome(step.name, f"MISSING {argv[0]}", 0.0)
        try:
            status: int | None = process.wait(limit)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            _end(process)
    seconds = time.monotonic() - begin
    with log.open(errors="replace") as printed:
        printed.seek(start)
        text = printed.read()
    state = "TIMED OUT" if status is None else "ok" if status == 0 else f"FAILED ({status})"
    return Outcome(step.name, state, seconds, tuple(_read(step, text, state)))


def _end(process: subprocess.Popen) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # it and all that it started have ended
    process.wait()


def _read(step: Step, text: str, state: str) -> list[str]:
    """What the output says; of a step that failed also how its output ends."""
    try:
        lines = step.read(text)
    except (ValueError, KeyError, IndexError) as error:
        lines = [f"its output could not be read ({error!r}); see the log"]
    if state != "ok":
        tail = [line.rstrip() for line in text.splitlines() if line.strip()][-4:]
        lines = lines[: MOST_LINES - len(tail)] + [line for line in tail if line not in lines]
    return lines[:MOST_LINES]


def summary(outcomes: Sequence[Outcome], heading: str, most: int = 60) -> list[str]:
    """A text of at most ``most`` lines: each step's outcome, and what its output says.

    Steps that found a fault keep all their lines; the others give theirs up from the last on.
    """
    lines = {outcome.name: list(outcome.lines) for outcome in outcomes}
    room = most - 1 - len(outcomes)
    for keep_faults in (True, False):
        for outcome in reversed(outcomes):
            if keep_faults and not outcome.good:
                continue
            over = sum(map(len, lines.values())) - room
            if over > 0:
                kept = max(0, len(lines[outcome.name]) - over)
                lines[outcome.name] = lines[outcome.name][:kept]
    text = [heading]
    for outcome in outcomes:
        text.append(f"{outcome.name:14} {outcome.seconds:6.1f} s  {outcome.state}")
        text += [f"    {line[:180]}" for line in lines[outcome.name]]
    return text
