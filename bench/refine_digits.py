"""Whether refining by real trainings pays: the digits, short trainings, the winner trained fully.

    python bench/refine_digits.py

Every seed searches NAS-Bench-201 by T + E + G, refines by a few short trainings on a part of the
training images, and then trains two architectures fully on all of them: the one that was first
without any training, and the one that refine gives. Accuracies are of the test images, which
neither search nor refine looks at, and the mean over several trainings. Everything is kept in
--runs, and the same command goes on where it was stopped. Writes a table to docs/refine.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from searches_tables import markdown

import tegnas
from tegnas.data import Batch
from tegnas.data.dataset import Dataset, load_dataset
from tegnas.refine import ShortTrainer, refine
from tegnas.refine.result import RefineResult
from tegnas.search import search
from tegnas.spaces import Architecture, Space
from tegnas.train import recipe_for, train

EVALUATIONS = 100
EVOLUTION = {"population": 25, "tournament": 6}

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

    def recipe(self, epochs: int):
        """The space's own, for fewer epochs and for images that a crop by 4 would cut to half."""
        return recipe_for(
            self.space, "digits", epochs=epochs, batch_size=self.batch_size, crop_padding=1
        )

    def refined(self, seed: int) -> tuple[Architecture, RefineResult]:
        """The first by T + E + G of one search, and what refine makes of it."""
        folder = self.runs / str(seed)
        found = search(
            self.space,
            self.batch,
            "evolution",
            EVALUATIONS,
            seed,
            options=EVOLUTION,
            settings=tegnas.ScoreSettings(),
            out=folder,
            shared=self.runs / "scores.sqlite",
        )
        trainer = ShortTrainer(
            self.space,
            self.dataset,
            self.recipe(self.epochs),
            channels=self.channels,
            cells=1,
            seed=seed,
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
        return result.trained[0].arch, result

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--trainings", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=12, help="of a short training")
    parser.add_argument("--full-epochs", type=int, default=24)
    parser.add_argument("--repeats", type=int, default=5, help="full trainings of each find")
    parser.add_argument("--channels", type=int, default=2)
    parser.add_argument("--image-size", type=int, default=8)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--runs", type=Path, default=Path("runs/refine-digits"))
    parser.add_argument("--out", type=Path, default=Path("docs/refine"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # by which the last bits of a training are the same everywhere
    bench = Bench(
        tegnas.get_space("nas-bench-201"),
        load_dataset("digits", size=arguments.image_size),
        tegnas.load_batch("digits", seed=0),
        arguments.runs,
        arguments.trainings,
        arguments.epochs,
        arguments.full_epochs,
        arguments.repeats,
        arguments.channels,
        arguments.batch_size,
    )
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
    rows.append(
        ["mean", "", f"{means[0]:.2f}", "", f"{means[1]:.2f}", f"{means[1] - means[0]:+.2f}"]
    )
    text = markdown(
        ["seed", "first by T + E + G", "trained fully %", "refined", "trained fully %", "gain"],
        rows,
    )
    print(text)
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "digits.md").write_text(text)


if __name__ == "__main__":
    try:
        main()
    except tegnas.InputError as error:
        raise SystemExit(f"refine_digits: {error}") from None
