"""Accel-NASBench (Ahmad et al., DAC 2024, arXiv 2404.08005): MnasNet networks on ImageNet."""

from __future__ import annotations

from tegnas.benchmarks.formats.base import Row, TableFormat
from tegnas.networks.mnasnet import BLOCKS

# The letters of the notation, and the columns of each block.
_COLUMNS = {"e": "e", "k": "k", "l": "l", "s": "se"}


def _architecture(row: Row) -> str:
    return "-".join(
        "".join(letter + row[f"block{block}_{name}"] for letter, name in _COLUMNS.items())
        for block in range(BLOCKS)
    )


ACCEL_NASBENCH = TableFormat(
    name="mnasnet-imagenet",
    space="mnasnet",
    columns=(
        *(f"block{block}_{name}" for block in range(BLOCKS) for name in _COLUMNS.values()),
        "val_top1",
    ),
    truth=("val_top1", "val_top5"),
    architecture=_architecture,
    published=("params_m", "macs_m"),
)
