"""What every test shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples in every run, and no time limit: the machine may be busy.
settings.register_profile("tegnas", derandomize=True, deadline=None, max_examples=40)
settings.load_profile("tegnas")

# What takes longest goes first: no process is to be left with such a file when others are done.
_LONGEST = (
    "test_interruptions.py",
    "test_search_everywhere.py",
    "test_stopped_search.py",
    "test_notebooks.py",
    "test_report_browser.py",
    "test_stranger.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sorts files, not what is in them."""
    items.sort(key=lambda item: item.path.name not in _LONGEST)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of reference values and images (TEGNAS_DATA, else ../shared/data)."""
    named = os.environ.get("TEGNAS_DATA")
    folder = Path(named) if named else Path(__file__).parents[1] / ".." / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no reference data at {folder}; set TEGNAS_DATA to its folder")
    return folder.resolve()
