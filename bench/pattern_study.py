"""The sixth study: the effective rank of activation patterns beside T, E and G.

    python bench/pattern_study.py choose --tables DIR --images FILE.npz --out OUT
    python bench/pattern_study.py confirm --tables DIR --images FILE.npz --out OUT

The protocol is docs/studies/ranking-sixth.md. Tables, architectures, images and judging are those
of the fifth study (size_study.py), and so is ``best``. ``choose`` prints the table of the choice,
``confirm`` that of the confirmation. Both compute what isn't in OUT yet and go on where they
stopped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from size_study import (
    CHOICE,
    CHOSEN,
    CONFIRMATION,
    FAMILIES,
    Draw,
    Part,
    Study,
    interval,
    line,
    mean_tau,
    rows,
    run_step,
    tasks,
)

from tegnas.indicators.base import Indicator
from tegnas.indicators.pattern_rank import PATTERN_RANK
from tegnas.indicators.size import FLOPS, PARAMETERS
from tegnas.scoring.ranking import LOG_RANK, rank_score
from tegnas.spaces.small_size import SmallSize

# In the networks and on the images that kernels are of.
PATTERN_RANKS = Part("pattern-ranks-3-8", (PATTERN_RANK,), {"deep": SmallSize(3, 0.6)}, 8, 10)
PARTS = (*CHOSEN, PATTERN_RANKS)
TEG = tuple(each for part in CHOSEN for each in part.indicators)

# What is added up, each by its weight.
CANDIDATES: Mapping[str, Sequence[Indicator]] = {
    "T + E + G": TEG,
    "T + E + G + ½ PR": (*TEG, replace(PATTERN_RANK, weight=0.5)),
    "T + E + G + PR": (*TEG, replace(PATTERN_RANK, weight=1)),
}
OTHERS: Mapping[str, Sequence[Indicator]] = {
    "PR": (PATTERN_RANK,),
    "T + E + G + FLOPs": (*TEG, FLOPS),
    "FLOPs": (FLOPS,),
    "parameters": (PARAMETERS,),
}


def orders(study: Study, family: str, draw: Draw) -> dict[str, np.ndarray]:
    """By name, float64 (A,); higher is better."""
    columns: dict[str, np.ndarray] = study.sizes(family, draw)
    for part in PARTS:
        columns |= study.columns(family, part, draw)
    return {
        name: -rank_score(summands, [columns[each.name] for each in summands], LOG_RANK)
        for name, summands in {**CANDIDATES, **OTHERS}.items()
    }


def choose(study: Study) -> None:
    """Print the table of the choice."""
    print(f"| order | {' | '.join(FAMILIES)} | mean |")
    print("|---" + "|--:" * (len(FAMILIES) + 1) + "|")
    found = [[orders(study, family, draw) for draw in CHOICE] for family in FAMILIES]
    for name in (*CANDIDATES, *OTHERS):
        taus = [
            [
                mean_tau(study, family, draw, each[name])
                for draw, each in zip(CHOICE, of_draws, strict=True)
            ]
            for family, of_draws in zip(FAMILIES, found, strict=True)
        ]
        line(name, taus)


def confirm(study: Study) -> None:
    """Print all orders on the confirming architectures, with intervals, per task."""
    names = (*CANDIDATES, *OTHERS)
    print(f"| table | task | architectures | {' | '.join(names)} |")
    print("|---|---|--:" + "|--:" * len(names) + "|")
    means: dict[str, list[float]] = {name: [] for name in names}
    for family in FAMILIES:
        benchmark = study.benchmark(family)
        found = orders(study, family, CONFIRMATION)
        for name, order in found.items():
            means[name].append(mean_tau(study, family, CONFIRMATION, order))
        for task in tasks(family, benchmark):
            truth = benchmark.truth[task][rows(benchmark, CONFIRMATION)]
            cells = [interval(found[name], truth) for name in names]
            count = int((~np.isnan(truth)).sum())
            print(f"| {family} | {task} | {count} | {' | '.join(cells)} |", flush=True)
    cells = [f"{np.mean(each):.3f}" for each in means.values()]
    print(f"| mean over families | | | {' | '.join(cells)} |")


if __name__ == "__main__":
    run_step(__doc__, {"choose": choose, "confirm": confirm})
