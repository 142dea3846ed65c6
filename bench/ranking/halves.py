"""The two halves of the table: one to choose on, one to confirm on (docs/ranking.md, protocol)."""

from __future__ import annotations

import csv
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SEED = 7
SELECTION, CONFIRMING = "selection", "confirming"
EVERYTHING = "everything"
CONFIRMING_ROWS = "confirming-rows"


@dataclass(frozen=True)
class Half:
    """One architecture per class of isomorphism, with what the table knows of it.

    Attributes:
        name: ``selection`` or ``confirming``; ``everything`` is all rows of the table,
            ``confirming-rows`` those of the classes of the confirming half.
        archs: architecture strings, (A,).
        classes: of isomorphism, int64 (A,).
        accuracy: test accuracy by data set, float64 (A,) each.
    """

    name: str
    archs: tuple[str, ...]
    classes: np.ndarray
    accuracy: dict[str, np.ndarray]


def read_half(table: Path, name: str) -> Half:
    """The half of that name; the draw depends on nothing but the table and ``SEED``.

    ``everything`` and ``confirming-rows`` have isomorphic architectures too, as published figures
    do.
    """
    classes: dict[int, list[dict[str, str]]] = {}
    with table.open(newline="") as file:
        for row in csv.DictReader(file):
            classes.setdefault(int(row["iso_class"]), []).append(row)
    rng = random.Random(SEED)
    chosen = [rng.choice(classes[key]) for key in sorted(classes)]
    rng.shuffle(chosen)
    middle = len(chosen) // 2
    every = [row for members in classes.values() for row in members]
    confirming = {row["iso_class"] for row in chosen[middle:]}
    rows = {
        SELECTION: chosen[:middle],
        CONFIRMING: chosen[middle:],
        EVERYTHING: every,
        CONFIRMING_ROWS: [row for row in every if row["iso_class"] in confirming],
    }[name]
    columns = {"CIFAR-10": "cifar10_test200", "CIFAR-100": "cifar100_test200"}
    accuracy = {
        title: np.array([float(row[column]) for row in rows]) for title, column in columns.items()
    }
    numbers = np.array([int(row["iso_class"]) for row in rows])
    return Half(name, tuple(row["arch"] for row in rows), numbers, accuracy)
