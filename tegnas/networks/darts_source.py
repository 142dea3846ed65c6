"""PyTorch source of a DARTS network, as one would write it for one pair of cells."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tegnas.errors import InputError
from tegnas.networks.darts import ALL_NODES, edge_names
from tegnas.networks.darts_evaluation import PUBLISHED_SIZE
from tegnas.networks.full import check_size
from tegnas.spaces.darts_architecture import NONE, DartsArchitecture, Pair, printed_concat

_HEADER = '''\
"""A DARTS network for CIFAR (Liu et al., arXiv 1806.09055), written by tegnas {version}.

The architecture is

{arch}

and the network is made and used as

    network = Network()
    logits, auxiliary_logits = network(images)  # training, (N, 3, 32, 32) -> (N, {num_classes})
    logits = network.eval()(images)
"""

from __future__ import annotations

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ReLUConvBN(nn.Module):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.relu = nn.ReLU()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size=1, bias=False)
        self.bn = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(self.relu(x)))


class FactorizedReduction(nn.Module):
    """Halves the resolution: one convolution on the even pixels, one on the odd ones."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        half = out_channels // 2
        self.relu = nn.ReLU()
        self.conv0 = nn.Conv2d(in_channels, half, kernel_size=1, stride=2, bias=False)
        self.conv1 = nn.Conv2d(
            in_channels, out_channels - half, kernel_size=1, stride=2, bias=False
        )
        self.bn = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(x)
        return self.bn(torch.cat([self.conv0(x), self.conv1(F.pad(x, (-1, 1, -1, 1)))], 1))

'''

_DEPTHWISE = """
class DepthwisePointwise(nn.Module):
    def __init__(self, channels: int, kernel_size: int, stride: int, dilation: int) -> None:
        super().__init__()
        self.relu = nn.ReLU()
        self.depthwise = nn.Conv2d(
            channels,
            channels,
            kernel_size,
            stride,
            padding=dilation * (kernel_size // 2),
            dilation=dilation,
            groups=channels,
            bias=False,
        )
        self.pointwise = nn.Conv2d(channels, channels, kernel_size=1, bias=False)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.pointwise(self.depthwise(self.relu(x))))

"""

_FUNCTIONS = {
    "sep_conv": """
def sep_conv(channels: int, kernel_size: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            sep0=DepthwisePointwise(channels, kernel_size, stride, dilation=1),
            sep1=DepthwisePointwise(channels, kernel_size, stride=1, dilation=1),
        )
    )

""",
    "dil_conv": """
def dil_conv(channels: int, kernel_size: int, stride: int) -> DepthwisePointwise:
    return DepthwisePointwise(channels, kernel_size, stride, dilation=2)

""",
    "skip_connect": """
def skip_connect(channels: int, stride: int) -> nn.Module:
    return nn.Identity() if stride == 1 else FactorizedReduction(channels, channels)

""",
    "avg_pool": """
def avg_pool(stride: int) -> nn.AvgPool2d:
    return nn.AvgPool2d(3, stride, padding=1, count_include_pad=False)

""",
    "max_pool": """
def max_pool(stride: int) -> nn.MaxPool2d:
    return nn.MaxPool2d(3, stride, padding=1)

""",
}

_EDGE = '''
def edge(**operation: nn.Module) -> nn.Sequential:
    """One operation under its name, so that weights are called by it."""
    return nn.Sequential(OrderedDict(operation))

'''

_NETWORK = '''
class Auxiliary(nn.Module):
    """A second classifier behind the last reduction, for its gradient in training."""

    def __init__(self, channels: int, num_classes: int) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(5, stride=3, count_include_pad=False)
        self.conv0 = nn.Conv2d(channels, 128, kernel_size=1, bias=False)
        self.bn0 = nn.BatchNorm2d(128)
        self.conv1 = nn.Conv2d(128, 768, kernel_size=2, bias=False)
        self.bn1 = nn.BatchNorm2d(768)
        self.classifier = nn.Linear(768, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn0(self.conv0(self.pool(F.relu(x)))))
        x = F.relu(self.bn1(self.conv1(x)))
        return self.classifier(x.flatten(1))


