"""Short trainings of candidates on the user's images, here or by workers."""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tegnas.data.choose import choose
from tegnas.data.dataset import Dataset
from tegnas.errors import InputError
from tegnas.refine.halving import Halving, check_optuna
from tegnas.refine.training import Outcome
from tegnas.search.executors import EXECUTORS
from tegnas.search.executors.base import MAX_ATTEMPTS, DiedAgainError
from tegnas.search.executors.processes import ProcessPool
from tegnas.search.executors.ray_cluster import RayPool
from tegnas.spaces import Architecture, Space, get_space
from tegnas.train.log import EpochReport
from tegnas.train.recipe import Recipe, recipe_for
from tegnas.train.run import train

DEFAULT_EPOCHS = 12
_FOLDS = 5

Item = tuple[str, tuple[Outcome, ...]]
"""An architecture's text, and the outcomes of the trainings before it."""


@dataclass(frozen=True)
class _Task:
    """What all trainings have in common; a space from a file travels as its reference."""

    space: Space | str
    dataset: Dataset
    recipe: Recipe
    channels: int | None
    cells: int | None
    seed: int
    device: str
    folder: Path | None
    halving: bool
    folds: int
    threads: int | None


class ShortTrainer:
    """Trains candidates by a short schedule and gives their accuracy on held-out training images.

    One training image in five is held out, the same ones for all candidates; the test images of the
    data set are never looked at, so that what they say of the winner stays true.

    Where images are few, what a fifth of them says is mostly luck. With ``folds`` a candidate is
    trained several times, every time with another fifth held out and from other weights, and its
    accuracy is the mean (cross-validation); all that together is one training.

    Args:
        space: of the candidates.
        dataset: the images (see ``load_dataset``).
        recipe: by default that of the space, for 12 epochs.
        channels, cells: a smaller network than the space's own.
        seed: of weights, order and augmentation, the same for all candidates.
        device: ``"cpu"`` or ``"cuda"``.
        halving: whether a training ends when it isn't in the better half after a quarter or a half
            of its epochs, or of its folds where there are several; needs Optuna.
        folds: how many fifths are held out, one after the other, 1 to 5.
        folder: where checkpoints are kept, so that a training that was killed goes on from its last
            epoch. Without it nothing is kept.
        executor: ``"in-process"``, ``"process"`` or ``"ray"``; workers train with one thread each.
        workers: how many at a time, by default one per core.
        address: of a running Ray cluster.

    Raises:
        InputError: Optuna or Ray is missing where it is needed, the space has no recipe, or there
            are too few images to hold any out.
    """

    def __init__(
        self,
        space: Space,
        dataset: Dataset,
        recipe: Recipe | None = None,
        *,
        channels: int | None = None,
        cells: int | None = None,
        seed: int = 0,
        device: str = "cpu",
        halving: bool = True,
        folds: int = 1,
        folder: str | Path | None = None,
        executor: str = "in-process",
        workers: int | None = None,
        address: str | None = None,
    ) -> None:
        if not 1 <= folds <= _FOLDS:
            raise InputError(f"folds must be 1 to {_FOLDS}, got {folds}")
        if executor not in EXECUTORS:
            raise InputError(f"unknown executor {executor!r}; tegnas has {', '.join(EXECUTORS)}")
        if workers is not None and (workers < 1 or executor == "in-process"):
            raise InputError(
                "workers are for the executors process and ray, and there must be at least 1"
            )
        if address is not None and executor != "ray":
            raise InputError("an address is for the executor ray; choose it by --executor ray")
        if halving:
            check_optuna()
        recipe = recipe or recipe_for(space, dataset.source, epochs=DEFAULT_EPOCHS)
        self._task = _Task(
            space,
            _enough(dataset),
            recipe,
            channels,
            cells,
            seed,
            device,
            None if folder is None else Path(folder).absolute(),
            halving,
            folds,
            None if executor == "in-process" else 1,
        )
        self.workers = 1 if executor == "in-process" else workers or os.cpu_count() or 1
        self._pool: ProcessPool | RayPool | None = None
        if executor != "in-process":
            task = _packed(self._task)
            if executor == "process":
                self._pool = ProcessPool(train_short, task, self.workers)
            else:
                self._pool = RayPool(train_short, task, self.workers, address)

    def knows(self, arch: Architecture) -> bool:
        """Every architecture can be trained."""
        return True

    def truth(self, arch: Architecture) -> float | None:
        """Nobody knows it."""
        return None

    def options(self) -> dict[str, object]:
        """The schedule, the images and the size of the networks."""
        task = self._task
        return {
            "images": task.dataset.source,
            "image_shape": list(task.dataset.images.shape),
            "recipe": asdict(task.recipe),
            "channels": task.channels,
            "cells": task.cells,
            "training_seed": task.seed,
            "halving": task.halving,
            "folds": task.folds,
        }

    def run(
        self,
        archs: Sequence[Architecture],
        before: Sequence[Outcome],
        report: Callable[[float], None],
    ) -> Iterator[tuple[int, Outcome]]:
        """Train some candidates; all of them are compared with those before, not with each other.

        Raises ``InputError`` where workers died over a training again and again.
        """
        if self._pool is None:
            for index, arch in enumerate(archs):
                yield index, _train(self._task, arch, before, report)
            return
        items: list[Item] = [(str(arch), tuple(before)) for arch in archs]
        try:
            yield from self._pool.run(items)
        except DiedAgainError as error:
            raise InputError(
                f"a worker died {MAX_ATTEMPTS} times while it trained {archs[error.index]}; what "
                "was trained before is kept: try fewer --workers if memory is short, or "
                "--executor in-process to see the cause"
            ) from None

    def close(self) -> None:
        """End the workers."""
        if self._pool is not None:
            self._pool.close()


