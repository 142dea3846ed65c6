"""The DARTS space: text, sampling, mutation, distance, canonical form."""

from __future__ import annotations

import math
import random
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tegnas import InputError, get_space
from tegnas.spaces import DartsArchitecture
from tegnas.spaces.darts_architecture import OPERATIONS
from tegnas.spaces.factorised import FactorisedSpace, Supernet, SupernetSpace

SPACE = get_space("darts")
PUBLISHED = (  # DARTS, second order (arXiv 1806.09055, figures 4 and 5); inputs out of order
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), "
    "('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), "
    "('dil_conv_3x3', 2)], normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0), "
    "('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), "
    "('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], "
    "reduce_concat=[2, 3, 4, 5])"
)
SHORT = (
    "normal skip_connect~0 sep_conv_3x3~1 none~0 dil_conv_5x5~2 sep_conv_5x5~1 avg_pool_3x3~3 "
    "max_pool_3x3~0 dil_conv_3x3~4 reduce skip_connect~0 skip_connect~1 none~0 none~1 none~0 "
    "none~1 none~0 none~1"
)
seeds = st.integers(0, 2**32)


@st.composite
def architectures(draw, operations=("none", *OPERATIONS)) -> DartsArchitecture:
    cells = []
    for _ in range(2):
        cell = []
        for node in range(4):
            inputs = draw(st.permutations(range(node + 2)))[:2]
            cell += [(draw(st.sampled_from(operations)), source) for source in inputs]
        cells.append(tuple(cell))
    return DartsArchitecture(*cells)


# Text


@given(architectures())
def test_parse_reads_what_str_prints(arch):
    assert SPACE.parse(str(arch)) == arch
    assert SPACE.parse(f"\n {arch} ") == arch
    short = " ".join(
        f"{name} " + " ".join(f"{operation}~{source}" for operation, source in cell)
        for name, cell in zip(("normal", "reduce"), arch.cells, strict=True)
    )
    assert SPACE.parse(short) == arch
    assert hash(SPACE.parse(short)) == hash(arch)


def test_the_usual_text_is_read_whatever_the_order_of_inputs():
    arch = SPACE.parse(PUBLISHED)
    assert arch.normal[4:] == (
        ("skip_connect", 0),
        ("sep_conv_3x3", 1),
        ("skip_connect", 0),
        ("dil_conv_3x3", 2),
    )
    text = str(arch)
    assert text.startswith("Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ")
    assert "], normal_concat=range(2, 6), reduce=[('max_pool_3x3', 0), " in text
    assert text.endswith("('skip_connect', 2)], reduce_concat=range(2, 6))")
    assert SPACE.parse(text) == arch


def test_the_order_of_the_two_inputs_makes_no_difference():
    swapped = SHORT.replace("none~0 dil_conv_5x5~2", "dil_conv_5x5~2 none~0")
    assert swapped != SHORT and SPACE.parse(swapped) == SPACE.parse(SHORT)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("dil_conv_3x3~4", "conv_7x7~4", "unknown operation 'conv_7x7' at node 3 of the normal"),
        ("dil_conv_3x3~4", "dil_conv_3x3~5", "node 3 of the normal cell can't read input 5"),
        ("dil_conv_3x3~4", "", "the normal cell needs 8 pairs .* not 7"),
        ("dil_conv_3x3~4", "none~4 none~3", "not 9"),
        ("dil_conv_3x3~4", "dil_conv_3x3", "is not a DARTS architecture; it should look like"),
        ("dil_conv_3x3~4", "dil_conv_3x3~-1", "is not a DARTS architecture"),
        ("reduce", "reduced", "is not a DARTS architecture"),
        (SHORT, "", "'' is not a DARTS architecture"),
        (SHORT, "normal reduce", "the normal cell needs 8 pairs .* not 0"),
        (SHORT, "{skip_connect}", "1 edges instead of 28"),
        (SHORT, "Genotype(" * 500, "is not a DARTS architecture"),
        (SHORT, "resnet18\0", "is not a DARTS architecture"),
    ],
)
def test_malformed_short_text_is_refused(old, new, message):
    assert old in SHORT
    with pytest.raises(InputError, match=message):
        SPACE.parse(SHORT.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("('dil_conv_3x3', 2)", "('dil_conv_3x3', 9)", "can't read input 9; it has inputs 0 to 4"),
        ("('dil_conv_3x3', 2)", "('dil_conv_3x3', 2.0)", "can't read input 2.0"),
        ("('dil_conv_3x3', 2)", "('dil_conv_3x3', True)", "can't read input True"),
        ("('dil_conv_3x3', 2)", "(2, 'dil_conv_3x3')", "unknown operation 2"),
        ("('dil_conv_3x3', 2)", "'dil_conv_3x3'", "where a pair .* should be"),
        ("('dil_conv_3x3', 2)", "print('evaluated')", "is not a DARTS architecture"),
        (", ('dil_conv_3x3', 2)", "", "the normal cell needs 8 pairs .* not 7"),
        ("[('max", "7 or [('max", "is not a DARTS architecture"),
        ("normal_concat=[2, 3, 4, 5]", "normal_concat=range(2, 7)", "normal_concat must name nod"),
        (
            "normal_concat=[2, 3, 4, 5]",
            "normal_concat=[1, 4, 5]",
            "inputs 0 and 1 can't be put",
        ),
        ("normal_concat=[2, 3, 4, 5]", "normal_concat=[5, 4, 5]", "each once"),
        ("normal_concat=[2, 3, 4, 5]", "normal_concat=[]", "normal_concat must name nodes"),
        ("normal_concat=[2, 3, 4, 5]", "normal_concat=[2.0]", "normal_concat must name nodes"),
        ("normal_concat=[2, 3, 4, 5]", "normal_concat=range(x)", "is not a DARTS architecture"),
        ("normal_concat=[2, 3, 4, 5], ", "", "is not a DARTS architecture"),
        ("reduce_concat", "stem=3, reduce_concat", "is not a DARTS architecture"),
        ("Genotype", "Pair", "is not a DARTS architecture"),
    ],
)
def test_malformed_genotypes_are_refused_and_never_evaluated(old, new, message, capsys):
    assert old in PUBLISHED
    with pytest.raises(InputError, match=message):
        SPACE.parse(PUBLISHED.replace(old, new))
    assert capsys.readouterr().out == ""


