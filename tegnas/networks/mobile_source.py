"""PyTorch source of networks of inverted residual blocks, as one would write one of them."""

from __future__ import annotations

from collections.abc import Iterator

from tegnas.networks.inverted_residual import Block, InvertedResidual, Projection
from tegnas.networks.mobile import STEM_KERNEL_SIZE, MobilePlan

_HEADER = '''\
"""A {title}, written by tegnas {version}.

The architecture is

    {arch}

and the network is made and used as

    network = Network()
    logits = network(images)  # (N, 3, H, W) -> (N, {num_classes})
"""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn


class ConvBN(nn.Module):
    """Convolution, BatchNorm and, unless it is linear, ReLU."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        groups: int = 1,
        linear: bool = False,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding=kernel_size // 2,
            groups=groups,
            bias=False,
        )
        self.bn = nn.BatchNorm2d(out_channels)
        self.act = nn.Identity() if linear else nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.bn(self.conv(x)))


'''

_EXCITATION = '''\
class SqueezeExcitation(nn.Module):
    """Scales channels by what their means say."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeezed, 1)
        self.excite = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        scale = self.squeeze(x.mean((2, 3), keepdim=True)).relu()
        return x * nn.functional.hardsigmoid(self.excite(scale))


'''

_BLOCK = '''\
class InvertedResidual(nn.Module):
    """Expand, filter each channel by itself, project."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        expansion: int,
        stride: int = 1,
        residual: bool = False,
{parameter}    ) -> None:
        super().__init__()
        hidden = in_channels * expansion
        self.expand = ConvBN(in_channels, hidden, 1) if expansion > 1 else nn.Identity()
        self.depthwise = ConvBN(hidden, hidden, kernel_size, stride, groups=hidden)
{excitation}        self.project = ConvBN(hidden, out_channels, 1, linear=True)
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        y = self.project({filtered})
        return x + y if self.residual else y


'''

_PARAMETER = "        squeezed: int = 0,\n"
_MEMBER = """\
        self.excitation = SqueezeExcitation(hidden, squeezed) if squeezed else nn.Identity()
"""
_FILTERED = "self.depthwise(self.expand(x))"


def mobile_source(
    plan: MobilePlan, *, title: str, arch: object, num_classes: int, version: str
) -> str:
    """The source of ``MobileNetwork`` of a plan for images, all of whose activations are ReLU."""
    blocks = [block for stage in plan.stages for block in stage]
    inverted = [block for block in blocks if isinstance(block, InvertedResidual)]
    assert plan.stem is not None and all(block.activation == "relu" for block in inverted)
    excites = any(block.squeezed for block in inverted)
    header = _HEADER.format(title=title, version=version, arch=arch, num_classes=num_classes)
    block = _BLOCK.format(
        parameter=_PARAMETER if excites else "",
        excitation=_MEMBER if excites else "",
        filtered=f"self.excitation({_FILTERED})" if excites else _FILTERED,
    )
    return "".join(
        (
            header,
            _EXCITATION if excites else "",
            block if inverted else "",
            "\n".join(_network(plan, num_classes)),
            "\n",
        )
    )


def _network(plan: MobilePlan, num_classes: int) -> Iterator[str]:
    yield "class Network(nn.Module):"
    yield f"    def __init__(self, num_classes: int = {num_classes}) -> None:"
    yield "        super().__init__()"
    stem = [3, plan.stem, STEM_KERNEL_SIZE] + [2] * (plan.stem_stride > 1)
    yield f"        self.stem = ConvBN({', '.join(map(str, stem))})"
    for name, blocks in plan.named_stages():
        yield f"        self.{name} = nn.Sequential("
        yield "            OrderedDict("
        for place, block in blocks:
            yield f"                {place}={_call(block)},"
        yield "            )"
        yield "        )"
    yield f"        self.head = ConvBN({plan.features}, {plan.head}, 1)"
    if plan.dropout:
        yield f"        self.dropout = nn.Dropout({plan.dropout})"
    yield f"        self.classifier = nn.Linear({plan.head}, num_classes)"
    yield ""
    yield "    def forward(self, x: Tensor) -> Tensor:"
    yield "        x = self.stem(x)"
    for name, _ in plan.named_stages():
        yield f"        x = self.{name}(x)"
    pooled = "self.head(x).mean((2, 3))"
    yield f"        return self.classifier({f'self.dropout({pooled})' if plan.dropout else pooled})"


def _call(block: Block) -> str:
    if isinstance(block, Projection):
        stride = f", {block.stride}" if block.stride > 1 else ""
        return f"ConvBN({block.in_channels}, {block.out_channels}, 1{stride}, linear=True)"
    arguments = [block.in_channels, block.out_channels, block.kernel_size, block.expansion]
    named = {
        "stride": block.stride if block.stride > 1 else None,
        "residual": block.residual or None,
        "squeezed": block.squeezed or None,
    }
    texts = [*map(str, arguments), *(f"{key}={value}" for key, value in named.items() if value)]
    return f"InvertedResidual({', '.join(texts)})"