def validated(dataset: Dataset, fold: int = 0) -> Dataset:
    """The training images alone, a fifth of them in the place of the test images.

    As even over the classes as possible; ``InputError`` if there are fewer than five.

    Args:
        fold: which fifth, 0 to 4; no image is in two of them.
    """
    count = len(_enough(dataset).labels)
    held_out = count // _FOLDS
    dealt = np.concatenate(
        choose(dataset.labels.numpy(), held_out, count - held_out, torch.Generator().manual_seed(1))
    )
    chosen = slice(fold * held_out, (fold + 1) * held_out)
    validation, training = dealt[chosen], np.delete(dealt, chosen)
    return replace(
        dataset,
        images=dataset.images[training],
        labels=dataset.labels[training],
        test_images=dataset.images[validation],
        test_labels=dataset.labels[validation],
    )


def _enough(dataset: Dataset) -> Dataset:
    if len(dataset.labels) < _FOLDS:
        raise InputError(f"{dataset.source} has fewer than {_FOLDS} training images; give more")
    return dataset


def train_short(task: bytes, item: Item) -> Outcome:
    """One training, in a worker."""
    arch, before = item
    common = _unpacked(task)
    if common.threads is not None:
        torch.set_num_threads(common.threads)
    assert not isinstance(common.space, str)
    return _train(common, common.space.parse(arch), before, lambda share: None)


def _train(
    task: _Task, arch: Architecture, before: Sequence[Outcome], report: Callable[[float], None]
) -> Outcome:
    steps = task.recipe.epochs if task.folds == 1 else task.folds
    halving = Halving(steps, before) if task.halving else None
    reached: list[float] = []

    def ends(accuracy: float) -> bool:
        reached.append(accuracy)
        report(len(reached) / steps)
        return halving is not None and halving.ends(len(reached), accuracy)

    if task.folds == 1:
        _train_fold(task, arch, 0, lambda epoch: ends(epoch.test_accuracy))
        return Outcome(tuple(reached), len(reached) < steps)
    finals: list[float] = []
    for fold in range(task.folds):
        finals.append(_train_fold(task, arch, fold, None))
        if ends(float(np.mean(finals))):
            break
    return Outcome(tuple(reached), len(reached) < steps)


def _train_fold(
    task: _Task, arch: Architecture, fold: int, stop: Callable[[EpochReport], bool] | None
) -> float:
    assert not isinstance(task.space, str)
    return train(
        task.space,
        arch,
        validated(task.dataset, fold),
        task.recipe,
        channels=task.channels,
        cells=task.cells,
        seed=task.seed + fold,
        device=task.device,
        out=None if task.folder is None else _own_folder(task.folder, arch, fold),
        stop=stop,
    ).test_accuracy


def _own_folder(folder: Path, arch: Architecture, fold: int) -> Path:
    own = hashlib.sha256(str(arch).encode()).hexdigest()[:16]
    return folder / (own if fold == 0 else f"{own}-{fold}")


def _packed(task: _Task) -> bytes:
    try:
        return pickle.dumps(
            replace(task, space=getattr(task.space, "reference", None) or task.space)
        )
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        name: Any = getattr(task.space, "name", task.space)
        raise InputError(
            f"the space {name!r} can't be sent to other processes ({error}); define its functions "
            "at the top of a module, or use --executor in-process"
        ) from None


@lru_cache(maxsize=1)
def _unpacked(task: bytes) -> _Task:
    common: _Task = pickle.loads(task)
    if isinstance(common.space, str):
        common = replace(common, space=get_space(common.space))
    return common
