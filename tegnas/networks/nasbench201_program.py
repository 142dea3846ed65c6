"""Programs of NAS-Bench-201 networks, written without making the ``nn.Module``.

The same networks, with the same parameter names, as ``tegnas.networks.nasbench201``.
"""

from __future__ import annotations

from collections.abc import Sequence

from tegnas.engine.program import ParameterLayout, Program, ProgramBuilder, Shape
from tegnas.networks.layers import BN_EPSILON, IMAGE_CHANNELS
from tegnas.networks.nasbench201 import DEEP_CELLS, EDGES, Operation, carries, live_edges


def proxy_program(
    operations: Sequence[Operation],
    channels: int,
    num_classes: int,
    image_shape: Shape,
    layout: ParameterLayout,
    cells: int = 1,
    reductions_in_body: bool = True,
) -> Program:
    """``NasBench201Network`` of ``cells`` per stage, without the edges that cannot matter."""
    operations = [
        name if live else "none"
        for name, live in zip(operations, live_edges(operations), strict=True)
    ]
    build = ProgramBuilder(image_shape, layout)
    build.check_channels(IMAGE_CHANNELS)
    value = build.conv2d(0, "stem.conv", channels, (3, 3), padding=(1, 1))
    value = build.batch_norm(value, "stem.bn", BN_EPSILON)
    for stage in range(3):
        if stage > 0:
            value = _reduction(build, value, f"reduction{stage - 1}", reductions_in_body)
        value = _stage(build, value, operations, f"stage{stage}", cells)
    return _head(build, value, num_classes)


def deep_program(
    operations: Sequence[Operation],
    channels: int,
    num_classes: int,
    image_shape: Shape,
    layout: ParameterLayout,
) -> Program:
    """``NasBench201DeepNetwork``, without the edges that cannot matter."""
    return proxy_program(
        operations, channels, num_classes, image_shape, layout, DEEP_CELLS, reductions_in_body=False
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
    value = _stage(build, 0, operations, "stage0", cells)
    return _head(build, value, num_classes)


def _head(build: ProgramBuilder, value: int, num_classes: int) -> Program:
    value = build.relu(build.batch_norm(value, "last.bn", BN_EPSILON))
    build.linear(build.global_avg_pool(value), "classifier", num_classes)
    return build.build()


def _stage(
    build: ProgramBuilder, value: int, operations: Sequence[Operation], name: str, cells: int
) -> int:
    if cells == 1:
        return _cell(build, value, operations, name)
    for index in range(cells):
        value = _cell(build, value, operations, f"{name}.cell{index}")
    return value


def _cell(build: ProgramBuilder, value: int, operations: Sequence[Operation], name: str) -> int:
    nodes = {0: value}  # without those that hold zeros
    for target in (1, 2, 3):
        terms = []
        for index, (source, end) in enumerate(EDGES):
            if end == target and source in nodes and carries(operations[index]):
                terms.append(_edge(build, nodes[source], operations[index], f"{name}.edge{index}"))
        if terms:
            nodes[target] = build.add(terms)
    return nodes[3] if 3 in nodes else build.zeros(build.shapes[value])


def _edge(build: ProgramBuilder, value: int, operation: Operation, name: str) -> int:
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
    return _relu_conv_bn(build, value, name, build.shapes[value][0], kernel_size)


def _relu_conv_bn(
    build: ProgramBuilder,
    value: int,
    name: str,
    channels: int,
    kernel_size: int,
    stride: int = 1,
    body: bool = True,
) -> int:
    value = build.conv2d(
        build.relu(value),
        f"{name}.conv",
        channels,
        (kernel_size, kernel_size),
        stride=(stride, stride),
        padding=(kernel_size // 2, kernel_size // 2),
        body=body,
    )
    return build.batch_norm(value, f"{name}.bn", BN_EPSILON, body=body)


def _reduction(build: ProgramBuilder, value: int, name: str, body: bool) -> int:
    channels = 2 * build.shapes[value][0]
    residual = _relu_conv_bn(build, value, f"{name}.conv_a", channels, 3, stride=2, body=body)
    residual = _relu_conv_bn(build, residual, f"{name}.conv_b", channels, 3, body=body)
    shortcut = build.avg_pool(value, (2, 2), (2, 2), (0, 0), count_include_pad=True)
    shortcut = build.conv2d(shortcut, f"{name}.downsample", channels, (1, 1), body=body)
    return build.add([residual, shortcut])
