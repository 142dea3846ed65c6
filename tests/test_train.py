"""Training: recipes, augmentation, exact resume, and that it learns."""

from __future__ import annotations

import csv
import json
import math
import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from few_digits import few_digits

from tegnas.data.dataset import Dataset, load_dataset
from tegnas.errors import InputError
from tegnas.networks.full import full_network
from tegnas.spaces import get_space
from tegnas.train import Recipe, load_weights, recipe_for, train
from tegnas.train.augment import augment

SPACE = get_space("nas-bench-201")
ARCH = SPACE.parse(
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|skip_connect~1|+|skip_connect~0|none~1|nor_conv_1x1~2|"
)
SMALL = {"channels": 4, "cells": 1}


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_dataset("digits", size=8)


@pytest.fixture(scope="module")
def few() -> Dataset:
    return few_digits(96, 50)


def test_published_recipes() -> None:
    nasbench = recipe_for("nas-bench-201", "cifar10:x")
    assert (nasbench.epochs, nasbench.batch_size, nasbench.learning_rate) == (200, 256, 0.1)
    assert nasbench.nesterov and nasbench.flip and nasbench.weight_decay == 5e-4
    darts = recipe_for("darts", "cifar10:x")
    assert (darts.epochs, darts.batch_size, darts.cutout) == (600, 96, 16)
    assert (darts.drop_path, darts.auxiliary) == (0.2, 0.4)
    cells = recipe_for("nas-bench-101", "cifar10:x")
    assert (cells.epochs, cells.batch_size, cells.learning_rate) == (108, 256, 0.2)
    assert not recipe_for("nas-bench-201", "digits").flip
    assert recipe_for("mobilenet", "cifar10:x").weight_decay == 4e-5
    assert recipe_for("nats-size", "cifar10:x").epochs == 90
    with pytest.raises(InputError, match="epochs"):
        recipe_for("darts", epochs=0)


def test_learning_rate_falls_along_a_cosine() -> None:
    recipe = Recipe(epochs=10, learning_rate=0.2)
    assert recipe.learning_rate_at(0) == 0.2
    assert math.isclose(recipe.learning_rate_at(5), 0.1)
    assert 0 < recipe.learning_rate_at(9) < 0.01


def test_dataset_is_split_without_overlap(digits: Dataset) -> None:
    assert len(digits.images) + len(digits.test_images) == 1797
    assert digits.test_labels.bincount().min() >= 35
    again = load_dataset("digits", size=8)
    assert torch.equal(again.test_images, digits.test_images)
    assert digits.prepare(digits.images[:5]).shape == (5, 3, 8, 8)
    with pytest.raises(InputError, match="noise"):
        load_dataset("noise")


def test_cifar_folder_brings_its_own_test_images(tmp_path) -> None:
    rng = np.random.default_rng(0)
    for name, count in (("data_batch_1.bin", 20), ("test_batch.bin", 10)):
        rows = rng.integers(0, 256, (count, 3073), dtype=np.uint8)
        rows[:, 0] = np.arange(count) % 10
        rows.tofile(tmp_path / name)
    dataset = load_dataset(f"cifar10:{tmp_path}")
    assert (len(dataset.images), len(dataset.test_images)) == (20, 10)
    assert dataset.images.dtype == torch.uint8
    prepared = dataset.prepare(dataset.images)
    assert prepared.dtype == torch.float32 and abs(prepared.mean()) < 1
    (tmp_path / "test_batch.bin").unlink()
    with pytest.raises(InputError, match="test file"):
        load_dataset(f"cifar10:{tmp_path}")


def test_augmentation_moves_pixels_and_makes_none_up() -> None:
    images = torch.arange(1, 65, dtype=torch.float32).view(1, 1, 8, 8).expand(50, 3, 8, 8)
    recipe = Recipe(flip=True, crop_padding=2, cutout=3)
    changed = augment(images, recipe, torch.Generator().manual_seed(0))
    assert changed.shape == images.shape
    assert set(changed.unique().tolist()) <= set(range(65))
    assert torch.equal(changed, augment(images, recipe, torch.Generator().manual_seed(0)))
    plain = Recipe(flip=False, crop_padding=0)
    assert torch.equal(augment(images, plain, torch.Generator()), images)
    blank = augment(images, Recipe(flip=False, crop_padding=0, cutout=3), torch.Generator())
    zeros = (blank == 0).sum((1, 2, 3)) // 3
    assert zeros.max() == 9 and zeros.min() >= 4


