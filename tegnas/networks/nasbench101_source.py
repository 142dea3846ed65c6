"""PyTorch source of a NAS-Bench-101 network, as one would write it for one architecture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tegnas.networks.full import check_size
from tegnas.networks.nasbench101 import PUBLISHED_SIZE, STAGES, kernel_size_of
from tegnas.networks.nasbench101_cell import Cell, node_channels, output_channels

if TYPE_CHECKING:
    from tegnas.spaces.nasbench101 import NasBench101Architecture

_HEADER = '''\
"""A NAS-Bench-101 network (Ying et al., arXiv 1902.09635), written by tegnas {version}.

The architecture is

    {arch}

and the network is made and used as

    network = Network()
    logits = network(images)  # (N, 3, H, W) -> (N, {num_classes})
"""

from __future__ import annotations

from collections import OrderedDict

{imports}from torch import Tensor, nn


class ConvBNReLU(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, kernel_size: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels, out_channels, kernel_size, padding=kernel_size // 2, bias=False
        )
        self.bn = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.bn(self.conv(x)))


'''

_FOOTER = '''

def stage(in_channels: int, channels: tuple[int, ...]) -> nn.Sequential:
    inputs = [in_channels] + [channels[-1]] * {more}
    cells = ((f"cell{{index}}", Cell(each, channels)) for index, each in enumerate(inputs))
    return nn.Sequential(OrderedDict(cells))


class Network(nn.Module):
    """Stem, three stages of {cells} with a max pool between them, classifier."""

    def __init__(self, num_classes: int = {num_classes}) -> None:
        super().__init__()
        self.stem = ConvBNReLU(3, {channels}, 3)
{stages}
        self.pool = nn.MaxPool2d(2, stride=2, ceil_mode=True)
        self.classifier = nn.Linear({width}, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stage0(self.stem(x))
        x = self.stage1(self.pool(x))
        x = self.stage2(self.pool(x))
        return self.classifier(x.mean((2, 3)))
'''


def nasbench101_source(
    arch: NasBench101Architecture,
    *,
    channels: int | None,
    cells: int | None,
    num_classes: int,
    version: str,
) -> str:
    """The source; sizes that are None are the benchmark's own (128 channels, 3 cells)."""
    channels = PUBLISHED_SIZE[0] if channels is None else channels
    cells = PUBLISHED_SIZE[1] if cells is None else cells
    check_size(channels=channels, cells=cells, num_classes=num_classes)
    cell = arch.cell
    widths = [
        (*node_channels(cell, channels << stage), output_channels(cell, channels << stage))
        for stage in range(STAGES)
    ]
    inputs = [channels, *(each[-1] for each in widths)]
    body = _cell(cell, widths)
    stages = "\n".join(
        f"        self.stage{stage} = stage({inputs[stage]}, {each!r})"
        for stage, each in enumerate(widths)
    )
    header = _HEADER.format(
        version=version,
        arch=arch,
        num_classes=num_classes,
        imports="import torch\n" if "torch.cat" in body else "",
    )
    footer = _FOOTER.format(
        more=cells - 1,
        cells="one cell" if cells == 1 else f"{cells} cells",
        num_classes=num_classes,
        channels=channels,
        stages=stages,
        width=inputs[-1],
    )
    return header + body + footer


def _cell(cell: Cell, widths: list[tuple[int, ...]]) -> str:
    lines = [
        "class Cell(nn.Module):",
        '    """The searched cell; channels are those of its nodes, the output last."""',
        "",
        "    def __init__(self, in_channels: int, channels: tuple[int, ...]) -> None:",
        "        super().__init__()",
    ]
    cuts: dict[str, str] = {}  # by the name of a number of channels, what it is
    forward = []
    for node in range(1, cell.output + 1):
        own = f"channels[{node - 1}]"
        terms = []
        for source in cell.inner(node):
            narrower = any(each[node - 1] < each[source - 1] for each in widths)
            if node < cell.output and narrower:
                cuts[f"channels{node}"] = own
                terms.append(f"node{source}[:, : self.channels{node}]")
            else:
                terms.append(f"node{source}")
        if node == cell.output and len(terms) > 1:
            terms = [f"torch.cat([{', '.join(terms)}], 1)"]
        if 0 in cell.reads(node):
            lines.append(f"        self.projection{node} = ConvBNReLU(in_channels, {own}, 1)")
            terms.append(f"self.projection{node}(x)")
        if node == cell.output:
            forward.append(f"        return {' + '.join(terms)}")
        else:
            lines.append(f"        self.node{node} = {_module(cell.operations[node - 1], own)}")
            forward.append(f"        node{node} = self.node{node}({' + '.join(terms)})")
    lines += (f"        self.{name} = {value}" for name, value in cuts.items())
    lines += ["", "    def forward(self, x: Tensor) -> Tensor:", *forward]
    return "\n".join(lines) + "\n"


def _module(operation: str, channels: str) -> str:
    kernel_size = kernel_size_of(operation)
    if kernel_size == 0:
        return "nn.MaxPool2d(3, stride=1, padding=1)"
    return f"ConvBNReLU({channels}, {channels}, {kernel_size})"
