"""The NAS-Bench-101 space and its networks, against figures that the benchmark publishes."""

from __future__ import annotations

import itertools
import pickle
import random
from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from test_darts_programs import run, watch_relus

import tegnas
from tegnas import InputError, get_space, ops
from tegnas.data import load_batch
from tegnas.engine.program import ParameterLayout, Part, ProgramBuilder
from tegnas.export import pytorch_source
from tegnas.networks.complexity import count_flops, count_parameters
from tegnas.networks.full import full_network
from tegnas.networks.initialise import initial_vector
from tegnas.networks.nasbench101_cell import (
    OPERATIONS,
    cell_of,
    node_channels,
    orders,
    output_channels,
    rearranged,
)
from tegnas.networks.nasbench101_program import divided_nodes
from tegnas.reference.ntk import with_batch_statistics
from tegnas.reference.scores import kernels_by_hooks
from tegnas.scoring import get_preset
from tegnas.scoring.jobs import JobMaker
from tegnas.scoring.settings import changed
from tegnas.search import Limits, search
from tegnas.spaces import NasBench101, NasBench101Architecture
from tegnas.spaces.factorised import FactorisedSpace
from tegnas.spaces.isomorphism import LivePartSpace
from tegnas.spaces.nasbench101_enumeration import every_cell
from tegnas.spaces.small_size import SmallSize

SPACE = get_space("nas-bench-101")

# The cell that the README of nasbench queries, as it is written there.
INCEPTION = """model_spec = api.ModelSpec(
    # Adjacency matrix of the module
    matrix=[[0, 1, 1, 1, 0, 1, 0],    # input layer
            [0, 0, 0, 0, 0, 0, 1],    # 1x1 conv
            [0, 0, 0, 0, 0, 0, 1],    # 3x3 conv
            [0, 0, 0, 0, 1, 0, 0],    # 5x5 conv (replaced by two 3x3's)
            [0, 0, 0, 0, 0, 0, 1],    # 5x5 conv (replaced by two 3x3's)
            [0, 0, 0, 0, 0, 0, 1],    # 3x3 max-pool
            [0, 0, 0, 0, 0, 0, 0]],   # output layer
    ops=[INPUT, CONV1X1, CONV3X3, CONV3X3, CONV3X3, MAXPOOL3X3, OUTPUT])"""


def samples(count: int, seed: int = 0) -> list[NasBench101Architecture]:
    rng = random.Random(seed)
    return [SPACE.sample(rng) for _ in range(count)]


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Layers of a few channels are too small to share."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


# Texts


@given(st.integers(0, 2**32))
def test_parse_reads_what_str_prints(seed):
    arch = SPACE.sample(random.Random(seed))
    for each in (arch, SPACE.live(arch)):
        assert SPACE.parse(str(each)) == SPACE.parse(f" {each}\n") == each


def test_the_text_is_the_upper_triangle_row_by_row_and_the_operations():
    arch = SPACE.parse("110101|conv1x1|maxpool3x3")
    assert [arch.cell.reads(node) for node in range(4)] == [(), (0,), (0, 1), (2,)]
    assert arch.cell.operations == ("conv1x1", "maxpool3x3")
    assert str(SPACE.parse("1")) == str(SPACE.parse("1|input|output")) == "1"


@pytest.mark.parametrize(
    "text",
    [
        "101101|input|conv3x3-bn-relu|maxpool3x3|output",  # the columns of the table
        "101101|CONV3x3|maxpool3x3",
        "([[0, 1, 0, 1], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]], "
        "['input', 'conv3x3-bn-relu', 'maxpool3x3', 'output'])",
        '{"ops": ["input", "conv3x3-bn-relu", "maxpool3x3", "output"], "matrix": '
        "[[0, 1, 0, 1], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]]}",
        "{'module_adjacency': array([[0, 1, 0, 1], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]], "
        "dtype=int8), 'module_operations': ['input', 'conv3x3-bn-relu', 'maxpool3x3', 'output'], "
        "'trainable_parameters': 1}",
        "[[0, 1, 0, True], [0, 0, 1.0, 0], [0, 0, 0, 1], [0, 0, 0, 0]] ['', 'conv3x3', "
        "'maxpool3x3', '']",
        "ModelSpec(matrix=[[0,1,0,1],[0,0,1,0],[0,0,0,1],[0,0,0,0]], "
        "ops=[INPUT, CONV3X3, MAXPOOL3X3, OUTPUT])",
    ],
)
def test_notations_of_others_are_read(text):
    assert str(SPACE.parse(text)) == "101101|conv3x3|maxpool3x3"


