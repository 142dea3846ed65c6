"""Sizes of NAS-Bench-101 networks, from the shapes of their convolutions."""

from __future__ import annotations

from collections.abc import Iterator

from tegnas.networks.layers import IMAGE_CHANNELS
from tegnas.networks.nasbench101 import STAGES, kernel_size_of
from tegnas.networks.nasbench101_cell import Cell, node_channels, output_channels


def network_size(
    cell: Cell,
    channels: int,
    cells: int,
    num_classes: int,
    image_shape: tuple[int, int, int],
) -> tuple[int, int]:
    """Parameters and FLOPs of ``NasBench101Network``, see ``count_flops``."""
    _, height, width = image_shape
    parameters, flops = _convolution(IMAGE_CHANNELS, channels, 3, height * width)
    current = channels
    for stage in range(STAGES):
        if stage:
            height, width = -(-height // 2), -(-width // 2)
        for _ in range(cells):
            for shape in _convolutions(cell, current, channels << stage):
                added = _convolution(*shape, height * width)
                parameters, flops = parameters + added[0], flops + added[1]
            current = output_channels(cell, channels << stage)
    linear = (current + 1) * num_classes
    return parameters + linear, flops + linear


def _convolutions(cell: Cell, in_channels: int, channels: int) -> Iterator[tuple[int, int, int]]:
    """Input channels, output channels and kernel size of every convolution of a cell."""
    widths = (*node_channels(cell, channels), output_channels(cell, channels))
    for node, width in enumerate(widths, start=1):
        if 0 in cell.reads(node):
            yield in_channels, width, 1
        if node < cell.output and (size := kernel_size_of(cell.operations[node - 1])):
            yield width, width, size


def _convolution(inputs: int, outputs: int, size: int, pixels: int) -> tuple[int, int]:
    """Parameters, those of the BatchNorm included, and FLOPs."""
    weights = inputs * outputs * size**2
    return weights + 2 * outputs, weights * pixels
