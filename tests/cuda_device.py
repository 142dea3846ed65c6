"""Why tests and benchmarks of the CUDA side can't run here, in one sentence."""

from __future__ import annotations

import torch

from tegnas import ops


def missing() -> str | None:
    """What is lacking, or None where CUDA kernels can run."""
    if not ops.build_info()["cuda"]:
        return "skipped: this build of tegnas has no CUDA kernels (see docs/cuda.md)"
    if not torch.cuda.is_available():
        return "skipped: there is no GPU here, so nothing was run on one (see docs/cuda.md)"
    return None
