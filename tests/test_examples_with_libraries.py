"""The pages on other libraries show what their examples print, with the real libraries."""

from __future__ import annotations

import re

import pytest
from examples_output import PAGES, printed_examples, run_example, words_and_numbers
from real_libraries import real_library

PRINTED = printed_examples()
NEEDS = {
    "examples/optuna_study.py": ("optuna", "optuna"),
    "examples/timm_models.py": ("timm", "timm"),
    "examples/lightning_training.py": ("lightning", "lightning"),
    "examples/huggingface_images.py": ("datasets", "huggingface"),
    "examples/torchvision_images.py": ("torchvision", "timm"),
}
# A training amplifies the rounding of one processor or another.
VARYING = {"examples/lightning_training.py", "examples/plain_training.py"}


def test_every_page_shows_an_example_with_its_output():
    for page in PAGES.glob("*.md"):
        shown = re.findall(r'^--8<-- "(examples/\w+\.py)"', page.read_text("utf-8"), re.MULTILINE)
        assert shown and set(shown) <= set(PRINTED), page.name
    assert set(NEEDS) <= set(PRINTED)


@pytest.mark.parametrize("example", PRINTED)
def test_an_example_prints_what_its_page_shows(example, tmp_path, monkeypatch):
    if example in NEEDS:
        real_library(*NEEDS[example])
    monkeypatch.chdir(tmp_path)
    words, numbers = words_and_numbers(run_example(example))
    expected_words, expected_numbers = words_and_numbers(PRINTED[example])
    assert words == expected_words
    if example not in VARYING:
        assert numbers == pytest.approx(expected_numbers, rel=0.02, abs=0.1)
