"""Data sets of torchvision's kind as image sources, with and without torchvision."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from real_libraries import real_library
from torch.utils.data import Dataset, Subset, TensorDataset

from tegnas import InputError, load_batch
from tegnas.data.dataset import load_dataset

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 12, 12, 3), dtype=np.uint8)
LABELS = np.arange(40) % 4


class Pairs(Dataset):
    """Pairs of what a function makes of the pixels, and labels."""

    def __init__(self, image, labels=LABELS, **attributes) -> None:
        self._image, self._labels = image, labels
        vars(self).update(attributes)

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int):
        return self._image(PIXELS[index]), int(self._labels[index])


def as_tensor(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels.transpose(2, 0, 1).copy())


def same_pixels(tmp_path, **more):
    """What the same images give as an .npz file."""
    np.savez(tmp_path / "set.npz", x=PIXELS, y=LABELS)
    return load_batch(tmp_path / "set.npz", train=8, val=8, **more)


@pytest.mark.parametrize("image", [Image.fromarray, as_tensor, np.asarray])
def test_eight_bits_are_those_of_an_npz_file(image, tmp_path):
    batch = load_batch(Pairs(image), train=8, val=8)
    assert batch.fingerprint() == same_pixels(tmp_path).fingerprint()
    assert batch.source == "test_data_objects:Pairs"


def test_floats_are_taken_as_they_are(tmp_path):
    np.savez(tmp_path / "set.npz", x=PIXELS.astype(np.float32) / 7 - 3, y=LABELS)
    batch = load_batch(Pairs(lambda pixels: as_tensor(pixels).float() / 7 - 3), train=8, val=8)
    assert torch.equal(batch.images, load_batch(tmp_path / "set.npz", train=8, val=8).images)


def test_pictures_of_several_sizes_become_squares():
    def odd(pixels):
        return Image.fromarray(pixels[: 6 + pixels[0, 0, 0] % 6])

    assert load_batch(Pairs(odd), train=4, val=4).image_shape == (3, 32, 32)
    assert load_batch(Pairs(odd), train=4, val=4, size=9).image_shape == (3, 9, 9)


def test_grey_tensors_stay_grey():
    source = TensorDataset(torch.from_numpy(PIXELS[..., 0].copy()), torch.from_numpy(LABELS))
    batch = load_batch(source, train=4, val=4)
    assert batch.image_shape == (1, 12, 12) and batch.num_classes == 4


def test_labels_come_from_targets_only_where_items_agree():
    honest = load_batch(Pairs(as_tensor, targets=LABELS.tolist(), classes="abcdef"), train=8, val=8)
    assert honest.num_classes == 6
    shifted = Pairs(as_tensor, labels=LABELS + 1, targets=LABELS.tolist())
    assert load_batch(shifted, train=8, val=8).num_classes == 5
    assert load_batch(Subset(Pairs(as_tensor), range(0, 40, 2)), train=4, val=4).num_classes == 3


def test_a_data_set_is_split_for_training():
    dataset = load_dataset(Pairs(Image.fromarray))
    assert (len(dataset.images), len(dataset.test_images)) == (32, 8)
    assert dataset.images.dtype == torch.uint8 and dataset.source == "test_data_objects:Pairs"


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (object(), "object is no image source"),
        (Pairs(as_tensor, labels=LABELS[:0]), "Pairs is empty"),
        (TensorDataset(torch.zeros(4, 3, 2, 2)), "isn't a pair of image and label"),
        (Pairs(as_tensor, labels=-LABELS - 1), "whole numbers from 0"),
        (Pairs(lambda pixels: as_tensor(pixels) + torch.randint(99, (1,))), "transform is random"),
        (Pairs(lambda pixels: "x.png"), "is a str; read are"),
        (Pairs(lambda pixels: as_tensor(pixels)[:2]), "not 1 or 3 channels"),
        (Pairs(lambda pixels: as_tensor(pixels).long()), "is of int64"),
        (Pairs(lambda pixels: as_tensor(pixels)[:, : 6 + pixels[0, 0, 0] % 6]), "several sizes"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(source, sentence):
    with pytest.raises(InputError, match=sentence):
        load_batch(source, train=4, val=4)


def test_torchvision_s_own_sets_are_read():
    torchvision = real_library("torchvision", "timm")
    torch.manual_seed(0)
    fake = torchvision.datasets.FakeData(40, (3, 12, 12), 4)
    batch = load_batch(fake, train=8, val=8)
    assert batch.source == "torchvision:FakeData" and batch.image_shape == (3, 12, 12)
    transform = torchvision.transforms.ToTensor()
    tensors = torchvision.datasets.FakeData(40, (3, 12, 12), 4, transform=transform)
    assert torch.equal(load_batch(tensors, train=8, val=8).labels, batch.labels)
    augmented = torchvision.datasets.FakeData(
        40, (3, 12, 12), 4, transform=torchvision.transforms.RandomCrop(8)
    )
    with pytest.raises(InputError, match="open it without augmentation"):
        load_batch(augmented, train=8, val=8)
