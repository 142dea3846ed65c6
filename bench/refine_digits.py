"""Whether refining by real trainings pays: the digits, short trainings, the winner trained fully.

    python bench/refine_digits.py correlate
    python bench/refine_digits.py refine

The second form is the question. Every seed searches NAS-Bench-201 by T + E + G, refines by a few
short trainings on a part of the training images, and then trains two architectures fully on all of
them: the one that was first without any training, and the one that refine gives. Accuracies are of
the test images, which neither search nor refine looks at, and the mean over several trainings.
Everything is kept in --runs, and the same command goes on where it was stopped. Both write their
table to docs/refine.

The first form says beforehand what a short training is worth: twenty architectures of the searches,
the best by score and random ones, trained by several schedules and fully, and how the accuracies
correlate. --images of the digits are training images, all others test images: the fewer there are,
the more architectures differ, and the less luck is in the test.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from searches_tables import markdown

import tegnas
from tegnas.data import Batch
from tegnas.data.choose import choose
from tegnas.data.dataset import Dataset, load_dataset
from tegnas.refine import ShortTrainer, refine
from tegnas.refine.leaders import leader_scores
from tegnas.refine.result import RefineResult
from tegnas.scoring.ranking import kendall_tau
from tegnas.search import SearchResult, search
from tegnas.search.evaluation import distinct_architectures
from tegnas.spaces import Architecture, Space
from tegnas.train import recipe_for, train

EVALUATIONS = 100
EVOLUTION = {"population": 25, "tournament": 6}

# Architectures whose short and full trainings are compared, schedules of the short ones.
COMPARED = 20
SCHEDULES = (4, 8, 12)
FOLDS = 5

# Seeds of the full trainings count from here: none is that of a short one.
FULL = 1000


@dataclass(frozen=True)
class Bench:
    """What is the same for all seeds."""

    space: Space
    dataset: Dataset
    batch: Batch
    runs: Path
    trainings: int
    epochs: int
    full_epochs: int
    repeats: int
    channels: int
    batch_size: int
    folds: int

    def recipe(self, epochs: int):
        """The space's own, for fewer epochs and for images that a crop by 4 would cut to half."""
        return recipe_for(
            self.space, "digits", epochs=epochs, batch_size=self.batch_size, crop_padding=1
        )

    def searched(self, seed: int) -> SearchResult:
        """One search by T + E + G."""
        return search(
            self.space,
            self.batch,
            "evolution",
            EVALUATIONS,
            seed,
            options=EVOLUTION,
            settings=tegnas.ScoreSettings(),
            out=self.runs / str(seed),
            shared=self.runs / "scores.sqlite",
        )

    def refined(self, seed: int) -> tuple[Architecture, RefineResult]:
        """What is first without any training, and what refine makes of the same search."""
        folder = self.runs / str(seed)
        found = self.searched(seed)
        trainer = ShortTrainer(
            self.space,
            self.dataset,
            self.recipe(self.epochs),
            channels=self.channels,
            cells=1,
            seed=seed,
            halving=False,
            folds=self.folds,
            folder=folder / "refine" / "trainings",
        )
        result = refine(
            found,
            trainer,
            self.trainings,
            space=self.space,
            seed=seed,
            batch=self.batch,
            out=folder / "refine",
            shared=self.runs / "scores.sqlite",
        )
        return result.trained[0].arch, result  # the first one is taken by score

    def accuracies(self, arch: Architecture) -> list[float]:
        """Test accuracy in percent after full trainings that differ in their seed."""
        return [
            train(
                self.space,
                arch,
                self.dataset,
                self.recipe(self.full_epochs),
                channels=self.channels,
                cells=1,
                seed=FULL + repeat,
                out=self.runs / "full" / self.space.short(arch) / str(repeat),
            ).test_accuracy
            for repeat in range(self.repeats)
        ]


def images(count: int, size: int) -> Dataset:
    """So many of the digits as training images, all others as test images."""
    whole = load_dataset("digits", size=size)
    pixels = torch.cat([whole.images, whole.test_images])
    labels = torch.cat([whole.labels, whole.test_labels])
    train_rows, test_rows = choose(
        labels.numpy(), count, len(labels) - count, torch.Generator().manual_seed(0)
    )
    return replace(
        whole,
        images=pixels[train_rows],
        labels=labels[train_rows],
        test_images=pixels[test_rows],
        test_labels=labels[test_rows],
    )


