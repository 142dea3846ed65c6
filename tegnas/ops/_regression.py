"""How well kernels predict one labelled batch from another."""

from __future__ import annotations

import torch
from torch import Tensor

from tegnas.ops._library import register_fake


def kernel_regression_error(
    k_xx: Tensor, k_yx: Tensor, targets_x: Tensor, targets_y: Tensor, *, ridge: float = 0.0
) -> Tensor:
    """Mean over the m images y of |t_y − K_yx (K_xx + ridge·1)⁻¹ T_x|², by Cholesky in float64.

    Source: TEG-NAS (arXiv 2108.11939), section 3.3.

    Args:
        k_xx: kernels of the training images, (..., n, n) with n ≥ 1; lower triangles are read.
        k_yx: kernels between validation and training images, (..., m, n).
        targets_x, targets_y: targets (n, classes) and (m, classes), the same for every kernel.
        ridge: added to the diagonal of ``k_xx``.
        All are float32 or float64.

    Returns:
        float64 tensor (...): the squared error summed over the classes; +inf where a pivot isn't
        above n·ε·(largest diagonal entry), that is ``k_xx`` is singular to working precision, and
        where anything isn't finite.

    Raises:
        ValueError: shapes that don't fit each other.
        TypeError: another dtype.
    """
    return torch.ops.tegnas.kernel_regression_error(k_xx, k_yx, targets_x, targets_y, ridge)


def _fake_kernel_regression_error(k_xx, k_yx, targets_x, targets_y, ridge):
    return k_xx.new_empty(k_xx.shape[:-2], dtype=torch.float64)


register_fake("kernel_regression_error", _fake_kernel_regression_error)
