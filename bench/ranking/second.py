"""The tables of docs/ranking-second.md, each from the selection half."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bench.ranking.combine import log_rank, rank_sum, ranks
from bench.ranking.costs import second_costs_table
from bench.ranking.darts import darts_table
from bench.ranking.first_best import first_best
from bench.ranking.package_scores import package_costs
from bench.ranking.parts import (
    CANDIDATES,
    DECLARED,
    FIRST,
    SEEDS,
    SPLITS,
    Candidate,
    PartCosts,
    splits,
    taus,
)
from bench.ranking.study import Study
from bench.ranking.tables import markdown
from tegnas.scoring.ranking import kendall_tau
from tegnas.spaces import get_space

# Finalists of the list, by four networks.
FINALISTS = (
    DECLARED,
    replace(DECLARED, cells=2),
    replace(DECLARED, size=8),
    replace(DECLARED, size=8, cells=2),
    replace(DECLARED, thin_cells=3),
)


def splits_table(study: Study) -> str:
    """What a choice from the whole list is worth, without and with parameters."""
    costs, rows = PartCosts(study), []
    accuracy = study.half.accuracy["CIFAR-10"]
    for name, extra in _scores(study):
        table = np.array([costs(candidate) + extra for candidate in CANDIDATES])
        first = np.array(costs(FIRST) + extra)
        found = splits(table, first, accuracy)
        rows.append(
            [
                name,
                float(taus(first[None], accuracy)[0]),
                float(found.taus.max()),
                float(found.gains.mean()),
                f"{found.gains.min():.3f} to {found.gains.max():.3f}",
                f"{(found.gains > 0).sum()} of {SPLITS}",
            ]
        )
    header = ["score", "first study's", "best of the list", "mean gain", "range", "gains"]
    return markdown(header, rows)


def best_table(study: Study) -> str:
    """The candidates that rank best on the whole selection half."""
    costs, rows = PartCosts(study), []
    accuracy = study.half.accuracy["CIFAR-10"]
    tables = [
        taus(np.array([costs(candidate) + extra for candidate in CANDIDATES]), accuracy)
        for _, extra in _scores(study)
    ]
    for index in np.argsort(-tables[0])[:10].tolist():
        rows.append([CANDIDATES[index], *(float(table[index]) for table in tables)])
    return markdown(["candidate, two networks", *(name for name, _ in _scores(study))], rows)


def changes_table(study: Study) -> str:
    """One change at a time to the declared candidate and to that of the first study."""
    rows = []
    for base, changes in ((DECLARED, _CHANGES), (FIRST, _FIRST_CHANGES)):
        for name, candidate in {"as it is": base, **changes}.items():
            title = f"{'declared' if base == DECLARED else 'first study’s'}, {name}"
            rows.append([title, *_both(study, candidate, SEEDS)])
    return markdown(["two networks", *(name for name, _ in _scores(study))], rows)


_CHANGES: dict[str, Candidate] = {
    "1 cell per stage": replace(DECLARED, cells=1),
    "2 cells per stage": replace(DECLARED, cells=2),
    "kernels of all weights": replace(DECLARED, t_part="all", g_part="all"),
    "kernels of cells and reductions": replace(DECLARED, t_part="cells", g_part="cells"),
    "T of all weights": replace(DECLARED, t_part="all"),
    "G of all weights": replace(DECLARED, g_part="all"),
    "G of the scaled kernel": replace(DECLARED, g="scaled noise"),
    "T: 1/λmin of the scaled kernel": replace(DECLARED, t="scaled λmin"),
    "T: κ": replace(DECLARED, t="κ"),
    "R on inputs of 3², 5 cells": replace(DECLARED, side=3),
    "R by 3 cells": replace(DECLARED, thin_cells=3),
    "R by 1 cell": replace(DECLARED, thin_cells=1),
    "R on inputs of 3², 1 cell": replace(DECLARED, side=3, thin_cells=1),
    "images of 8²": replace(DECLARED, size=8),
}

_FIRST_CHANGES: dict[str, Candidate] = {
    "2 cells per stage": replace(FIRST, cells=2),
    "3 cells per stage": replace(FIRST, cells=3),
    "kernels of searched weights": replace(FIRST, t_part="searched", g_part="searched"),
    "T of searched weights": replace(FIRST, t_part="searched"),
    "T of the reductions": replace(FIRST, t_part="reductions"),
    "T: 1/λmin of the scaled kernel": replace(FIRST, t="scaled λmin"),
    "R on inputs of 2², 5 cells": replace(FIRST, side=2, thin_cells=5),
    "all three changes": DECLARED,
}


def finalists_table(study: Study) -> str:
    """The best of the list by four networks."""
    rows = [[each, *_both(study, each, range(4))] for each in FINALISTS]
    return markdown(["four networks", *(name for name, _ in _scores(study))], rows)


def networks_table(study: Study) -> str:
    """The declared candidate by one to five networks."""
    rows = [[str(count), *_both(study, DECLARED, range(count))] for count in (1, 2, 3, 4, 5)]
    return markdown(["networks", *(name for name, _ in _scores(study))], rows)


def after_table(study: Study) -> str:
    """Looked at after the confirmation, by one network: deeper still, and twice the images."""
    others = {
        "as declared": DECLARED,
        "5 cells per stage": replace(DECLARED, cells=5),
        "128 images": replace(DECLARED, images=128),
    }
    rows = [[name, *_both(study, candidate, (0,))] for name, candidate in others.items()]
    return markdown(["one network", *(name for name, _ in _scores(study))], rows)


def shortcut_table(study: Study) -> str:
    """Mean error of the rank by what leads from the input of the cell straight to its output."""
    edges = direct_operations(study)
    rows = []
    scores = {
        "first study’s": first_best(study.half, study.images, study.cache),
        "declared": PartCosts(study)(DECLARED, range(5)),
    }
    for name, costs in scores.items():
        errors = rank_errors(study, costs)
        rows.append([name, *(float(errors[edges == each].mean()) for each in DIRECT)])
    rows.append(["architectures", *(str((edges == each).sum()) for each in DIRECT)])
    return markdown(["rank less rank by accuracy, in parts of all", *DIRECT], rows)


def top_table(study: Study) -> str:
    """τ among the better architectures, and the accuracy of the first of 300 random ones."""
    accuracy = study.half.accuracy["CIFAR-10"]
    size = study.extras["parameters"]
    first = first_best(study.half, study.images, study.cache)
    best = PartCosts(study)(DECLARED, range(5))
    scores = {
        "`fast`": (rank_sum, package_costs(study.half, "fast", study.images, study.cache)),
        "first study’s": (log_rank, first),
        "first study’s + parameters": (log_rank, [*first, size]),
        "declared": (log_rank, best),
        "declared + parameters": (log_rank, [*best, size]),
    }
    rng = np.random.default_rng(0)
    draws = [rng.choice(len(accuracy), 300, replace=False) for _ in range(400)]
    rows = []
    for name, (combine, costs) in scores.items():
        whole = combine(costs)
        taus = [
            kendall_tau(-ranks(whole)[better], accuracy[better])
            for better in (accuracy > np.quantile(accuracy, share) for share in (0.5, 0.9))
        ]
        found = [
            accuracy[draw][np.argmin(combine([cost[draw] for cost in costs]))] for draw in draws
        ]
        rows.append([name, *taus, f"{np.mean(found):.2f} ± {np.std(found):.2f}"])
    most = np.mean([accuracy[draw].max() for draw in draws])
    rows.append(["accuracy itself", 1.0, 1.0, f"{most:.2f}"])
    header = [
        "T + E + G",
        "τ in the better half",
        "τ in the best tenth",
        "first of 300, accuracy %",
    ]
    return markdown(header, rows)


DIRECT = ("none", "skip_connect", "avg_pool_3x3", "nor_conv_1x1", "nor_conv_3x3")


def direct_operations(study: Study) -> np.ndarray:
    """The operation on the edge 0→3 of every architecture."""
    space = get_space("nas-bench-201")
    return np.array([space.parse(arch).operations[3] for arch in study.half.archs])


def rank_errors(study: Study, costs: list[np.ndarray]) -> np.ndarray:
    """Rank by T + E + G less rank by accuracy over the number of architectures: > 0 underrated."""
    accuracy = study.half.accuracy["CIFAR-10"]
    return (ranks(log_rank(costs)) - ranks(-accuracy)) / len(accuracy)


def _scores(study: Study) -> tuple[tuple[str, list[np.ndarray]], ...]:
    return ("T + E + G", []), ("T + E + G + parameters", [study.extras["parameters"]])


def _both(study: Study, candidate: Candidate, seeds: Sequence[int]) -> list[object]:
    costs = PartCosts(study)(candidate, seeds)
    return [study.judge.interval(log_rank(costs + extra)) for _, extra in _scores(study)]


SECOND_TABLES = {
    "second-splits": splits_table,
    "second-best": best_table,
    "second-changes": changes_table,
    "second-finalists": finalists_table,
    "second-networks": networks_table,
    "second-shortcut": shortcut_table,
    "second-darts": darts_table,
    "second-top": top_table,
    "second-after": after_table,
    "second-costs": second_costs_table,
}
