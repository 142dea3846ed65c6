"""Programs of TransNAS-Bench-101 networks, written without making the ``nn.Module``.

The same networks, with the same parameter names, as ``tegnas.networks.transnas``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from tegnas.engine.program import ParameterLayout, Program, ProgramBuilder, Shape
from tegnas.engine.template import ProgramTemplate, TemplateBuilder
from tegnas.networks.layers import BN_EPSILON, IMAGE_CHANNELS
from tegnas.networks.nasbench201 import EDGES, Operation, carries, live_edges
from tegnas.networks.nasbench201_program import Edge, Open
from tegnas.networks.transnas import (
    MICRO_CODE,
    ModuleShape,
    TransNasSize,
    following,
    module_shapes,
    stem_width,
)


def transnas_program(
    code: str,
    operations: Sequence[Operation] | None,
    size: TransNasSize,
    num_classes: int,
    image_shape: Shape,
    layout: ParameterLayout,
) -> Program:
    """``TransNasNetwork``; with a stem without the edges of its cells that cannot matter.

    Without a stem its ReLUs are the activation pattern, in which every ReLU counts, also on an
    edge into a node that the output doesn't depend on.
    """
    build = ProgramBuilder(image_shape, layout)
    if operations is not None and size.stem_stride is not None:
        edges = zip(operations, live_edges(operations), strict=True)
        operations = [name if live else "none" for name, live in edges]
    _write(build, code, operations, size, num_classes)
    return build.build()


def micro_template(
    names: tuple[str, ...],
    size: TransNasSize,
    num_classes: int,
    image_shape: Shape,
    layout: ParameterLayout,
) -> ProgramTemplate:
    """``transnas_program`` of every micro architecture; an edge's options are ``names``."""
    build = TemplateBuilder(image_shape, layout)
    edges = tuple(Open(edge, names) for edge in range(len(EDGES)))
    _write(build, MICRO_CODE, edges, size, num_classes)
    return build.template(len(EDGES), whole=size.stem_stride is None)


def _write(
    build: ProgramBuilder,
    code: str,
    operations: Sequence[Edge] | None,
    size: TransNasSize,
    num_classes: int,
) -> None:
    value = 0
    if size.stem_stride is None:
        build.check_channels(size.channels)
    else:
        build.check_channels(IMAGE_CHANNELS)
        value = _stem(build, size.channels, size.stem_stride)
    for index, shape in enumerate(module_shapes(code, size.channels)):
        for unit in range(size.units):
            name = f"layer{index}.unit{unit}"
            if operations is None:
                value = _block(build, value, shape, name)
            else:
                value = _cell(build, value, operations, shape, name)
            shape = following(shape)
    build.linear(build.global_avg_pool(value), "classifier", num_classes)


def _stem(build: ProgramBuilder, channels: int, stride: int) -> int:
    half = ModuleShape(IMAGE_CHANNELS, stem_width(channels), stride)
    value = _conv_bn(build, 0, half, "stem.conv_a", 3, searched=False)
    whole = ModuleShape(half.out_channels, channels, stride)
    return _conv_bn(build, build.relu(value), whole, "stem.conv_b", 3, searched=False)


def _conv_bn(
    build: ProgramBuilder,
    value: int,
    shape: ModuleShape,
    name: str,
    kernel_size: int,
    searched: bool = True,
) -> int:
    value = build.conv2d(
        value,
        f"{name}.conv",
        shape.out_channels,
        (kernel_size, kernel_size),
        stride=(shape.stride, shape.stride),
        padding=(kernel_size // 2, kernel_size // 2),
        searched=searched,
    )
    return build.batch_norm(value, f"{name}.bn", BN_EPSILON, searched=searched)


def _block(build: ProgramBuilder, value: int, shape: ModuleShape, name: str) -> int:
    shortcut = value
    if not shape.kept:
        shortcut = _conv_bn(build, value, shape, f"{name}.downsample", 1)
    value = _conv_bn(build, build.relu(value), shape, f"{name}.conv_a", 3)
    value = _conv_bn(build, build.relu(value), following(shape), f"{name}.conv_b", 3)
    return build.add([shortcut, value])


def _cell(
    build: ProgramBuilder, value: int, edges: Sequence[Edge], shape: ModuleShape, name: str
) -> int:
    nodes = {0: value}  # without those that hold zeros
    for target in (1, 2, 3):
        terms = []
        for index, (source, end) in enumerate(EDGES):
            if end == target and source in nodes and _may_carry(edges[index]):
                of_edge = following(shape) if source else shape
                path = f"{name}.edge{index}"
                terms.append(_edge(build, nodes[source], edges[index], of_edge, path))
        if terms:
            nodes[target] = build.add(terms)
    if isinstance(build, TemplateBuilder):
        return build.or_zeros(nodes[3])
    if 3 in nodes:
        return nodes[3]
    _, height, width = build.shapes[value]
    stride = shape.stride
    return build.zeros((shape.out_channels, -(-height // stride), -(-width // stride)))


def _may_carry(edge: Edge) -> bool:
    return isinstance(edge, Open) or carries(edge)


def _edge(build: ProgramBuilder, value: int, operation: Edge, shape: ModuleShape, name: str) -> int:
    if isinstance(operation, Open):
        assert isinstance(build, TemplateBuilder)
        options = (partial(_option, build, value, each, shape, name) for each in operation.names)
        return build.choose(operation.edge, tuple(options))
    if isinstance(operation, tuple):
        names = [each for each in operation if carries(each)]
        total = build.add([_edge(build, value, each, shape, f"{name}.{each}") for each in names])
        return build.multiply(total, 1.0 / len(operation)) if len(operation) > 1 else total
    if operation == "skip_connect":
        return value if shape.kept else _factorized_reduction(build, value, shape, name)
    kernel_size = {"nor_conv_1x1": 1, "nor_conv_3x3": 3}[operation]
    return _conv_bn(build, build.relu(value), shape, name, kernel_size)


def _option(
    build: ProgramBuilder, value: int, operation: str, shape: ModuleShape, name: str
) -> int | None:
    return _edge(build, value, operation, shape, name) if carries(operation) else None


def _factorized_reduction(build: ProgramBuilder, value: int, shape: ModuleShape, name: str) -> int:
    value = build.relu(value)
    half = shape.out_channels // 2
    even = build.conv2d(value, f"{name}.conv0", half, (1, 1), stride=(2, 2), searched=True)
    shifted = build.pad(value, -1, 1, -1, 1)
    odd = build.conv2d(
        shifted, f"{name}.conv1", shape.out_channels - half, (1, 1), stride=(2, 2), searched=True
    )
    return build.batch_norm(build.concat([even, odd]), f"{name}.bn", BN_EPSILON, searched=True)
