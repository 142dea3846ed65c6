"""TransNAS-Bench-101, its micro and its macro space (Duan et al., CVPR 2021, arXiv 2105.11871).

Both tables have the same columns; which one it is, the notation of the architectures tells.
"""

from __future__ import annotations

import re

from tegnas.benchmarks.formats.base import Row, TableFormat

# Top-1 accuracies, the negative loss, the IoU of segmentation, structural similarities.
TASKS = (
    "class_object",
    "class_scene",
    "room_layout",
    "jigsaw",
    "segmentsemantic",
    "normal",
    "autoencoder",
)

_MICRO = re.compile(r"\d+-\d+-\d_\d\d_\d\d\d")
_MACRO = re.compile(r"\d+-\d+-basic")


def _belongs(row: Row, notation: re.Pattern[str]) -> bool:
    return any(task in row for task in TASKS) and notation.fullmatch(row["arch"]) is not None


TRANSNAS_MICRO = TableFormat(
    name="transnas-micro",
    space="transnas-micro",
    columns=("arch",),
    truth=TASKS,
    belongs=lambda row: _belongs(row, _MICRO),
)

TRANSNAS_MACRO = TableFormat(
    name="transnas-macro",
    space="transnas-macro",
    columns=("arch",),
    truth=TASKS,
    belongs=lambda row: _belongs(row, _MACRO),
)
