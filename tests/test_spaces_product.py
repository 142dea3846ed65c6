"""Spaces that are products of choices: the size space, MobileNet stages, the user's own."""

from __future__ import annotations

import math
import pickle
import random
from itertools import islice

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tegnas import load_batch, score
from tegnas.engine.lowering import lower_module
from tegnas.errors import InputError
from tegnas.networks.complexity import count_parameters
from tegnas.regions import count_regions, region_inputs
from tegnas.spaces import ChoiceSpace, MobileNetSpace, Space, get_space, space_names
from tegnas.spaces.base import DeepSpace
from tegnas.spaces.factorised import FactorisedSpace
from tegnas.spaces.small_size import SmallSize


def build(choices, num_classes):
    return nn.Sequential(
        nn.Flatten(), nn.Linear(48, choices["width"]), nn.ReLU(), nn.LazyLinear(num_classes)
    )


TOY = ChoiceSpace("toy", {"width": (4, 8), "act": ("relu", "none", "tanh")}, build)
SPACES = [
    *map(
        get_space,
        (
            "nats-size",
            "mobilenet",
            "nas-bench-macro",
            "mnasnet",
            "autoformer",
            "pit",
            "nas-bench-201",
            "transnas-micro",
        ),
    ),
    TOY,
]


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)
class TestEverySpace:
    def test_is_a_factorised_space(self, space):
        assert isinstance(space, Space)
        assert isinstance(space, FactorisedSpace)

    @given(seed=st.integers(0, 2**32))
    def test_text_and_indices_read_back(self, space, seed):
        arch = space.sample(random.Random(seed))
        assert space.parse(str(arch)) == arch
        assert space.decode(space.encode(arch)) == arch

    @given(seed=st.integers(0, 2**32))
    def test_mutations_are_neighbours(self, space, seed):
        rng = random.Random(seed)
        arch = space.sample(rng)
        neighbours = list(space.neighbours(arch))
        assert (
            len(set(neighbours))
            == len(neighbours)
            == sum(len(choice.options) - 1 for choice in space.choices())
        )
        assert space.mutate(arch, rng) in neighbours
        assert arch not in neighbours

    def test_enumerates_without_repeats(self, space):
        first = list(islice(space, 500))
        assert len(set(first)) == len(first) == min(500, len(space))

    def test_travels_to_other_processes(self, space):
        again = pickle.loads(pickle.dumps(space))
        arch = space.sample(random.Random(0))
        assert again.parse(str(arch)) == arch


@pytest.mark.parametrize("name", ["nats-size", "mobilenet"])
@pytest.mark.parametrize("kind", ["proxy", "deep", "full"])
def test_networks_give_logits_and_can_be_lowered(name, kind):
    space = get_space(name)
    network = space.network(space.sample(random.Random(1)), kind, num_classes=7)
    assert network(torch.randn(2, 3, 32, 32)).shape == (2, 7)
    if kind != "full":
        lower_module(network, (3, 16, 16))


@pytest.mark.parametrize("name", ["nats-size", "mobilenet"])
@pytest.mark.parametrize("kind", ["thin", "deep-thin"])
def test_thin_networks_differ_in_regions(name, kind):
    space, rng = get_space(name), random.Random(1)
    counts = set()
    for _ in range(4):
        thin = space.network(space.sample(rng), kind)
        inputs = region_inputs(thin.region_input_shape, samples=1000, batch_size=1000, seed=0)
        counts.add(count_regions(thin, inputs))
    assert len(counts) == 4
    assert max(counts) < 1000


def test_deep_networks_keep_their_depth_and_the_proportion_of_their_widths():
    sizes, stages = get_space("nats-size"), MobileNetSpace(deep=SmallSize(6, depth=0.5))
    deep = sizes.network(sizes.parse("8:16:24:64:40"), "deep")
    convolutions = [m for m in deep.modules() if isinstance(m, nn.Conv2d)]
    assert {conv.out_channels for conv in convolutions} == {3, 6, 9, 24, 15}
    deep = stages.network(stages.parse("w12d1k3e3-w48d2k3e3-w64d3k3e3-w160d3k3e3"), "deep")
    blocks = [deep.get_submodule(f"stage{index}") for index in range(4)]
    assert [len(each) for each in blocks] == [1, 1, 2, 2]
    assert [each.block0.project.conv.out_channels for each in blocks] == [6, 24, 32, 80]
    assert (deep.stem.conv.out_channels, deep.head.conv.out_channels) == (8, 160)


@pytest.mark.parametrize(
    ("text", "parameters"),
    # As the benchmark itself states them.
    [("8:8:8:8:8", 11_714), ("8:8:16:40:40", 107_826), ("64:64:64:64:64", 713_674)],
)
def test_size_networks_have_the_parameters_of_the_benchmark(text, parameters):
    space = get_space("nats-size")
    assert count_parameters(space.network(space.parse(text), "full")) == parameters


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("nats-size", "8:8:8:8", "8:16:32:64:64"),
        ("nats-size", "8:8:8:8:9", "8:16:32:64:64"),
        ("mobilenet", "w16d2k3e6", "should look like"),
        ("mobilenet", "w16d2k3e6-w32d2k7e6-w64d3k5e6-w128d2k3e3", "stage 1 .* k7; .* k3, k5"),
    ],
)
def test_malformed_architectures_are_named(name, text, message):
    with pytest.raises(InputError, match=message):
        get_space(name).parse(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [("width=4", "choices are width, act"), ("width=5,act=relu", "width=5.* has 4, 8")],
)
def test_malformed_architectures_of_own_spaces_are_named(text, message):
    with pytest.raises(InputError, match=message):
        TOY.parse(text)


