"""Each image of a batch against the others, one image at a time."""

from __future__ import annotations

import torch
from torch import Tensor


def leave_one_out(kernel: Tensor) -> tuple[float, float]:
    """``tegnas.kernel.leave_one_out`` of one kernel (N, N), by N regressions."""
    n = len(kernel)
    inflation, errors = [], []
    for i in range(n):
        others = [j for j in range(n) if j != i]
        weights = torch.linalg.solve(kernel[others][:, others], kernel[others, i])
        unexplained = kernel[i, i] - weights @ kernel[others, i]
        inflation.append(kernel[i, i] / unexplained)
        # Its own noise, and that of the other targets through the weights.
        errors.append(1 + weights.square().sum())
    return float(torch.stack(inflation).mean()), float(torch.stack(errors).mean())
