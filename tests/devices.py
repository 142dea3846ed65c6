"""The devices that a test is repeated on."""

from __future__ import annotations

import pytest
from cuda_device import missing

on_cuda = [pytest.mark.cuda, pytest.mark.skipif(bool(missing()), reason=str(missing()))]

every_device = pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=on_cuda)])
