"""Per-channel normalisation (x − mean) / std on the scale where white is 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

# A channel whose standard deviation is below this is taken as constant: rounding in the sums
# alone can give a constant channel a spread of about 1e-8.
_CONSTANT = 1e-6
_CHUNK = 1024  # images converted to float64 at a time


@dataclass(frozen=True)
class Normalisation:
    """Mean and standard deviation of each channel (or one of each for all channels)."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def of(cls, images: np.ndarray) -> Normalisation:
        """The statistics of ``images`` (N, C, H, W), uint8 (scaled by 1/255) or float."""
        total = np.zeros(images.shape[1])
        squares = np.zeros(images.shape[1])
        for start in range(0, len(images), _CHUNK):
            chunk = images[start : start + _CHUNK].astype(np.float64)
            total += chunk.sum(axis=(0, 2, 3))
            squares += np.square(chunk).sum(axis=(0, 2, 3))
        scale = 255.0 if images.dtype == np.uint8 else 1.0
        pixels = len(images) * images.shape[2] * images.shape[3]
        mean = total / pixels
        std = np.sqrt(np.maximum(squares / pixels - mean**2, 0.0))
        return cls(tuple((mean / scale).tolist()), tuple((std / scale).tolist()))

    def apply(self, images: Tensor) -> Tensor:
        """(images − mean) / std for float32 ``images`` (N, C, H, W); a constant channel is only
        centred, since dividing by its standard deviation of zero would give NaN."""
        mean = torch.tensor(self.mean, dtype=images.dtype).view(1, -1, 1, 1)
        std = torch.tensor([s if s > _CONSTANT else 1.0 for s in self.std], dtype=images.dtype)
        return (images - mean) / std.view(1, -1, 1, 1)
