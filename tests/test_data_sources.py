"""Source names, arguments of load_batch, and the sources that need no files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from tegnas.data import describe_sources, load_batch
from tegnas.errors import InputError

DATA = Path(os.environ.get("TEGNAS_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.mark.parametrize("source", ["digits", "noise"])
def test_sources_without_files(source):
    batch = load_batch(source)
    assert batch.images.shape == batch.val_images.shape == (64, 3, 32, 32)
    assert batch.images.dtype == torch.float32 and batch.images.is_contiguous()
    assert batch.num_classes == 10 and batch.source == source
    for labels in (batch.labels, batch.val_labels):
        assert sorted(set(labels.bincount(minlength=10).tolist())) == [6, 7]
    assert batch.images.mean() == pytest.approx(0, abs=0.05)
    assert batch.images.std() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("source", ["digits", "noise"])
def test_seed_alone_decides_and_the_global_generator_is_not_touched(source):
    first = load_batch(source, train=8, val=4, seed=5).fingerprint()
    before = torch.get_rng_state()
    assert load_batch(source, train=8, val=4, seed=5).fingerprint() == first
    assert torch.equal(before, torch.get_rng_state())
    assert load_batch(source, train=8, val=4, seed=6).fingerprint() != first


@pytest.mark.parametrize("source", ["digits", "noise"])
def test_size_and_smallest_batch(source):
    batch = load_batch(source, train=2, val=2, size=16)
    assert batch.images.shape == (2, 3, 16, 16)
    assert len(set(batch.labels.tolist())) == 2


def test_digits_are_grey_and_their_labels_belong_to_them():
    from sklearn.datasets import load_digits

    batch = load_batch("digits", train=50, val=50, size=8)
    assert torch.equal(batch.images[:, 0], batch.images[:, 2])
    pixels, labels = load_digits(return_X_y=True)
    stored = (pixels - pixels.mean()) / pixels.std()
    for image, label in zip(batch.images[:, 0], batch.labels, strict=True):
        distance = np.abs(stored - image.numpy().reshape(1, 64)).max(1)
        assert distance.min() < 1e-5 and labels[distance.argmin()] == label


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"train": 1}, "train must be a whole number, at least 2, not 1"),
        ({"val": 0}, "val must be a whole number, at least 2, not 0"),
        ({"train": 2.5}, "train must be a whole number"),
        ({"seed": -1}, "seed must be"),
        ({"seed": 2**63}, "seed must be"),
        ({"size": 0}, "size must be"),
        ({"train": 1700, "val": 98}, "1797 examples, fewer than the 1700 training and 98 valid"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(InputError, match=message):
        load_batch("digits", **arguments)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("mnist", "unknown image source 'mnist'; known are digits, noise, cifar10:DIR"),
        ("", "unknown image source ''"),
        ("digits:here", "takes no folder"),
        ("cifar10", "needs a folder: write cifar10:DIR"),
        ("imagenet16-120:", "needs a folder: write imagenet16-120:DIR"),
        ("imagenet16-1:x", "must be from 2 to 1000"),
        ("imagenet16-1001:x", "must be from 2 to 1000"),
        ("nowhere.npz", "nowhere.npz does not exist"),
        *[
            (f"{name}:nowhere", "the image folder nowhere does not exist")
            for name in ("cifar10", "cifar100", "imagenet16", "imagenet16-120", "folder")
        ],
    ],
)
def test_bad_sources(source, message):
    with pytest.raises(InputError, match=message) as caught:
        load_batch(source)
    assert "\n" not in str(caught.value)


def test_a_file_in_place_of_a_folder(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="is not a folder"):
        load_batch(f"cifar10:{tmp_path / 'file'}")


@pytest.mark.parametrize("source", describe_sources())
def test_every_described_source_is_known(source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if "DIR" in source or "FILE" in source:
        with pytest.raises(InputError, match="does not exist"):
            load_batch(source, train=2, val=2)
    else:
        load_batch(source, train=2, val=2)


def test_missing_scikit_learn_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(InputError, match="pip install scikit-learn"):
        load_batch("digits")


@pytest.mark.skipif(
    not (DATA / "cifar10_dev500.npz").exists(), reason="shared data (TEGNAS_DATA) is absent"
)
def test_cifar10_images_of_the_shared_data():
    batch = load_batch(DATA / "cifar10_dev500.npz")
    assert batch.images.shape == (64, 3, 32, 32) and batch.num_classes == 10
    assert sorted(set(batch.labels.bincount().tolist())) == [6, 7]
    assert batch.images.mean() == pytest.approx(0, abs=0.1)
