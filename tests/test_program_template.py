"""Programs chosen from a template are, word for word, those that are written one by one."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from tegnas import get_space, ops
from tegnas.engine.program import ParameterLayout
from tegnas.engine.template import TemplateBuilder, TemplateWriter
from tegnas.scoring.jobs import JobMaker

SHAPES = {"proxy": (3, 16, 16), "deep": (3, 16, 16), "thin": (1, 3, 3), "deep-thin": (1, 2, 2)}
KINDS = [
    ("nas-bench-201", "proxy"),
    ("nas-bench-201", "deep"),
    ("nas-bench-201", "thin"),
    ("nas-bench-201", "deep-thin"),
    ("darts", "proxy"),
    ("darts", "thin"),
    ("transnas-micro", "deep"),
    ("transnas-micro", "deep-thin"),
    ("darts", "deep"),
    ("darts", "deep-thin"),
]


def sampled(space, count: int) -> list:
    rng = random.Random(0)
    return [space.sample(rng) for _ in range(count)]


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_a_template_writes_what_is_written_one_by_one(name, kind):
    space, layout = get_space(name), ParameterLayout()
    shape = (3, 3, 3) if (name, kind) == ("darts", "thin") else SHAPES[kind]
    like = {"num_classes": 7, "image_shape": shape, "layout": layout}
    # Kernels of cells without a path are never computed, so their programs may differ.
    archs = [a for a in sampled(space, 120) if "thin" in kind or space.is_connected(a)]
    writer = TemplateWriter(space.program_template(kind, **like))
    expected = [space.program(arch, kind, **like).encode(layout.size) for arch in archs]
    got = writer.write(np.array(space.template_options(archs)), layout.size)
    assert len(got) == len(archs) and list(got) == expected


def test_darts_with_none_comes_from_the_template_too():
    space, layout = get_space("darts"), ParameterLayout()
    half = "none~0 skip_connect~1 none~0 none~2 sep_conv_3x3~1 none~3 max_pool_3x3~0 none~4"
    arch = space.parse(f"normal {half} reduce {half}")
    like = {"num_classes": 3, "image_shape": (3, 8, 8), "layout": layout}
    writer = TemplateWriter(space.program_template("proxy", **like))
    expected = space.program(arch, "proxy", **like).encode(layout.size)
    assert writer.write(np.array(space.template_options([arch])), layout.size)[0] == expected


@pytest.mark.parametrize("name", ["nas-bench-201", "darts", "transnas-micro"])
def test_a_supernet_is_not_a_choice_from_the_template(name):
    space = get_space(name)
    assert space.template_options([*sampled(space, 1), space.supernet()]) is None


def test_many_architectures_have_the_kernels_that_each_has_alone():
    """Many come from a template, one doesn't."""
    space = get_space("nas-bench-201")
    archs = [arch for arch in sampled(space, 60) if space.is_connected(arch)][:20]

    def maker() -> JobMaker:
        return JobMaker(
            space, "deep", num_classes=4, image_shape=(3, 8, 8), seeds=range(2), device="cpu"
        )

    x = torch.randn(5, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    together = ops.engine_ntk(maker().make(archs), x)
    alone = [ops.engine_ntk(maker().make([arch]), x) for arch in archs]
    for kernels, single in zip(together, zip(*alone, strict=True), strict=True):
        assert torch.equal(kernels, torch.cat(single))


# Templates by hand


def builder() -> TemplateBuilder:
    return TemplateBuilder((2, 4, 4), ParameterLayout())


def test_what_was_not_chosen_is_not_written_and_nothing_spreads():
    build = builder()
    first = build.choose(0, [lambda: None, lambda: build.relu(0)])
    second = build.choose(1, [lambda: None, lambda: 0])
    total = build.or_zeros(build.add([first, build.relu(second)]))
    build.global_avg_pool(total)
    writer = TemplateWriter(build.template(2, whole=False))
    options = np.array([[0, 0], [1, 0], [0, 1], [1, 1]])
    opcodes = [
        [words[at] for at in _begins(words)] for words in writer.write(options, parameters=0)
    ]
    zeros, relu, add, pool = 7, 3, 6, 11
    assert opcodes == [[zeros, pool], [relu, pool], [relu, pool], [relu, relu, add, pool]]


def test_a_whole_template_writes_what_the_result_does_not_need():
    build = builder()
    build.relu(0)
    build.choose(0, [lambda: build.relu(0), lambda: None])
    build.global_avg_pool(0)
    lengths = {}
    for whole in (False, True):
        writer = TemplateWriter(build.template(1, whole=whole))
        lengths[whole] = [len(_begins(words)) for words in writer.write(np.array([[1]]), 0)]
    assert lengths == {False: [1], True: [2]}


def _begins(words: list[int]) -> list[int]:
    """Where the instructions of a program begin."""
    begins, at = [], 6
    while at < len(words):
        begins.append(at)
        at += words[at + 1]
    return begins


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (np.array([[0, 0], [2, 0]]), "program 1: option 2 of edge 0 does not exist"),
        (np.array([[0, -1]]), "option -1 of edge 1 does not exist"),
        (np.array([[0, 0]]), "nothing is left"),
        (np.array([[0]]), r"options must be \(programs, 2\)"),
        (np.array([0, 0]), r"options must be \(programs, 2\)"),
    ],
)
def test_options_that_are_not_there_are_refused(options, sentence):
    build = builder()
    first = build.choose(0, [lambda: None, lambda: 0])
    second = build.choose(1, [lambda: None, lambda: 0])
    build.relu(build.add([first, second]))
    writer = TemplateWriter(build.template(2, whole=False))
    if "program 1" in sentence:
        options[0] = [1, 0]
    with pytest.raises(ValueError, match=sentence):
        writer.write(options, 0)


def test_words_that_are_no_template_are_refused():
    build = builder()
    build.relu(build.choose(0, [lambda: None, lambda: 0]))
    words = build.template(1, whole=False).encode()
    ops.write_programs(words, np.array([[1]]), 0)
    for at, value in [(3, -1), (5, 0), (5, 99), (7, 2), (7, 2**40), (9, 1), (9, -2), (11, 5)]:
        broken = words.copy()
        broken[at] = value
        with pytest.raises(ValueError, match="template"):
            ops.write_programs(broken, np.array([[1]]), 0)
    for length in range(len(words)):
        with pytest.raises(ValueError, match="template"):
            ops.write_programs(words[:length], np.array([[1]]), 0)


def test_rows_without_a_number_are_not_programs_without_end():
    build = builder()
    build.relu(0)
    words = build.template(0, whole=False).encode()
    with pytest.raises(ValueError, match="at most 2\\^22 programs"):
        ops.write_programs(words, np.zeros((2**40, 0), dtype=np.int64), 0)
