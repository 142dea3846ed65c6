"""What a few trainings add to a search: ``tegnas refine`` against other ways to spend them.

    python bench/refine.py nas-bench-201 --table TABLE.csv --images FILE.npz --store FILE.sqlite
    python bench/refine.py table TABLE.csv#observed#truth … --images FILE.npz --store DIRECTORY

The first form searches NAS-Bench-201 with every strategy and ten seeds, 300 evaluations each, and
refines each search by looking up the accuracy of one seed; what the find is worth is the mean over
seeds. The second form scores 300 random architectures of each table; a seed draws 200 of them as
what was searched. Scores are kept in the store, and nothing that it knows is scored again. Writes
tables in Markdown to docs/refine.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from refine_contestants import CONTESTANTS, Candidates
from searches_contestants import contestants
from searches_tables import markdown, name_of

import tegnas
from tegnas.analysis.benchmarking import Contestant as ScoredBy
from tegnas.analysis.benchmarking import drawn, score_benchmark
from tegnas.benchmarks import AccuracyTable, load_benchmark
from tegnas.data import Batch
from tegnas.refine import RefineResult, TableTrainer, refine
from tegnas.refine.scored import scored_of
from tegnas.scoring.scores import Scores
from tegnas.search import SearchResult, search
from tegnas.search.contestant import Contestant
from tegnas.spaces import Space

TRAININGS = (0, 10, 20)
EVALUATIONS = 300
COUNT, SEARCHED = 300, 200
RESAMPLES = 10_000

OWN, OWN_ALONE = "tegnas refine", "tegnas refine, no neighbours"

# Truth of the find by way and number of trainings, one row per search: (searches,).
Finds = dict[tuple[str, int], list[float]]


def spend(
    found: SearchResult | Scores,
    space: Space,
    batch: Batch | None,
    trainer: TableTrainer,
    seed: int,
    store: Path | None,
    finds: Finds,
) -> int:
    """Every way on one search; returns how many neighbours were scored for the most trainings."""
    scored = scored_of(found, space, batch, False)
    known = [each for each in scored.evaluations if trainer.knows(each.arch)]
    observed = [outcome.epochs[0] for _, outcome in _looked_up(trainer, known)]
    candidates = Candidates(
        np.array([each.values for each in known]), np.array(observed), scored.settings
    )
    truth = np.array([trainer.truth(each.arch) for each in known], dtype=float)
    extra = 0
    for count in TRAININGS:
        for name, way in CONTESTANTS.items():
            trained = way(candidates, count, np.random.default_rng(seed)) if count else []
            best = max(trained, key=lambda i: observed[i]) if trained else candidates.order()[0]
            if count == 0 and name == "random choice":
                best = np.random.default_rng(seed).integers(len(truth))
            finds.setdefault((name, count), []).append(float(truth[best]))
        ways = {OWN_ALONE: 0} if batch is None else {OWN_ALONE: 0, OWN: None}
        for name, neighbours in ways.items():
            result = _refined(found, space, batch, trainer, count, seed, neighbours, store)
            assert result.best.truth is not None
            finds.setdefault((name, count), []).append(result.best.truth)
            extra = result.scored
    return extra


def _refined(
    found: SearchResult | Scores,
    space: Space,
    batch: Batch | None,
    trainer: TableTrainer,
    count: int,
    seed: int,
    neighbours: int | None,
    store: Path | None,
) -> RefineResult:
    return refine(
        found,
        trainer,
        count,
        space=space,
        seed=seed,
        neighbours=neighbours,
        batch=batch,
        shared=store,
    )


def _looked_up(trainer: TableTrainer, known: Sequence[tegnas.Evaluation]):
    return trainer.run([each.arch for each in known], (), lambda share: None)


def finds_table(finds: Finds, seeds: int, ways: Sequence[str]) -> str:
    """Mean truth of the finds with 95 % intervals of the mean, and of what refine is above."""
    headings = ["trainings", "way", "truth of the find", "refine is above by"]
    own = OWN if (OWN, TRAININGS[0]) in finds else OWN_ALONE
    rows = []
    for count in TRAININGS:
        for name in ways:
            values = np.array(finds[name, count]).reshape(-1, seeds)
            row = [str(count), name, _interval(values)]
            difference = np.array(finds[own, count]).reshape(-1, seeds) - values
            rows.append([*row, "—" if name == own else _interval(difference, "+.3f")])
    return markdown(headings, rows)


def _interval(values: np.ndarray, style: str = ".3f") -> str:
    """Mean over searches (strategies, seeds) and its 95 % interval, seeds being drawn again."""
    rng = np.random.default_rng(0)
    seeds = values.shape[1]
    resampled = values[:, rng.integers(seeds, size=(RESAMPLES, seeds))].mean(axis=(0, 2))
    low, high = np.percentile(resampled, [2.5, 97.5])
    return f"{values.mean():{style}} ({low:{style}} to {high:{style}})"


def strategies_table(finds: Mapping[str, Finds]) -> str:
    """A row per strategy: what refine finds with each number of trainings."""
    rows = [
        [name_of(label), *(f"{np.mean(own[OWN, count]):.3f}" for count in TRAININGS)]
        for label, own in finds.items()
    ]
    return markdown(["search", *(f"{count} trainings" for count in TRAININGS)], rows)


def nas_bench_201(arguments: argparse.Namespace) -> str:
    """The first form."""
    space = tegnas.get_space("nas-bench-201")
    batch = tegnas.load_batch(arguments.images, seed=0)
    columns = [f"{arguments.table}#{each}" for each in (arguments.observed, arguments.truth)]
    trainer = TableTrainer(space, *map(tegnas.load_table, columns))
    finds: dict[str, Finds] = {}
    extra = []
    for label in contestants(space, EVALUATIONS):
        if ":budget" in label or label.startswith("prune"):
            continue  # pruning ends by itself and doesn't depend on the seed
        chosen = Contestant.parse(label)
        own = finds.setdefault(label, {})
        for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
            found = search(
                space,
                batch,
                chosen.strategy,
                EVALUATIONS,
                seed,
                settings=tegnas.ScoreSettings(),
                options=chosen.options,
                shared=arguments.store,
            )
            extra.append(spend(found, space, batch, trainer, seed, arguments.store, own))
            print(label, seed, *(f"{values[-1]:.2f}" for values in own.values()), flush=True)
    together: Finds = {}
    for own in finds.values():
        for key, values in own.items():
            together.setdefault(key, []).extend(values)
    known = [trainer.truth(text) for text in tegnas.load_table(columns[1])]
    best = max(value for value in known if value is not None)
    return "\n".join(
        [
            finds_table(together, arguments.seeds, [OWN, OWN_ALONE, *CONTESTANTS]),
            f"{OWN} by strategy:\n",
            strategies_table(finds),
            f"The table knows {len(known):,} architectures, the best has {best:.2f}. Neighbours "
            f"scored for {TRAININGS[-1]} trainings: {np.mean(extra):.0f} on average.\n",
        ]
    )


def table(arguments: argparse.Namespace, text: str) -> str:
    """The second form, one table of it."""
    path, observed, truth = text.rsplit("#", 2)
    benchmark = load_benchmark(path)
    batch = tegnas.load_batch(arguments.images, seed=0)
    arguments.store.mkdir(parents=True, exist_ok=True)
    scored = score_benchmark(
        benchmark,
        drawn(benchmark, COUNT, 0),
        batch,
        [ScoredBy("best", tegnas.ScoreSettings())],
        arguments.store / f"{benchmark.space.name}.sqlite",
    )
    archs = [benchmark.archs[index] for index in scored.rows]
    rows = {
        str(arch): {observed: benchmark.truth[observed][i], truth: benchmark.truth[truth][i]}
        for arch, i in zip(archs, scored.rows, strict=True)
    }
    tables = [
        AccuracyTable(rows, tuple(dict.fromkeys((observed, truth))), each, benchmark.source)
        for each in (observed, truth)
    ]
    trainer = TableTrainer(benchmark.space, *tables)
    finds: Finds = {}
    values = scored.tables["best"]
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
        chosen = values.select(np.random.default_rng(seed).permutation(len(archs))[:SEARCHED])
        scores = Scores(
            chosen.archs,
            chosen.settings,
            {name: _column(chosen[name]) for name in chosen.settings.names},
        )
        spend(scores, benchmark.space, None, trainer, seed, None, finds)
    best = max(rows[text][truth] for text in rows)
    return "\n".join(
        [
            f"**{benchmark.name}**, observed {observed}, truth {truth} (best of the {len(rows)}: "
            f"{best:.5g}):\n",
            finds_table(finds, arguments.seeds, [OWN_ALONE, *CONTESTANTS]),
        ]
    )


def _column(values: np.ndarray):
    import torch

    return torch.from_numpy(values.copy())[:, None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    forms = parser.add_subparsers(dest="form", required=True)
    first, second = forms.add_parser("nas-bench-201"), forms.add_parser("table")
    first.add_argument("--table", required=True, help="accuracies of NAS-Bench-201")
    first.add_argument("--observed", default="cifar10_test200_seed1")
    first.add_argument("--truth", default="cifar10_test200")
    second.add_argument("tables", nargs="+", metavar="TABLE.csv#observed#truth")
    for each in (first, second):
        each.add_argument("--images", required=True)
        each.add_argument("--store", type=Path, required=True, help="where scores are kept")
        each.add_argument("--seeds", type=int, default=10)
        each.add_argument("--first-seed", type=int, default=0)
        each.add_argument("--out", type=Path, default=Path("docs/refine"))
    arguments = parser.parse_args()
    if arguments.form == "table":
        text, name = "\n".join(table(arguments, each) for each in arguments.tables), "tables"
    else:
        text, name = nas_bench_201(arguments), arguments.form
    print(text)
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / f"{name}.md").write_text(text)


if __name__ == "__main__":
    try:
        main()
    except tegnas.InputError as error:
        raise SystemExit(f"refine: {error}") from None
