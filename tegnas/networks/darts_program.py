"""Programs of the small DARTS networks, written without making the ``nn.Module``.

The same networks, with the same parameter names, as ``tegnas.networks.darts`` and
``tegnas.networks.darts_evaluation``. Supernets as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from tegnas.engine.program import ParameterLayout, Program, ProgramBuilder, Shape
from tegnas.engine.template import ProgramTemplate, TemplateBuilder
from tegnas.networks.darts import ALL_NODES, NODES, CellPlan, edge_names
from tegnas.networks.darts_evaluation import STEM_MULTIPLIER, reduction_cells
from tegnas.networks.layers import BN_EPSILON, IMAGE_CHANNELS

# Pairs of nodes in a cell: node k may read its two inputs and every node before it.
CELL_EDGES = sum(node + 2 for node in range(NODES))


@dataclass(frozen=True)
class Open:
    """An edge of a template: an architecture has none, or one of the operations."""

    edge: int
    names: tuple[str, ...]


@dataclass(frozen=True)
class OpenPlan:
    """The wiring of a cell in a template: every edge that a node may have."""

    nodes: Sequence[Sequence[tuple[int, Open]]]
    concat: Sequence[int] = ALL_NODES


Cell = CellPlan | OpenPlan


def proxy_program(
    normal: CellPlan,
    reduction: CellPlan,
    num_classes: int,
    image_shape: Shape,
    layout: ParameterLayout,
) -> Program:
    """``DartsProxyNetwork``."""
    build = ProgramBuilder(image_shape, layout)
    _classify(build, _stem(build, 1), normal, reduction, num_classes)
    return build.build()


def proxy_template(
    names: tuple[str, ...], num_classes: int, image_shape: Shape, layout: ParameterLayout
) -> ProgramTemplate:
    """``proxy_program`` of every architecture, see ``edge_number``: option 0 is no edge."""
    build = TemplateBuilder(image_shape, layout)
    _classify(build, _stem(build, 1), _open(names, 0), _open(names, 1), num_classes)
    return build.template(2 * CELL_EDGES, whole=True)


def thin_program(
    normal: CellPlan,
    reduction: CellPlan,
    num_classes: int,
    image_shape: Shape,
    layout: ParameterLayout,
) -> Program:
    """``DartsThinNetwork``: its ReLUs are the activation pattern."""
    build = ProgramBuilder(image_shape, layout)
    _classify(build, 0, normal, reduction, num_classes)
    return build.build()


def thin_template(
    names: tuple[str, ...], num_classes: int, image_shape: Shape, layout: ParameterLayout
) -> ProgramTemplate:
    """``thin_program`` of every architecture, see ``edge_number``: option 0 is no edge."""
    build = TemplateBuilder(image_shape, layout)
    _classify(build, 0, _open(names, 0), _open(names, 1), num_classes)
    return build.template(2 * CELL_EDGES, whole=True)


def deep_program(
    normal: CellPlan,
    reduction: CellPlan,
    channels: int,
    layers: int,
    num_classes: int,
    image_shape: Shape,
    layout: ParameterLayout,
    *,
    stem: bool = True,
) -> Program:
    """``DartsNetwork`` without its auxiliary classifier; without stem ``DartsDeepThinNetwork``."""
    build = ProgramBuilder(image_shape, layout)
    _write_deep(build, normal, reduction, channels, layers, num_classes, stem=stem)
    return build.build()


def deep_template(
    names: tuple[str, ...],
    channels: int,
    layers: int,
    num_classes: int,
    image_shape: Shape,
    layout: ParameterLayout,
    *,
    stem: bool = True,
) -> ProgramTemplate:
    """``deep_program`` of every architecture, see ``edge_number``: option 0 is no edge."""
    build = TemplateBuilder(image_shape, layout)
    cells = _open(names, 0), _open(names, 1)
    _write_deep(build, *cells, channels, layers, num_classes, stem=stem)
    return build.template(2 * CELL_EDGES, whole=True)


def edge_number(cell: int, node: int, source: int) -> int:
    """Of the edge from ``source`` to ``node`` in the normal (0) or the reduction (1) cell."""
    return cell * CELL_EDGES + sum(each + 2 for each in range(node)) + source


def _open(names: tuple[str, ...], cell: int) -> OpenPlan:
    return OpenPlan(
        [
            [(source, Open(edge_number(cell, node, source), names)) for source in range(node + 2)]
            for node in range(NODES)
        ]
    )


def _stem(build: ProgramBuilder, channels: int) -> int:
    build.check_channels(IMAGE_CHANNELS)
    stem = build.conv2d(0, "stem.conv", channels, (3, 3), padding=(1, 1))
    return build.batch_norm(stem, "stem.bn", BN_EPSILON)


def _classify(
    build: ProgramBuilder, value: int, normal: Cell, reduction: Cell, num_classes: int
) -> None:
    first = _cell(build, value, value, normal, "cell0", 1, reduces=False)
    second = _cell(build, value, first, reduction, "cell1", 2, reduces=True)
    last = build.relu(build.batch_norm(second, "last.bn", BN_EPSILON))
    build.linear(build.global_avg_pool(last), "classifier", num_classes)


def _write_deep(
    build: ProgramBuilder,
    normal: Cell,
    reduction: Cell,
    channels: int,
    layers: int,
    num_classes: int,
    *,
    stem: bool,
) -> None:
    value = _stem(build, STEM_MULTIPLIER * channels) if stem else 0
    before_previous, previous, after_reduction = value, value, False
    for index in range(layers):
        reduces = index in reduction_cells(layers)
        if reduces:
            channels *= 2
        output = _cell(
            build,
            before_previous,
            previous,
            reduction if reduces else normal,
            f"cell{index}",
            channels,
            reduces=reduces,
            after_reduction=after_reduction,
        )
        before_previous, previous, after_reduction = previous, output, reduces
    build.linear(build.global_avg_pool(previous), "classifier", num_classes)


def _cell(
    build: ProgramBuilder,
    before_previous: int,
    previous: int,
    plan: Cell,
    name: str,
    channels: int,
    *,
    reduces: bool,
    after_reduction: bool = False,
) -> int:
    # After a reduction the cell before the previous one has twice the pixels per side.
    first = _factorized_reduction if after_reduction else _relu_conv_bn
    states = [
        first(build, before_previous, f"{name}.preprocess0", channels),
        _relu_conv_bn(build, previous, f"{name}.preprocess1", channels),
    ]
    nodes: Sequence[Sequence[tuple[int, tuple[str, ...] | Open]]] = plan.nodes
    for node, edges in enumerate(nodes):
        called = edge_names([source for source, _ in edges])
        terms = [
            _edge(
                build,
                states[source],
                names,
                f"{name}.node{node}.{edge}",
                2 if reduces and source < 2 else 1,
            )
            for edge, (source, names) in zip(called, edges, strict=True)
        ]
        states.append(build.add(terms))
    return build.concat([states[node] for node in plan.concat])


def _relu_conv_bn(build: ProgramBuilder, value: int, name: str, channels: int) -> int:
    value = build.conv2d(build.relu(value), f"{name}.conv", channels, (1, 1), searched=True)
    return build.batch_norm(value, f"{name}.bn", BN_EPSILON, searched=True)


def _edge(
    build: ProgramBuilder, value: int, names: tuple[str, ...] | Open, path: str, stride: int
) -> int:
    if isinstance(names, Open):
        assert isinstance(build, TemplateBuilder)
        options = [
            partial(_operation, build, value, name, f"{path}.{name}", stride)
            for name in names.names
        ]
        return build.choose(names.edge, [lambda: None, *options])
    terms = [_operation(build, value, name, f"{path}.{name}", stride) for name in names]
    total = build.add(terms)
    return build.multiply(total, 1.0 / len(terms)) if len(terms) > 1 else total


def _operation(build: ProgramBuilder, value: int, name: str, path: str, stride: int) -> int:
    strides = (stride, stride)
    if name == "none":
        channels, height, width = build.shapes[value]
        return build.zeros((channels, -(-height // stride), -(-width // stride)))
    if name == "skip_connect":
        channels = build.shapes[value][0]
        return value if stride == 1 else _factorized_reduction(build, value, path, channels)
    if name == "avg_pool_3x3":
        return build.avg_pool(value, (3, 3), strides, (1, 1), count_include_pad=False)
    if name == "max_pool_3x3":
        return build.max_pool(value, (3, 3), strides, (1, 1))
    size = int(name[-1])
    if name.startswith("dil"):
        return _depthwise_pointwise(build, value, path, size, stride, dilation=2)
    value = _depthwise_pointwise(build, value, f"{path}.sep0", size, stride)
    return _depthwise_pointwise(build, value, f"{path}.sep1", size, 1)


def _depthwise_pointwise(
    build: ProgramBuilder, value: int, path: str, size: int, stride: int, dilation: int = 1
) -> int:
    channels = build.shapes[value][0]
    padding = dilation * (size // 2)
    value = build.conv2d(
        build.relu(value),
        f"{path}.depthwise",
        channels,
        (size, size),
        stride=(stride, stride),
        padding=(padding, padding),
        dilation=(dilation, dilation),
        groups=channels,
        searched=True,
    )
    value = build.conv2d(value, f"{path}.pointwise", channels, (1, 1), searched=True)
    return build.batch_norm(value, f"{path}.bn", BN_EPSILON, searched=True)


def _factorized_reduction(build: ProgramBuilder, value: int, path: str, channels: int) -> int:
    value = build.relu(value)
    halves = [
        build.conv2d(each, f"{path}.conv{index}", outputs, (1, 1), stride=(2, 2), searched=True)
        for index, (each, outputs) in enumerate(
            ((value, channels // 2), (build.pad(value, -1, 1, -1, 1), channels - channels // 2))
        )
    ]
    return build.batch_norm(build.concat(halves), f"{path}.bn", BN_EPSILON, searched=True)
