"""Networks of spaces without programs are traced once for all seeds, where that changes nothing."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest
import torch
from torch import nn
from traced_space import Traced

from tegnas import get_space
from tegnas.scoring.jobs import JobMaker
from tegnas.spaces import ChoiceSpace

SEEDS = (3, 4, 9)


def build(choices: Mapping[str, object], num_classes: int) -> nn.Module:
    width = choices["width"]
    layers = nn.Conv2d(3, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 2))


class Counting(ChoiceSpace):
    """Notes the seeds of the networks that are made."""

    def __init__(self) -> None:
        super().__init__("counting", {"width": (2, 4)}, build)
        self.made: list[int] = []

    def network(self, arch, kind="proxy", *, num_classes=10, seed=0):
        self.made.append(seed)
        return super().network(arch, kind, num_classes=num_classes, seed=seed)


class Scaled(Counting):
    """Weights of its own."""

    def network(self, arch, kind="proxy", *, num_classes=10, seed=0):
        network = super().network(arch, kind, num_classes=num_classes, seed=seed)
        with torch.no_grad():
            network[0].weight.mul_(1 + seed)
        return network


class Silent(Counting):
    """Says nothing about its weights."""

    weights_by_name = False


def jobs_of(space, archs, kind="proxy", shape=(3, 6, 6)):
    maker = JobMaker(space, kind, num_classes=2, image_shape=shape, seeds=SEEDS)
    return maker.make(archs)


@pytest.mark.parametrize(
    ("space", "made"),
    [(Counting(), [3, 3]), (Scaled(), [*SEEDS, *SEEDS]), (Silent(), [*SEEDS, *SEEDS])],
    ids=["by name", "own weights", "silent"],
)
def test_every_seed_has_the_weights_of_its_network(space, made):
    archs = list(space)
    jobs = jobs_of(space, archs)
    assert space.made == made
    networks = [space.network(arch, num_classes=2, seed=seed) for arch in archs for seed in SEEDS]
    expected = [
        torch.cat([each.detach().reshape(-1) for each in network.parameters()])
        for network in networks
    ]
    assert torch.equal(jobs.params, torch.cat(expected))
    assert jobs.offsets.tolist() == torch.tensor([0, *map(len, expected)]).cumsum(0)[:-1].tolist()
    assert jobs.programs.tolist() == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize("name", ["nats-size", "mobilenet"])
def test_the_spaces_that_say_so_have_weights_by_name(name):
    space = Traced(get_space(name))
    arch = space.sample(random.Random(0))
    vectors = jobs_of(space, [arch], "deep", (3, 16, 16)).params.view(len(SEEDS), -1)
    for seed, vector in zip(SEEDS, vectors, strict=True):
        alone = JobMaker(space, "deep", num_classes=2, image_shape=(3, 16, 16), seeds=(seed,))
        assert torch.equal(alone.make([arch]).params, vector)
