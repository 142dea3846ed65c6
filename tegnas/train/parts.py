"""The parts of a recipe, for loops of one's own: optimizer, schedule, loss, what epochs change."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim.lr_scheduler import LambdaLR

from tegnas.spaces.recipe import Recipe


def make_optimizer(recipe: Recipe, network: nn.Module) -> torch.optim.SGD:
    """The recipe's stochastic gradient descent."""
    return torch.optim.SGD(
        network.parameters(),
        recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=recipe.nesterov,
    )


def make_scheduler(recipe: Recipe, optimizer: torch.optim.Optimizer) -> LambdaLR:
    """The recipe's learning rate by epoch: call ``step`` at the end of each."""
    return LambdaLR(
        optimizer, lambda epoch: recipe.learning_rate_at(epoch) / (recipe.learning_rate or 1.0)
    )


def begin_epoch(recipe: Recipe, network: nn.Module, epoch: int) -> None:
    """Make ready for an epoch, counted from 0: training mode, probability of dropped paths."""
    network.train()
    if recipe.drop_path:
        network.drop_path_probability = recipe.drop_path_at(epoch)  # type: ignore[assignment]


def logits_and_loss(
    recipe: Recipe, output: Tensor | tuple[Tensor, Tensor], labels: Tensor
) -> tuple[Tensor, Tensor]:
    """Logits (N, K) of what a network put out, and its loss with that of an auxiliary head."""
    if isinstance(output, Tensor):
        return output, cross_entropy(output, labels)
    logits, extra = output
    return logits, cross_entropy(logits, labels) + recipe.auxiliary * cross_entropy(extra, labels)


def clip_gradients(recipe: Recipe, network: nn.Module) -> None:
    """Clip the gradients, where the recipe does, between ``backward`` and the optimizer's step."""
    if recipe.clip:
        nn.utils.clip_grad_norm_(network.parameters(), recipe.clip)


def epoch_generator(seed: int, epoch: int) -> torch.Generator:
    """The generator behind the order of the images of an epoch and their augmentation."""
    return torch.Generator().manual_seed(epoch_seed(seed, epoch))


def epoch_seed(seed: int, epoch: int) -> int:
    """The seed of an epoch of a training."""
    return seed * 1_000_003 + epoch
