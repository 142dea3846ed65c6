"""The NAS-Bench-201 space and its networks, against the benchmark's own table."""

from __future__ import annotations

import csv
import random
from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tegnas import get_space
from tegnas.errors import InputError
from tegnas.kernel.ntk import chosen_weights
from tegnas.networks.complexity import count_flops, count_parameters
from tegnas.networks.initialise import initial_value
from tegnas.networks.nasbench201 import EDGES
from tegnas.reference.scores import kernels_by_hooks
from tegnas.spaces.base import small_network_kinds
from tegnas.spaces.nasbench201 import OPERATIONS, NasBench201Architecture

SPACE = get_space("nas-bench-201")
CONVOLUTIONS = NasBench201Architecture(("nor_conv_3x3",) * 6)
LADDER = SPACE.parse(
    "|nor_conv_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|none~0|avg_pool_3x3~1|nor_conv_3x3~2|"
)

architectures = st.builds(
    lambda names: NasBench201Architecture(tuple(names)),
    st.lists(st.sampled_from(OPERATIONS), min_size=6, max_size=6),
)


@pytest.fixture(scope="module")
def rows(shared_data) -> list[dict[str, str]]:
    with (shared_data / "nb201_dev.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def reference(shared_data):
    return np.load(shared_data / "tegnas_reference_nb201.npz")


# Strings


@given(architectures)
def test_parse_reads_what_str_prints(arch):
    assert SPACE.parse(str(arch)) == arch
    assert SPACE.parse(f"  {arch}\n") == arch
    assert hash(SPACE.parse(str(arch))) == hash(arch)


def test_the_string_lists_the_edges_by_target_node():
    arch = NasBench201Architecture(OPERATIONS + ("none",))
    assert str(arch) == (
        "|none~0|+|skip_connect~0|nor_conv_1x1~1|+|nor_conv_3x3~0|avg_pool_3x3~1|none~2|"
    )
    assert EDGES == ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))


def test_every_string_of_the_table_is_read(rows):
    assert all(str(SPACE.parse(row["arch"])) == row["arch"] for row in rows)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a NAS-Bench-201 architecture; it should look like"),
        ("resnet18", "not a NAS-Bench-201 architecture"),
        ("|none~0|+|none~0|none~1|", "not a NAS-Bench-201 architecture"),
        ("|none~0|+|none~0|none~1|+|none~0|none~1|none~2", "not a NAS-Bench-201 architecture"),
        ("|none~0|+|none~0|none~1|+|none|none~1|none~2|", "not a NAS-Bench-201 architecture"),
        ("|none~0|+|none~0|none~1|+||none~0|none~1|none~2|", "not a NAS-Bench-201 architecture"),
        (
            "|conv_7x7~0|+|none~0|none~1|+|none~0|none~1|none~2|",
            "unknown operation 'conv_7x7' .* NAS-Bench-201 has none, skip_connect",
        ),
        ("|none~0|+|none~0|none~1|+|none~0|none~1|none~1|", "node 3 of .* read nodes 0 to 2"),
        ("|none~1|+|none~0|none~1|+|none~0|none~1|none~2|", "node 1 of .* read nodes 0 to 0"),
        ("|none~0|+|none~0|+|none~0|none~1|none~2|", "node 2 of .* must read nodes 0 to 1"),
        ("|none~0|none~1|+|none~0|none~1|+|none~0|none~1|none~2|", "node 1 of"),
        ("|none~00|+|none~0|none~1|+|none~0|none~1|none~2|", "node 1 of"),
        (f"|none~{'9' * 5000}|+|none~0|none~1|+|none~0|none~1|none~2|", "node 1 of"),
        ("|none~٠|+|none~0|none~1|+|none~0|none~1|none~2|", "node 1 of"),
    ],
)
def test_a_wrong_string_is_refused_with_one_sentence(text, message):
    with pytest.raises(InputError, match=message) as caught:
        SPACE.parse(text)
    assert "\n" not in str(caught.value)


def test_spaces_and_kinds_of_network_that_do_not_exist_are_named():
    with pytest.raises(InputError, match="unknown search space 'nas-bench-1'.*nas-bench-201"):
        get_space("nas-bench-1")
    with pytest.raises(InputError, match="unknown kind of network 'tiny'.*proxy, thin, full"):
        SPACE.network(LADDER, "tiny")


# The set of architectures


def test_enumerates_every_architecture_once():
    every = list(SPACE)
    assert len(every) == len(SPACE) == len(set(every)) == len({str(a) for a in every}) == 15625
    assert list(SPACE) == every