class Network(nn.Module):
    """Stem, cells with reductions at one and two thirds, classifier."""

    def __init__(
        self,
        channels: int = {channels},
        layers: int = {cells},
        num_classes: int = {num_classes},
        auxiliary: bool = True,
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            OrderedDict(
                conv=nn.Conv2d(3, 3 * channels, kernel_size=3, padding=1, bias=False),
                bn=nn.BatchNorm2d(3 * channels),
            )
        )
        self.layers = layers
        widths, after_reduction = [3 * channels, 3 * channels], False
        for layer in range(layers):
            reduces = layer in (layers // 3, 2 * layers // 3)
            if reduces:
                channels *= 2
            cell = ReductionCell if reduces else NormalCell
            module = cell(widths[-2], widths[-1], channels, after_reduction)
            self.add_module(f"cell{{layer}}", module)
            widths.append({outputs} * channels)
            after_reduction = reduces
        self.auxiliary = None
        if auxiliary:
            self.auxiliary = Auxiliary(widths[2 + 2 * layers // 3], num_classes)
        self.classifier = nn.Linear(widths[-1], num_classes)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        x = self.stem(x)
        before, last, middle = x, x, x
        for layer in range(self.layers):
            before, last = last, self.get_submodule(f"cell{{layer}}")(before, last)
            if layer == 2 * self.layers // 3:
                middle = last
        logits = self.classifier(last.mean((2, 3)))
        if self.training and self.auxiliary is not None:
            return logits, self.auxiliary(middle)
        return logits
'''


def darts_source(
    arch: DartsArchitecture,
    *,
    channels: int | None,
    cells: int | None,
    num_classes: int,
    version: str,
) -> str:
    """The source; sizes that are None are the published ones (36 channels, 20 cells).

    The network is the one for CIFAR; drop path, which belongs to training, is left out.
    """
    check_size(channels=channels, cells=cells, num_classes=num_classes)
    if any(name == NONE for cell in arch.cells for name, _ in cell):
        raise InputError("an architecture with the operation none has no PyTorch source")
    used = {re.sub(r"_\dx\d$", "", name) for cell in arch.cells for name, _ in cell}
    parts = [
        _HEADER.format(version=version, arch=_wrapped(arch), num_classes=num_classes),
        _DEPTHWISE if used & {"sep_conv", "dil_conv"} else "",
        *(source for name, source in _FUNCTIONS.items() if name in used),
        _EDGE,
        _cell("NormalCell", arch.normal, arch.normal_concat, reduction=False),
        _cell("ReductionCell", arch.reduce, arch.reduce_concat, reduction=True),
        _NETWORK.format(
            channels=channels or PUBLISHED_SIZE[0],
            cells=cells or PUBLISHED_SIZE[1],
            num_classes=num_classes,
            outputs=_outputs(*map(len, arch.concats)),
        ),
    ]
    return "\n".join(part.strip("\n") + "\n\n" for part in parts if part).rstrip("\n") + "\n"


def _outputs(normal: int, reduction: int) -> str:
    """How many nodes a cell puts out, as an expression."""
    return str(normal) if normal == reduction else f"({reduction} if reduces else {normal})"


def _wrapped(arch: DartsArchitecture) -> str:
    lines = ["    Genotype("]
    parts = zip(("normal", "reduce"), arch.cells, arch.concats, strict=True)
    for name, cell, concat in parts:
        first, second = (", ".join(map(repr, half)) for half in (cell[:4], cell[4:]))
        lines += [
            f"        {name}=[",
            f"            {first},",
            f"            {second}",
            "        ],",
        ]
        comma = "," if name == "normal" else ""
        lines.append(f"        {name}_concat={printed_concat(concat)}{comma}")
    return "\n".join([*lines, "    )"])


def _cell(name: str, pairs: Sequence[Pair], concat: Sequence[int], *, reduction: bool) -> str:
    doc = "halves the resolution" if reduction else "keeps the resolution"
    outputs = ", ".join(f"x{node}" for node in concat)
    given = "its four nodes" if concat == ALL_NODES else outputs
    lines = [
        f"class {name}(nn.Module):",
        f'    """Reads the two cells before it and {doc}; puts out {given}."""',
        "",
        "    def __init__("
        "self, before: int, last: int, channels: int, after_reduction: bool) -> None:",
        "        super().__init__()",
        "        shrink = FactorizedReduction if after_reduction else ReLUConvBN",
        "        self.preprocess0 = shrink(before, channels)",
        "        self.preprocess1 = ReLUConvBN(last, channels)",
    ]
    for node in range(4):
        edges = [
            f"{called}=edge({operation}={_module(operation, source, reduction)}),"
            for called, (operation, source) in _named(pairs, node)
        ]
        lines += [f"        self.node{node} = nn.ModuleDict(", "            dict("]
        lines += [*(" " * 16 + each for each in edges), "            )", "        )"]
    lines += ["", "    def forward(self, before: Tensor, last: Tensor) -> Tensor:"]
    lines += ["        x0, x1 = self.preprocess0(before), self.preprocess1(last)"]
    for node in range(4):
        terms = " + ".join(
            f'self.node{node}["{called}"](x{source})' for called, (_, source) in _named(pairs, node)
        )
        lines.append(f"        x{node + 2} = {terms}")
    lines += [f"        return torch.cat([{outputs}], 1)"]
    return "\n".join(lines) + "\n"


def _named(pairs: Sequence[Pair], node: int) -> Iterator[tuple[str, Pair]]:
    """The two pairs of a node, with the names of their edges."""
    both = pairs[2 * node : 2 * node + 2]
    return zip(edge_names([source for _, source in both]), both, strict=True)


def _module(operation: str, source: int, reduction: bool) -> str:
    stride = 2 if reduction and source < 2 else 1
    kind = operation if operation == "skip_connect" else operation[:-4]
    if kind in ("sep_conv", "dil_conv"):
        return f"{kind}(channels, kernel_size={operation[-1]}, stride={stride})"
    return (
        f"skip_connect(channels, stride={stride})"
        if kind == "skip_connect"
        else f"{kind}(stride={stride})"
    )
