"""What share of a search's time T, E and G save against accuracy by training, at equal quality.

    tegnas search --strategy exhaustive --images FILE.npz --out runs/all
    python bench/saved_time.py runs/all --table TABLE.csv --images FILE.npz

Every strategy searches the half of NAS-Bench-201 that the table knows twice: led by T, E and G,
which the exhaustive run knows, and led by the accuracy of one training, looked up. What either
finds is worth its mean accuracy over seeds. The second search ends with the first evaluation after
which its find is as good, on average over the searches, as that of the first.

A score costs what it takes here; a training costs three times the FLOPs of its network in the table
for each image, at the rate of training steps of the benchmark's own networks here. Both are
processor time of one thread, so that a busy machine changes little. An architecture that is asked
for twice costs once. Writes a table to docs/refine.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from machine import describe_machine
from searches_contestants import contestants
from searches_tables import markdown, name_of

import tegnas
from tegnas.benchmarks import AccuracyTable
from tegnas.data import Batch
from tegnas.indicators.base import EXTRA, HIGHER, Indicator
from tegnas.indicators.sources import Architecture as FromArchitecture
from tegnas.networks.full import full_network
from tegnas.refine import TableTrainer, refine
from tegnas.refine.scored import load_run
from tegnas.scoring.scores import Scores
from tegnas.search import Evaluation, make_strategy
from tegnas.search.constraints import ConstrainedSpace, Limits
from tegnas.search.contestant import Contestant
from tegnas.search.costs import CostMeter
from tegnas.search.evaluation import distinct_architectures
from tegnas.spaces import Architecture, Space

EVALUATIONS = 300
TRAININGS = 10
TABLE_EPOCHS = 200
IMAGES = 50_000
FLOPS = "flops_M"

# The backward pass takes twice the operations of the forward pass.
PASSES = 3


class KnownSpace(ConstrainedSpace):
    """Of a space the architectures of which a table knows accuracy and FLOPs."""

    def __init__(self, space: Space, table: AccuracyTable) -> None:
        super().__init__(space, Limits(), CostMeter(space, (3, 32, 32), 10))
        self._table = table

    def admits(self, arch: Architecture) -> bool:
        """Whether the table has both."""
        return (
            self._table.accuracy(arch) is not None and self._table.accuracy(arch, FLOPS) is not None
        )


@dataclass(frozen=True)
class Costs:
    """Seconds of one thread: of a score, and of training an epoch per megaflop of the network."""

    score: float
    epoch: float


def measured(
    space: Space, batch: Batch, archs: Sequence[Architecture], table: AccuracyTable
) -> Costs:
    """Costs on this machine, from scores one by one and from single steps of training."""
    tegnas.score(archs[:1], batch, space=space)
    start = time.process_time()
    for arch in archs:
        tegnas.score([arch], batch, space=space)
    score = (time.process_time() - start) / len(archs)
    seconds, operations = 0.0, 0.0
    for arch in archs:
        network = full_network(space, arch, num_classes=batch.num_classes)
        optimizer = torch.optim.SGD(network.parameters(), 0.1, momentum=0.9)
        for step in range(2):  # the first one warms up
            start = time.process_time()
            loss = torch.nn.functional.cross_entropy(network(batch.images), batch.labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step:
                seconds += time.process_time() - start
        operations += _known(table, arch, FLOPS)
    return Costs(score, seconds / operations / len(batch.images) * IMAGES)


def history(
    label: str, space: Space, known: Callable[[Architecture], Evaluation], budget: int, seed: int
) -> list[Evaluation]:
    """The evaluations of one search, looked up."""
    contestant = Contestant.parse(label)
    strategy = make_strategy(contestant.strategy, space, seed, **contestant.options)
    found: list[Evaluation] = []
    while len(found) < budget and (archs := strategy.ask(budget - len(found))):
        told = [known(arch) for arch in archs]
        strategy.tell(told)
        found.extend(told)
    return found


ACCURACY = Indicator(
    "trained_accuracy", "acc", "looked up", EXTRA, HIGHER, FromArchitecture(), lambda arch: 0.0
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="directory of an exhaustive search")
    parser.add_argument("--table", required=True, help="accuracies and FLOPs of NAS-Bench-201")
    parser.add_argument("--images", required=True)
    parser.add_argument("--observed", default="cifar10_test200_seed1")
    parser.add_argument("--truth", default="cifar10_test200")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--out", type=Path, default=Path("docs/refine"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    whole = tegnas.get_space("nas-bench-201")
    # A column that is named is read, though it holds no accuracy.
    table = replace(tegnas.load_table(f"{arguments.table}#{FLOPS}"), column=arguments.truth)
    space = KnownSpace(whole, table)
    by_score = {each.arch: each for each in load_run(arguments.run)}
    by_accuracy = tegnas.ScoreSettings(indicators=(ACCURACY,))
    trainer = TableTrainer(
        whole, tegnas.load_table(f"{arguments.table}#{arguments.observed}"), table
    )

    def scored(arch: Architecture) -> Evaluation:
        return by_score[arch]

    def trained(arch: Architecture) -> Evaluation:
        return Evaluation(arch, by_accuracy, (_known(table, arch, arguments.observed),))

    batch = tegnas.load_batch(arguments.images, seed=0)
    sample = [arch for arch in by_score if space.admits(arch)]
    drawn = [sample[i] for i in np.random.default_rng(0).permutation(len(sample))[:12]]
    costs = measured(whole, batch, drawn, table)
    rows = []
    for label in contestants(whole, EVALUATIONS):
        if ":budget" in label or label.startswith("prune"):
            continue  # its supernets are in no table
        led = [history(label, space, scored, EVALUATIONS, seed) for seed in range(arguments.seeds)]
        curves, spent = [], []
        for seed in range(arguments.seeds):
            told = history(label, space, trained, EVALUATIONS, seed)
            curves.append(_truth_so_far(told, table))
            spent.append(_operations_so_far(told, table))
        curve, operations = np.mean(curves, axis=0), np.mean(spent, axis=0)
        for count in (0, TRAININGS):
            truth, own = _ends(led, whole, trainer, table, count)
            better = np.flatnonzero(curve >= truth)
            scores = costs.score * np.mean([len(distinct_architectures(each)) for each in led])
            reached = int(better[0]) if len(better) else len(curve) - 1
            cells = [name_of(label), str(count), f"{truth:.2f}"]
            cells.append(f"{reached + 1}" if len(better) else f"over {len(curve)}")
            for epochs in (1, TABLE_EPOCHS):
                ours = scores + own * costs.epoch * epochs
                theirs = operations[reached] * costs.epoch * epochs
                share = 100 * (1 - ours / theirs)
                more = "" if len(better) and share < 99.995 else "over "
                cells.append(f"{more}{min(share, 99.99):.2f} %")
            rows.append(cells)
            print(" | ".join(cells), flush=True)
    sizes = [_known(table, arch, FLOPS) for arch in sample]
    ratio = costs.epoch * float(np.mean(sizes)) / costs.score
    text = "\n".join(
        [
            markdown(
                [
                    "search",
                    "trainings after it",
                    "accuracy of the find",
                    "trainings by accuracy alone",
                    "saved if a training is 1 epoch",
                    f"saved if it is {TABLE_EPOCHS}",
                ],
                rows,
            ),
            f"{arguments.seeds} seeds, {EVALUATIONS} evaluations. An epoch of a network of mean "
            f"size costs as much as {ratio:,.0f} scores ({describe_machine()}).\n",
        ]
    )
    print(text)
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "saved-time.md").write_text(text)


def _ends(
    led: Sequence[Sequence[Evaluation]],
    space: Space,
    trainer: TableTrainer,
    table: AccuracyTable,
    count: int,
) -> tuple[float, float]:
    """Mean truth of the finds and mean megaflops of what was trained."""
    truths, operations = [], []
    for seed, found in enumerate(led):
        distinct = distinct_architectures(found)
        settings = distinct[0].settings
        networks = torch.tensor([each.networks for each in distinct], dtype=torch.float64)
        scores = Scores(
            tuple(each.arch for each in distinct),
            settings,
            {name: networks[:, i] for i, name in enumerate(settings.names)},
        )
        result = refine(scores, trainer, count, space=space, seed=seed)
        truths.append(result.best.truth)
        operations.append(sum(_known(table, each.arch, FLOPS) for each in result.trained))
    return float(np.mean(truths)), float(np.mean(operations))


def _truth_so_far(told: Sequence[Evaluation], table: AccuracyTable) -> np.ndarray:
    """After every evaluation the mean accuracy of the one with the highest observed so far."""
    best = np.maximum.accumulate([each.values[0] for each in told])
    current, truths = None, []
    for each, highest in zip(told, best, strict=True):
        if current is None or each.values[0] == highest and each.values[0] > current.values[0]:
            current = each
        truths.append(table.accuracy(current.arch))
    return np.array(truths)


def _operations_so_far(told: Sequence[Evaluation], table: AccuracyTable) -> np.ndarray:
    """After every evaluation the megaflops of the different architectures so far."""
    seen: set[Architecture] = set()
    each_one = []
    for each in told:
        each_one.append(0.0 if each.arch in seen else _known(table, each.arch, FLOPS))
        seen.add(each.arch)
    return np.cumsum(each_one)


def _known(table: AccuracyTable, arch: Architecture, column: str) -> float:
    value = table[arch][column]
    assert value is not None
    return float(value)


if __name__ == "__main__":
    try:
        main()
    except tegnas.InputError as error:
        raise SystemExit(f"saved_time: {error}") from None
