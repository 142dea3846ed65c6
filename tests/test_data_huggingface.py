"""Data sets of Hugging Face as image sources, with the real library."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from real_libraries import real_library

from tegnas import InputError, load_batch

datasets = real_library("datasets", "huggingface")

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 12, 12, 3), dtype=np.uint8)
LABELS = (np.arange(40) % 4).tolist()
NAMES = ["a", "b", "c", "d", "e"]


def made(count: int = 40, **columns):
    """A data set of images, and of labels unless columns say otherwise."""
    columns = columns or {"label": (LABELS[:count], datasets.ClassLabel(names=NAMES))}
    features = {"image": datasets.Image(), **{name: kind for name, (_, kind) in columns.items()}}
    values = {"image": [Image.fromarray(each) for each in PIXELS[:count]]}
    values |= {name: each for name, (each, _) in columns.items()}
    return datasets.Dataset.from_dict(values, features=datasets.Features(features))


@pytest.fixture(autouse=True)
def quiet(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()


@pytest.fixture
def expected(tmp_path):
    """The same images as an .npz file."""
    np.savez(tmp_path / "set.npz", x=PIXELS, y=LABELS)
    return load_batch(tmp_path / "set.npz", train=8, val=8)


def test_a_saved_folder_is_read(expected, tmp_path):
    made().save_to_disk(tmp_path / "saved")
    batch = load_batch(f"huggingface:{tmp_path}/saved", train=8, val=8)
    assert batch.images.equal(expected.images) and batch.labels.equal(expected.labels)
    assert batch.num_classes == 5


def test_of_several_splits_it_is_train(expected, tmp_path):
    splits = datasets.DatasetDict({"test": made(20), "train": made()})
    splits.save_to_disk(tmp_path / "saved")
    for source in (f"huggingface:{tmp_path}/saved", splits, splits["train"]):
        assert load_batch(source, train=8, val=8).images.equal(expected.images)


def test_parquet_files_are_read(expected, tmp_path):
    (tmp_path / "set" / "data").mkdir(parents=True)
    made().to_parquet(tmp_path / "set" / "data" / "train-00000-of-00001.parquet")
    made(20).to_parquet(tmp_path / "set" / "data" / "test-00000-of-00001.parquet")
    batch = load_batch(f"huggingface:{tmp_path}/set", train=8, val=8)
    assert batch.images.equal(expected.images) and batch.num_classes == 5


def test_the_column_of_labels_is_named_where_there_are_several(tmp_path):
    kind = datasets.ClassLabel(names=NAMES)
    both = made(fine=(LABELS, kind), coarse=([each // 2 for each in LABELS], kind))
    both.save_to_disk(tmp_path / "saved")
    with pytest.raises(InputError, match="several columns of labels .*fine.*#COLUMN"):
        load_batch(f"huggingface:{tmp_path}/saved")
    batch = load_batch(f"huggingface:{tmp_path}/saved#coarse", train=8, val=8)
    assert set(batch.labels.tolist()) == {0, 1}
    with pytest.raises(InputError, match="no column 'middle'"):
        load_batch(f"huggingface:{tmp_path}/saved#middle")


def test_names_of_classes_are_numbered_in_order():
    words = [NAMES[-1 - each] for each in LABELS]
    batch = load_batch(made(label=(words, datasets.Value("string"))), train=8, val=8)
    assert batch.num_classes == 4


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (lambda: made(caption=(["x"] * 40, datasets.Value("string"))), "no column of labels"),
        (lambda: made(label=([0.5] * 40, datasets.Value("float32"))), "must hold a class"),
        (lambda: made().select_columns("label"), "must have one column of images, and has 0"),
        (lambda: made().to_iterable_dataset(), "can't be read by index"),
        (lambda: datasets.DatasetDict(a=made(8), b=made(8)), "none called train"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(source, sentence):
    with pytest.raises(InputError, match=sentence):
        load_batch(source(), train=4, val=4)


def test_a_folder_of_something_else_is_one_sentence(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="neither what save_to_disk writes"):
        load_batch(f"huggingface:{tmp_path}/empty")
    (tmp_path / "empty" / "state.json").write_text("{}")
    with pytest.raises(InputError, match="can't be read as a data set of Hugging Face"):
        load_batch(f"huggingface:{tmp_path}/empty")
