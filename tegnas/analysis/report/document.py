"""All that a page tells of some runs, as one JSON object: the page draws it and knows no more."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tegnas._version import __version__
from tegnas.analysis.encoding import coded
from tegnas.analysis.figures.history import front_costs, pareto_indices
from tegnas.analysis.importance import choice_importance
from tegnas.analysis.landscape import best_so_far
from tegnas.analysis.pruning import pruning
from tegnas.analysis.report.architectures import Listed, listed
from tegnas.analysis.report.quantities import Quantity, number, number_text
from tegnas.analysis.report.refinement import refinement
from tegnas.analysis.report.surface import landscape
from tegnas.analysis.ruggedness import agreement, landscape_ruggedness
from tegnas.analysis.runs import Run, all_scores
from tegnas.analysis.score_table import ScoreTable
from tegnas.indicators.base import HIGHER
from tegnas.scoring.presets import describe
from tegnas.search.command import search_command
from tegnas.search.constraints import COST_NAMES
from tegnas.search.pareto import ParetoFront
from tegnas.spaces.factorised import Supernet

_BEST = 10


def document(
    runs: Sequence[Run],
    *,
    scores: ScoreTable | None = None,
    accuracies: Mapping[str, float] | None = None,
    layout: str = "pls",
) -> dict[str, Any]:
    """What ``write_report`` and ``watch`` show; the arguments are those of ``write_report``."""
    known = dict(accuracies or {})
    everything = listed(all_scores(runs) if scores is None else scores, runs)
    drawn = everything.quantities(known)
    return {
        "title": f"Search of {everything.table.space.name}",
        "version": __version__,
        "warnings": list(dict.fromkeys(each for run in runs for each in run.result.warnings)),
        "computed": " ".join([_computed(runs[0]), *_raced(runs)]),
        "indicators": [
            {
                "label": each.label,
                "title": each.title,
                "better": each.better,
                "citation": each.citation,
            }
            for each in everything.table.indicators
        ],
        "architectures": everything.to_json(),
        "compared": everything.count,
        "quantities": [each.to_json() for each in drawn],
        "runs": [_run(run, everything) for run in runs],
        "front": pareto_indices(front_costs(everything.compared)).tolist(),
        "landscape": landscape(everything, drawn, layout),
        "importance": _importance(everything, drawn),
        "ruggedness": _ruggedness(everything, known),
    }


def _computed(run: Run) -> str:
    settings = run.result.best.settings
    return (
        f"Scored by {describe(settings)}: {settings.repeats} networks per architecture, their "
        f"{settings.average}, BatchNorm {settings.batch_norm}. Architectures are ranked by "
        f"{settings.combination} of all indicators."
    )


def _raced(runs: Sequence[Run]) -> list[str]:
    """Of every run what its race saved."""
    return [f"{run.label}: {run.result.raced}." for run in runs if run.result.raced]


def _run(run: Run, everything: Listed) -> dict[str, Any]:
    result = run.result
    supernets = [each.arch for each in result.history if isinstance(each.arch, Supernet)]
    rate = len(result.history) / result.seconds if result.seconds > 0 else math.inf
    return {
        "name": run.name,
        "label": run.label,
        "exhaustive": run.exhaustive,
        "evaluations": everything.evaluations(result.history),
        "bests": best_so_far(result.history),
        "top": everything.evaluations(result.ranked()[:_BEST]),
        "distinct": len({each.arch for each in result.history} - set(supernets)),
        "seconds": f"{result.seconds:,.1f}",
        "rate": number_text(rate) if math.isfinite(rate) else "—",
        "command": search_command(result),
        "settings": json.dumps(result.settings, indent=1),
        "front": None if result.pareto is None else _front(result.pareto, everything),
        "pruned": _pruned(run),
        "refined": None if run.refined is None else refinement(run.refined, run.scores.space),
    }


def _pruned(run: Run) -> dict[str, Any] | None:
    course = pruning(run.scores.space, run.result.history)
    if course is None:
        return None
    return {
        "edges": course.edges,
        "operations": course.operations,
        "rounds": course.rounds.tolist(),
        "count": course.count,
    }


def _front(front: ParetoFront, everything: Listed) -> dict[str, Any]:
    unit = COST_NAMES[front.objective]
    return {
        "unit": unit,
        "points": [
            {
                "architecture": everything.numbers[each.evaluation.arch],
                "values": [number(each.cost), number(each.rank_score)],
                "texts": [number_text(each.cost), number_text(each.rank_score)],
            }
            for each in front.points
        ],
    }


def _importance(everything: Listed, drawn: Sequence[Quantity]) -> list[dict[str, Any]]:
    """By quantity: of every choice its share, and its options' mean positions and counts."""
    codes = everything.codes
    rows = [index for index, code in enumerate(codes) if code is not None]
    if len(rows) < 3:
        return []
    table = np.array([codes[index] for index in rows], dtype=np.int64)
    sizes = [len(choice.options) for choice in coded(everything.table.space).choices()]
    found = []
    for each in drawn:
        values = each.values[rows]
        cost = -values if each.better == HIGHER else values
        # An unknown accuracy tells nothing; an indicator that isn't finite is a failure.
        kept = np.isfinite(cost) if each.key == "true accuracy" else np.full(len(cost), True)
        if kept.sum() < 3:
            continue
        shares = choice_importance(table[kept], sizes, np.nan_to_num(cost, nan=np.inf)[kept])
        found.append(
            {
                "key": each.key,
                "choices": [
                    {
                        "share": number(one.share),
                        "positions": [number(value) for value in one.positions.tolist()],
                        "counts": one.counts.tolist(),
                    }
                    for one in shares
                ],
            }
        )
    return found


def _ruggedness(everything: Listed, accuracies: Mapping[str, float]) -> dict[str, Any] | None:
    """Of a space of which every architecture is scored."""
    scores = everything.compared
    if len(scores) != len(scores.space):
        return None
    accuracy = np.array([accuracies.get(str(arch), np.nan) for arch in scores.archs])
    return {
        "header": [
            "quantity", "architectures", "local optima", "basin of the best, %", "autocorrelation",
            "correlation length", "distance correlation",
        ],
        "rows": [
            [
                each.name, f"{each.count:,}", f"{each.optima:,}", f"{100 * each.basin:.0f}",
                *map(
                    number_text,
                    (each.autocorrelation, each.correlation_length, each.distance_correlation),
                ),
            ]
            for each in landscape_ruggedness(scores, accuracy)
        ],
        "agreement": [
            f"{name} {number_text(value)}" for name, value in agreement(scores).items()
        ],
    }  # fmt: skip
