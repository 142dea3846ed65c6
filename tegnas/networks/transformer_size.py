"""Sizes of vision transformers without making them: parameters, and operations for one image.

Operations are counted as by ``count_flops``. Every image is brought to the size that it is cut at,
so that they are the same for all.
"""

from __future__ import annotations

from collections.abc import Sequence

from tegnas.networks.layers import IMAGE_CHANNELS
from tegnas.networks.pit import PiTStage
from tegnas.networks.transformer import Cut

_Size = tuple[int, int]


def autoformer_size(
    width: int, layers: Sequence[tuple[int, float]], cut: Cut, num_classes: int
) -> _Size:
    """Parameters and operations of an ``AutoFormerNetwork``."""
    tokens = 1 + cut.grid**2
    blocks = [_block(width, heads, ratio, tokens) for heads, ratio in layers]
    learned = width + tokens * width  # class token and positions
    return _sum(_patches(width, cut), (learned, 0), *blocks, _head(width, num_classes))


def pit_size(stages: Sequence[PiTStage], ratio: float, cut: Cut, num_classes: int) -> _Size:
    """Parameters and operations of a ``PiTNetwork``."""
    grid, width = cut.grid, stages[0].width
    parts = [_patches(width, cut), (width + grid**2 * width, 0)]
    for index, stage in enumerate(stages):
        if index:
            grid = (grid + 1) // 2
            parts.append(_pool(width, stage.width, grid))
        width = stage.width
        parts += [_block(width, stage.heads, ratio, 1 + grid**2)] * stage.depth
    return _sum(*parts, _head(width, num_classes))


def _linear(inputs: int, outputs: int, positions: int = 1) -> _Size:
    size = inputs * outputs + outputs
    return size, size * positions


def _norm(width: int) -> _Size:
    return 2 * width, 0


def _patches(width: int, cut: Cut) -> _Size:
    weights = width * IMAGE_CHANNELS * cut.patch**2
    return weights + width, weights * cut.grid**2


def _block(width: int, heads: int, ratio: float, tokens: int) -> _Size:
    inner, hidden = heads * max(1, round(width / heads)), int(width * ratio)
    return _sum(
        _norm(width),
        _linear(width, 3 * inner, tokens),
        (0, 2 * tokens**2 * inner),  # queries with keys, and their weights with values
        _linear(inner, width, tokens),
        _norm(width),
        _linear(width, hidden, tokens),
        _linear(hidden, width, tokens),
    )


def _pool(width: int, out_width: int, grid: int) -> _Size:
    weights = 9 * out_width
    return _sum((weights + out_width, weights * grid**2), _linear(width, out_width))


def _head(width: int, num_classes: int) -> _Size:
    return _sum(_norm(width), _linear(width, num_classes))


def _sum(*sizes: _Size) -> _Size:
    return sum(each for each, _ in sizes), sum(each for _, each in sizes)
