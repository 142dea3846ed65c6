"""Targets of the kernel regression behind the generalization indicator."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def centred_targets(labels: Tensor, num_classes: int) -> Tensor:
    """One-hot labels minus their mean over the batch: float64 (N, num_classes)."""
    one_hot = F.one_hot(labels, num_classes).to(torch.float64)
    return one_hot - one_hot.mean(0, keepdim=True)
