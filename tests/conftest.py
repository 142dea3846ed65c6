"""What every test shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples in every run, and no time limit: the machine may be busy.
settings.register_profile("tegnas", derandomize=True, deadline=None, max_examples=40)
settings.load_profile("tegnas")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of reference values and images (TEGNAS_DATA, else ../shared/data)."""
    named = os.environ.get("TEGNAS_DATA")
    folder = Path(named) if named else Path(__file__).parents[1] / ".." / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no reference data at {folder}; set TEGNAS_DATA to its folder")
    return folder.resolve()
