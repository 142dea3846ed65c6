"""Small members of the families of networks that people build from torch.nn, for 3×8×8 images."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from networks import Function
from torch import Tensor, nn

WIDTH, CLASSES, SIDE = 6, 4, 8


def head(channels: int = WIDTH) -> nn.Module:
    """Mean over the image plane and a classifier."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, CLASSES))


def conv_bn(inner: int, outer: int, kernel: int = 3, **options) -> nn.Module:
    """A convolution of the same size, BatchNorm and ReLU."""
    conv = nn.Conv2d(inner, outer, kernel, padding=kernel // 2, bias=False, **options)
    return nn.Sequential(conv, nn.BatchNorm2d(outer), nn.ReLU())


class Residual(nn.Module):
    """x + f(x)."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class Gate(nn.Module):
    """Channels weighted by what a small network makes of their means (squeeze and excitation)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.down, self.up = nn.Conv2d(channels, 2, 1), nn.Conv2d(2, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.up(F.silu(self.down(x.mean((2, 3), keepdim=True)))).sigmoid()


class Patches(nn.Module):
    """Patches of 2×2 as tokens (N, 16, WIDTH), with learned positions."""

    def __init__(self, *, classified: bool = False) -> None:
        super().__init__()
        self.project = nn.Conv2d(3, WIDTH, 2, 2)
        self.positions = nn.Parameter(torch.zeros(1, 16 + classified, WIDTH))
        self.class_token = nn.Parameter(torch.zeros(1, 1, WIDTH)) if classified else None

    def forward(self, x: Tensor) -> Tensor:
        x = self.project(x).flatten(2).transpose(1, 2)
        if self.class_token is not None:
            x = torch.cat([self.class_token.expand(len(x), -1, -1), x], 1)
        return x + self.positions


class Attention(nn.Module):
    """Self-attention over tokens (N, T, WIDTH), with one layer for queries, keys and values."""

    def __init__(self) -> None:
        super().__init__()
        self.project, self.merge = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.project(x).unflatten(2, (3, 2, -1)).permute(2, 0, 3, 1, 4)
        return self.merge(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class Scaled(nn.Module):
    """A learned factor for every channel (LayerScale)."""

    def __init__(self) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gamma


class Windows(nn.Module):
    """Attention within shifted windows of 2×2, folded into the batch, with a table of biases."""

    def __init__(self, shift: int) -> None:
        super().__init__()
        self.norm, self.attention, self.shift = nn.LayerNorm(WIDTH), Attention(), shift
        self.relative_position_bias_table = nn.Parameter(torch.zeros(4, WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        n = len(x)
        y = self.norm(x).view(n, 4, 4, WIDTH).roll((-self.shift, -self.shift), (1, 2))
        y = y.view(n, 2, 2, 2, 2, WIDTH).transpose(2, 3).reshape(n * 4, 4, WIDTH)
        y = self.attention(y + self.relative_position_bias_table)
        y = y.view(n, 2, 2, 2, 2, WIDTH).transpose(2, 3).reshape(n, 4, 4, WIDTH)
        return x + y.roll((self.shift, self.shift), (1, 2)).reshape(n, 16, WIDTH)


class SpatialGate(nn.Module):
    """Half of the features gated by the other half, mixed over tokens (gMLP)."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.mix = nn.LayerNorm(WIDTH), nn.Linear(16, 16)

    def forward(self, x: Tensor) -> Tensor:
        kept, gate = x.chunk(2, 2)
        return kept * self.mix(self.norm(gate).transpose(1, 2)).transpose(1, 2)


class Dense(nn.Module):
    """Concatenated features of all layers before."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(conv_bn(WIDTH * (1 + i), WIDTH) for i in range(2))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = torch.cat([x, layer(x)], 1)
        return x


class Recurrent(nn.Module):
    """Rows of the image as a sequence."""

    def __init__(self, kind: type[nn.RNNBase], **options) -> None:
        super().__init__()
        self.layer = kind(3 * SIDE, WIDTH, **options)
        self.last = nn.Linear(WIDTH * (2 if self.layer.bidirectional else 1), CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = x.transpose(1, 2).flatten(2)
        x = x if self.layer.batch_first else x.transpose(0, 1)
        y = self.layer(x)[0]
        return self.last(y[:, -1] if self.layer.batch_first else y[-1])


class Ladder(nn.Module):
    """Down and up again, with a connection across (U-Net)."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.down = conv_bn(3, WIDTH), conv_bn(WIDTH, WIDTH, stride=2)
        self.up = nn.ConvTranspose2d(WIDTH, WIDTH, 2, 2)
        self.last = conv_bn(2 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return self.last(torch.cat([x, self.up(self.down(x))], 1))


class Experts(nn.Module):
    """Every token goes to one of two layers, weighted by how sure the choice is."""

    def __init__(self) -> None:
        super().__init__()
        self.choose = nn.Linear(WIDTH, 2)
        self.experts = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        weight, choice = self.choose(x).softmax(-1).max(-1)
        y = torch.zeros_like(x)
        for index, expert in enumerate(self.experts):
            y[choice == index] = expert(x[choice == index])
        return y * weight[..., None]


class Standardised(nn.Conv2d):
    """A convolution with standardised weights."""

    def forward(self, x: Tensor) -> Tensor:
        mean = self.weight.mean((1, 2, 3), keepdim=True)
        scale = self.weight.var((1, 2, 3), keepdim=True).add(1e-5).rsqrt()
        return F.conv2d(x, (self.weight - mean) * scale, self.bias, padding=1)


class ResponseNorm(nn.Module):
    """Channels weighed against each other (global response normalisation), channels last."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(WIDTH)), nn.Parameter(torch.zeros(WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        size = x.norm(dim=(1, 2), keepdim=True)
        return x + self.weight * x * size / (size.mean(3, keepdim=True) + 1e-6) + self.bias


class Frequencies(nn.Module):
    """A learned filter of complex numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.complex_weight = nn.Parameter(torch.ones(WIDTH, SIDE, SIDE // 2 + 1, 2))

    def forward(self, x: Tensor) -> Tensor:
        spectrum = torch.fft.rfft2(x, norm="ortho") * torch.view_as_complex(self.complex_weight)
        return torch.fft.irfft2(spectrum, norm="ortho")


def channels_last(*layers: nn.Module) -> nn.Module:
    """Layers that work on (N, H, W, C), for (N, C, H, W)."""
    turn, back = (
        Function(lambda x: x.permute(0, 2, 3, 1)),
        Function(lambda x: x.permute(0, 3, 1, 2)),
    )
    return nn.Sequential(turn, *layers, back)


def mlp(width: int = WIDTH, *between: nn.Module) -> nn.Module:
    return nn.Sequential(
        nn.LayerNorm(width),
        nn.Linear(width, 2 * width),
        nn.GELU(),
        *between,
        nn.Linear(2 * width, width),
    )


def turned(layer: nn.Module) -> nn.Module:
    return nn.Sequential(
        Function(lambda x: x.transpose(1, 2)), layer, Function(lambda x: x.transpose(1, 2))
    )


def mean_of_tokens() -> nn.Module:
    return nn.Sequential(Function(lambda x: x.mean(1)), nn.Linear(WIDTH, CLASSES))


def shuffle(x: Tensor) -> Tensor:
    return x.unflatten(1, (2, -1)).transpose(1, 2).flatten(1, 2)


def encoder(*, batch_first: bool, norm_first: bool) -> nn.Module:
    layer = nn.TransformerEncoderLayer(
        WIDTH, 2, 2 * WIDTH, batch_first=batch_first, norm_first=norm_first
    )
    stack = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    if batch_first:
        return nn.Sequential(Patches(), stack, mean_of_tokens())
    turn = Function(lambda x: x.transpose(0, 1))
    return nn.Sequential(Patches(), turn, stack, turn, mean_of_tokens())


S = nn.Sequential
FAMILIES: dict[str, Callable[[], nn.Module]] = {
    "perceptron": lambda: S(nn.Flatten(), nn.Linear(192, 8), nn.Tanh(), nn.Linear(8, CLASSES)),
    "perceptron, BatchNorm": lambda: S(
        nn.Flatten(), nn.Linear(192, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, CLASSES)
    ),
    "LeNet": lambda: S(
        nn.Conv2d(3, WIDTH, 3), nn.Sigmoid(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(54, CLASSES)
    ),
    "VGG": lambda: S(conv_bn(3, WIDTH), nn.MaxPool2d(2), conv_bn(WIDTH, WIDTH), head()),
    "ResNet": lambda: S(
        conv_bn(3, WIDTH), Residual(conv_bn(WIDTH, WIDTH), nn.Conv2d(WIDTH, WIDTH, 3, padding=1),
                                    nn.BatchNorm2d(WIDTH)), nn.ReLU(inplace=True), head()
    ),
    "ResNet, preactivation": lambda: S(
        nn.Conv2d(3, WIDTH, 3, padding=1),
        Residual(nn.BatchNorm2d(WIDTH), nn.ReLU(inplace=True),
                 nn.Conv2d(WIDTH, WIDTH, 3, padding=1)),
        head(),
    ),
    "ResNeXt": lambda: S(conv_bn(3, WIDTH), Residual(conv_bn(WIDTH, WIDTH, groups=3)), head()),
    "SENet": lambda: S(conv_bn(3, WIDTH), Residual(conv_bn(WIDTH, WIDTH), Gate(WIDTH)), head()),
    "DenseNet": lambda: S(conv_bn(3, WIDTH), Dense(), head(3 * WIDTH)),
    "MobileNet": lambda: S(
        conv_bn(3, WIDTH), conv_bn(WIDTH, 12, 1), conv_bn(12, 12, groups=12),
        nn.Conv2d(12, WIDTH, 1), nn.BatchNorm2d(WIDTH), nn.Hardswish(inplace=True), head()
    ),
    "ShuffleNet": lambda: S(
        conv_bn(3, WIDTH), conv_bn(WIDTH, WIDTH, 1, groups=2), Function(shuffle), head()
    ),
    "Inception": lambda: S(
        Function(lambda x, *branches: torch.cat([each(x) for each in branches], 1),
                 conv_bn(3, 2, 1), conv_bn(3, 2, 3), S(nn.MaxPool2d(3, 1, 1), conv_bn(3, 2, 5))),
        head(),
    ),
    "NFNet": lambda: S(Standardised(3, WIDTH, 3), nn.GELU(), Standardised(WIDTH, WIDTH, 3), head()),
    "GroupNorm": lambda: S(
        nn.Conv2d(3, WIDTH, 3), nn.GroupNorm(2, WIDTH), nn.PReLU(WIDTH), head()
    ),
    "InstanceNorm": lambda: S(
        nn.Conv2d(3, WIDTH, 3), nn.InstanceNorm2d(WIDTH, affine=True), nn.ELU(), nn.Flatten(),
        nn.Linear(WIDTH * 36, CLASSES)
    ),
    "ConvNeXt": lambda: S(
        nn.Conv2d(3, WIDTH, 2, 2),
        Residual(nn.Conv2d(WIDTH, WIDTH, 5, padding=2, groups=WIDTH),
                 channels_last(mlp(), Scaled())),
        head(),
    ),
    "ConvNeXt V2": lambda: S(
        nn.Conv2d(3, WIDTH, 2, 2), Residual(channels_last(ResponseNorm(), mlp())), head()
    ),
    "U-Net": lambda: S(Ladder(), head()),
    "ViT": lambda: S(
        Patches(classified=True), Residual(nn.LayerNorm(WIDTH), Attention(), Scaled()),
        Residual(mlp()), Function(lambda x: x[:, 0]), nn.Linear(WIDTH, CLASSES)
    ),
    "Swin": lambda: S(Patches(), Windows(0), Windows(1), Residual(mlp()), mean_of_tokens()),
    "MLP-Mixer": lambda: S(
        Patches(), Residual(turned(mlp(16))), Residual(mlp()), nn.LayerNorm(WIDTH), mean_of_tokens()
    ),
    "gMLP": lambda: S(
        Patches(), Residual(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 2 * WIDTH), nn.GELU(),
                            SpatialGate()), mean_of_tokens()
    ),
    "PoolFormer": lambda: S(
        nn.Conv2d(3, WIDTH, 2, 2), Residual(nn.GroupNorm(1, WIDTH), nn.AvgPool2d(3, 1, 1)), head()
    ),
    "GFNet": lambda: S(nn.Conv2d(3, WIDTH, 3, padding=1), Frequencies(), nn.GELU(), head()),
    "transformer": lambda: encoder(batch_first=True, norm_first=True),
    "transformer, tokens first": lambda: encoder(batch_first=False, norm_first=False),
    "mixture of experts": lambda: S(Patches(), Residual(Experts()), mean_of_tokens()),
    "RNN": lambda: Recurrent(nn.RNN, batch_first=True),
    "GRU, both ways": lambda: Recurrent(nn.GRU, bidirectional=True),
    "LSTM, deep": lambda: Recurrent(nn.LSTM, num_layers=2, dropout=0.5, batch_first=True),
    "LSTM, rows first": lambda: Recurrent(nn.LSTM),
    "convolutions of rows": lambda: S(
        nn.Flatten(1, 2), nn.Conv1d(24, WIDTH, 3, dilation=2), nn.BatchNorm1d(WIDTH), nn.SiLU(),
        nn.Flatten(), nn.Linear(WIDTH * 4, CLASSES)
    ),
    "convolutions of volumes": lambda: S(
        Function(lambda x: x[:, None]), nn.Conv3d(1, WIDTH, 3, padding=1), nn.BatchNorm3d(WIDTH),
        nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(WIDTH, CLASSES)
    ),
    "gated linear units": lambda: S(
        nn.Conv2d(3, 2 * WIDTH, 3), nn.GLU(1), nn.Dropout2d(0.5), head()
    ),
    "maxout": lambda: S(
        conv_bn(3, 2 * WIDTH), Function(lambda x: x.unflatten(1, (2, -1)).amax(1)), head()
    ),
    "bilinear": lambda: S(
        nn.Flatten(), nn.Linear(192, WIDTH),
        Function(lambda x, layer: layer(x, x.tanh()), nn.Bilinear(WIDTH, WIDTH, CLASSES))
    ),
}  # fmt: skip