def test_the_specification_of_the_package_is_read_with_its_comments():
    expected = "111010000010001100011|conv1x1|conv3x3|conv3x3|conv3x3|maxpool3x3"
    assert str(SPACE.parse(INCEPTION)) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a NAS-Bench-101 cell; it should look like 111101"),
        ("resnet18", "not a NAS-Bench-101 cell"),
        ("|nor_conv_3x3~0|", "not a NAS-Bench-101 cell"),
        ("[1, 2, 3]", "not a NAS-Bench-101 cell"),
        ("__import__('os')[0]", "not a NAS-Bench-101 cell"),
        ("1101|conv1x1", "'1101' is no upper triangle of a matrix of 3 nodes, which is 3 zeros"),
        ("101|conv5x5", "unknown operation 'conv5x5' .* has conv1x1, conv3x3, maxpool3x3"),
        ("100|conv3x3", "no path leads from its input to its output"),
        ("1" * 21 + "|conv1x1" * 5, "live part has 21 edges, and 9 is the most"),
        ("1" * 28 + "|conv1x1" * 6, "at most 7 nodes, not 8"),
        ("([[0, 1], [1, 0]], ['input', 'output'])", "0 on and below its diagonal"),
        ("([[0, 1], [0, 0]], ['input', 'conv1x1', 'output'])", "a matrix of 2 nodes and 3 ops"),
        ("([[0, 1, 0], [0, 0]], ['input', 'output'])", "must be square"),
        ("{'matrix': [[0, 1], [0, 0]]}", "without a matrix and operations"),
        (
            "([[0, 1], [0, 0]], ['', '']) ([[0, 1, 0], [0, 0, 1], [0, 0, 0]], ['', 'conv1x1', ''])",
            "holds 2 cells; give one",
        ),
    ],
)
def test_a_wrong_text_is_refused_with_one_sentence(text, message):
    with pytest.raises(InputError, match=message) as caught:
        SPACE.parse(text)
    assert "\n" not in str(caught.value)


# The set of architectures


def test_there_are_423624_cells():
    """As the benchmark counts them; each is the first of its class."""
    found = 0
    for adjacency, operations in every_cell():
        found += 1
        if found % 4001 == 0:
            arch = NasBench101Architecture(adjacency, operations)
            assert SPACE.canonical(arch) == arch
    assert found == len(SPACE)


def test_iteration_begins_with_the_smallest_cells():
    first = list(itertools.islice(SPACE, 400))
    assert [str(arch) for arch in first[:4]] == [
        "1",
        "101|conv1x1",
        "101|conv3x3",
        "101|maxpool3x3",
    ]
    assert len({SPACE.canonical(arch) for arch in first}) == 400


def test_samples_are_seven_nodes_and_from_the_generator_alone():
    drawn = samples(300)
    random.seed(5)
    assert drawn == samples(300)
    assert all(len(arch.operations) == 5 for arch in drawn)
    assert all(arch.cell.edges <= 9 for arch in drawn)
    assert len({len(arch.cell.operations) for arch in drawn}) > 3
    counts = Counter(name for arch in drawn for name in arch.operations)
    assert all(430 < counts[name] < 570 for name in OPERATIONS)


@given(st.integers(0, 2**32))
def test_neighbours_and_mutations_differ_in_one_edge_or_operation(seed):
    rng = random.Random(seed)
    arch = SPACE.sample(rng)
    neighbours = list(SPACE.neighbours(arch))
    assert len(set(neighbours)) == len(neighbours) <= 31
    code = SPACE.encode(arch)
    for each in neighbours:
        assert sum(a != b for a, b in zip(code, SPACE.encode(each), strict=True)) == 1
    assert SPACE.mutate(arch, rng) in neighbours


def test_every_valid_change_is_a_neighbour():
    # Without either of its two edges no path is left of this cell.
    assert len(list(SPACE.neighbours(SPACE.parse("101|conv3x3")))) == 31 - 2


def test_small_cells_grow():
    rng = random.Random(0)
    arch = SPACE.parse("1")
    largest = 0
    for _ in range(200):
        arch = SPACE.mutate(arch, rng)
        largest = max(largest, len(arch.cell.operations))
    assert largest > 3


def test_every_combination_of_choices_is_a_cell():
    assert isinstance(SPACE, FactorisedSpace)
    rng = random.Random(1)
    sizes = [len(choice.options) for choice in SPACE.choices()]
    for _ in range(300):
        indices = [rng.randrange(size) for size in sizes]
        arch = SPACE.decode(indices)
        assert SPACE.decode(SPACE.encode(arch)) == arch
    for arch in samples(50):
        assert SPACE.decode(SPACE.encode(arch)) == arch


