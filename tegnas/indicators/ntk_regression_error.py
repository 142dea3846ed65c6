"""Generalization as the paper has it: the test error of regression with the NTK."""

from __future__ import annotations

from torch import Tensor

from tegnas import ops
from tegnas.indicators.base import GENERALIZATION, LOWER, Indicator
from tegnas.indicators.sources import SEARCHED, Kernel, Kernels


def _error(kernels: Kernels) -> Tensor:
    assert kernels.cross is not None
    assert kernels.targets is not None and kernels.val_targets is not None
    return ops.kernel_regression_error(
        kernels.searched,
        kernels.cross,
        kernels.targets,
        kernels.val_targets,
        ridge=kernels.ridge,
    )


NTK_REGRESSION_ERROR = Indicator(
    name="ntk_regression_error",
    symbol="MSE",
    title="test error of regression with the neural tangent kernel",
    role=GENERALIZATION,
    better=LOWER,
    source=Kernel(weights=SEARCHED, validation=True),
    compute=_error,
    citation="TEG-NAS, arXiv 2108.11939, section 3.3",
    log_scale=True,
    version=2,
)
