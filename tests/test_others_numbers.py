"""Architectures by the numbers of NATS-Bench and NASLib, read and written."""

from __future__ import annotations

import random

import pytest

from tegnas import InputError, get_space
from tegnas.export import index_text, naslib_text

CELLS = get_space("nas-bench-201")
SIZES = get_space("nats-size")
# NASLib's own examples and converters: edges by source, Identity, Zero, 3×3, 1×1, pool.
NASLIB = {
    "nas-bench-201": (
        "(2, 1, 3, 0, 1, 4)",
        "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|nor_conv_1x1~0|none~1|avg_pool_3x3~2|",
    ),
    "nas-bench-101": (
        "(0, 1, 1, 1, 0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 4, 2, 1)",
        '{"matrix": [[0, 1, 1, 1], [0, 0, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0]], '
        '"ops": ["input", "conv3x3-bn-relu", "maxpool3x3", "output"]}',
    ),
    "darts": (
        "(((0, 3), (1, 3), (0, 3), (1, 3), (1, 3), (0, 2), (0, 2), (2, 5)), "
        "((0, 0), (1, 0), (2, 2), (1, 0), (0, 0), (2, 2), (2, 2), (1, 0)))",
        "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), "
        "('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), "
        "('dil_conv_3x3', 2)], normal_concat=range(2, 6), reduce=[('max_pool_3x3', 0), "
        "('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), "
        "('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], "
        "reduce_concat=range(2, 6))",
    ),
}


@pytest.mark.parametrize(
    ("index", "text"),
    [  # as the authors' scripts assert them
        (0, "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+"
            "|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"),
        (9, "|avg_pool_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"),
        (123, "|avg_pool_3x3~0|+|avg_pool_3x3~0|nor_conv_1x1~1|+"
              "|none~0|avg_pool_3x3~1|nor_conv_3x3~2|"),
    ],
)  # fmt: skip
def test_indices_of_cells_are_the_benchmark_s(index, text):
    assert str(CELLS.parse(f"index:{index}")) == text
    assert index_text(CELLS, CELLS.parse(text)) == f"index:{index}"


def test_indices_of_sizes_are_in_order():
    texts = [str(SIZES.parse(f"index:{index}")) for index in (0, 1, 8, 32767)]
    assert texts == ["8:8:8:8:8", "8:8:8:8:16", "8:8:8:16:8", "64:64:64:64:64"]


@pytest.mark.parametrize("space", [CELLS, SIZES], ids=lambda space: space.name)
def test_every_index_is_written_as_it_is_read(space):
    rng = random.Random(0)
    for index in rng.sample(range(len(space)), 200):
        assert space.benchmark_index(space.parse(f"index:{index}")) == index


@pytest.mark.parametrize("name", NASLIB)
def test_naslib_is_read_and_written(name):
    space = get_space(name)
    numbers, text = NASLIB[name]
    assert space.parse(numbers) == space.parse(text)
    rng = random.Random(1)
    for arch in [space.parse(text), *(space.sample(rng) for _ in range(20))]:
        assert space.parse(naslib_text(space, arch)) == arch


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: CELLS.parse("index:15625"), "indices end at 15624"),
        (lambda: index_text(get_space("darts"), None), "have no numbers"),
        (lambda: naslib_text(SIZES, None), "has no form of NASLib's"),
        (
            lambda: get_space("nas-bench-101").parse("(0, 1, 0, 0, 0, 9)"),
            "no cell as NASLib writes it",
        ),
        (lambda: get_space("nas-bench-101").parse("(0, 2, 0, 0, 0, 1)"), "zeros and ones"),
    ],
)
def test_what_has_no_number_is_one_sentence(call, sentence):
    with pytest.raises(InputError, match=sentence):
        call()
