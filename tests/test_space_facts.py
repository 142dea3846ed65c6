"""What a space carries: recipe, sizes, drawings, published options; and what happens without."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch

from tegnas import InputError, get_space
from tegnas.networks.complexity import count_flops, count_parameters
from tegnas.networks.full import full_network
from tegnas.search.strategies import make_strategy
from tegnas.spaces import ChoiceSpace
from tegnas.spaces.sizes import full_flops, full_parameters
from tegnas.train import Recipe, recipe_for
from tegnas.train.recipe import USUAL_RECIPE


@pytest.mark.parametrize(
    "name",
    [
        "nas-bench-201",
        "nas-bench-101",
        "transnas-micro",
        "transnas-macro",
        "darts",
        "mobilenet",
        "nats-size",
        "nas-bench-macro",
        "mnasnet",
        "autoformer",
        "pit",
    ],
)
def test_sizes_are_those_of_the_network_in_use(name):
    space, rng = get_space(name), random.Random(3)
    for classes, count in ((10, 2), (7, 1)):
        for _ in range(count):
            arch = space.sample(rng)
            with torch.device("meta"):
                network = space.network(arch, "full", num_classes=classes)
            auxiliary = getattr(network, "auxiliary", None)
            extra = 0 if auxiliary is None else count_parameters(auxiliary)
            assert full_parameters(space, arch, classes) == count_parameters(network) - extra
            assert full_flops(space, arch, classes) == count_flops(network)


def test_sizes_equal_those_of_the_published_table(shared_data):
    import csv

    space = get_space("nas-bench-201")
    with (shared_data / "nb201_dev.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))[::400]
    (params,) = [name for name in rows[0] if name.startswith("param")]
    (flops,) = [name for name in rows[0] if name.startswith("flop")]
    for row in rows:
        arch = space.parse(row["arch"])
        assert full_parameters(space, arch) / 1e6 == pytest.approx(float(row[params]), abs=1e-6)
        assert full_flops(space, arch) / 1e6 == pytest.approx(float(row[flops]), abs=1e-4)


def test_published_options_are_the_spaces_own():
    bench201, darts = get_space("nas-bench-201"), get_space("darts")
    for strategy, option, values in (
        ("reinforce", "learning_rate", (0.04, 0.07)),
        ("prune", "drop", (1, 3)),
    ):
        found = [make_strategy(strategy, each, 0).options()[option] for each in (bench201, darts)]
        assert tuple(found) == values


def plain_space() -> ChoiceSpace:
    return ChoiceSpace("plain", {"width": (2, 4)}, lambda taken, classes: torch.nn.Linear(2, 2))


def test_a_space_without_a_recipe_is_trained_by_a_usual_one():
    space = plain_space()
    assert recipe_for(space, "cifar10:x") == USUAL_RECIPE
    space.recipe = replace(Recipe(), epochs=3)
    assert recipe_for(space, "digits").epochs == 3


def test_a_space_without_sizes_has_one():
    with pytest.raises(InputError, match="networks of plain have one size"):
        full_network(plain_space(), next(iter(plain_space())), channels=4)
