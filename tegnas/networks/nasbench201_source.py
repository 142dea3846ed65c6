"""PyTorch source of a NAS-Bench-201 network, as one would write it for one architecture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tegnas.networks.full import check_size
from tegnas.networks.nasbench201 import EDGES, PUBLISHED_SIZE

if TYPE_CHECKING:
    from tegnas.spaces import NasBench201Architecture

_MODULES = {
    "nor_conv_1x1": "ReLUConvBN(channels, channels, kernel_size=1)",
    "nor_conv_3x3": "ReLUConvBN(channels, channels, kernel_size=3)",
    "avg_pool_3x3": "nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)",
}

# Modules that the networks of NATS-Bench sizes have as well.
RELU_CONV_BN = """\
class ReLUConvBN(nn.Module):
    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, stride: int = 1
    ) -> None:
        super().__init__()
        self.relu = nn.ReLU()
        self.conv = nn.Conv2d(
            in_channels, out_channels, kernel_size, stride, padding=kernel_size // 2, bias=False
        )
        self.bn = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(self.relu(x)))"""

REDUCTION = '''\
class Reduction(nn.Module):
    """Residual block that halves the resolution between two stages."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv_a = ReLUConvBN(in_channels, out_channels, kernel_size=3, stride=2)
        self.conv_b = ReLUConvBN(out_channels, out_channels, kernel_size=3)
        self.pool = nn.AvgPool2d(2, stride=2)
        self.downsample = nn.Conv2d(in_channels, out_channels, kernel_size=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv_b(self.conv_a(x)) + self.downsample(self.pool(x))'''

_HEADER = '''\
"""A NAS-Bench-201 network (Dong & Yang, arXiv 2001.00326), written by tegnas {version}.

The architecture is

    {arch}

and the network is made and used as

    network = Network()
    logits = network(images)  # (N, 3, H, W) -> (N, {num_classes})
"""

from __future__ import annotations

from collections import OrderedDict

{imports}from torch import Tensor, nn


{relu_conv_bn}


'''

_FOOTER = '''

{reduction}


{stage}class Network(nn.Module):
    """Stem, three stages of the cell at {channels}, {channels2} and {channels4} channels, \
classifier."""

    def __init__(self, channels: int = {channels}, num_classes: int = {num_classes}) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            OrderedDict(
                conv=nn.Conv2d(3, channels, kernel_size=3, padding=1, bias=False),
                bn=nn.BatchNorm2d(channels),
            )
        )
        self.stage0 = {make}(channels)
        self.reduction0 = Reduction(channels, 2 * channels)
        self.stage1 = {make}(2 * channels)
        self.reduction1 = Reduction(2 * channels, 4 * channels)
        self.stage2 = {make}(4 * channels)
        self.last = nn.Sequential(OrderedDict(bn=nn.BatchNorm2d(4 * channels), relu=nn.ReLU()))
        self.classifier = nn.Linear(4 * channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stage0(self.stem(x))
        x = self.stage1(self.reduction0(x))
        x = self.stage2(self.reduction1(x))
        return self.classifier(self.last(x).mean((2, 3)))
'''

_STAGE = """\
def stage(channels: int) -> nn.Sequential:
    cells = ((f"cell{{index}}", Cell(channels)) for index in range({cells}))
    return nn.Sequential(OrderedDict(cells))


"""


def nasbench201_source(
    arch: NasBench201Architecture,
    *,
    channels: int | None,
    cells: int | None,
    num_classes: int,
    version: str,
) -> str:
    """The source; sizes that are None are the benchmark's own (16 channels, 5 cells)."""
    channels = PUBLISHED_SIZE[0] if channels is None else channels
    cells = PUBLISHED_SIZE[1] if cells is None else cells
    check_size(channels=channels, cells=cells, num_classes=num_classes)
    cell = _cell(arch)
    imports = "import torch\n" if "torch.zeros_like" in cell else ""
    header = _HEADER.format(
        version=version,
        arch=arch,
        num_classes=num_classes,
        imports=imports,
        relu_conv_bn=RELU_CONV_BN,
    )
    footer = _FOOTER.format(
        reduction=REDUCTION,
        stage=_STAGE.format(cells=cells) if cells > 1 else "",
        make="stage" if cells > 1 else "Cell",
        channels=channels,
        channels2=2 * channels,
        channels4=4 * channels,
        num_classes=num_classes,
    )
    return header + cell + footer


def _cell(arch: NasBench201Architecture) -> str:
    edges = list(zip(arch.operations, EDGES, strict=True))
    read = nodes_read(arch.operations)
    lines = [
        "class Cell(nn.Module):",
        '    """The searched cell: every node is the sum of its edges.',
    ]
    lines += ["", *(f"    {source} -> {target}: {name}" for name, (source, target) in edges)]
    lines += ['    """', "", "    def __init__(self, channels: int) -> None:"]
    lines += ["        super().__init__()"]
    for index, (name, (_, target)) in enumerate(edges):
        # Convolutions that don't matter stay, so that weights trained with them still load.
        if name in _MODULES and (target in read or "conv" in name):
            line = f"        self.edge{index} = {_MODULES[name]}"
            lines.append(line if target in read else f"{line}  # unused")
    lines += ["", "    def forward(self, x: Tensor) -> Tensor:"]
    for target in (1, 2, 3):
        if target in read:
            terms = [
                _term(index, name, source)
                for index, (name, (source, end)) in enumerate(edges)
                if end == target and name != "none"
            ]
            value = " + ".join(terms) or "torch.zeros_like(x)"
            lines.append(
                f"        node{target} = {value}" if target < 3 else f"        return {value}"
            )
    return "\n".join(lines) + "\n"


def nodes_read(operations: Sequence[str]) -> set[int]:
    """The nodes of a cell that the output depends on, itself included."""
    read = {3}
    for name, (source, target) in reversed(list(zip(operations, EDGES, strict=True))):
        if name != "none" and target in read:
            read.add(source)
    return read


def _term(index: int, name: str, source: int) -> str:
    node = f"node{source}" if source else "x"
    return node if name == "skip_connect" else f"self.edge{index}({node})"
