"""BatchNorm statistics of one pass, noted and used again for a part of its inputs."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from tegnas.kernel.batch_statistics import mean_and_variance, of_torch
from tegnas.kernel.replaced import Replaced


class PassStatistics(Replaced):
    """Notes the statistics of every BatchNorm of a pass, or normalises by those of another.

    Args:
        of: the pass whose statistics are used, call by call; its own where not given.

    Attributes:
        noted: mean and variance of each call.
    """

    def __init__(self, of: PassStatistics | None = None) -> None:
        norm = self._batch_norm
        super().__init__({F.batch_norm: norm, torch.batch_norm: of_torch(norm)})
        self.noted: list[tuple[Tensor, Tensor]] = []
        self._of = of

    def _batch_norm(
        self,
        input: Tensor,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        training: bool = False,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> Tensor:
        if self._of is None:
            mean, variance = mean_and_variance(input)
        else:
            mean, variance = self._of.noted[len(self.noted)]
        self.noted.append((mean, variance))
        with torch._C.DisableTorchFunction():  # else it would be told to use those of the batch
            return F.batch_norm(input, mean, variance, weight, bias, training=False, eps=eps)