# A node that reads one input twice, as pruned by edges

TWICE = SHORT.replace("none~0 dil_conv_5x5~2", "sep_conv_3x3~0 max_pool_3x3~0").replace(
    "none~", "skip_connect~"
)
SAME = SHORT.replace("none~0 dil_conv_5x5~2", "sep_conv_3x3~0 sep_conv_3x3~0").replace(
    "none~", "skip_connect~"
)


def test_a_node_may_read_one_input_twice():
    arch = SPACE.parse(TWICE)
    assert arch.normal[2:4] == (("max_pool_3x3", 0), ("sep_conv_3x3", 0))
    assert SPACE.parse(str(arch)) == arch and SPACE.is_connected(arch)
    swapped = TWICE.replace("sep_conv_3x3~0 max_pool_3x3~0", "max_pool_3x3~0 sep_conv_3x3~0")
    assert swapped != TWICE and SPACE.parse(swapped) == arch
    assert SPACE.canonical(SPACE.canonical(arch)) == SPACE.canonical(arch)


@pytest.mark.parametrize("text", [TWICE, SAME])
def test_neighbours_of_such_an_architecture_are_different_ones(text):
    arch = SPACE.parse(text)
    neighbours = list(SPACE.neighbours(arch))
    assert len(set(neighbours)) == len(neighbours) and arch not in neighbours
    assert all(SPACE.distance(arch, each) == 1 for each in neighbours)
    assert SPACE.mutate(arch, random.Random(0)) in neighbours


def test_such_an_architecture_is_no_combination_of_choices():
    with pytest.raises(InputError, match="reads input 0 twice is no choice"):
        SPACE.encode(SPACE.parse(SAME))


# Cells that put out fewer nodes

FEWER = PUBLISHED.replace("normal_concat=[2, 3, 4, 5]", "normal_concat=range(4, 6)")


def test_cells_may_put_out_fewer_nodes():
    arch = SPACE.parse(FEWER)
    assert (arch.normal_concat, arch.reduce_concat) == ((4, 5), (2, 3, 4, 5))
    assert SPACE.parse(str(arch)) == arch and "normal_concat=[4, 5], " in str(arch)
    assert arch != SPACE.parse(PUBLISHED) and SPACE.distance(arch, SPACE.parse(PUBLISHED)) == 2
    assert SPACE.parse(FEWER.replace("range(4, 6)", "[5, 4]")) == arch
    assert all(each.normal_concat == (4, 5) for each in SPACE.neighbours(arch))
    assert SPACE.canonical(SPACE.canonical(arch)) == SPACE.canonical(arch)
    with pytest.raises(InputError, match="put out fewer nodes are no choice"):
        SPACE.encode(arch)


