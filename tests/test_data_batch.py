"""The Batch value: what it refuses, its fingerprint; the choice and normalisation of images."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tegnas.data import Batch
from tegnas.data.choose import choose
from tegnas.data.normalise import Normalisation
from tegnas.errors import InputError


def make_batch(**changes: object) -> Batch:
    generator = torch.Generator().manual_seed(0)
    fields = dict(
        images=torch.randn(4, 3, 5, 6, generator=generator),
        labels=torch.tensor([0, 1, 2, 1]),
        val_images=torch.randn(3, 3, 5, 6, generator=generator),
        val_labels=torch.tensor([0, 0, 2]),
        num_classes=3,
        source="test",
    )
    return Batch(**(fields | changes))


def with_value(value: float) -> torch.Tensor:
    images = torch.zeros(4, 3, 5, 6)
    images[1, 2, 3, 4] = value
    return images


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": torch.zeros(4)}, "training examples must have 2 dimensions or more"),
        ({"val_images": torch.zeros(3, 3, 5, 6, dtype=torch.int64)}, "convert one of them"),
        ({"images": torch.zeros(4, 3, 5, 6, dtype=torch.float64)}, "must be float32, or int64"),
        ({"val_images": torch.zeros(3, 3, 5, 6, dtype=torch.uint8)}, "validation examples must be"),
        ({"images": with_value(float("nan"))}, "training images hold NaN or infinite"),
        ({"images": with_value(float("inf"))}, "training images hold NaN or infinite"),
        ({"images": torch.zeros(1, 3, 5, 6), "labels": torch.tensor([0])}, "at least 2$"),
        (
            {"val_images": torch.zeros(1, 3, 5, 6), "val_labels": torch.tensor([0])},
            "at least 2$",
        ),
        ({"images": torch.zeros(4, 3, 0, 6)}, "hold no values"),
        ({"labels": torch.tensor([0, 1, 3, 1])}, "labels run from 0 to 3"),
        ({"labels": torch.tensor([0, -1, 2, 1])}, "labels run from -1 to 2"),
        ({"val_labels": torch.tensor([0, 9, 2])}, "validation labels run from 0 to 9"),
        ({"labels": torch.tensor([0, 1, 2])}, "4 training images have 3 labels"),
        ({"labels": torch.tensor([0.0, 1.0, 2.0, 1.0])}, "int64 tensor"),
        ({"labels": torch.tensor([1, 1, 1, 1])}, "one class, so the generalization indicator"),
        ({"val_images": torch.zeros(3, 3, 5, 7)}, "3×5×6 and validation images 3×5×7"),
    ],
)
def test_what_does_not_fit_is_refused_with_one_sentence(changes, message):
    with pytest.raises(InputError, match=message) as caught:
        make_batch(**changes)
    assert "\n" not in str(caught.value)


def test_channels_other_than_three_are_allowed():
    assert make_batch(images=torch.eye(4).view(4, 1, 2, 2), val_images=torch.rand(3, 1, 2, 2))


def test_a_batch_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        make_batch().num_classes = 4


def test_fingerprint_depends_on_every_content_and_on_nothing_else():
    batch = make_batch()
    print_of = {batch.fingerprint()}
    assert print_of == {make_batch().fingerprint(), replace(batch, source="x").fingerprint()}
    assert print_of == {batch.to("cpu").fingerprint()}
    nearly = batch.images.clone()
    nearly[0, 0, 0, 0] += 1e-6
    for change in (
        {"images": nearly},
        {"labels": torch.tensor([0, 1, 2, 2])},
        {"val_images": batch.val_images.flip(0)},
        {"val_labels": torch.tensor([0, 1, 2])},
        {"num_classes": 4},
        {
            "images": batch.images.reshape(4, 3, 6, 5),
            "val_images": batch.val_images.reshape(3, 3, 6, 5),
        },
    ):
        print_of.add(make_batch(**change).fingerprint())
    assert len(print_of) == 7


def test_repr_is_short():
    assert repr(make_batch()) == "Batch('test', 4 + 3 images of 3×5×6, 3 classes)"


@settings(derandomize=True, max_examples=50, deadline=None)
@given(
    counts=st.lists(st.integers(0, 12), min_size=1, max_size=8),
    train=st.integers(2, 20),
    val=st.integers(2, 20),
    seed=st.integers(0, 5),
)
def test_choice_is_disjoint_even_and_repeatable(counts, train, val, seed):
    labels = np.repeat(np.arange(len(counts)), counts)
    if len(labels) < train + val:
        with pytest.raises(InputError, match=f"{len(labels)} examples.*{train}.*{val}"):
            choose(labels, train, val, torch.Generator().manual_seed(seed))
        return
    splits = choose(labels, train, val, torch.Generator().manual_seed(seed))
    again = choose(labels, train, val, torch.Generator().manual_seed(seed))
    assert all(np.array_equal(a, b) for a, b in zip(splits, again, strict=True))
    assert [len(split) for split in splits] == [train, val]
    assert len(set(np.concatenate(splits).tolist())) == train + val
    left = np.array(counts)
    for split in splits:
        taken = np.bincount(labels[split], minlength=len(counts))
        # A class with images left over has at most one image fewer than any other.
        assert taken.max() <= taken[taken < left].min(initial=train + val) + 1
        left = left - taken


def test_smaller_choice_is_the_start_of_a_larger_one():
    labels = np.arange(100) % 7
    small, _ = choose(labels, 10, 5, torch.Generator().manual_seed(3))
    large, _ = choose(labels, 40, 5, torch.Generator().manual_seed(3))
    assert np.array_equal(small, large[:10])


def test_both_splits_hold_the_same_classes_where_images_are_fewer():
    labels = np.repeat(np.arange(100), 5)
    train, val = choose(labels, 64, 64, torch.Generator().manual_seed(0))
    assert set(labels[train]) == set(labels[val])


@pytest.mark.parametrize("count", [3, 2500])
def test_statistics_equal_those_of_numpy(count):
    images = np.random.default_rng(0).integers(0, 256, (count, 3, 2, 3), dtype=np.uint8)
    expected = images / 255.0
    statistics = Normalisation.of(images)
    assert statistics.mean == pytest.approx(expected.mean((0, 2, 3)).tolist(), rel=1e-12)
    assert statistics.std == pytest.approx(expected.std((0, 2, 3)).tolist(), rel=1e-10)
    floats = Normalisation.of(expected.astype(np.float32))
    assert floats.mean == pytest.approx(statistics.mean, rel=1e-6)


def test_constant_channel_is_centred_and_stays_finite():
    images = np.random.default_rng(0).integers(0, 256, (9, 3, 4, 4), dtype=np.uint8)
    images[:, 1] = 77
    result = Normalisation.of(images).apply(torch.from_numpy(images).float() / 255)
    assert result[:, 1].abs().max() < 1e-6
    assert result[:, 0].std(correction=0) == pytest.approx(1, abs=1e-5)
