"""Equal and blank images: replaced where a batch is drawn, refused where it is given."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tegnas.data import Batch, ImageWarning, load_batch
from tegnas.data.choose import choose
from tegnas.data.distinct import blank, check_distinct, repeated
from tegnas.data.resize import resize
from tegnas.errors import InputError


def some(count: int, side: int = 8, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


def made(images: torch.Tensor, val_images: torch.Tensor | None = None) -> Batch:
    val_images = some(4, images.shape[-1], seed=9) if val_images is None else val_images
    labels = torch.arange(len(images)) % 2
    return Batch(images, labels, val_images, torch.arange(len(val_images)) % 2, 2, "made")


@given(st.lists(st.integers(0, 5), min_size=2, max_size=12), st.integers(0, 3))
def test_repeats_are_found_wherever_they_are(picks, seed):
    images = some(6, 4, seed)[picks]
    first = [picks.index(pick) for pick in picks]
    assert repeated(images) == sorted((at, i) for i, at in enumerate(first) if at != i)


def test_equal_up_to_rounding_is_equal_and_one_grey_level_is_not():
    images = some(6, 16)
    images[4] = images[1] + 1e-6 * some(1, 16, seed=3)
    assert repeated(images) == [(1, 4)] == repeated(images * 1000)
    images[4, 1, 7, 7] += 1 / 255 / 0.5  # one step of 8 bits, normalised
    assert repeated(images) == []
    images[4] = -images[1]
    assert repeated(images) == []


def test_blank_images_are_found_unless_all_are():
    images = some(5)
    images[[0, 3]] = torch.tensor([0.5, -2.0, 0.0]).view(3, 1, 1)
    images[3] += 1
    assert blank(images) == [0, 3] and blank(images[[0, 3]]) == []
    images[2, 1] = 1.0  # one channel of one value is no blank image
    assert blank(images) == [0, 3]
    assert blank(torch.randn(4, 3, 1, 1)) == []  # of one pixel, as all of them are


@pytest.mark.parametrize("split", ["training", "validation"])
def test_a_batch_with_equal_images_is_refused_by_index(split):
    images = some(20)
    images[7] = images[3]
    images[11] = images[3]
    with pytest.raises(
        InputError, match=rf"{split} images .*\(7 equals 3, 11 equals 3\)"
    ) as caught:
        made(images) if split == "training" else made(some(6, seed=1), images)
    assert "\n" not in str(caught.value)
    batch = made(some(20))
    with pytest.raises(InputError, match="7 equals 3"):
        replace(batch, images=images)


def test_a_batch_with_a_blank_image_is_refused_by_index():
    images = some(6)
    images[2] = 0.25
    with pytest.raises(InputError, match="training images 2 of 6 are blank"):
        made(images)


def test_many_repeats_are_told_in_short():
    with pytest.raises(InputError, match="equals 0 and 31 more") as caught:
        check_distinct(some(1).expand(40, -1, -1, -1), "images")
    assert len(str(caught.value)) < 300


def test_the_same_image_in_both_splits_is_allowed():
    images = some(6)
    assert made(images, images.clone())


def invisible(side: int, small: int) -> torch.Tensor:
    """A pattern (side, side) of size 1 of which nothing is left once shrunk to ``small``."""
    columns = torch.eye(side, dtype=torch.float64).view(side, 1, side, 1).expand(-1, -1, -1, side)
    shrunk = resize(columns, small)[:, 0, :, 0]  # row i: what unit i becomes
    vanishing = torch.linalg.svd(shrunk.T).Vh[-1]
    pattern = vanishing[:, None] * vanishing
    return (pattern / pattern.abs().max()).float()


def test_images_that_are_equal_only_once_shrunk_are_refused_there():
    images = some(6, 12)
    images[4] = images[1] + invisible(12, 4)
    batch = made(images)
    with pytest.raises(InputError, match="training images shrunk to 4×4 .*4 equals 1"):
        batch.shrunk(4)
    images = some(6, 12)
    images[3] = invisible(12, 4)
    with pytest.raises(InputError, match="training images shrunk to 4×4 3 of 6 are blank"):
        made(images).shrunk(4)


# Drawing


def npz(folder: Path, images: np.ndarray, labels: np.ndarray) -> Path:
    np.savez(folder / "file.npz", x=images, y=labels, mean=0.5, std=0.5)
    return folder / "file.npz"


def pixels(count: int, side: int = 6) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def of_file(batch: Batch, images: np.ndarray) -> list[int]:
    """Which images of the file are in the batch: the first of equal ones."""
    stored = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255 * 2 - 1
    drawn = torch.cat([batch.images, batch.val_images])
    return torch.cdist(drawn.flatten(1).double(), stored.flatten(1).double()).argmin(1).tolist()


def test_a_source_without_repeats_gives_what_it_always_gave(tmp_path):
    images, labels = pixels(60), np.arange(60) % 5
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        batch = load_batch(npz(tmp_path, images, labels), train=20, val=15, seed=3)
    expected = np.concatenate(choose(labels, 20, 15, torch.Generator().manual_seed(3)))
    assert of_file(batch, images) == expected.tolist()


@pytest.mark.parametrize("seed", range(6))
def test_repeats_and_blanks_are_replaced_and_the_number_is_said(tmp_path, seed):
    images, labels = pixels(200, 24), np.arange(200) % 4
    images[100:130] = images[7]
    images[130:150] = np.arange(20, dtype=np.uint8)[:, None, None, None]  # blank, all different
    file = npz(tmp_path, images, labels)
    chosen = np.concatenate(choose(labels, 64, 64, torch.Generator().manual_seed(seed)))
    with pytest.warns(ImageWarning, match=r"^\d+ images drawn from .*file.npz for a batch of 128"):
        batch = load_batch(file, seed=seed)
    found = of_file(batch, images)
    assert repeated(batch.images) == repeated(batch.val_images) == []
    assert not {130, 149} & set(found) and len(set(found[:64])) == len(set(found[64:])) == 64
    assert batch.labels.bincount().tolist() == batch.val_labels.bincount().tolist() == [16] * 4
    kept = [i for i, was in enumerate(chosen) if not 100 <= was < 150 and was != 7]
    assert [found[i] for i in kept] == chosen[kept].tolist()  # the others stay


def test_images_that_differ_in_what_shrinking_takes_away_are_repeats(tmp_path):
    images = some(40, 32).permute(0, 2, 3, 1).contiguous().numpy()
    images[2] = images[1] + invisible(32, 8)[:, :, None].numpy()
    np.savez(tmp_path / "file.npz", x=images, y=np.arange(40) % 2)
    with pytest.warns(ImageWarning, match="1 images drawn"):
        batch = load_batch(tmp_path / "file.npz", train=36, val=2)
    batch.shrunk(8)


def test_too_few_different_images_are_refused(tmp_path):
    images, labels = pixels(40), np.arange(40) % 2
    images[5:] = images[5]
    with pytest.raises(InputError, match="fewer than 16 images that differ and aren't blank"):
        load_batch(npz(tmp_path, images, labels), train=8, val=8)


def test_images_that_are_all_of_one_colour_are_what_the_source_holds(tmp_path):
    colours = np.arange(20, dtype=np.uint8)[:, None, None, None] * np.ones((1, 6, 6, 3), np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        batch = load_batch(npz(tmp_path, colours * 9, np.arange(20) % 2), train=8, val=4)
    assert len(set(of_file(batch, colours * 9))) == 12


def test_one_pixel_is_no_blank_image():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_batch("noise", train=8, val=8, size=1).images.shape == (8, 3, 1, 1)
