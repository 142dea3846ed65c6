"""Whose memory the result of a PyTorch operation lies in."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn

from tegnas.engine.functions import FUNCTIONS

# Layers that give what they read.
NOTHING = (nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)

# How the result of an operation relates to the memory of its first argument.
NEW = "memory of its own"
SAME = "the same tensor"
WRITTEN = "the same tensor, changed"
VIEW = "perhaps a view"

_IN_PLACE_FUNCTIONS = (
    operator.iadd,
    operator.imul,
    torch.relu_,
    F.hardtanh_,
    *(called for function in FUNCTIONS.values() for called in function.written),
)
# At which place a function takes `inplace`.
_IN_PLACE_ARGUMENT: dict[Callable, int] = {
    F.relu: 1,
    F.hardtanh: 3,
    **{
        called: function.inplace_at for function in FUNCTIONS.values() for called in function.called
    },
}
_VIEWS = (torch.flatten, torch.reshape, operator.getitem)
_VIEW_METHODS = ("flatten", "view", "reshape", "contiguous")


def form_of_layer(layer: nn.Module) -> str:
    """How what a layer gives relates to what it reads."""
    if isinstance(layer, NOTHING):
        return SAME
    if isinstance(layer, nn.Flatten):
        return VIEW
    return WRITTEN if getattr(layer, "inplace", False) else NEW


def form_of_function(node: fx.Node) -> str:
    """The same of a function or method, as it is called."""
    called: Any = node.target
    if called is F.dropout:
        return SAME
    if called in (_VIEW_METHODS if node.op == "call_method" else _VIEWS):
        return VIEW
    if node.op == "call_method":
        return WRITTEN if called.endswith("_") else NEW
    place = _IN_PLACE_ARGUMENT.get(called)
    inplace = node.kwargs.get("inplace") or (place is not None and any(node.args[place:]))
    return WRITTEN if called in _IN_PLACE_FUNCTIONS or inplace else NEW
