"""Equal images have equal rows in the Jacobian, and kernels say so to the last bit."""

from __future__ import annotations

import torch
from torch import Tensor


def first_equals(images: Tensor, logits: Tensor | None = None) -> Tensor:
    """The number of the first image that equals each, int64 (N,).

    Computed apart, the rows of two equal images differ by rounding, and a kernel that is singular
    looks like one of a condition of 1e12. Nothing here waits for a device.

    Args:
        images: (N, ...), floating point.
        logits: (N, K), where the network may tell equal images apart by their place in the batch:
            images whose logits differ don't count as equal.
    """
    own = torch.arange(len(images), device=images.device)
    if len(images) < 2:
        return own
    flat = images.detach().reshape(len(images), -1)
    generator = torch.Generator().manual_seed(0)
    factors = torch.randn(flat.shape[1], generator=generator, dtype=torch.float64).to(flat.device)
    sums = (flat * factors).sum(1)
    first = (sums[:, None] == sums[None, :]).to(torch.uint8).argmax(1)  # the first of its maxima
    equal = (flat == flat[first]).all(1)
    if logits is not None:
        outputs = logits.detach()
        equal &= torch.isclose(outputs, outputs[first], rtol=1e-3, atol=1e-5).all(1)
    return torch.where(equal, first, own)


def with_equal_rows(kernel: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """The kernel (..., N, N') in which rows and columns of equal images are the same numbers."""
    return kernel.index_select(-2, rows).index_select(-1, columns)
