"""Training by Lightning, with the real library."""

from __future__ import annotations

import warnings

import pytest
import torch
from few_digits import few_digits
from real_libraries import real_library

from tegnas.data.dataset import Dataset
from tegnas.spaces import get_space
from tegnas.train import Recipe, train

lightning = real_library("lightning", "lightning")

from tegnas.integrations.lightning import ArchitectureModule  # noqa: E402

SPACE = get_space("nas-bench-201")
ARCH = SPACE.parse(
    "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|nor_conv_1x1~2|"
)
SMALL = {"channels": 4, "cells": 1}
RECIPE = Recipe(epochs=2, batch_size=40, clip=1.0)


@pytest.fixture(scope="module")
def few() -> Dataset:
    return few_digits(100, 50)


def fitted(module: ArchitectureModule, tmp_path) -> lightning.Trainer:
    trainer = lightning.Trainer(
        max_epochs=module.recipe.epochs, accelerator="cpu", logger=False, default_root_dir=tmp_path,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning's hints about numbers of workers
        trainer.fit(module)
    return trainer


def test_it_trains_as_tegnas_does(few, tmp_path):
    expected = train(SPACE, ARCH, few, RECIPE, seed=3, **SMALL)
    module = ArchitectureModule(SPACE, ARCH, few, RECIPE, seed=3, **SMALL)
    trainer = fitted(module, tmp_path)
    state = module.network.state_dict()
    for name, value in expected.network.state_dict().items():
        torch.testing.assert_close(state[name], value, rtol=1e-4, atol=1e-5)
    logged = {name: value.item() for name, value in trainer.callback_metrics.items()}
    last = expected.epochs[-1]
    assert logged["test_accuracy"] == pytest.approx(last.test_accuracy)
    assert logged["train_loss"] == pytest.approx(last.train_loss, rel=1e-4)


def test_dropped_paths_and_auxiliary_heads_are_the_recipe_s(tmp_path):
    few = few_digits(8, 4, size=32)
    space = get_space("darts")
    recipe = Recipe(epochs=2, batch_size=4, drop_path=0.4, auxiliary=0.4)
    arch = space.decode([0] * len(space.choices()))
    module = ArchitectureModule(space, arch, few, recipe, channels=2, cells=3)
    fitted(module, tmp_path)
    assert module.network.drop_path_probability == pytest.approx(0.2)
    assert module(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
