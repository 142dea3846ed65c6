"""Names of operations as people write them."""

from __future__ import annotations

_NAMES = {
    "nor_conv_3x3": "conv 3×3",
    "nor_conv_1x1": "conv 1×1",
    "avg_pool_3x3": "avg pool 3×3",
    "max_pool_3x3": "max pool 3×3",
    "sep_conv_3x3": "sep conv 3×3",
    "sep_conv_5x5": "sep conv 5×5",
    "dil_conv_3x3": "dil conv 3×3",
    "dil_conv_5x5": "dil conv 5×5",
    "skip_connect": "skip",
    "none": "none",
}


def operation_name(operation: str) -> str:
    """``nor_conv_3x3`` is conv 3×3; what isn't known stays as it is."""
    return _NAMES.get(operation, operation)
