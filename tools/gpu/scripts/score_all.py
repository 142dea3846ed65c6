"""All 15,625 architectures of NAS-Bench-201 by one preset: seconds, and scores per second."""

from __future__ import annotations

from itertools import islice

import torch
from workload import SPACE, batch_for, device_name, read_options, seconds, settings_of

import tegnas

WARM = 256


def main() -> None:
    options = read_options(__doc__, preset=("best", "fast", "paper"))
    settings = settings_of(options.preset, small=options.small)
    batch = batch_for(options.preset, small=options.small)
    archs = list(islice(SPACE, 30 if options.small else None))

    def score(some: list) -> tegnas.Scores:
        return tegnas.score(some, batch, space=SPACE, settings=settings, device=options.device)

    score(archs[-WARM:])  # loads the kernels
    taken = seconds(lambda: score(archs), options.device)
    memory = ""
    if options.device.startswith("cuda"):
        memory = f", at most {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB"
    print(
        f"= {options.preset}: {len(archs):,} architectures in {taken:.2f} s on "
        f"{device_name(options.device)}, {len(archs) / taken:,.0f} per second{memory}"
    )


if __name__ == "__main__":
    main()