def test_what_is_no_cell_is_mended_with_the_least_change():
    none = [0] * 21 + [0] * 5
    assert str(SPACE.live(SPACE.decode(none))) == "1"
    full = SPACE.decode([1] * 21 + [0] * 5)
    # The last edges go first, as long as no node is lost with them.
    assert (full.adjacency, full.cell.edges) == ("111100100001000100101", 9)


def test_travels_to_other_processes():
    space = pickle.loads(pickle.dumps(NasBench101(deep=SmallSize(8, 0.5))))
    assert space.deep == SmallSize(8, 0.5)
    assert pickle.loads(pickle.dumps(samples(1)[0])) == samples(1)[0]


# Dead nodes and isomorphism


@pytest.mark.parametrize("adjacency", ["100011", "110010", "101010", "100010"])
def test_dead_nodes_are_no_part_of_the_network(adjacency):
    arch = SPACE.parse(f"{adjacency}|conv3x3|maxpool3x3")
    live = SPACE.live(arch)
    assert str(live) == ("111" if adjacency == "101010" else "101") + "|conv3x3"
    assert SPACE.live(live) == live and SPACE.canonical(arch) == live
    assert list(SPACE.network(arch).state_dict()) == list(SPACE.network(live).state_dict())


@given(st.integers(0, 2**32))
def test_cells_that_differ_in_the_numbering_are_one(seed):
    arch = SPACE.sample(random.Random(seed))
    cell = arch.cell
    for order in orders(cell):
        other = rearranged(cell, order)
        written = NasBench101Architecture(other.adjacency, other.operations)
        assert SPACE.canonical(written) == SPACE.canonical(arch)
    assert len(list(orders(cell))) <= 120
    assert SPACE.canonical(arch).cell.edges == cell.edges


def test_an_operation_or_an_edge_tells_cells_apart():
    texts = ("110011|conv1x1|conv3x3", "110011|conv3x3|conv3x3", "100101|conv1x1|conv3x3",
             "111011|conv1x1|conv3x3", "100101|conv3x3|conv1x1")  # fmt: skip
    assert len({SPACE.canonical(SPACE.parse(text)) for text in texts}) == 5


# Channels and sizes

SMALLEST = "100000111100001001011" + 5 * "|maxpool3x3"
LARGEST = "111100100000100010101" + 5 * "|conv3x3"
TWO, THREE = "110011", "1110001011"  # operations side by side


@pytest.mark.parametrize(
    ("adjacency", "channels", "widths"),
    [
        ("100101", 16, (16, 16)),
        (TWO, 15, (8, 7)),
        (THREE, 15, (5, 5, 5)),
        (THREE, 8, (3, 3, 2)),
        ("1100010101", 16, (16, 16, 16)),
        # Nodes that the output doesn't read have what the widest reader has.
        ("1000110011", 8, (4, 4, 4)),
        ("1000110011", 9, (5, 5, 4)),
        ("1010101101", 15, (8, 7, 7)),
        # Fewer channels than nodes.
        (THREE, 2, (1, 1, 1)),
    ],
)
def test_the_output_divides_its_channels(adjacency, channels, widths):
    cell = cell_of(adjacency, ("conv1x1",) * len(widths))
    assert node_channels(cell, channels) == widths
    assert output_channels(cell, channels) == max(channels, 3 if adjacency == THREE else 0)


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        # Of the queries that the documentation of nasbench shows.
        (INCEPTION, 2_694_282),
        # The first record of its file.
        ("100110100001001010101|conv3x3|maxpool3x3|conv3x3|conv3x3|conv1x1", 8_555_530),
        # The smallest and the largest of all.
        (SMALLEST, 227_274),
        (LARGEST, 49_979_274),
    ],
)
def test_networks_have_the_parameters_of_the_benchmark(text, parameters):
    arch = SPACE.parse(text)
    with torch.device("meta"):
        network = SPACE.network(arch, "full")
    assert count_parameters(network) == SPACE.parameters(arch, 10) == parameters


@pytest.mark.parametrize("arch", samples(3))
def test_sizes_are_those_of_the_network(arch):
    with torch.device("meta"):
        network = SPACE.network(arch, "full", num_classes=7)
    assert SPACE.parameters(arch, 7) == count_parameters(network)
    assert SPACE.flops(arch, 7, (3, 9, 14)) == count_flops(network, (3, 9, 14))