def test_stopped_and_resumed_is_the_same_to_the_bit(few: Dataset, tmp_path) -> None:
    recipe = Recipe(epochs=3, batch_size=32, flip=False, crop_padding=1)

    def stop(report) -> None:
        if report.epoch == 2:
            raise KeyboardInterrupt

    whole = train(SPACE, ARCH, few, recipe, out=tmp_path / "whole", **SMALL)
    with pytest.raises(KeyboardInterrupt):
        train(SPACE, ARCH, few, recipe, out=tmp_path / "cut", progress=stop, **SMALL)
    seen = []
    resumed = train(SPACE, ARCH, few, recipe, out=tmp_path / "cut", progress=seen.append, **SMALL)
    assert [report.epoch for report in seen] == [1, 2, 3]
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, resumed.network.state_dict()[name]), name
    assert [each.train_loss for each in whole.epochs] == [
        each.train_loss for each in resumed.epochs
    ]

    lines = (tmp_path / "cut" / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2, 3]
    with (tmp_path / "cut" / "log.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 3
    loaded = full_network(SPACE, ARCH, **SMALL)
    load_weights(loaded, tmp_path / "cut" / "weights.pt")
    load_weights(loaded, tmp_path / "cut" / "checkpoint.pt")
    with pytest.raises(InputError, match="another network"):
        load_weights(full_network(SPACE, ARCH, channels=5, cells=1), tmp_path / "cut/weights.pt")
    with pytest.raises(InputError, match="another configuration"):
        train(SPACE, ARCH, few, Recipe(epochs=4), out=tmp_path / "cut", **SMALL)


def test_what_ends_a_training_is_asked_of_found_epochs_too(few: Dataset, tmp_path) -> None:
    recipe = Recipe(epochs=3, batch_size=48, flip=False)

    def second(report) -> bool:
        return report.epoch == 2

    for _ in range(2):
        ended = train(SPACE, ARCH, few, recipe, out=tmp_path, stop=second, **SMALL)
        assert [report.epoch for report in ended.epochs] == [1, 2]
        assert not (tmp_path / "weights.pt").exists()


def test_global_random_state_makes_no_difference_and_is_kept(few: Dataset) -> None:
    recipe = Recipe(epochs=1, batch_size=48, flip=True)
    torch.manual_seed(1)
    first = train(SPACE, ARCH, few, recipe, **SMALL)
    after = torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(torch.rand(1), after)
    second = train(SPACE, ARCH, few, recipe, **SMALL)
    assert first.epochs[0].train_loss == second.epochs[0].train_loss


@pytest.mark.slow
def test_learns_the_digits(digits: Dataset) -> None:
    recipe = recipe_for("nas-bench-201", "digits", epochs=4, batch_size=64, crop_padding=1)
    result = train(SPACE, ARCH, digits, recipe, channels=4, cells=1)
    assert result.test_accuracy > 50  # chance is 10


def test_damaged_checkpoint_and_missing_device(few: Dataset, tmp_path) -> None:
    recipe = Recipe(epochs=1, batch_size=96)
    train(SPACE, ARCH, few, recipe, out=tmp_path / "run", **SMALL)
    (tmp_path / "run" / "checkpoint.pt").write_bytes(b"broken")
    with pytest.raises(InputError, match="can't be read"):
        train(SPACE, ARCH, few, recipe, out=tmp_path / "run", **SMALL)
    if not torch.cuda.is_available():
        with pytest.raises(InputError, match="CUDA"):
            train(SPACE, ARCH, few, recipe, device="cuda", **SMALL)


def test_an_auxiliary_classifier_needs_images_of_its_size(few: Dataset) -> None:
    space = get_space("darts")
    arch = space.sample(random.Random(0))
    recipe = recipe_for("darts", "digits", epochs=1, cutout=0)
    with pytest.raises(InputError, match="32×32, and these are 8×8; choose .* --auxiliary 0"):
        train(space, arch, few, recipe, channels=4, cells=3)
    result = train(space, arch, few, replace(recipe, auxiliary=0.0), channels=4, cells=3)
    assert len(result.epochs) == 1
