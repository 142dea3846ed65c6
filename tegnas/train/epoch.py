"""One pass over the training images, and one over the test images."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from tegnas.data.dataset import Dataset
from tegnas.train.augment import augment
from tegnas.train.parts import (
    begin_epoch,
    clip_gradients,
    epoch_generator,
    epoch_seed,
    logits_and_loss,
)
from tegnas.train.recipe import Recipe

_TEST_BATCH = 500


@dataclass(frozen=True)
class Pass:
    """Mean loss and percentage of right answers."""

    loss: float
    accuracy: float


def train_epoch(
    network: nn.Module,
    dataset: Dataset,
    recipe: Recipe,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
    *,
    seed: int,
    epoch: int,
    device: torch.device,
) -> Pass:
    """Train on every image once.

    Order, augmentation and dropped paths are a function of ``seed`` and ``epoch`` alone, so a
    training that was stopped between two epochs goes on exactly as one that was not.
    """
    begin_epoch(recipe, network, epoch)
    for group in optimizer.param_groups:
        group["lr"] = recipe.learning_rate_at(epoch)
    generator = epoch_generator(seed, epoch)
    order = torch.randperm(len(dataset.images), generator=generator)
    loss_sum = torch.zeros((), device=device, dtype=torch.float64)
    right = torch.zeros((), device=device, dtype=torch.int64)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(epoch_seed(seed, epoch))  # of the dropped paths
        for chosen in order.split(recipe.batch_size):
            labels = dataset.labels[chosen].to(device, non_blocking=True)
            images = dataset.prepare(dataset.images[chosen]).to(device, non_blocking=True)
            images = augment(images, recipe, generator)
            with torch.autocast(device.type, enabled=device.type == "cuda"):
                logits, loss = logits_and_loss(recipe, network(images), labels)
            optimizer.zero_grad(set_to_none=True)
            scaler.scale(loss).backward()
            if recipe.clip:
                scaler.unscale_(optimizer)
                clip_gradients(recipe, network)
            scaler.step(optimizer)
            scaler.update()
            loss_sum += loss.detach().double() * len(chosen)
            right += (logits.detach().argmax(1) == labels).sum()
    count = len(dataset.images)
    return Pass(loss_sum.item() / count, 100 * right.item() / count)


@torch.no_grad()
def test_epoch(network: nn.Module, dataset: Dataset, device: torch.device) -> Pass:
    """Loss and accuracy on the test images, with the running statistics of BatchNorm."""
    network.eval()
    loss, right = 0.0, 0
    for images, labels in zip(
        dataset.test_images.split(_TEST_BATCH), dataset.test_labels.split(_TEST_BATCH), strict=True
    ):
        labels = labels.to(device)
        with torch.autocast(device.type, enabled=device.type == "cuda"):
            output = network(dataset.prepare(images).to(device))
            logits = output if isinstance(output, Tensor) else output[0]
        loss += cross_entropy(logits.float(), labels, reduction="sum").item()
        right += int((logits.argmax(1) == labels).sum())
    count = len(dataset.test_images)
    return Pass(loss / count, 100 * right / count)
