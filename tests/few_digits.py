"""Some of the digits, in their order: a data set for trainings that take a moment."""

from __future__ import annotations

from tegnas.data.dataset import Dataset, load_dataset


def few_digits(train: int, test: int, size: int = 8) -> Dataset:
    """The first training and test images of ``size`` pixels a side."""
    digits = load_dataset("digits", size=size)
    return Dataset(
        digits.images[:train],
        digits.labels[:train],
        digits.test_images[:test],
        digits.test_labels[:test],
        10,
        "digits",
        digits.normalisation,
    )
