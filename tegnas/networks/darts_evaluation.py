"""The networks that DARTS cells are trained in (Liu et al., arXiv 1806.09055, section 3)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from tegnas.networks.darts import CellPlan, CellStack
from tegnas.networks.layers import BN_EPSILON, ConvBN, ReLUConvBN

# Channels of the first cells, and cells in all, of the published CIFAR network.
PUBLISHED_SIZE = (36, 20)

# How much wider the stem is than the first cells.
STEM_MULTIPLIER = 3


def reduction_cells(layers: int) -> set[int]:
    """Which of so many cells are reductions: those at one and two thirds."""
    return {layers // 3, 2 * layers // 3}


class DartsNetwork(CellStack):
    """The CIFAR network: 20 cells, reductions at one and two thirds, auxiliary classifier.

    ``forward``: (N, 3, 32, 32) → logits (N, num_classes); in training mode the pair of logits and
    auxiliary logits, unless made without the auxiliary classifier. The published parameter counts
    leave that classifier out.

    Attributes:
        drop_path_probability: that an operation's output is dropped for an image, in training
            mode; the trainer's to raise (from 0 to 0.2 over the published training).
    """

    def __init__(
        self,
        normal: CellPlan,
        reduction: CellPlan,
        *,
        channels: int = 36,
        layers: int = 20,
        num_classes: int = 10,
        auxiliary: bool = True,
    ) -> None:
        super().__init__()
        self.drop_path_probability = 0.0
        stem_channels = self._add_stem(channels)
        outputs = self._add_cells(
            normal,
            reduction,
            stem_channels=stem_channels,
            channels=channels,
            layers=layers,
            reductions=reduction_cells(layers),
            after_reduction=self._stem_reduces,
        )
        self._auxiliary_cell = 2 * layers // 3
        self.auxiliary = None
        if auxiliary:
            self.auxiliary = AuxiliaryClassifier(
                outputs[self._auxiliary_cell], num_classes, self._auxiliary_stride
            )
        self.classifier = nn.Linear(outputs[-1], num_classes)

    # What the ImageNet network does differently.
    _stem_reduces = False
    _auxiliary_stride = 3

    def _add_stem(self, channels: int) -> int:
        self.stem: nn.Module = ConvBN(3, STEM_MULTIPLIER * channels)
        return STEM_MULTIPLIER * channels

    def _run_stem(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.stem(x)
        return x, x

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        before_previous, previous = self._run_stem(x)
        middle = previous
        for index, cell in enumerate(self._cells()):
            output = cell(before_previous, previous, self.drop_path_probability)
            before_previous, previous = previous, output
            if index == self._auxiliary_cell:
                middle = previous
        logits = self.classifier(previous.mean((2, 3)))
        if self.training and self.auxiliary is not None:
            return logits, self.auxiliary(middle)
        return logits


class DartsDeepThinNetwork(DartsNetwork):
    """The cells of the CIFAR network without its stem: for the region count, on 2×2 pixels.

    ``forward``: (M, channels, H, W) → logits (M, num_classes).
    """

    def __init__(
        self,
        normal: CellPlan,
        reduction: CellPlan,
        *,
        channels: int,
        layers: int,
        num_classes: int,
    ) -> None:
        super().__init__(
            normal,
            reduction,
            channels=channels,
            layers=layers,
            num_classes=num_classes,
            auxiliary=False,
        )
        self.region_input_shape = (channels, 2, 2)

    def _add_stem(self, channels: int) -> int:
        self.stem = nn.Identity()
        return channels


class DartsImageNetNetwork(DartsNetwork):
    """The ImageNet network: a stem that divides the side by 8, then 14 cells.

    ``forward``: (N, 3, 224, 224) → as ``DartsNetwork``.
    """

    _stem_reduces = True
    _auxiliary_stride = 2

    def __init__(
        self,
        normal: CellPlan,
        reduction: CellPlan,
        *,
        channels: int = 48,
        layers: int = 14,
        num_classes: int = 1000,
        auxiliary: bool = True,
    ) -> None:
        super().__init__(
            normal,
            reduction,
            channels=channels,
            layers=layers,
            num_classes=num_classes,
            auxiliary=auxiliary,
        )

    def _add_stem(self, channels: int) -> int:
        self.stem = ImageNetStem(channels)
        return channels

    def _run_stem(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.stem(x)


class ImageNetStem(nn.Module):
    """Three convolutions of stride 2; the two first cell inputs have ¼ and ⅛ of the side."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, channels // 2, 3, stride=2, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(channels // 2, eps=BN_EPSILON)
        self.quarter = ReLUConvBN(channels // 2, channels, 3, stride=2)
        self.eighth = ReLUConvBN(channels, channels, 3, stride=2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        quarter = self.quarter(self.bn(self.conv(x)))
        return quarter, self.eighth(quarter)


class AuxiliaryClassifier(nn.Module):
    """A second classifier behind the last reduction, for its gradient in training.

    ``forward``: (N, channels, S, S) → logits (N, num_classes), with S = 8 for ``pool_stride`` 3
    and S = 7 for 2: both give the 2×2 pixels that the second convolution needs.
    """

    def __init__(self, channels: int, num_classes: int, pool_stride: int) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(5, pool_stride, count_include_pad=False)
        self.conv0 = nn.Conv2d(channels, 128, 1, bias=False)
        self.bn0 = nn.BatchNorm2d(128, eps=BN_EPSILON)
        self.conv1 = nn.Conv2d(128, 768, 2, bias=False)
        self.bn1 = nn.BatchNorm2d(768, eps=BN_EPSILON)
        self.classifier = nn.Linear(768, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn0(self.conv0(self.pool(F.relu(x)))))
        x = F.relu(self.bn1(self.conv1(x)))
        return self.classifier(x.flatten(1))
