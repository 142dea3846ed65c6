"""The full network of an architecture with its recipe as a ``LightningModule``.

    module = ArchitectureModule(space, arch, load_dataset("cifar10:DIR"))
    lightning.Trainer(max_epochs=module.recipe.epochs).fit(module)

On one device and with one process it trains as ``tegnas.train`` does: the same first weights, order
of the images, augmentation, learning rate, losses and clipping. What a ``Trainer`` adds (several
devices, precision, callbacks, loggers) is up to the user.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from tegnas.data.dataset import Dataset
from tegnas.integrations.missing import import_extra
from tegnas.networks.full import full_network
from tegnas.spaces import Architecture, Space
from tegnas.train.augment import augment
from tegnas.train.parts import (
    begin_epoch,
    epoch_generator,
    logits_and_loss,
    make_optimizer,
    make_scheduler,
)
from tegnas.train.recipe import Recipe, recipe_for

lightning = import_extra("lightning", "training by Lightning", "lightning")

_TEST_BATCH = 500


_Module: Any = lightning.LightningModule


class ArchitectureModule(_Module):
    """An architecture's full network, the data set that it is trained on, and how.

    Logged are ``train_loss``, ``train_accuracy``, ``test_loss`` and ``test_accuracy`` (percent), by
    epoch. The test images are the validation of Lightning's; nothing is chosen by them.

    Args:
        space: of the architecture.
        arch: the architecture.
        dataset: what ``tegnas.data.dataset.load_dataset`` read.
        recipe: by default the published one of the space.
        channels, cells: of a network that is smaller than the space's own.
        seed: of the first weights, the order of the images and their augmentation.

    Attributes:
        network: the ``nn.Module``, whose ``state_dict`` ``tegnas export`` knows.
        recipe: how it is trained; ``Trainer(max_epochs=module.recipe.epochs)``.

    Raises:
        InputError: the space has no recipe and none is given, or a size is out of range.
    """

    def __init__(
        self,
        space: Space,
        arch: Architecture,
        dataset: Dataset,
        recipe: Recipe | None = None,
        *,
        channels: int | None = None,
        cells: int | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.recipe = recipe or recipe_for(space, dataset.source)
        self.network = full_network(
            space,
            arch,
            channels=channels,
            cells=cells,
            num_classes=dataset.num_classes,
            auxiliary=self.recipe.auxiliary > 0,
            seed=seed,
        )
        self._dataset = dataset
        self._seed = seed
        self._generator = epoch_generator(seed, 0)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, K) of normalised images (N, 3, H, W)."""
        output = self.network(images)
        return output if isinstance(output, Tensor) else output[0]

    def train_dataloader(self) -> DataLoader:
        """The training images as they are stored, in the order of each epoch."""
        images = TensorDataset(self._dataset.images, self._dataset.labels)
        return DataLoader(images, batch_sampler=_EpochBatches(self))

    def val_dataloader(self) -> DataLoader:
        """The test images as they are stored."""
        images = TensorDataset(self._dataset.test_images, self._dataset.test_labels)
        return DataLoader(images, batch_size=_TEST_BATCH)

    def order(self) -> Tensor:
        """The order of the images in the epoch that begins, whose generator augments them then."""
        self._generator = epoch_generator(self._seed, self.current_epoch)
        return torch.randperm(len(self._dataset.images), generator=self._generator)

    def on_train_epoch_start(self) -> None:
        """Training mode, and the probability of dropped paths."""
        begin_epoch(self.recipe, self.network, self.current_epoch)

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        """The loss of a batch of stored images, augmented here."""
        images, labels = batch
        images = augment(self._prepared(images), self.recipe, self._generator)
        logits, loss = logits_and_loss(self.recipe, self.network(images), labels)
        self._log("train", logits, loss, labels)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        """Loss and accuracy on a batch of test images."""
        images, labels = batch
        logits = self(self._prepared(images))
        loss = torch.nn.functional.cross_entropy(logits, labels)
        self._log("test", logits, loss, labels)

    def configure_gradient_clipping(self, optimizer: Any, *_: Any, **__: Any) -> None:
        """As the recipe has it."""
        if self.recipe.clip:
            self.clip_gradients(optimizer, self.recipe.clip, "norm")

    def configure_optimizers(self) -> dict[str, Any]:
        """The recipe's optimizer and schedule."""
        optimizer = make_optimizer(self.recipe, self.network)
        return {"optimizer": optimizer, "lr_scheduler": make_scheduler(self.recipe, optimizer)}

    def _prepared(self, images: Tensor) -> Tensor:
        return self._dataset.prepare(images.cpu()).to(self.device)

    def _log(self, what: str, logits: Tensor, loss: Tensor, labels: Tensor) -> None:
        accuracy = 100 * (logits.detach().argmax(1) == labels).float().mean()
        values = {f"{what}_loss": loss.detach(), f"{what}_accuracy": accuracy}
        self.log_dict(values, on_step=False, on_epoch=True, batch_size=len(labels))


class _EpochBatches:
    """The indices of every batch; each time it is gone through is an epoch."""

    def __init__(self, module: ArchitectureModule) -> None:
        self._module = module

    def __len__(self) -> int:
        return -(-len(self._module._dataset.images) // self._module.recipe.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        for batch in self._module.order().split(self._module.recipe.batch_size):
            yield batch.tolist()
