"""PyTorch source of a TransNAS-Bench-101 network, as one would write it for one architecture."""

from __future__ import annotations

from collections.abc import Sequence

from tegnas.networks.nasbench201 import EDGES
from tegnas.networks.nasbench201_source import nodes_read
from tegnas.networks.transnas import TransNasSize

_HEADER = '''\
"""A TransNAS-Bench-101 network (Duan et al., arXiv 2105.11871), written by tegnas {version}.

The architecture is

    {arch}

and the network is made and used as

    network = Network()
    logits = network(images)  # (N, 3, H, W) -> (N, {num_classes})
"""

from __future__ import annotations

{imports}from torch import Tensor, nn


class ConvBN(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels, out_channels, kernel_size, stride, padding=kernel_size // 2, bias=False
        )
        self.bn = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x))


class ReLUConvBN(ConvBN):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.relu())


class Stem(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        half = max(1, channels // 2)
        self.conv_a = ConvBN(3, half, kernel_size=3, stride=2)
        self.conv_b = ReLUConvBN(half, channels, kernel_size=3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv_b(self.conv_a(x))


'''

_BLOCK = '''\
class Unit(nn.Module):
    """Two convolutions and a way around them."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv_a = ReLUConvBN(in_channels, out_channels, kernel_size=3, stride=stride)
        self.conv_b = ReLUConvBN(out_channels, out_channels, kernel_size=3, stride=1)
        if stride == 1 and in_channels == out_channels:
            self.downsample = nn.Identity()
        else:
            self.downsample = ConvBN(in_channels, out_channels, kernel_size=1, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        return self.downsample(x) + self.conv_b(self.conv_a(x))
'''

_SKIP = '''\
class FactorizedReduction(nn.Module):
    """A skip to half of the resolution: half of the channels from every other pixel."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        half = out_channels // 2
        self.conv0 = nn.Conv2d(in_channels, half, kernel_size=1, stride=2, bias=False)
        self.conv1 = nn.Conv2d(in_channels, out_channels - half, 1, stride=2, bias=False)
        self.bn = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        x = x.relu()
        shifted = nn.functional.pad(x, (-1, 1, -1, 1))
        return self.bn(torch.cat([self.conv0(x), self.conv1(shifted)], 1))


def skip(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    return nn.Identity() if stride == 1 else FactorizedReduction(in_channels, out_channels)


'''

_FOOTER = '''

# (relative number of channels, stride) of every module
MODULES = {modules}


class Network(nn.Module):
    """Stem, modules of {units} of the unit above, classifier."""

    def __init__(self, channels: int = {channels}, num_classes: int = {num_classes}) -> None:
        super().__init__()
        self.stem = Stem(channels)
        for index, (factor, stride) in enumerate(MODULES):
            layer = nn.Sequential()
            for unit in range({units}):
                layer.add_module(f"unit{{unit}}", Unit(channels, factor * channels, stride))
                channels, factor, stride = factor * channels, 1, 1
            self.add_module(f"layer{{index}}", layer)
        self.classifier = nn.Linear(channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for index in range(len(MODULES)):
            x = self.get_submodule(f"layer{{index}}")(x)
        return self.classifier(x.mean((2, 3)))
'''


def transnas_source(
    arch: str,
    code: str,
    operations: Sequence[str] | None,
    size: TransNasSize,
    num_classes: int,
    version: str,
) -> str:
    """The source of ``TransNasNetwork`` with the published stem; ``arch`` is its printed form."""
    unit = _BLOCK if operations is None else _cell(operations)
    imports = "import torch\n" if "torch." in unit else ""
    header = _HEADER.format(version=version, arch=arch, num_classes=num_classes, imports=imports)
    modules = ((2 if digit in "24" else 1, 2 if digit in "34" else 1) for digit in code)
    footer = _FOOTER.format(
        modules=f"({', '.join(map(str, modules))})",
        units=size.units,
        channels=size.channels,
        num_classes=num_classes,
    )
    return header + unit + footer


def _cell(operations: Sequence[str]) -> str:
    edges = list(zip(operations, EDGES, strict=True))
    read = nodes_read(operations)
    entered = {target for name, (_, target) in edges if name != "none"}
    lines = [
        "class Unit(nn.Module):",
        '    """The searched cell: every node is the sum of its edges.',
    ]
    lines += ["", *(f"    {source} -> {target}: {name}" for name, (source, target) in edges)]
    lines += ['    """', ""]
    lines += ["    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:"]
    lines += ["        super().__init__()"]
    if read - entered - {0}:
        lines += ["        self.out_channels, self.stride = out_channels, stride"]
    for index, (name, (source, target)) in enumerate(edges):
        # What has weights stays where it doesn't matter, so that trained weights still load.
        made = _module(name, source)
        if made:
            line = f"        self.edge{index} = {made}"
            lines.append(line if target in read else f"{line}  # unused")
    lines += ["", "    def forward(self, x: Tensor) -> Tensor:"]
    for target in (1, 2, 3):
        if target in read:
            lines += _node(edges, target)
    unit = "\n".join(lines) + "\n"
    return _SKIP + unit if "skip(" in unit else unit


def _module(name: str, source: int) -> str | None:
    if name == "none" or (name == "skip_connect" and source):
        return None
    if name == "skip_connect":
        return "skip(in_channels, out_channels, stride)"
    kernel_size = {"nor_conv_1x1": 1, "nor_conv_3x3": 3}[name]
    channels, stride = ("out_channels", "1") if source else ("in_channels", "stride")
    return f"ReLUConvBN({channels}, out_channels, kernel_size={kernel_size}, stride={stride})"


def _node(edges: Sequence[tuple[str, tuple[int, int]]], target: int) -> list[str]:
    """The lines that compute a node."""
    terms = []
    for index, (name, (source, end)) in enumerate(edges):
        if end == target and name != "none":
            node = f"node{source}" if source else "x"
            direct = name == "skip_connect" and source
            terms.append(node if direct else f"self.edge{index}({node})")
    begin = f"node{target} =" if target < 3 else "return"
    if terms:
        return [f"        {begin} {' + '.join(terms)}"]
    return [
        "        pixels = torch.zeros_like(x[:, :1, :: self.stride, :: self.stride])",
        f"        {begin} pixels.repeat(1, self.out_channels, 1, 1)",
    ]
