"""The native engine as a CUDA graph: recorded once, replayed with other numbers."""

from __future__ import annotations

import torch
from torch import Tensor

from tegnas.errors import InputError
from tegnas.ops._engine import EngineJobs, engine_ntk

# Since then, pinned memory of a recorded copy stays as it is for as long as the graph lives.
_OLDEST_TORCH = (2, 13)


class RecordedNtk:
    """One ``engine_ntk`` call as a CUDA graph, for the same programs on batches of the same shape.

    A replay costs one launch of the host in place of about a hundred, and no planning: worth it
    where few networks are computed again and again, for other weights or other images. The graph
    holds its own operands, results and workspace until the object is deleted.

    Args:
        jobs, x, y, batch_norm, outputs: as of ``engine_ntk``; on a GPU.

    Raises:
        InputError: operands that aren't on a GPU, or a torch older than 2.13.
        ValueError, TypeError: as ``engine_ntk``.
    """

    def __init__(
        self,
        jobs: EngineJobs,
        x: Tensor,
        y: Tensor | None = None,
        *,
        batch_norm: str = "frozen",
        outputs: str = "sum",
    ) -> None:
        if x.device.type != "cuda":
            raise InputError(f"a CUDA graph needs images on a GPU, got {x.device}; use engine_ntk")
        if tuple(int(part) for part in torch.__version__.split(".")[:2]) < _OLDEST_TORCH:
            raise InputError(f"recording needs torch 2.13 or later, this is {torch.__version__}")
        self._operands = tuple(
            each.to(x.device, copy=True) for each in (jobs.params, x, x[:0] if y is None else y)
        )
        params, x, y = self._operands
        fixed = EngineJobs(jobs.codes, jobs.programs, params, jobs.offsets)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.device(x.device):
            # Once before, because a recording must not be what loads the kernels.
            engine_ntk(fixed, x, y, batch_norm=batch_norm, outputs=outputs)
            torch.cuda.synchronize()
            with torch.cuda.graph(self._graph):
                k_all, k_searched, k_cross, _ = engine_ntk(
                    fixed, x, y, batch_norm=batch_norm, outputs=outputs
                )
        self._kernels = (k_all, k_searched, k_cross)

    def __call__(
        self, *, params: Tensor | None = None, x: Tensor | None = None, y: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The kernels for new parameters or images; what isn't given stays as it was.

        Enqueued on the current stream. They, the kernels of ``engine_ntk``, are overwritten by the
        next call.

        Raises:
            InputError: an operand of another shape or dtype than was recorded.
        """
        for name, fixed, new in zip(
            ("params", "x", "y"), self._operands, (params, x, y), strict=True
        ):
            if new is None:
                continue
            if new.shape != fixed.shape or new.dtype != fixed.dtype:
                raise InputError(
                    f"{name} was recorded as {fixed.dtype} of shape {tuple(fixed.shape)}, got "
                    f"{new.dtype} of shape {tuple(new.shape)}; record it again"
                )
            fixed.copy_(new, non_blocking=True)
        self._graph.replay()
        return self._kernels
