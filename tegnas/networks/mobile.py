"""Networks of stages of inverted residual blocks, told by a plan: one class for several spaces."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from tegnas.networks.inverted_residual import Block, ConvBNActivation, make_block

STEM_KERNEL_SIZE = 3


@dataclass(frozen=True)
class MobilePlan:
    """All that the module, the program and the exported source of a network are made from.

    Attributes:
        stages: the blocks of each stage; the first takes the channels of the stem.
        in_channels: of the images, or of what the first block takes where there is no stem.
        stem: channels of the stem; None for none.
        stem_stride: of the stem.
        head: channels of the 1×1 convolution in front of the global average pool.
        dropout: probability in front of the classifier, in training.
        region_side: side of the inputs of a network that regions are counted on; None for others.
    """

    stages: tuple[tuple[Block, ...], ...]
    in_channels: int
    stem: int | None
    head: int
    stem_stride: int = 1
    dropout: float = 0.0
    region_side: int | None = None

    @property
    def features(self) -> int:
        """Channels that the head takes."""
        return self.stages[-1][-1].out_channels

    def named_stages(self) -> list[tuple[str, list[tuple[str, Block]]]]:
        """Name of each stage, and of each of its blocks within it."""
        return [
            (f"stage{index}", [(f"block{place}", block) for place, block in enumerate(stage)])
            for index, stage in enumerate(self.stages)
        ]


class MobileNetwork(nn.Module):
    """Stem, stages, 1×1 head, global average pool, classifier.

    ``forward``: (N, in_channels, H, W) → logits (N, num_classes).
    """

    searched_prefixes = ("stage",)

    def __init__(self, plan: MobilePlan, num_classes: int) -> None:
        super().__init__()
        if plan.region_side is not None:
            self.region_input_shape = (plan.in_channels, plan.region_side, plan.region_side)
        self.stem: nn.Module = nn.Identity()
        if plan.stem is not None:
            self.stem = ConvBNActivation(
                plan.in_channels, plan.stem, STEM_KERNEL_SIZE, plan.stem_stride
            )
        for name, blocks in plan.named_stages():
            stage = nn.Sequential()
            for place, block in blocks:
                stage.add_module(place, make_block(block))
            self.add_module(name, stage)
        self.names = tuple(name for name, _ in plan.named_stages())
        self.head = ConvBNActivation(plan.features, plan.head, 1)
        self.dropout = nn.Dropout(plan.dropout) if plan.dropout else nn.Identity()
        self.classifier = nn.Linear(plan.head, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for name in self.names:
            x = self.get_submodule(name)(x)
        return self.classifier(self.dropout(self.head(x).mean((2, 3))))