def test_small_networks_are_the_published_one_with_fewer_channels_and_cells():
    arch = SPACE.parse("101|conv3x3")
    space = NasBench101(deep=SmallSize(6, 0.5), deep_thin=SmallSize(2, 0.3))
    deep = space.network(arch, "deep")
    assert [len(deep.get_submodule(f"stage{stage}")) for stage in range(3)] == [2, 2, 2]
    assert deep.stage1.cell0.node1.conv.weight.shape == (12, 12, 3, 3)
    thin = space.network(arch, "deep-thin")
    assert len(thin.stage0) == 1
    assert thin.region_input_shape == (2, 2, 2)
    assert not list(thin.stem.parameters())
    published = SPACE.network(arch, "deep").state_dict()
    assert {name.partition(".")[0] for name in published} == {
        "stem", "stage0", "stage1", "stage2", "classifier"
    }  # fmt: skip
    assert len(published) == len(SPACE.full_network(arch, channels=3, cells=2).state_dict())


@pytest.mark.parametrize("side", [1, 2, 7, 16])
def test_images_of_any_side_are_taken(side):
    arch = samples(1)[0]
    network = SPACE.network(arch, "deep", num_classes=4)
    assert network(torch.randn(3, 3, side, side)).shape == (3, 4)


# Programs

CUT = [
    # A node of two channels read by one of one channel, where three channels are divided by two.
    "1010101101|conv3x3|maxpool3x3|conv1x1",
    # The same with pools, which hand the division on to what they read.
    "1000100111|conv3x3|maxpool3x3|conv1x1",
    "1101100111|maxpool3x3|maxpool3x3|conv3x3",
]


def with_program(arch, kind: str, shape: tuple[int, int, int], seed: int = 2):
    """Network and program of an architecture, in float64, and the parameters of the program."""
    layout = ParameterLayout()
    program = SPACE.program(arch, kind, num_classes=3, image_shape=shape, layout=layout)
    network = SPACE.network(arch, kind, num_classes=3, seed=seed).double()
    assert {name for name, _, _ in layout.entries()} == {
        name for name, _ in network.named_parameters()
    }
    return network, program, initial_vector(layout, seed).double()


def columns(signs: list[torch.Tensor]) -> list[list[bool]]:
    """Signs of every feature over all images, in whatever order the features come."""
    return sorted(torch.cat([each.flatten(1) for each in signs], 1).T.tolist())


@pytest.mark.parametrize("kind", ["proxy", "thin", "deep", "deep-thin"])
@pytest.mark.parametrize("arch", [*map(SPACE.parse, [*CUT, "1"]), *samples(2)], ids=str)
def test_programs_compute_what_networks_compute(kind, arch):
    side = {"thin": 3, "deep-thin": 2}.get(kind)
    shape = (1, side, side) if side else (3, 7, 6)
    network, program, parameters = with_program(arch, kind, shape)
    images = torch.randn(9, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    network = with_batch_statistics(network, "frozen")
    expected_signs, signs = watch_relus(network), []
    with torch.no_grad():
        expected = network(images)
        found = run(program, parameters, images, signs)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
    assert columns(signs) == columns(expected_signs)


@pytest.mark.parametrize("text", [*CUT[:2], "1111011111|conv3x3|maxpool3x3|conv1x1"])
@pytest.mark.parametrize("kind", ["proxy", "deep"])
def test_kernels_of_programs_are_those_of_networks(kind, text):
    network, program, parameters = with_program(SPACE.parse(text), kind, (3, 6, 6))
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.randn(n, 3, 6, 6, dtype=torch.float64, generator=generator) for n in (5, 4))
    jobs = ops.EngineJobs(
        [program.encode(len(parameters))],
        torch.zeros(1, dtype=torch.int64),
        parameters,
        torch.zeros(1, dtype=torch.int64),
    )
    k_all, k_searched, k_cross, _ = ops.engine_ntk(jobs, x, y)
    for found, expected in zip(
        (k_all, k_searched, k_cross), kernels_by_hooks(network, x, y), strict=True
    ):
        torch.testing.assert_close(found[0], expected, rtol=1e-8, atol=1e-10)


