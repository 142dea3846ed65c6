"""The page of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

import numpy as np

from tegnas._version import __version__
from tegnas.analysis.figures.landscape import SINGLE_LIMIT
from tegnas.analysis.landscape import METHODS, lay_out
from tegnas.analysis.report.charts import (
    embed,
    history_chart,
    landscape_chart,
    pareto_chart,
    plotly,
)
from tegnas.analysis.report.refinement import refinement
from tegnas.analysis.report.tables import (
    best_architectures,
    cost_front,
    indicator_table,
    reproduction,
    ruggedness_table,
    summary,
)
from tegnas.analysis.ruggedness import agreement, landscape_ruggedness
from tegnas.analysis.runs import Run, all_scores, searches
from tegnas.analysis.score_table import ScoreTable
from tegnas.files import write_atomically
from tegnas.scoring.presets import describe

_RUGGEDNESS_NOTE = (
    "Exact, since every architecture of the space is scored. Local optima: no single change is "
    "better. Basin: from where steepest descent ends in the best. Autocorrelation: one step apart "
    "on a random walk, of ranks. Distance correlation: of rank and number of changes from the best."
)


def write_report(
    runs: Sequence[Run],
    path: str | Path,
    *,
    scores: ScoreTable | None = None,
    accuracies: Mapping[str, float] | None = None,
    layout: str = "pls",
) -> None:
    """Write one HTML file without references to anything outside of it.

    Args:
        runs: see ``load_runs``; an exhaustive run makes the landscapes complete and is not drawn
            as a path.
        scores: what the landscapes are made of; by default all that the runs scored.
        accuracies: percent by architecture string, where known.
        layout: see ``lay_out``.

    Raises:
        InputError: plotly or matplotlib is missing, or the file can't be written.
    """
    known = dict(accuracies or {})
    scores = all_scores(runs) if scores is None else scores
    accuracy = np.array([known.get(str(arch), np.nan) for arch in scores.archs])
    drawn = searches(runs)
    warnings = dict.fromkeys(each for run in runs for each in run.result.warnings)
    sections = [
        _section("Summary", " ".join(f"{each}." for each in warnings), summary(runs, known)),
        _section("What was computed", _computed(runs), indicator_table(runs[0])),
        *(
            _section(f"Best architectures: {run.label}", "", best_architectures(run, known))
            for run in runs
        ),
        *(
            _section(f"Refined: {run.label}", "", refinement(run.refined))
            for run in runs
            if run.refined is not None
        ),
        _section(
            "Indicators over time",
            "Dots are all evaluations, lines the best architecture so far.",
            embed(history_chart(drawn), "history"),
        ),
        _section(
            "What can be had together",
            "Architectures that no other one beats in all indicators at once are diamonds.",
            embed(pareto_chart(drawn), "pareto"),
        ),
    ]
    fronts = "".join(map(cost_front, runs))
    if fronts:
        note = "Architectures that no other one of the search beats in both rank score and cost."
        sections.append(_section("Rank score against cost", note, fronts))
    if len(scores) >= 3:
        charted = lay_out(scores, layout)
        paths = [run for run in drawn if not run.exhaustive]
        sections.append(
            _section(
                "Landscapes",
                f"{len(scores):,} architectures by {METHODS[layout]}. {_drawn_as(len(scores))} "
                "Lines are the best of each search so far.",
                embed(landscape_chart(charted, scores, paths, accuracy), "landscape"),
            )
        )
    if len(scores) == len(scores.space):
        table = ruggedness_table(landscape_ruggedness(scores, accuracy), agreement(scores))
        sections.append(_section("Ruggedness", _RUGGEDNESS_NOTE, table))
    sections.append(_section("How to run it again", "", "".join(map(reproduction, runs))))
    title = f"Search of {scores.space.name}"
    template = Template(files("tegnas.analysis.report").joinpath("page.html").read_text("utf-8"))
    page = template.substitute(
        title=escape(title),
        version=escape(__version__),
        plotly=plotly().offline.get_plotlyjs(),
        sections="\n".join(sections),
    )
    write_atomically(path, page)


def _computed(runs: Sequence[Run]) -> str:
    settings = runs[0].result.best.settings
    return (
        f"Scored by {describe(settings)}: {settings.repeats} networks per architecture, their "
        f"{settings.average}, BatchNorm {settings.batch_norm}; architectures are ranked by "
        f"{settings.combination} of all indicators."
    )


def _drawn_as(count: int) -> str:
    if count <= SINGLE_LIMIT:
        return "Every architecture is a dot."
    return "Colours are medians over the architectures of a square."


def _section(title: str, note: str, content: str) -> str:
    text = f'<p class="note">{escape(note)}</p>' if note else ""
    return f"<section><h2>{escape(title)}</h2>{text}{content}</section>"
