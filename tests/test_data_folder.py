"""A folder of image files with one sub-folder per class."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from tegnas.data import load_batch
from tegnas.errors import InputError

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three classes of even colours: class k is k·100 in green; sizes, modes and formats differ."""
    for k, name in enumerate(["ant", "bee", "cat"]):
        (tmp_path / name).mkdir()
        for i, suffix in enumerate(["png", "PNG", "bmp", "gif"]):
            image = Image.new("RGB", (10 + i, 40 - i), (20, k * 100, 60 * i))
            image.convert("RGBA" if i == 1 else "RGB").save(tmp_path / name / f"{i}.{suffix}")
        (tmp_path / name / "notes.txt").write_text("not an image")
    (tmp_path / ".cache").mkdir()
    return tmp_path


def test_classes_are_numbered_by_name(folder):
    batch = load_batch(f"folder:{folder}", train=6, val=6)
    assert batch.images.shape == (6, 3, 32, 32) and batch.num_classes == 3
    assert batch.labels.bincount().tolist() == [2, 2, 2]
    expected = (np.arange(3) - 1) / np.std([0, 1, 2])
    green = batch.images[:, 1].mean((1, 2)).numpy()
    assert green == pytest.approx(expected[batch.labels.numpy()], abs=1e-3)
    assert batch.images[:, 0].abs().max() < 1e-3  # a constant channel is only centred


def test_size(folder):
    assert load_batch(f"folder:{folder}", train=2, val=2, size=17).images.shape == (2, 3, 17, 17)


def test_only_chosen_images_and_those_of_the_statistics_are_decoded(folder, monkeypatch):
    monkeypatch.setattr("tegnas.data.folder._STATISTICS_IMAGES", 3)
    opened = []
    original = Image.open
    monkeypatch.setattr(Image, "open", lambda file: opened.append(file) or original(file))
    load_batch(f"folder:{folder}", train=2, val=2)
    assert len(opened) == 3 + 4


def test_damaged_image(folder):
    (folder / "bee" / "0.png").write_bytes((folder / "bee" / "0.png").read_bytes()[:40])
    with pytest.raises(InputError, match="0.png can't be decoded as an image"):
        load_batch(f"folder:{folder}", train=6, val=6)


def test_sub_folder_without_images(folder):
    (folder / "dog").mkdir()
    with pytest.raises(InputError, match="dog holds no image file"):
        load_batch(f"folder:{folder}")


def test_folder_without_sub_folders(folder):
    with pytest.raises(InputError, match="has no sub-folders"):
        load_batch(f"folder:{folder / 'ant'}")


def picture(path: Path, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def two_classes(folder: Path, inside: str = "") -> Path:
    for seed in range(8):
        picture(folder / "ab"[seed % 2] / inside / f"{seed}.png", seed)
    return folder


@pytest.mark.parametrize("inside", ["images", "raw/images"])
def test_images_may_be_in_one_folder_within_the_class(tmp_path, inside):
    flat = load_batch(f"folder:{two_classes(tmp_path / 'flat')}", train=4, val=2)
    deep = load_batch(f"folder:{two_classes(tmp_path / 'deep', inside)}", train=4, val=2)
    assert deep.fingerprint() == flat.fingerprint()


def test_what_a_mac_leaves_and_what_is_hidden_is_no_image_and_no_class(tmp_path):
    expected = load_batch(f"folder:{two_classes(tmp_path)}", train=4, val=2).fingerprint()
    (tmp_path / "a" / "._0.png").write_bytes(b"\0\5\x16\7" * 9)
    (tmp_path / "a" / ".DS_Store").write_bytes(b"x")
    (tmp_path / "b" / ".thumbnails").mkdir()
    picture(tmp_path / "__MACOSX" / "a" / "._0.png", 99)
    picture(tmp_path / ".git" / "0.png", 99)
    picture(tmp_path / "b" / "__MACOSX" / "0.png", 99)
    assert load_batch(f"folder:{tmp_path}", train=4, val=2).fingerprint() == expected


def test_splits_are_no_classes(tmp_path):
    for split in ("train", "val"):
        two_classes(tmp_path / split)
    with pytest.raises(InputError, match=r"splits and not classes \(train, val\); give one of"):
        load_batch(f"folder:{tmp_path}")
    assert load_batch(f"folder:{tmp_path / 'train'}", train=4, val=2).num_classes == 2


def test_a_folder_of_folders_of_classes_is_refused(tmp_path):
    two_classes(tmp_path / "photos")
    with pytest.raises(InputError, match=r"several folders of images \(a, b\): if these are the"):
        load_batch(f"folder:{tmp_path}")


def test_pipes_and_links_in_circles_are_passed_by(tmp_path):
    expected = load_batch(f"folder:{two_classes(tmp_path, 'images')}", train=4, val=2).fingerprint()
    os.mkfifo(tmp_path / "a" / "images" / "9.png")
    (tmp_path / "a" / "again").symlink_to(tmp_path / "a")
    (tmp_path / "b" / "images" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    with pytest.raises(InputError, match="several folders of images"):
        load_batch(f"folder:{tmp_path}", train=4, val=2)
    (tmp_path / "a" / "again").unlink()
    assert load_batch(f"folder:{tmp_path}", train=4, val=2).fingerprint() == expected


def test_one_class(folder):
    for name in ("bee", "cat"):
        (folder / name).rename(folder / f".{name}")
    with pytest.raises(InputError, match="one class"):
        load_batch(f"folder:{folder}", train=2, val=2)


def test_too_few_images(folder):
    with pytest.raises(InputError, match="12 examples, fewer than the 64 training and 64"):
        load_batch(f"folder:{folder}")


def test_missing_pillow_is_said(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(InputError, match=r"pip install 'tegnas\[images\]'"):
        load_batch(f"folder:{folder}")