def test_kernels_of_traced_networks_are_the_same():
    """Those of a cell that cuts no channels, on images that halve evenly, can be traced."""
    arch = SPACE.parse("110101|conv3x3|maxpool3x3")

    class Traced:
        name = "traced"
        network = staticmethod(SPACE.network)

    x = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    written, traced = (
        ops.engine_ntk(
            JobMaker(space, "deep", num_classes=3, image_shape=(3, 8, 8), seeds=range(2)).make(
                [arch]
            ),
            x,
        )
        for space in (SPACE, Traced())
    )
    for found, expected in zip(written, traced, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_nodes_are_divided_where_a_reader_is_narrower():
    cells = [SPACE.parse(text).cell for text in CUT]
    widths = [(*node_channels(cell, 3), 3) for cell in cells]
    found = [divided_nodes(*each) for each in zip(cells, widths, strict=True)]
    assert found == [{1}, {1, 2}, {1, 2}]
    assert all(not divided_nodes(cell, (*node_channels(cell, 4), 4)) for cell in cells)


def test_a_part_of_a_layer_takes_its_rows():
    layout = ParameterLayout()
    build = ProgramBuilder((2, 4, 4), layout)
    last = build.conv2d(0, "conv", 1, (3, 3), bias=True, part=Part(4, 5))
    build.batch_norm(last, "bn", 1e-5, part=Part(4, 5))
    assert [(name, shape) for name, shape, _ in layout.entries()] == [
        ("conv.weight", (5, 2, 3, 3)), ("conv.bias", (5,)), ("bn.weight", (5,)), ("bn.bias", (5,))
    ]  # fmt: skip
    assert build.shapes[-1] == (1, 2, 2)
    weight, bias = build.instructions[0][-3:-1]
    assert (weight, bias) == (4 * 18, 5 * 18 + 4)


# Scores, table, export


def test_scores_are_those_of_the_live_part():
    assert isinstance(SPACE, LivePartSpace)
    dead, alive = "100011|conv3x3|maxpool3x3", "101|conv3x3"
    scores = tegnas.score(
        [dead, alive], load_batch("noise", train=6, val=6, seed=0), space=SPACE, repeats=2,
        region_samples=64, region_batch_size=64,
    )  # fmt: skip
    assert all(torch.equal(each[0], each[1]) for each in scores.networks.values())


@pytest.mark.parametrize("images", ["noise", "cifar10_dev500.npz"])
def test_searches_run_on_images_of_every_kind(images, request):
    if images != "noise":
        images = str(request.getfixturevalue("shared_data") / images)
    settings = changed(get_preset("best"), repeats=1, region_samples=64, region_batch_size=64)
    batch = load_batch(images, train=6, val=6, seed=0)
    result = search(SPACE, batch, "evolution", 6, settings=settings, limits=Limits(params=9e6),
                    options={"population": 4, "tournament": 2})  # fmt: skip
    assert len(result.history) == 6
    assert all(SPACE.parameters(each.arch, 10) <= 9e6 for each in result.history)


def test_the_table_is_read_whole(shared_data):
    file = shared_data / "benchmarks" / "nb101.csv"
    benchmark = tegnas.load_benchmark(file)
    assert benchmark.name == benchmark.space.name == "nas-bench-101"
    assert list(benchmark.truth) == ["val_mean", "test_mean"]
    rows = [line.split(",") for line in file.read_text().splitlines()[1:]]
    for arch, (_, adjacency, operations, *_) in zip(benchmark.archs, rows, strict=True):
        names = operations.replace("-bn-relu", "").split("|")[1:-1]
        assert str(arch) == "|".join([adjacency, *names])
        assert SPACE.live(arch) == arch
    assert benchmark.truth["val_mean"][-1] == float(rows[-1][3])


@pytest.mark.parametrize("text", [CUT[1], "1", "110101|conv3x3|maxpool3x3"])
@pytest.mark.parametrize(("channels", "cells"), [(3, 1), (4, 2)])
def test_written_network_computes_the_same(text, channels, cells):
    arch = SPACE.parse(text)
    size = {"channels": channels, "cells": cells, "num_classes": 7}
    network = full_network(SPACE, arch, **size)
    source = pytorch_source(SPACE, arch, **size)
    assert max(map(len, source.splitlines())) <= 100
    module: dict = {}
    exec(compile(source, "written.py", "exec"), module)
    written = module["Network"]()
    assert list(written.state_dict()) == list(network.state_dict())
    written.load_state_dict(network.state_dict())
    images = torch.randn(3, 3, 9, 16, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(written(images), network(images))


def test_the_cell_is_drawn_without_its_dead_nodes():
    (graph,) = SPACE.cells(SPACE.parse("100011|conv3x3|maxpool3x3"))
    assert list(graph.nodes) == ["in", "1 conv 3×3", "out"]
    assert [(edge.source, edge.target) for edge in graph.edges] == [
        ("in", "1 conv 3×3"), ("1 conv 3×3", "out")
    ]  # fmt: skip
