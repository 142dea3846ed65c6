"""``tegnas correlate``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tegnas import benchmarks
from tegnas.analysis.comparison import Comparison, compare, one_per_class
from tegnas.analysis.comparison_rows import comparison_csv, comparison_page, comparison_rows
from tegnas.analysis.correlation import TOP
from tegnas.analysis.field import FieldScores, score_field
from tegnas.analysis.figures.correlation import rank_figure, scatter_figure
from tegnas.analysis.figures.style import save
from tegnas.analysis.score_table import ScoreTable, read_scores
from tegnas.benchmarks import AccuracyTable
from tegnas.cli import options
from tegnas.cli.architecture import DEFAULT_SPACE
from tegnas.cli.correlation_tables import print_comparison
from tegnas.cli.scoring_options import ALL, ScoringOptions, used, with_scoring
from tegnas.errors import InputError
from tegnas.files import write_atomically
from tegnas.ops import compute_device
from tegnas.scoring import score as run_score
from tegnas.scoring.presets import describe
from tegnas.spaces import Architecture, Space, get_space


@with_scoring
def correlate(
    *,
    table: Annotated[
        str, typer.Option(metavar="FILE.csv[#[-]COLUMN]", help="True accuracies by architecture.")
    ],
    run: Annotated[Path | None, typer.Option(help="Run directory whose scores are used.")] = None,
    count: Annotated[
        int,
        typer.Option(help="Without --run: so many architectures of the table, one per class."),
    ] = 300,
    space: options.ArchitectureSpace = None,
    seed: options.Seed = 0,
    scoring: ScoringOptions,
    others: Annotated[
        str | None,
        typer.Option(
            "--scores", metavar="FILE.csv", help="More scores to compare: arch and number columns."
        ),
    ] = None,
    lower: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="Column of --scores in which lower is better."),
    ] = None,
    top: Annotated[float, typer.Option(help="Share that counts as the top.")] = TOP,
    resamples: Annotated[int, typer.Option(help="Of the bootstrap.")] = 1000,
    csv: Annotated[Path | None, typer.Option(help="Write the table as CSV.")] = None,
    page: Annotated[
        Path | None, typer.Option(metavar="FILE.md", help="Write the tables as Markdown.")
    ] = None,
    plots: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write scatter and rank plots (PNG, SVG).")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Compare indicators, other scores and trivial baselines with true accuracy.

    `--indicators all` compares every training-free score that tegnas has, with its cost.

    Kendall τ, Spearman ρ, weighted τ and precision at the top, with 95 % bootstrap intervals, for
    all architectures, for the best of them and for one per class of isomorphism.
    """
    known = benchmarks.load_table(table)
    field = None
    if run is not None:
        named = None if space is None else get_space(space)
        scores = read_scores(run, named, scoring.own_indicators())
        accuracies = _accuracies(known.written_by(scores.space))
    else:
        search_space = get_space(space or DEFAULT_SPACE)
        accuracies = _accuracies(known.written_by(search_space))
        field = _score(search_space, accuracies, table, count, seed, scoring)
        scores = field.tables[""]
    more = _read_others(others, set(lower or ()))
    comparison = compare(
        scores,
        accuracies,
        further=None if field is None else {k: v for k, v in field.tables.items() if k},
        milliseconds=None if field is None else field.milliseconds,
        others=more,
        top=top,
        resamples=resamples,
        seed=seed,
    )
    _write(comparison, csv, page, plots)
    if as_json:
        facts = {
            "accuracy": f"{known.source}#{known.column}",
            "unknown": comparison.unknown,
            "settings": scores.settings.to_json(),
        }
        print(json.dumps({**facts, "correlations": comparison_rows(comparison)}))
    else:
        print_comparison(comparison, title=used(scores.settings))


def _accuracies(known: AccuracyTable) -> dict[str, float]:
    return {arch: value for arch in known if (value := known.accuracy(arch)) is not None}


def _score(
    space: Space,
    accuracies: Mapping[str, float],
    table: str,
    count: int,
    seed: int,
    scoring: ScoringOptions,
) -> FieldScores:
    archs = one_per_class(space, _architectures(space, accuracies, table), count, seed)
    whole_field = scoring.indicators == ALL
    settings = (replace(scoring, indicators=None) if whole_field else scoring).settings(seed)
    batch = scoring.batch(settings).to(compute_device(scoring.device))
    with Console(stderr=True).status("scoring") as status:

        def show(what: str, done: int) -> None:
            status.update(f"scoring by {what}: {done:,} of {len(archs):,}")

        if whole_field:
            return score_field(archs, batch, space, settings, progress=show)
        scored = run_score(
            archs,
            batch,
            space=space,
            settings=settings,
            progress=lambda done: show(describe(settings), done),
        )
    return FieldScores({"": ScoreTable.of(space, scored)}, {})


def _architectures(space: Space, texts: Iterable[str], table: str) -> list[Architecture]:
    try:
        return [space.parse(text) for text in texts]
    except InputError as error:
        raise InputError(f"{table} holds something else than the space: {error}") from None


def _read_others(path: str | None, lower: set[str]) -> dict[str, Mapping[str, float]]:
    if path is None:
        if lower:
            raise InputError("--lower names columns of --scores; give that too")
        return {}
    columns = benchmarks.load_columns(path)
    unknown = lower - columns.keys()
    if unknown:
        raise InputError(f"{path} has no column {min(unknown)!r}; it has {', '.join(columns)}")
    return {
        name: {arch: -value if name in lower else value for arch, value in values.items()}
        for name, values in columns.items()
    }


def _write(comparison: Comparison, csv: Path | None, page: Path | None, plots: Path | None) -> None:
    if csv is not None:
        write_atomically(csv, comparison_csv(comparison))
    if page is not None:
        write_atomically(page, comparison_page(comparison))
    if plots is not None:
        for name, figure in (
            ("scatter", scatter_figure(comparison)),
            ("ranks", rank_figure(comparison)),
        ):
            for suffix in ("png", "svg"):
                save(figure, plots / f"{name}.{suffix}")
