"""Where the device waits for the host, and its slowest kernels, by torch.profiler.

Scores 1,024 architectures by ``best`` and prints the share of the time in which a kernel ran, the
longest gaps between two kernels, and the kernels that took most. The names of the slowest three of
ours go to a file, for ncu.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile
from workload import SPACE, architectures, batch_for, read_options, settings_of

import tegnas

Span = tuple[str, float, float]  # name, begin and end in microseconds


def device_spans(events: list, device: str) -> list[Span]:
    """What ran on the device, in order; in a dry run the operators on the CPU stand for it."""
    wanted = (
        torch.autograd.DeviceType.CUDA
        if device.startswith("cuda")
        else torch.autograd.DeviceType.CPU
    )
    spans = [
        (event.name, float(event.time_range.start), float(event.time_range.end))
        for event in events
        if event.device_type == wanted
    ]
    return sorted(spans, key=lambda span: span[1])


def busy_and_gaps(spans: list[Span]) -> tuple[float, list[float]]:
    """Microseconds in which something ran, and the gaps between, longest first."""
    busy, gaps = 0.0, []
    reached = spans[0][1]
    for _, begin, end in spans:
        if begin > reached:
            gaps.append(begin - reached)
        busy += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return busy, sorted(gaps, reverse=True)


def totals(spans: list[Span]) -> list[tuple[str, float, int]]:
    """Name, microseconds and number of launches of each kernel, slowest first."""
    time: dict[str, float] = defaultdict(float)
    count: dict[str, int] = defaultdict(int)
    for name, begin, end in spans:
        time[name] += end - begin
        count[name] += 1
    return sorted(((name, time[name], count[name]) for name in time), key=lambda row: -row[1])


def main() -> None:
    options = read_options(__doc__, slowest=())
    settings = settings_of("best", small=options.small)
    batch = batch_for("best", small=options.small)
    archs = architectures(8 if options.small else 1024)

    def score() -> None:
        tegnas.score(archs, batch, space=SPACE, settings=settings, device=options.device)

    score()
    activities = [ProfilerActivity.CPU]
    if options.device.startswith("cuda"):
        activities.append(ProfilerActivity.CUDA)
    with profile(activities=activities) as profiled:
        score()
    spans = device_spans(list(profiled.events()), options.device)
    busy, gaps = busy_and_gaps(spans)
    whole = spans[-1][2] - spans[0][1]
    longest = ", ".join(f"{gap / 1e3:.2f}" for gap in gaps[:5])
    print(
        f"= {len(archs)} architectures by best: {whole / 1e3:.1f} ms, busy {busy / whole:.0%} of "
        f"it; {len(gaps)} gaps, longest {longest} ms"
    )
    rows = totals(spans)
    for name, time, count in rows[:8]:
        print(f"| {time / 1e3:9.2f} ms | {count:5} launches | {name[:120]} |")
    ours = [name for name, _, _ in rows if "tegnas::" in name]
    Path(options.slowest).write_text("\n".join(ours[:3]))


if __name__ == "__main__":
    main()
