"""Programs of networks of inverted residual blocks, written without making the ``nn.Module``.

The same networks, with the same parameter names, as ``tegnas.networks.mobile``.
"""

from __future__ import annotations

from tegnas.engine.program import ParameterLayout, Program, ProgramBuilder, Shape
from tegnas.networks.inverted_residual import Block, InvertedResidual, Projection
from tegnas.networks.layers import BN_EPSILON
from tegnas.networks.mobile import STEM_KERNEL_SIZE, MobilePlan


def mobile_program(
    plan: MobilePlan, num_classes: int, image_shape: Shape, layout: ParameterLayout
) -> Program:
    """``MobileNetwork`` of a plan; its stages are what is searched."""
    build = ProgramBuilder(image_shape, layout)
    build.check_channels(plan.in_channels)
    value = 0
    if plan.stem is not None:
        value = _conv_bn(build, value, "stem", plan.stem, STEM_KERNEL_SIZE, plan.stem_stride)
        value = build.relu(value)
    for stage, blocks in plan.named_stages():
        for place, block in blocks:
            value = _block(build, value, f"{stage}.{place}", block)
    value = build.relu(_conv_bn(build, value, "head", plan.head, 1))
    build.linear(build.global_avg_pool(value), "classifier", num_classes)
    return build.build()


def _block(build: ProgramBuilder, value: int, name: str, block: Block) -> int:
    if isinstance(block, Projection):
        return _conv_bn(build, value, name, block.out_channels, 1, block.stride, searched=True)
    y = value
    if block.expansion > 1:
        y = _conv_bn(build, y, f"{name}.expand", block.hidden, 1, searched=True)
        y = _activation(build, y, block)
    y = _conv_bn(
        build,
        y,
        f"{name}.depthwise",
        block.hidden,
        block.kernel_size,
        block.stride,
        groups=block.hidden,
        searched=True,
    )
    y = _activation(build, y, block)
    if block.squeezed:
        y = _excitation(build, y, f"{name}.excitation", block.squeezed)
    y = _conv_bn(build, y, f"{name}.project", block.out_channels, 1, searched=True)
    return build.add([value, y]) if block.residual else y


def _activation(build: ProgramBuilder, value: int, block: InvertedResidual) -> int:
    if block.activation == "none":
        return value
    if block.activation == "relu":
        return build.relu(value)
    return build.activation(value, block.activation)


def _excitation(build: ProgramBuilder, value: int, name: str, squeezed: int) -> int:
    """``SqueezeExcitation``: its convolutions are of 1×1 pixel, with a bias."""
    channels = build.shapes[value][0]
    means = build.global_avg_pool(value)
    squeeze = build.conv2d(means, f"{name}.squeeze", squeezed, (1, 1), bias=True, searched=True)
    squeeze = build.relu(squeeze)
    excite = build.conv2d(squeeze, f"{name}.excite", channels, (1, 1), bias=True, searched=True)
    return build.product(value, build.activation(excite, "hardsigmoid"))


def _conv_bn(
    build: ProgramBuilder,
    value: int,
    name: str,
    channels: int,
    kernel_size: int,
    stride: int = 1,
    groups: int = 1,
    searched: bool = False,
) -> int:
    value = build.conv2d(
        value,
        f"{name}.conv",
        channels,
        (kernel_size, kernel_size),
        stride=(stride, stride),
        padding=(kernel_size // 2, kernel_size // 2),
        groups=groups,
        searched=searched,
    )
    return build.batch_norm(value, f"{name}.bn", BN_EPSILON, searched=searched)