def test_the_nodes_put_out_are_renumbered_with_the_others():
    alike = "('sep_conv_3x3', 0), ('sep_conv_3x3', 1), "
    pairs = f"{alike}{alike}('skip_connect', 0), ('skip_connect', 1), ('none', 0), ('none', 1)"
    cell = "Genotype(normal=[{}], normal_concat=[{}], reduce=[{}], reduce_concat=range(2, 6))"
    first, second, third = (
        SPACE.canonical(SPACE.parse(cell.format(pairs, node, pairs))) for node in (2, 3, 4)
    )
    assert first == second != third


def test_a_cell_is_cut_if_what_it_puts_out_reads_nothing():
    through = "('skip_connect', 0), ('none', 1), " * 3 + "('none', 0), ('none', 1)"
    cell = "Genotype(normal=[{0}], normal_concat=[{1}], reduce=[{0}], reduce_concat=range(2, 6))"
    found = [SPACE.is_connected(SPACE.parse(cell.format(through, each))) for each in ("2", "5")]
    assert found == [True, False]


# Size and drawing


def test_the_size_is_the_published_one():
    inputs = [1, 3, 6, 10]  # pairs of inputs of the four nodes
    assert len(SPACE) == (math.prod(inputs) * 7**8) ** 2 == 1_076_746_950_455_072_400
    with pytest.raises(InputError, match=r"1\.1e\+18 architectures, too many to go through"):
        list(SPACE)


def test_samples_are_uniform():
    rng = random.Random(0)
    counts = Counter()
    for _ in range(4200):
        arch = SPACE.sample(rng)
        for name, cell in zip(("normal", "reduce"), arch.cells, strict=True):
            counts.update((name, place, operation) for place, (operation, _) in enumerate(cell))
            counts.update((name, "inputs", cell[2 * n][1], cell[2 * n + 1][1], n) for n in range(4))
    expected = {
        key: 4200 / (math.comb(key[-1] + 2, 2) if key[1] == "inputs" else 7) for key in counts
    }
    assert len(counts) == 2 * (8 * 7 + 1 + 3 + 6 + 10)
    squares = sum((counts[key] - expected[key]) ** 2 / expected[key] for key in counts)
    freedom = 2 * (8 * 6 + 0 + 2 + 5 + 9)
    assert abs(squares - freedom) < 4 * math.sqrt(2 * freedom)


@given(seeds)
def test_drawing_depends_on_the_generator_alone(seed):
    random.seed(0)
    first, again = random.Random(seed), random.Random(seed)
    arch = SPACE.sample(first)
    assert SPACE.sample(again) == arch
    assert SPACE.mutate(arch, first) == SPACE.mutate(arch, again)
    assert "none" not in str(arch)


# Neighbours and distance


@given(architectures(OPERATIONS), seeds)
def test_a_mutation_is_a_neighbour(arch, seed):
    mutant = SPACE.mutate(arch, random.Random(seed))
    assert mutant != arch and SPACE.parse(str(mutant)) == mutant
    assert SPACE.distance(arch, mutant) == 1
    neighbours = list(SPACE.neighbours(arch))
    assert mutant in neighbours and arch in SPACE.neighbours(mutant)
    assert len(neighbours) == len(set(neighbours)) == 2 * (8 * 6 + 2 * (0 + 1 + 2 + 3))
    assert all(SPACE.distance(arch, each) == 1 for each in neighbours)


def test_every_neighbour_is_drawn_equally_often():
    arch, rng = SPACE.sample(random.Random(1)), random.Random(2)
    counts = Counter(SPACE.mutate(arch, rng) for _ in range(6000))
    assert len(counts) == 120 and 20 <= min(counts.values()) and max(counts.values()) <= 90


def test_none_mutates_away_and_never_comes():
    arch = SPACE.parse(SHORT)
    neighbours = list(SPACE.neighbours(arch))
    assert len(set(neighbours)) == len(neighbours) == 120 + 7
    assert max(str(each).count("none") for each in neighbours) == 7
    assert min(str(each).count("none") for each in neighbours) == 6


@given(architectures(), architectures(), architectures())
def test_distance_is_a_metric(first, second, third):
    assert (SPACE.distance(first, second) == 0) == (first == second)
    assert SPACE.distance(first, second) == SPACE.distance(second, first)
    assert SPACE.distance(first, third) <= sum(
        SPACE.distance(left, right) for left, right in pairwise((first, second, third))
    )


@given(architectures(OPERATIONS), seeds, st.integers(1, 6))
def test_distance_is_at_most_the_number_of_mutations(arch, seed, mutations):
    rng, mutant = random.Random(seed), arch
    for _ in range(mutations):
        mutant = SPACE.mutate(mutant, rng)
    assert SPACE.distance(arch, mutant) <= mutations


