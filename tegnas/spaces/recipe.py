"""How networks of a space are trained: a fact that a space carries."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tegnas.errors import InputError


@dataclass(frozen=True)
class Recipe:
    """Stochastic gradient descent with momentum and a cosine schedule.

    Attributes:
        epochs, batch_size: of the training.
        learning_rate: of the first epoch; falls to 0 along half a cosine.
        weight_decay, momentum, nesterov: of ``torch.optim.SGD``.
        clip: largest norm of the gradient; 0 for none.
        flip: mirror half of the images.
        crop_padding: pixels of padding before a random crop of the original size; 0 for none.
        cutout: side of the square blanked in each image; 0 for none.
        drop_path: probability, in the last epoch, of leaving out a path; rises linearly.
        auxiliary: weight of the loss of the auxiliary head; 0 for none.
    """

    epochs: int = 200
    batch_size: int = 256
    learning_rate: float = 0.1
    weight_decay: float = 5e-4
    momentum: float = 0.9
    nesterov: bool = True
    clip: float = 0.0
    flip: bool = True
    crop_padding: int = 4
    cutout: int = 0
    drop_path: float = 0.0
    auxiliary: float = 0.0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("learning_rate", "weight_decay", "momentum", "clip", "cutout", "auxiliary"):
            if not getattr(self, name) >= 0:
                raise InputError(f"{name} must be 0 or more, got {getattr(self, name)}")
        if not 0 <= self.drop_path < 1:
            raise InputError(f"drop_path must be from 0 to below 1, got {self.drop_path}")

    def learning_rate_at(self, epoch: int) -> float:
        """The learning rate of an epoch, counted from 0."""
        return self.learning_rate * (1 + math.cos(math.pi * epoch / self.epochs)) / 2

    def drop_path_at(self, epoch: int) -> float:
        """The probability of leaving out a path in an epoch, counted from 0."""
        return self.drop_path * epoch / self.epochs
