"""What probes and presets cost, side by side: milliseconds per architecture."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import tegnas
from bench.ranking.first_best import compute
from bench.ranking.probe import Probe, Prober
from bench.ranking.probes import GROUPS, MANY
from bench.ranking.study import Study
from bench.ranking.tables import markdown

COUNT, ROUNDS = 32, 3


def costs_table(study: Study) -> str:
    """Presets, then one network of every probe, in rounds, so that a busy machine is shared."""
    archs = study.half.archs[:: len(study.half.archs) // COUNT][:COUNT]
    calls: dict[str, Callable[[], object]] = {
        "preset fast": _preset("fast", archs, study.images),
        "best of the first study": lambda: compute(archs, study.images),
        "preset best": _preset("best", archs, study.images),
    }
    probes = {name: members[0] for name, members in GROUPS.items() if name != "trace"}
    probes |= {f"{name}, T and G alone": members[0] for name, members in MANY.items()}
    for name, probe in probes.items():
        calls[name] = _probe(probe, archs, study.images)
    times = _medians(calls)
    rows = [[name, *_beside(times, name, "preset fast")] for name in calls]
    return markdown(["what", "ms per architecture, one thread", "of preset fast"], rows)


def second_costs_table(study: Study) -> str:
    """The presets by the package, in processor time, to which other work adds little."""
    archs = study.half.archs[:: len(study.half.archs) // COUNT][:COUNT]
    times = _medians(
        {name: _preset(name, archs, study.images) for name in ("fast", "best")}, time.process_time
    )
    rows = [[f"`{name}`", *_beside(times, name, "fast")] for name in times]
    return markdown(["preset", "processor ms per architecture, one thread", "of `fast`"], rows)


def _medians(
    calls: dict[str, Callable[[], object]], clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Milliseconds per architecture, in rounds, so that a busy machine is shared."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(ROUNDS + 1):
        for name, call in calls.items():
            start = clock()
            call()
            if turn > 0:  # the first one makes networks and inputs
                times[name].append(1e3 * (clock() - start) / COUNT)
    return {name: statistics.median(values) for name, values in times.items()}


def _beside(times: dict[str, float], name: str, base: str) -> tuple[str, str]:
    return f"{times[name]:.2f}", f"{times[name] / times[base]:.2f}"


def _preset(name: str, archs: tuple[str, ...], images: str) -> Callable[[], object]:
    space = tegnas.get_space("nas-bench-201")
    batch, settings = tegnas.load_batch(images), tegnas.get_preset(name).settings()
    return lambda: tegnas.score(archs, batch, space=space, settings=settings)


def _probe(probe: Probe, archs: tuple[str, ...], images: str) -> Callable[[], object]:
    prober = Prober(probe, images)
    return lambda: prober(archs)
