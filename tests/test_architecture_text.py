"""Architectures in the tables of a terminal."""

from __future__ import annotations

import io
import random

import pytest
from rich.console import Console
from rich.table import Table

from tegnas.cli.architecture_text import ArchitectureText
from tegnas.spaces import get_space

ARCH = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|nor_conv_1x1~0|none~1|avg_pool_3x3~2|"


def shown(text: str, width: int) -> list[str]:
    """The lines of one cell in a table of that width, without its frame."""
    table = Table(show_header=False)
    table.add_column()
    table.add_row(ArchitectureText(text))
    console = Console(file=io.StringIO(), width=width)
    console.print(table)
    return [line.strip("│ ") for line in console.file.getvalue().splitlines()[1:-1]]


def test_lines_end_where_a_term_ends():
    assert shown(ARCH, 45) == [
        "|nor_conv_3x3~0|+|none~0|skip_connect~1|+",
        "|nor_conv_1x1~0|none~1|avg_pool_3x3~2|",
    ]
    assert shown(ARCH, 200) == [ARCH]


def test_a_name_is_folded_only_where_the_column_is_narrower():
    assert shown(ARCH, 10)[:3] == ["|nor_c", "onv_3x", "3~0|+"]


@pytest.mark.parametrize(
    "name", ["nas-bench-201", "nas-bench-101", "darts", "nats-size", "mobilenet", "vit"]
)
def test_nothing_is_lost(name):
    text = str(get_space(name).sample(random.Random(0)))
    for width in (12, 30, 80):
        assert "".join(shown(text, width)).replace(" ", "") == text.replace(" ", "")