def correlate(bench: Bench, out: Path) -> None:
    """What short trainings say of full ones."""
    candidates: dict[Architecture, None] = {}
    found = distinct_architectures(bench.searched(0).history)
    for index in np.argsort(leader_scores(found), kind="stable"):
        candidates.setdefault(bench.space.live(found[index].arch))
    alive = [arch for arch in candidates if bench.space.is_connected(arch)]
    rest = np.random.default_rng(0).permutation(np.arange(COMPARED // 2, len(alive)))
    chosen = [*range(COMPARED // 2), *rest[: COMPARED // 2].tolist()]
    archs = [alive[index] for index in chosen]
    full = np.array([bench.accuracies(arch) for arch in archs])
    truth = full.mean(1)
    noise = full.std(1, ddof=1).mean()
    facts = (
        f"{len(archs)} architectures, {bench.full_epochs} epochs, {bench.repeats} seeds: "
        f"they differ by {truth.std(ddof=1):.2f} % (standard deviation of their means), trainings "
        f"of one by {noise:.2f} %\n"
    )
    print(facts)
    rows = []
    for epochs in SCHEDULES:
        trainer = ShortTrainer(
            bench.space,
            bench.dataset,
            bench.recipe(epochs),
            channels=bench.channels,
            cells=1,
            halving=False,
            folds=FOLDS,
            folder=bench.runs / "short" / str(epochs),
        )
        told = [outcome for _, outcome in trainer.run(archs, (), lambda share: None)]
        for folds in (1, FOLDS):
            values = np.array([each.epochs[folds - 1] for each in told])
            pearson = np.corrcoef(values, truth)[0, 1]
            tau = kendall_tau(values, truth)
            rows.append([str(epochs), str(folds), f"{pearson:.2f}", f"{tau:.2f}"])
            print(" | ".join(rows[-1]), flush=True)
    table = markdown(["epochs", "folds", "correlation with full training", "Kendall tau"], rows)
    print(table)
    write(out / "digits-short.md", f"{facts}\n{table}")


def write(path: Path, text: str) -> None:
    """A part of the page on refining."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=("correlate", "refine"))
    parser.add_argument("--images", type=int, default=600, help="of the digits to train with")
    parser.add_argument("--folds", type=int, default=5, help="of a short training")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--trainings", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=12, help="of a short training")
    parser.add_argument("--full-epochs", type=int, default=24)
    parser.add_argument("--repeats", type=int, default=5, help="full trainings of each find")
    parser.add_argument("--channels", type=int, default=2)
    parser.add_argument("--image-size", type=int, default=8)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--runs", type=Path, default=Path("runs/refine-digits"))
    parser.add_argument("--out", type=Path, default=Path("docs/refine"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # by which the last bits of a training are the same everywhere
    bench = Bench(
        tegnas.get_space("nas-bench-201"),
        images(arguments.images, arguments.image_size),
        tegnas.load_batch("digits", seed=0),
        arguments.runs,
        arguments.trainings,
        arguments.epochs,
        arguments.full_epochs,
        arguments.repeats,
        arguments.channels,
        arguments.batch_size,
        arguments.folds,
    )
    if arguments.part == "correlate":
        correlate(bench, arguments.out)
        return
    rows, pairs = [], []
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
        first, result = bench.refined(seed)
        without, refined = bench.accuracies(first), bench.accuracies(result.best.arch)
        pairs.append((np.mean(without), np.mean(refined)))
        place = next(i for i, each in enumerate(result.trained, 1) if each.arch == result.best.arch)
        rows.append(
            [
                str(seed),
                bench.space.short(first),
                f"{pairs[-1][0]:.2f}",
                f"{bench.space.short(result.best.arch)} (training {place})",
                f"{pairs[-1][1]:.2f}",
                f"{pairs[-1][1] - pairs[-1][0]:+.2f}",
            ]
        )
        print(" | ".join(rows[-1]), flush=True)
    means = np.mean(pairs, axis=0)
    gains = np.diff(pairs, axis=1)[:, 0]
    again = np.random.default_rng(0).integers(len(gains), size=(10_000, len(gains)))
    low, high = np.percentile(gains[again].mean(1), [2.5, 97.5])
    gain = f"{means[1] - means[0]:+.2f} ({low:+.2f} to {high:+.2f})"
    rows.append(["mean", "", f"{means[0]:.2f}", "", f"{means[1]:.2f}", gain])
    text = markdown(
        ["seed", "first by score", "trained fully %", "refined", "trained fully %", "gain"],
        rows,
    )
    print(text)
    write(arguments.out / "digits.md", text)


if __name__ == "__main__":
    try:
        main()
    except tegnas.InputError as error:
        raise SystemExit(f"refine_digits: {error}") from None