@pytest.mark.parametrize(
    ("choices", "message"),
    [({}, "no choices"), ({"a": ()}, "different printed forms"), ({"a": (1, "1")}, "'1', '1'"),
     ({"a,b": (1,)}, "comma")],
)  # fmt: skip
def test_wrong_choices_are_named(choices, message):
    with pytest.raises(InputError, match=message):
        ChoiceSpace("wrong", choices, build)


class TestDeepNetworksOfOnesOwn:
    @staticmethod
    def build(choices, num_classes, width=1.0, depth=1.0):
        channels = max(1, round(choices["channels"] * width))
        layers = [nn.Conv2d(3, channels, 1), nn.ReLU()]
        for _ in range(math.ceil(choices["blocks"] * depth)):
            layers += [nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU()]
        pool = nn.AdaptiveAvgPool2d(1), nn.Flatten()
        return nn.Sequential(*layers, *pool, nn.Linear(channels, num_classes))

    def space(self, **options):
        choices = {"channels": (16, 32), "blocks": (1, 4)}
        return ChoiceSpace("own", choices, self.build, **options)

    def test_it_has_none_unless_its_channels_are_given(self):
        assert not isinstance(self.space(), DeepSpace)
        with pytest.raises(InputError, match="choose one of proxy, thin, full"):
            self.space().network(next(iter(self.space())), "deep")

    def test_they_have_the_share_of_the_channels_that_the_rule_asks_for(self):
        space = self.space(channels=16)
        assert isinstance(space, DeepSpace)
        arch = space.parse("channels=32,blocks=4")
        widths = {
            kind: space.network(arch, kind)[0].out_channels for kind in ("full", *space.deep_kinds)
        }
        assert widths == {"full": 32, "deep": 6, "deep-thin": 2}
        assert space.network(arch, "deep-thin").region_image_side == 2
        assert space.network(arch, "thin").region_image_side == 3

    def test_they_are_never_wider_than_the_network_and_as_deep_as_asked(self):
        space = self.space(channels=16, deep=SmallSize(64, depth=0.5))
        deep = space.network(space.parse("channels=16,blocks=4"), "deep")
        assert deep[0].out_channels == 16
        assert sum(isinstance(layer, nn.Conv2d) for layer in deep) == 1 + 2

    def test_a_thin_builder_of_ones_own_is_kept(self):
        space = self.space(channels=16, thin=lambda choices, classes: nn.Conv2d(3, 5, 1))
        assert space.network(next(iter(space)), "deep-thin").out_channels == 5

    def test_a_builder_that_cannot_be_narrowed_is_named(self):
        with pytest.raises(InputError, match="by a share, .* the keyword width, or leave channels"):
            ChoiceSpace("own", {"width": (4, 8)}, build, channels=4)
        with pytest.raises(InputError, match="channels must be at least 1, got 0"):
            self.space(channels=0)


class TestSpaceFiles:
    def test_loads_a_space_and_says_where_from(self, tmp_path):
        file = tmp_path / "mine.py"
        file.write_text(
            "from torch import nn\nfrom tegnas.spaces import ChoiceSpace\n"
            "def build(choices, n):\n    return nn.Linear(choices['w'], n)\n"
            "def make():\n    return ChoiceSpace('mine', {'w': (1, 2)}, build)\n"
            "SPACE = make()\n"
        )
        space = get_space(f"{file}:SPACE")
        assert (space.name, len(space)) == ("mine", 2)
        assert get_space(f"{file}:make").name == "mine"
        assert get_space(space.reference).fingerprint == space.fingerprint
        file.write_text(file.read_text() + "# changed\n")
        assert get_space(space.reference).fingerprint != space.fingerprint

    @pytest.mark.parametrize(
        ("text", "name", "message"),
        [
            ("SPACE = 1", "SPACE", "is a int and not a search space"),
            ("SPACE = 1", "OTHER", "has no space called OTHER"),
            ("1 / 0", "SPACE", "can't be run .ZeroDivisionError"),
            ("SPACE = 1", "", "as FILE.py:NAME"),
        ],
    )
    def test_wrong_files_are_named(self, tmp_path, text, name, message):
        file = tmp_path / "mine.py"
        file.write_text(text)
        with pytest.raises(InputError, match=message):
            get_space(f"{file}:{name}")

    def test_missing_files_are_named(self, tmp_path):
        with pytest.raises(InputError, match="can't be read"):
            get_space(f"{tmp_path / 'absent.py'}:SPACE")


@pytest.mark.parametrize("name", space_names())
@pytest.mark.parametrize("kind", ["proxy", "thin", "full"])
def test_making_a_network_leaves_the_random_state_alone(name, kind):
    space = get_space(name)
    arch = space.sample(random.Random(0))
    before = torch.random.get_rng_state()
    space.network(arch, kind)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_networks_that_cannot_take_the_inputs_of_the_region_count_are_named():
    def flat(choices, num_classes):
        width = 30 * choices["width"]
        return nn.Sequential(
            nn.Flatten(), nn.Linear(48, width), nn.ReLU(), nn.Linear(width, num_classes)
        )

    batch = load_batch("noise", train=8, val=4, size=4)
    few = {"repeats": 1, "region_samples": 50, "engine": "torch"}
    choices = {"width": (4, 8)}
    wrong = ChoiceSpace("flat", choices, flat, region_input_shape=(3, 3, 3))
    with pytest.raises(InputError, match="flat can't take the inputs .* 3×3×3 .*; give"):
        score(wrong, batch, space=wrong, indicators="linear_regions", **few)
    # Where nobody chose them, they are like the images, which say little, and that is said.
    space = ChoiceSpace("flat", choices, flat)
    scores = score(space, batch, space=space, **few)
    assert "kernel_rank" in scores.settings.names