def test_samples_are_drawn_evenly_and_from_the_generator_alone():
    rng = random.Random(0)
    drawn = [SPACE.sample(rng) for _ in range(2000)]
    again = random.Random(0)
    random.seed(5)
    assert drawn == [SPACE.sample(again) for _ in range(2000)]
    for edge in range(6):
        counts = Counter(arch.operations[edge] for arch in drawn)
        assert set(counts) == set(OPERATIONS)
        assert all(330 < count < 470 for count in counts.values())


@given(architectures, st.integers(0, 1000))
def test_neighbours_and_mutations_differ_in_one_edge(arch, seed):
    neighbours = list(SPACE.neighbours(arch))
    assert len(neighbours) == len(set(neighbours)) == 24
    for each in neighbours:
        assert sum(a != b for a, b in zip(arch.operations, each.operations, strict=True)) == 1
    assert SPACE.mutate(arch, random.Random(seed)) in neighbours
    assert SPACE.mutate(arch, random.Random(seed)) == SPACE.mutate(arch, random.Random(seed))


def test_every_neighbour_is_an_equally_likely_mutation():
    rng = random.Random(0)
    counts = Counter(SPACE.mutate(LADDER, rng) for _ in range(4800))
    assert set(counts) == set(SPACE.neighbours(LADDER))
    assert all(140 < count < 260 for count in counts.values())


# Isomorphism and connection


def test_there_are_6466_canonical_forms():
    assert len({SPACE.canonical(arch) for arch in SPACE}) == 6466


def test_canonical_forms_are_exactly_the_classes_of_the_benchmark(rows):
    forms, classes = defaultdict(set), defaultdict(set)
    for row in rows:
        form = SPACE.canonical(SPACE.parse(row["arch"]))
        forms[row["iso_class"]].add(form)
        classes[form].add(row["iso_class"])
    assert len(forms) == len(classes) == 3233
    assert all(len(each) == 1 for each in (*forms.values(), *classes.values()))


def has_path(arch: NasBench201Architecture) -> bool:
    """By brute force: whether some chain of increasing nodes from 0 to 3 avoids ``none``."""
    operation = dict(zip(EDGES, arch.operations, strict=True))
    chains = ((0, 3), (0, 1, 3), (0, 2, 3), (0, 1, 2, 3))
    return any(all(operation[edge] != "none" for edge in pairwise(chain)) for chain in chains)


def test_connection_is_having_a_path_without_none():
    unconnected = [arch for arch in SPACE if not SPACE.is_connected(arch)]
    assert unconnected == [arch for arch in SPACE if not has_path(arch)]
    assert len(unconnected) == 341


@given(architectures.filter(SPACE.is_connected))
@settings(max_examples=15)
def test_a_live_part_has_the_kernels_of_the_whole(arch):
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(5, 3, 8, 8, generator=generator, dtype=torch.float64)
    whole, live = (
        kernels_by_hooks(SPACE.network(each).double(), images, images[:2])
        for each in (arch, SPACE.live(arch))
    )
    for expected, kernel in zip(whole, live, strict=True):
        torch.testing.assert_close(kernel, expected, rtol=1e-9, atol=1e-12)


def test_the_space_has_9444_connected_live_parts():
    lives = {SPACE.live(arch) for arch in SPACE if SPACE.is_connected(arch)}
    assert len(lives) == 9444
    assert all(SPACE.live(arch) == arch for arch in lives)


def test_an_unconnected_network_gives_the_same_logits_for_all_images():
    images = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    arch = SPACE.parse("|skip_connect~0|+|none~0|none~1|+|none~0|none~1|skip_connect~2|")
    assert not SPACE.is_connected(arch)
    logits = SPACE.network(arch)(images)
    assert torch.equal(logits, logits[:1].expand_as(logits))


# Networks


def own_keys(reference, index: int, part: str) -> dict[str, tuple[int, ...]]:
    prefix = f"{index}/{part}/"
    return {
        name.removeprefix(prefix): reference[name].shape
        for name in reference.files
        if name.startswith(prefix)
    }


@pytest.mark.parametrize(("kind", "part"), [("proxy", "net"), ("thin", "thin")])
def test_parameters_have_the_names_and_shapes_of_the_reference(reference, kind, part):
    for index, codes in enumerate(reference["archs"]):
        arch = NasBench201Architecture(tuple(OPERATIONS[code] for code in codes))
        network = SPACE.network(arch, kind)
        ours = {name: tuple(each.shape) for name, each in network.named_parameters()}
        assert ours == own_keys(reference, index, part)


