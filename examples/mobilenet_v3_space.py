"""The MobileNetV3 space of Once-for-All (Cai et al., ICLR 2020, arXiv 1908.09791) as one's own.

    tegnas search --space examples/mobilenet_v3_space.py:SPACE --images digits --budget 100

It varies what tegnas has for the spaces mnasnet and mobilenet: some stages have hard-swish and
squeeze-and-excitation; depth, kernel size and expansion are choices of each of the five stages.
(Once-for-All chooses the last two for every layer, and rounds squeezed channels to multiples of 8.)
The network is made in three sizes: the published one, one with an eighth of its channels for T and
G, and one with a sixteenth for E, on single pixels.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from tegnas.networks.inverted_residual import ConvBNActivation, InvertedResidual, make_block
from tegnas.spaces import ChoiceSpace

# Of the five stages (Howard et al., ICCV 2019, arXiv 1905.02244, table 1).
WIDTHS = (24, 40, 80, 112, 160)
STRIDES = (2, 2, 2, 1, 2)
SQUEEZED = (False, True, False, True, True)
ACTIVATIONS = ("relu", "relu", "hardswish", "hardswish", "hardswish")

# Of the stem and the block behind it, of the 1×1 head, and of the features behind the pool.
STEM, HEAD, FEATURES = 16, 960, 1280

CHOICES = {
    f"{name}{stage}": options
    for stage in range(len(WIDTHS))
    for name, options in (("depth", (2, 3, 4)), ("kernel", (3, 5, 7)), ("expansion", (3, 4, 6)))
}


class MobileNetV3(nn.Module):
    def __init__(
        self,
        choices: Mapping[str, int],
        num_classes: int,
        divisor: int = 1,
        *,
        halvings: tuple[int, ...] = STRIDES,
        thin: bool = False,
    ) -> None:
        super().__init__()
        stem, head, features = (each // divisor for each in (STEM, HEAD, FEATURES))
        self.stem = nn.Identity()
        if not thin:
            stride = 2 if divisor == 1 else 1
            self.stem = ConvBNActivation(3, stem, 3, stride, activation="hardswish")
        blocks = [InvertedResidual(stem, stem, 3, 1, residual=True)]
        channels = stem
        for stage, published in enumerate(WIDTHS):
            width = published // divisor
            for place in range(choices[f"depth{stage}"]):
                expansion = choices[f"expansion{stage}"]
                blocks.append(
                    InvertedResidual(
                        channels,
                        width,
                        choices[f"kernel{stage}"],
                        expansion,
                        halvings[stage] if place == 0 else 1,
                        residual=place > 0,
                        squeezed=max(1, channels * expansion // 4) if SQUEEZED[stage] else 0,
                        activation=ACTIVATIONS[stage],
                    )
                )
                channels = width
        self.blocks = nn.Sequential(*map(make_block, blocks))
        self.head = ConvBNActivation(channels, head, 1, activation="hardswish")
        self.features = nn.Sequential(nn.Conv2d(head, features, 1, bias=False), nn.Hardswish())
        self.classifier = nn.Linear(features, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        means = self.head(self.blocks(self.stem(x))).mean((2, 3), keepdim=True)
        return self.classifier(self.features(means).flatten(1))


def small(choices: Mapping[str, int], num_classes: int) -> nn.Module:
    # Images of 16×16 are halved three times, and not six times as those of 224×224.
    return MobileNetV3(choices, num_classes, divisor=8, halvings=(1, 2, 2, 1, 2))


def thin(choices: Mapping[str, int], num_classes: int) -> nn.Module:
    return MobileNetV3(choices, num_classes, divisor=16, halvings=(1,) * 5, thin=True)


SPACE = ChoiceSpace(
    "mobilenet-v3",
    CHOICES,
    MobileNetV3,
    proxy=small,
    thin=thin,
    region_input_shape=(STEM // 16, 1, 1),
    searched=("blocks",),
)
