"""Programs of NAS-Bench-201 networks, written without making the ``nn.Module``.

The same networks, with the same parameter names, as ``tegnas.networks.nasbench201``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from tegnas.engine.program import ParameterLayout, Program, ProgramBuilder, Shape
from tegnas.engine.template import ProgramTemplate, TemplateBuilder
from tegnas.networks.layers import BN_EPSILON, IMAGE_CHANNELS
from tegnas.networks.nasbench201 import EDGES, Operation, carries, live_edges


@dataclass(frozen=True)
class Open:
    """An edge of a template: each architecture takes one of the operations."""

    edge: int
    names: tuple[str, ...]


# What an edge of a program or a template computes.
Edge = Operation | Open


def proxy_program(
    operations: Sequence[Operation],
    channels: int,
    num_classes: int,
    image_shape: Shape,
    layout: ParameterLayout,
    cells: int = 1,
    reductions_searched: bool = True,
) -> Program:
    """``NasBench201Network`` of ``cells`` per stage, without the edges that cannot matter."""
    edges = [
        name if live else "none"
        for name, live in zip(operations, live_edges(operations), strict=True)
    ]
    build = ProgramBuilder(image_shape, layout)
    _write_proxy(build, edges, channels, num_classes, cells, reductions_searched)
    return build.build()


def proxy_template(
    names: tuple[str, ...],
    channels: int,
    num_classes: int,
    image_shape: Shape,
    layout: ParameterLayout,
    cells: int = 1,
    reductions_searched: bool = True,
) -> ProgramTemplate:
    """``proxy_program`` of every architecture; an edge's options are ``names``."""
    build = TemplateBuilder(image_shape, layout)
    _write_proxy(build, _open(names), channels, num_classes, cells, reductions_searched)
    return build.template(len(EDGES), whole=False)


def _write_proxy(
    build: ProgramBuilder,
    edges: Sequence[Edge],
    channels: int,
    num_classes: int,
    cells: int,
    reductions_searched: bool,
) -> None:
    build.check_channels(IMAGE_CHANNELS)
    value = build.conv2d(0, "stem.conv", channels, (3, 3), padding=(1, 1))
    value = build.batch_norm(value, "stem.bn", BN_EPSILON)
    for stage in range(3):
        if stage > 0:
            doubled = 2 * build.shapes[value][0]
            value = reduction(build, value, f"reduction{stage - 1}", doubled, reductions_searched)
        value = _stage(build, value, edges, f"stage{stage}", cells)
    classify(build, value, num_classes)


def deep_program(
    operations: Sequence[Operation],
    channels: int,
    cells: int,
    num_classes: int,
    image_shape: Shape,
    layout: ParameterLayout,
) -> Program:
    """``NasBench201DeepNetwork``, without the edges that cannot matter."""
    return proxy_program(
        operations, channels, num_classes, image_shape, layout, cells, reductions_searched=False
    )


def deep_template(
    names: tuple[str, ...],
    channels: int,
    cells: int,
    num_classes: int,
    image_shape: Shape,
    layout: ParameterLayout,
) -> ProgramTemplate:
    """``deep_program`` of every architecture; an edge's options are ``names``."""
    return proxy_template(
        names, channels, num_classes, image_shape, layout, cells, reductions_searched=False
    )


def thin_program(
    operations: Sequence[Operation],
    num_classes: int,
    image_shape: Shape,
    layout: ParameterLayout,
    cells: int = 1,
) -> Program:
    """``NasBench201ThinNetwork`` of ``cells``: its ReLUs are the activation pattern."""
    build = ProgramBuilder(image_shape, layout)
    # Every ReLU counts, also on an edge into a node that the output doesn't depend on.
    classify(build, _stage(build, 0, operations, "stage0", cells), num_classes)
    return build.build()


