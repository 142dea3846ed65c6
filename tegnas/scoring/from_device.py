"""Results on their way from a GPU, while it goes on to what it is asked for next."""

from __future__ import annotations

import torch
from torch import Tensor


class FromDevice:
    """A tensor that is copied to the CPU as soon as it is computed, and waited for when it is read.

    A copy that is asked for later would have to wait for everything that was begun in between.

    Args:
        computed: on any device; on the CPU it is there already.
    """

    def __init__(self, computed: Tensor) -> None:
        # Into pinned memory, which torch keeps and uses again.
        self._copy = computed.to("cpu", non_blocking=True)
        self._copied: torch.cuda.Event | None = None
        # Tensors without contents, as torch's fake mode has them, need no GPU.
        if computed.is_cuda and torch.cuda.is_initialized():
            self._copied = torch.cuda.Event()
            self._copied.record(torch.cuda.current_stream(computed.device))

    def read(self) -> Tensor:
        """The tensor, on the CPU."""
        if self._copied is not None:
            self._copied.synchronize()
            # Pinned memory is scarce, and what is read may be kept for long.
            self._copy, self._copied = self._copy.clone(), None
        return self._copy
