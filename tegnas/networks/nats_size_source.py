"""PyTorch source of a network of the NATS-Bench size space."""

from __future__ import annotations

from collections.abc import Sequence

from tegnas.networks.full import check_size
from tegnas.networks.nasbench201_source import REDUCTION, RELU_CONV_BN

_SOURCE = '''\
"""A network of the NATS-Bench size space (Dong et al., arXiv 2009.00437), by tegnas {version}.

The architecture, its five numbers of channels, is

    {arch}

and the network is made and used as

    network = Network()
    logits = network(images)  # (N, 3, H, W) -> (N, {num_classes})
"""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn


{relu_conv_bn}


class Projection(nn.Module):
    """A skip between different numbers of channels."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size=1, bias=False)
        self.bn = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x))


class Cell(nn.Module):
    """The cell of every architecture of the space: every node is the sum of its edges."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.edge0 = ReLUConvBN(in_channels, out_channels, kernel_size=3)
        self.edge1 = ReLUConvBN(in_channels, out_channels, kernel_size=3)
        self.edge2 = ReLUConvBN(out_channels, out_channels, kernel_size=3)
        same = in_channels == out_channels
        self.edge3 = nn.Identity() if same else Projection(in_channels, out_channels)
        self.edge4 = ReLUConvBN(out_channels, out_channels, kernel_size=3)
        self.edge5 = ReLUConvBN(out_channels, out_channels, kernel_size=3)

    def forward(self, x: Tensor) -> Tensor:
        node1 = self.edge0(x)
        node2 = self.edge1(x) + self.edge2(node1)
        return self.edge3(x) + self.edge4(node1) + self.edge5(node2)


{reduction}


class Network(nn.Module):
    """Stem, three cells with reductions between them, classifier."""

    def __init__(self, num_classes: int = {num_classes}) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            OrderedDict(
                conv=nn.Conv2d(3, {c[0]}, kernel_size=3, padding=1, bias=False),
                bn=nn.BatchNorm2d({c[0]}),
            )
        )
        self.stage0 = Cell({c[0]}, {c[0]})
        self.reduction0 = Reduction({c[0]}, {c[1]})
        self.stage1 = Cell({c[1]}, {c[2]})
        self.reduction1 = Reduction({c[2]}, {c[3]})
        self.stage2 = Cell({c[3]}, {c[4]})
        self.last = nn.Sequential(OrderedDict(bn=nn.BatchNorm2d({c[4]}), relu=nn.ReLU()))
        self.classifier = nn.Linear({c[4]}, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stage0(self.stem(x))
        x = self.stage1(self.reduction0(x))
        x = self.stage2(self.reduction1(x))
        return self.classifier(self.last(x).mean((2, 3)))
'''


def nats_size_source(
    arch: object, channels: Sequence[int], *, num_classes: int, version: str
) -> str:
    """The source of ``SizeNetwork`` with these five numbers of channels."""
    check_size(num_classes=num_classes)
    return _SOURCE.format(
        version=version,
        arch=arch,
        num_classes=num_classes,
        c=channels,
        relu_conv_bn=RELU_CONV_BN,
        reduction=REDUCTION,
    )
