"""How good the strategies are on a space of which every score is known: many seeds, no scoring.

    tegnas search --strategy exhaustive --images FILE.npz --out runs/all
    python bench/strategies.py runs/all [--seeds 100] [--budgets 55,100,300]

Finds are ranked among all architectures of the space, where bench/searches.py has only those that
some search has scored. ``--options fpnas:learning_rate=0.2,…`` adds variants of a strategy.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from searches_contestants import contestants
from searches_tables import markdown, name_of

import tegnas
from tegnas.search import Evaluation, SearchResult, make_strategy
from tegnas.search.contestant import Contestant
from tegnas.search.evaluation import best_of, rank_scores
from tegnas.spaces import Architecture, Space

Known = Mapping[Architecture, Evaluation]


def find(label: str, space: Space, known: Known, budget: int, seed: int) -> Architecture:
    """What one search ends in, as ``tegnas.search`` would with these scores."""
    contestant = Contestant.parse(label)
    strategy = make_strategy(contestant.strategy, space, seed, **contestant.options)
    history: list[Evaluation] = []
    while len(history) < budget and (archs := strategy.ask(budget - len(history))):
        told = [known[arch] for arch in archs]
        strategy.tell(told)
        history.extend(told)
    return best_of(history).arch


def table(space: Space, known: Known, budgets: list[int], seeds: int, more: list[str]) -> str:
    """A row per strategy and budget: share of the space that its finds outrank."""
    ranks = rank_scores(list(known.values()))
    ordered = np.sort(ranks)
    outranked = 1 - np.searchsorted(ordered, ranks, side="right") / len(ranks)
    share = dict(zip(known, 100 * outranked, strict=True))
    rows = []
    for budget in budgets:
        names = [name for name in contestants(space, budget) if ":budget" not in name]
        found = {
            name: np.array([share[find(name, space, known, budget, seed)] for seed in range(seeds)])
            for name in [*names, *more]
            if not name.startswith("prune")  # its supernets aren't among the known scores
        }
        for name, shares in found.items():
            random = found["random"]
            wins, ties = int(np.sum(shares > random)), int(np.sum(shares == random))
            against = (
                "—" if name == "random" else f"{wins} of {seeds}" + f", {ties} equal" * (ties > 0)
            )
            spread = f"{shares.mean():.2f} ± {shares.std():.2f}"
            rows.append([name_of(name), str(budget), spread, against])
    return markdown(["strategy", "evaluations", "outranks % of all", "better than random"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="directory of an exhaustive search")
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--budgets", default="55,100,300")
    parser.add_argument("--options", default="", help="variants: NAME:OPTION=VALUE:…,…")
    parser.add_argument("--out", type=Path, help="also write the table to this file")
    arguments = parser.parse_args()
    result = SearchResult.load(arguments.run / "result.json")
    space = tegnas.get_space(result.space)
    known = {each.arch: each for each in result.history}
    if len(known) < len(space):
        raise tegnas.InputError(
            f"{arguments.run} knows {len(known):,} of {len(space):,} architectures; search "
            "exhaustively"
        )
    text = table(
        space,
        known,
        [int(each) for each in arguments.budgets.split(",")],
        arguments.seeds,
        [each for each in arguments.options.split(",") if each],
    )
    print(text)
    if arguments.out:
        arguments.out.write_text(text)


if __name__ == "__main__":
    try:
        main()
    except tegnas.InputError as error:
        raise SystemExit(f"strategies: {error}") from None
