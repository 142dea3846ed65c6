"""A few networks by the preset ``best``, once: few launches, for a tool that watches each."""

from __future__ import annotations

from workload import SPACE, architectures, batch_for, read_options, settings_of

import tegnas


def main() -> None:
    options = read_options(__doc__)
    settings = settings_of("best", small=options.small)
    batch = batch_for("best", small=options.small)
    archs = architectures(4 if options.small else 64)
    scores = tegnas.score(archs, batch, space=SPACE, settings=settings, device=options.device)
    print(f"= {len(scores)} architectures scored")


if __name__ == "__main__":
    main()
