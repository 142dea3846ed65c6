"""Programs of NATS-Bench size networks, written without making the ``nn.Module``.

The same networks, with the same parameter names, as ``tegnas.networks.nats_size``.
"""

from __future__ import annotations

from collections.abc import Sequence

from tegnas.engine.program import ParameterLayout, Program, ProgramBuilder, Shape
from tegnas.networks.layers import BN_EPSILON, IMAGE_CHANNELS
from tegnas.networks.nasbench201 import EDGES
from tegnas.networks.nasbench201_program import classify, reduction, relu_conv_bn
from tegnas.networks.nats_size import SKIP


def size_program(
    channels: Sequence[int], num_classes: int, image_shape: Shape, layout: ParameterLayout
) -> Program:
    """``SizeNetwork``: cells and reductions are what is searched."""
    first, second, third, fourth, fifth = channels
    build = ProgramBuilder(image_shape, layout)
    build.check_channels(IMAGE_CHANNELS)
    value = build.conv2d(0, "stem.conv", first, (3, 3), padding=(1, 1))
    value = build.batch_norm(value, "stem.bn", BN_EPSILON)
    value = _cell(build, value, "stage0", first)
    value = _cell(build, reduction(build, value, "reduction0", second), "stage1", third)
    value = _cell(build, reduction(build, value, "reduction1", fourth), "stage2", fifth)
    classify(build, value, num_classes)
    return build.build()


def size_thin_program(
    channels: Sequence[int], num_classes: int, image_shape: Shape, layout: ParameterLayout
) -> Program:
    """``SizeThinNetwork``: its ReLUs are the activation pattern."""
    build = ProgramBuilder(image_shape, layout)
    value = 0
    for stage, outputs in enumerate(channels):
        value = _cell(build, value, f"stage{stage}", outputs)
    classify(build, value, num_classes)
    return build.build()


def _cell(build: ProgramBuilder, value: int, name: str, channels: int) -> int:
    nodes = [value]
    for target in (1, 2, 3):
        nodes.append(
            build.add(
                [
                    _edge(build, nodes[source], f"{name}.edge{index}", channels, index == SKIP)
                    for index, (source, end) in enumerate(EDGES)
                    if end == target
                ]
            )
        )
    return nodes[-1]


def _edge(build: ProgramBuilder, value: int, name: str, channels: int, skip: bool) -> int:
    if not skip:
        return relu_conv_bn(build, value, name, channels, 3)
    if build.shapes[value][0] == channels:
        return value
    value = build.conv2d(value, f"{name}.conv", channels, (1, 1), searched=True)
    return build.batch_norm(value, f"{name}.bn", BN_EPSILON, searched=True)