def thin_template(
    names: tuple[str, ...],
    num_classes: int,
    image_shape: Shape,
    layout: ParameterLayout,
    cells: int = 1,
) -> ProgramTemplate:
    """``thin_program`` of every architecture; an edge's options are ``names``."""
    build = TemplateBuilder(image_shape, layout)
    classify(build, _stage(build, 0, _open(names), "stage0", cells), num_classes)
    return build.template(len(EDGES), whole=True)


def _open(names: tuple[str, ...]) -> tuple[Open, ...]:
    return tuple(Open(edge, names) for edge in range(len(EDGES)))


def classify(build: ProgramBuilder, value: int, num_classes: int) -> None:
    """The last BatchNorm and ReLU, and the logits."""
    value = build.relu(build.batch_norm(value, "last.bn", BN_EPSILON))
    build.linear(build.global_avg_pool(value), "classifier", num_classes)


def _stage(build: ProgramBuilder, value: int, edges: Sequence[Edge], name: str, cells: int) -> int:
    if cells == 1:
        return _cell(build, value, edges, name)
    for index in range(cells):
        value = _cell(build, value, edges, f"{name}.cell{index}")
    return value


def _cell(build: ProgramBuilder, value: int, edges: Sequence[Edge], name: str) -> int:
    nodes = {0: value}  # without those that hold zeros
    for target in (1, 2, 3):
        terms = []
        for index, (source, end) in enumerate(EDGES):
            if end == target and source in nodes and _may_carry(edges[index]):
                terms.append(_edge(build, nodes[source], edges[index], f"{name}.edge{index}"))
        if terms:
            nodes[target] = build.add(terms)
    if isinstance(build, TemplateBuilder):
        return build.or_zeros(nodes[3])
    return nodes[3] if 3 in nodes else build.zeros(build.shapes[value])


def _may_carry(edge: Edge) -> bool:
    return isinstance(edge, Open) or carries(edge)


def _edge(build: ProgramBuilder, value: int, operation: Edge, name: str) -> int:
    if isinstance(operation, Open):
        assert isinstance(build, TemplateBuilder)
        options = (partial(_option, build, value, each, name) for each in operation.names)
        return build.choose(operation.edge, tuple(options))
    if isinstance(operation, tuple):
        total = build.add(
            [_edge(build, value, each, f"{name}.{each}") for each in operation if carries(each)]
        )
        return build.multiply(total, 1.0 / len(operation)) if len(operation) > 1 else total
    if operation == "skip_connect":
        return value
    if operation == "avg_pool_3x3":
        return build.avg_pool(value, (3, 3), (1, 1), (1, 1), count_include_pad=False)
    kernel_size = 1 if operation == "nor_conv_1x1" else 3
    return relu_conv_bn(build, value, name, build.shapes[value][0], kernel_size)


def _option(build: ProgramBuilder, value: int, operation: str, name: str) -> int | None:
    return _edge(build, value, operation, name) if carries(operation) else None


def relu_conv_bn(
    build: ProgramBuilder,
    value: int,
    name: str,
    channels: int,
    kernel_size: int,
    stride: int = 1,
    searched: bool = True,
) -> int:
    """``ReLUConvBN``."""
    value = build.conv2d(
        build.relu(value),
        f"{name}.conv",
        channels,
        (kernel_size, kernel_size),
        stride=(stride, stride),
        padding=(kernel_size // 2, kernel_size // 2),
        searched=searched,
    )
    return build.batch_norm(value, f"{name}.bn", BN_EPSILON, searched=searched)


def reduction(
    build: ProgramBuilder, value: int, name: str, channels: int, searched: bool = True
) -> int:
    """``Reduction`` to so many channels and half the side."""
    residual = relu_conv_bn(
        build, value, f"{name}.conv_a", channels, 3, stride=2, searched=searched
    )
    residual = relu_conv_bn(build, residual, f"{name}.conv_b", channels, 3, searched=searched)
    shortcut = build.avg_pool(value, (2, 2), (2, 2), (0, 0), count_include_pad=True)
    shortcut = build.conv2d(shortcut, f"{name}.downsample", channels, (1, 1), searched=searched)
    return build.add([residual, shortcut])
