"""Libraries that tegnas works with, for tests that use the real ones."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

import pytest
import torch

# A torchvision built for CUDA, the only one of some package indices, can't be imported beside a
# torch without: it declares what becomes of the shapes of two operators whose library didn't load.
_MISSING = "operator torchvision::nms does not exist"
_OPERATOR = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_declared: list[torch.library.Library] = []


def real_library(name: str, extra: str) -> ModuleType:
    """The library; the test is skipped with a sentence where it isn't installed."""
    if importlib.util.find_spec("torchvision") is not None:
        _make_torchvision_importable()
    return pytest.importorskip(name, reason=f"the extra tegnas[{extra}] isn't installed")


def _make_torchvision_importable() -> None:
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if str(error) != _MISSING:
            raise
        for module in [each for each in sys.modules if each.split(".")[0] == "torchvision"]:
            del sys.modules[module]
        library = torch.library.Library("torchvision", "DEF")
        for operator in ("nms", "qnms"):
            library.define(operator + _OPERATOR)
        _declared.append(library)
        importlib.import_module("torchvision")
