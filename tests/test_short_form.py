"""Short forms of architectures: told apart, read back, and what every space has."""

from __future__ import annotations

import random

import pytest
from tiny_space import TinySpace
from torch import nn

from tegnas import InputError, get_space
from tegnas.spaces import ChoiceSpace, space_names
from tegnas.spaces.factorised import Choice, Supernet
from tegnas.spaces.short_form import choice_code, read_choice_code, short_form


@pytest.mark.parametrize("name", space_names())
def test_short_forms_are_read_back(name):
    space, rng = get_space(name), random.Random(1)
    archs = {space.sample(rng) for _ in range(40)}
    shorts = {short_form(space, arch): arch for arch in archs}
    assert len(shorts) == len(archs)
    for text, arch in shorts.items():
        assert len(text) <= 17 and space.parse(text) == arch and space.parse(f" {text}\n") == arch


# They stand in logs and papers: a change would make those unreadable.
@pytest.mark.parametrize(
    ("name", "short", "text"),
    [
        (
            "nas-bench-201", "302142",
            "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|avg_pool_3x3~1"
            "|nor_conv_1x1~2|",
        ),
        ("nas-bench-101", "1p-13", "111101|conv1x1|conv3x3"),
        ("mobilenet", "2kns", "w12d1k5e3-w32d3k3e3-w64d3k5e6-w160d2k3e3"),
        ("transnas-macro", "64-1234-basic", "64-1234-basic"),
        ("nats-size", "8:16:32:64:64", "8:16:32:64:64"),
    ],
)  # fmt: skip
def test_short_forms_stay_as_they_are(name, short, text):
    space = get_space(name)
    assert space.parse(short) == space.parse(text)
    assert short_form(space, space.parse(text)) == short


def test_architectures_that_differ_in_a_stage_differ_in_a_letter():
    space = get_space("mobilenet")
    arch = space.parse("2kns")
    for other in space.neighbours(arch):
        assert sum(a != b for a, b in zip("2kns", space.short(other), strict=True)) == 1


def test_groups_of_choices_are_numbers_with_as_many_letters_as_they_need():
    choices = (
        Choice("a.x", tuple("123")), Choice("a.y", tuple("12345")), Choice("b", tuple("12")),
        Choice("c many", tuple(map(str, range(40)))),
    )  # fmt: skip
    assert choice_code(choices, (2, 4, 1, 36)) == "e-1-10"
    assert read_choice_code(choices, "e-1-10") == (2, 4, 1, 36)
    for wrong in ("f-1-10", "e-2-10", "e-1-14", "e110", "e-1-1", "E-1-10", ""):
        assert read_choice_code(choices, wrong) is None


def test_own_spaces_have_a_code_where_their_text_is_long():
    def build(taken, classes):
        return nn.Linear(1, classes)

    short = ChoiceSpace("small", {"width": (8, 16), "depth": (1, 2)}, build)
    arch = short.parse("width=16,depth=1")
    assert short_form(short, arch) == "width=16,depth=1" and short.parse("10") == arch
    options = {f"stage{index}.{name}": (1, 2, 3) for index in range(4) for name in ("wide", "deep")}
    long = ChoiceSpace("long", options, build)
    arch = long.sample(random.Random(0))
    assert len(short_form(long, arch)) == 4 and long.parse(short_form(long, arch)) == arch


def test_what_has_no_short_form_is_written_whole():
    space, tiny = get_space("darts"), TinySpace()
    supernet = space.supernet()
    assert isinstance(supernet, Supernet) and short_form(space, supernet) == str(supernet)
    assert short_form(tiny, next(iter(tiny))) == "1-1-bn"
    arch = space.sample(random.Random(0))
    outside = space.parse(str(arch).replace(arch.normal[0][0], "none", 1))
    assert space.parse(short_form(space, outside)) == outside


@pytest.mark.parametrize("text", ["999999", "zzzz", "1-13", "00000-1"])
def test_letters_that_are_no_architecture_are_refused(text):
    for name in ("nas-bench-201", "nas-bench-101", "darts", "pit"):
        with pytest.raises(InputError):
            get_space(name).parse(text)