def test_parameters_and_operations_of_the_full_network_are_those_of_the_benchmark(rows):
    for row in rows[:: len(rows) // 40]:
        network = SPACE.network(SPACE.parse(row["arch"]), "full")
        assert count_parameters(network) == round(float(row["params_M"]) * 1e6)
        assert count_flops(network) / 1e6 == pytest.approx(float(row["flops_M"]), abs=1e-5)


def test_the_network_of_3x3_convolutions_has_the_published_size():
    network = SPACE.network(CONVOLUTIONS, "full")
    assert count_parameters(network) == 1_531_546
    assert count_flops(network) / 1e6 == pytest.approx(220.12, abs=0.01)


def test_counting_leaves_the_network_as_it_is():
    network = SPACE.network(LADDER).double()
    network.last.eval()
    before = {name: module.training for name, module in network.named_modules()}
    state = {name: each.clone() for name, each in network.state_dict().items()}
    assert count_flops(network) == count_flops(network.float())
    assert before == {name: module.training for name, module in network.named_modules()}
    for name, value in network.double().state_dict().items():
        assert torch.equal(value, state[name])


@pytest.mark.parametrize("kind", ["proxy", "thin", "full", "deep", "deep-thin"])
def test_logits_have_one_column_per_class(kind):
    channels = 1 if "thin" in kind else 3
    network = SPACE.network(LADDER, kind, num_classes=7)
    assert network(torch.zeros(2, channels, 16, 16)).shape == (2, 7)


def test_deep_networks_repeat_the_cell_and_search_nothing_but_cells():
    deep, thin = SPACE.network(LADDER, "deep"), SPACE.network(LADDER, "deep-thin")
    assert [len(stage) for stage in (deep.stage0, deep.stage1, deep.stage2)] == [3, 3, 3]
    assert len(thin.stage0) == 3 and thin.region_input_shape == (1, 2, 2)
    names = chosen_weights(deep, "searched")
    assert names == [name for name in chosen_weights(deep, "all") if name.startswith("stage")]
    assert small_network_kinds(SPACE, "deep") == ("deep", "deep-thin")
    assert small_network_kinds(SPACE, "paper") == ("proxy", "thin")


# Initialisation


def equal_states(left: torch.nn.Module, right: torch.nn.Module) -> bool:
    a, b = left.state_dict(), right.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("kind", ["proxy", "thin", "deep", "deep-thin"])
def test_weights_depend_on_the_seed_alone(kind):
    torch.manual_seed(1)
    first = SPACE.network(LADDER, kind, seed=3)
    torch.manual_seed(2)
    assert equal_states(first, SPACE.network(LADDER, kind, seed=3))
    assert not equal_states(first, SPACE.network(LADDER, kind, seed=4))


def test_making_a_network_leaves_the_global_generator_alone():
    torch.manual_seed(1)
    state = torch.random.get_rng_state()
    SPACE.network(LADDER)
    assert torch.equal(state, torch.random.get_rng_state())


def test_networks_do_not_share_memory():
    first, second = SPACE.network(LADDER), SPACE.network(LADDER)
    with torch.no_grad():
        first.stem.conv.weight.zero_()
    assert second.stem.conv.weight.abs().max() > 0
    assert initial_value(0, "stem.conv.weight", (3, 3, 3, 3)).abs().max() > 0


def test_architectures_share_the_weights_of_the_layers_that_they_share():
    left = dict(SPACE.network(LADDER, seed=1).named_parameters())
    right = dict(SPACE.network(CONVOLUTIONS, seed=1).named_parameters())
    shared = [name for name in left if name in right and left[name].shape == right[name].shape]
    assert "stage1.edge0.conv.weight" in shared
    assert "reduction1.conv_b.conv.weight" in shared
    assert all(torch.equal(left[name], right[name]) for name in shared)


def test_layers_of_equal_shape_differ():
    network = SPACE.network(CONVOLUTIONS)
    weights = [network.get_submodule(f"stage0.edge{edge}.conv").weight for edge in range(6)]
    for index, weight in enumerate(weights):
        assert not any(torch.equal(weight, other) for other in weights[:index])


def test_initialisation_is_kaiming_normal_with_unit_scales_and_zero_biases():
    for name, parameter in SPACE.network(CONVOLUTIONS, "full").named_parameters():
        if parameter.dim() == 4 and parameter.numel() > 5000:
            expected = (2 / parameter[0].numel()) ** 0.5
            assert parameter.std().item() == pytest.approx(expected, rel=0.05), name
            assert abs(parameter.mean().item()) < 0.1 * expected, name
        elif name.endswith("bias"):
            assert parameter.abs().max() == 0, name
        elif ".bn." in name:
            assert torch.equal(parameter, torch.ones_like(parameter)), name