def test_moving_an_input_past_the_other_is_one_change():
    moved = SHORT.replace("sep_conv_5x5~1 avg_pool_3x3~3", "avg_pool_3x3~3 sep_conv_5x5~2")
    past = SHORT.replace("sep_conv_5x5~1 avg_pool_3x3~3", "avg_pool_3x3~0 sep_conv_5x5~1")
    for text in (moved, past):
        assert SPACE.distance(SPACE.parse(SHORT), SPACE.parse(text)) == 1


# Isomorphism


@given(architectures(), st.permutations(range(4)))
def test_renumbered_nodes_share_a_canonical_form(arch, order):
    cell = arch.normal
    pairs = [cell[2 * node : 2 * node + 2] for node in range(4)]
    place = {0: 0, 1: 1} | {2 + node: 2 + index for index, node in enumerate(order)}
    moved = [(name, place[source]) for node in order for name, source in pairs[node]]
    if any(source >= index // 2 + 2 for index, (_, source) in enumerate(moved)):
        return  # a node would come before one that it reads
    renumbered = DartsArchitecture(tuple(moved), arch.reduce)
    assert SPACE.canonical(renumbered) == SPACE.canonical(arch)


@given(architectures())
def test_canonical_forms_are_their_own(arch):
    canonical = SPACE.canonical(arch)
    assert SPACE.canonical(canonical) == canonical
    for cell, form in zip(arch.cells, canonical.cells, strict=True):
        assert sorted(name for name, _ in cell) == sorted(name for name, _ in form)


def test_nodes_that_look_alike_are_still_two():
    # Nodes 0 and 1 are equal; nodes 2 and 3 read one of them twice, or one each.
    alike = "skip_connect~0 sep_conv_3x3~1 skip_connect~0 sep_conv_3x3~1"
    one = f"{alike} none~0 sep_conv_5x5~2 none~1 sep_conv_5x5~2"
    each = f"{alike} none~0 sep_conv_5x5~2 none~1 sep_conv_5x5~3"
    rest = SHORT[SHORT.index("reduce") :]
    forms = [SPACE.canonical(SPACE.parse(f"normal {cell} {rest}")) for cell in (one, each)]
    assert forms[0] != forms[1]


@given(architectures(OPERATIONS))
def test_without_none_everything_is_connected(arch):
    assert SPACE.is_connected(arch)


def test_a_cell_that_reads_neither_input_is_a_cut():
    through = "skip_connect~1 none~0 none~1 none~0 none~1 none~0 none~1 none~0"
    cut = "none~0 none~1 none~0 skip_connect~2 none~1 sep_conv_3x3~2 sep_conv_3x3~2 none~0"
    connected = {
        (normal, reduce): SPACE.is_connected(SPACE.parse(f"normal {normal} reduce {reduce}"))
        for normal in (through, cut)
        for reduce in (through, cut)
    }
    assert [pair for pair, is_connected in connected.items() if is_connected] == [(through,) * 2]


# What policies and pruning see


@given(architectures(OPERATIONS))
def test_an_architecture_is_a_combination_of_choices(arch):
    indices = SPACE.encode(arch)
    choices = SPACE.choices()
    assert isinstance(SPACE, FactorisedSpace) and SPACE.decode(indices) == arch
    assert len(indices) == len(choices) == 22
    assert all(
        0 <= index < len(choice.options) for index, choice in zip(indices, choices, strict=True)
    )


def test_none_is_no_choice():
    with pytest.raises(InputError, match="none is no choice"):
        SPACE.encode(SPACE.parse(SHORT))


def test_pruning_ends_in_an_architecture():
    assert isinstance(SPACE, SupernetSpace)
    supernet, rng, kept = SPACE.supernet(), random.Random(0), []
    with pytest.raises(InputError, match="no single path yet"):
        SPACE.single_path(supernet)
    while groups := SPACE.removals(supernet):
        kept.append({group.keep for group in groups})
        supernet = supernet.without(rng.choice(group.removals) for group in groups)
        assert SPACE.parse(str(supernet)) == supernet and SPACE.is_connected(supernet)
    # 7 operations to 1 on every edge, then one node after another to 2 of its 3, 4 or 5 edges.
    assert kept == [{1}] * 6 + [{2}] * (2 * (1 + 2 + 3))
    arch = SPACE.single_path(supernet)
    assert SPACE.parse(str(arch)) == arch and SPACE.removals(supernet) == ()
    assert not SPACE.is_connected(Supernet((("none",),) * 28))
