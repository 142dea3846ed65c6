"""What a race saves and what it costs: searches among known scores of a whole space, many seeds.

    tegnas search --strategy exhaustive --images FILE.npz --out runs/all
    python bench/race.py runs/all [--seeds 30] [--budget 300] [--out docs/performance/race.md]

Nothing is scored: the networks of every architecture are those that the exhaustive search stored.
A find is ranked among all architectures of the space by all networks.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from searches_tables import markdown, name_of

import tegnas
from tegnas.scoring.average import averaged
from tegnas.scoring.race import halvings
from tegnas.scoring.ranking import positions, rank_score
from tegnas.scoring.settings import ScoreSettings, changed
from tegnas.search import Evaluation, make_strategy
from tegnas.search.contestant import Contestant
from tegnas.search.evaluation import best_of
from tegnas.search.race import Race
from tegnas.search.run_directory import SCORES
from tegnas.search.store import read_store
from tegnas.spaces import Architecture, Space


class KnownNetworks:
    """Evaluations by any number of networks, from a table of all of them.

    Takes the place of an ``Evaluator``.
    """

    def __init__(self, space: Space, path: Path) -> None:
        stored = read_store(path)
        # Of a run by another version, whose settings this one may not read, these are what counts.
        self.settings = changed(
            ScoreSettings(),
            **{
                name: stored.settings[name]
                for name in ("indicators", "repeats", "average", "combination")
            },
        )
        self.archs = [space.parse(text) for text in stored.networks]
        if len(self.archs) < len(space):
            raise tegnas.InputError(
                f"{path} knows {len(self.archs):,} of {len(space):,} architectures; search "
                "exhaustively"
            )
        table = np.array(
            [[row[name] for name in self.settings.names] for row in stored.networks.values()]
        )
        self._rows = {arch: row for row, arch in enumerate(self.archs)}
        self._averages = {
            count: averaged(table[..., :count], self.settings.average)
            for count in (*halvings(self.settings.repeats), self.settings.repeats)
        }

    def ranks(self) -> dict[Architecture, int]:
        """The place of every architecture by all networks, 1 for the best."""
        columns = list(self._averages[self.settings.repeats].T)
        scores = rank_score(self.settings.indicators, columns, self.settings.combination)
        return dict(zip(self.archs, (positions(scores) + 1).tolist(), strict=True))

    def __call__(
        self,
        archs: Sequence[Architecture],
        report: Callable[[int, int], None],
        networks: int | None = None,
    ) -> list[Evaluation]:
        """As an ``Evaluator`` gives them."""
        values = self._averages[networks or self.settings.repeats]
        return [
            Evaluation(
                arch,
                self.settings,
                tuple(values[self._rows[arch]].tolist()),
                stopped_after=networks,
            )
            for arch in archs
        ]


def find(
    label: str, space: Space, known: KnownNetworks, budget: int, seed: int, race: int
) -> tuple[Architecture, int, int]:
    """What one search ends in, how many networks it computed, and of how many."""
    contestant = Contestant.parse(label)
    strategy = make_strategy(contestant.strategy, space, seed, **contestant.options)
    runner = Race(known, changed(known.settings, race=race))
    history: list[Evaluation] = []
    while len(history) < budget and (archs := strategy.ask(budget - len(history))):
        told = runner(archs, lambda known, computed: None)
        strategy.tell(told)
        history.extend(told)
    history = runner.finish(history)
    every = known.settings.repeats
    counts = {each.arch: each.stopped_after or every for each in history}
    return best_of(history).arch, sum(counts.values()), every * len(counts)


def table(space: Space, known: KnownNetworks, labels: list[str], budget: int, seeds: int) -> str:
    """A row per strategy and number of halvings."""
    ranks = known.ranks()
    rows = []
    for label in labels:
        without = np.zeros(seeds)
        for race in range(len(halvings(known.settings.repeats)) + 1):
            found = [find(label, space, known, budget, seed, race) for seed in range(seeds)]
            places = np.array([ranks[arch] for arch, _, _ in found], dtype=np.float64)
            if race == 0:
                without = places
            computed, of = (sum(each[index] for each in found) for index in (1, 2))
            change = places - without
            error = change.std(ddof=1) / seeds**0.5 if seeds > 1 else 0.0
            rows.append(
                [
                    name_of(label),
                    str(race) if race else "no race",
                    f"{100 * computed / of:.0f} %",
                    f"{places.mean():.1f}",
                    f"{np.median(places):.1f}",
                    "—" if race == 0 else f"{change.mean():+.1f} ± {error:.1f}",
                    "—" if race == 0 else f"{np.sum(change > 0)} / {np.sum(change < 0)}",
                ]
            )
    headings = [
        "strategy", "halvings", "networks computed", "rank of the find, mean", "median",
        "change of the mean", "seeds worse / better",
    ]  # fmt: skip
    return markdown(headings, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="directory of an exhaustive search")
    parser.add_argument("--space", default="nas-bench-201")
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--budget", type=int, default=300)
    parser.add_argument(
        "--strategies",
        default="random,evolution,evolution:population=75:tournament=18",
        help="NAME:OPTION=VALUE:…,…",
    )
    parser.add_argument("--out", type=Path, help="also write the table to this file")
    arguments = parser.parse_args()
    space = tegnas.get_space(arguments.space)
    known = KnownNetworks(space, arguments.run / SCORES)
    labels = [each for each in arguments.strategies.split(",") if each]
    text = table(space, known, labels, arguments.budget, arguments.seeds)
    print(text)
    if arguments.out:
        arguments.out.write_text(text)


if __name__ == "__main__":
    try:
        main()
    except tegnas.InputError as error:
        raise SystemExit(f"race: {error}") from None
