"""AZ-NAS (Lee & Ham, CVPR 2024): four scores of the blocks of a network.

The paper adds them up by log-rank: ``--indicators az_expressivity,az_progressivity,
az_trainability,az_complexity --combination log-rank``. Networks look at Gaussian noise of the shape
of the images. Blocks are the parts of the network that lead from feature map to feature map, those
of a sequence or list one by one; a norm or activation by itself is none.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from tegnas.errors import InputError
from tegnas.indicators.base import EXTRA, HIGHER, Indicator
from tegnas.indicators.comparison.loss import differentiable
from tegnas.indicators.sources import Network
from tegnas.kernel.batch_statistics import batch_statistics
from tegnas.networks.complexity import count_flops

_CLOSING = (_BatchNorm, nn.ReLU)


def az_expressivity(network: nn.Module, images: Tensor, labels: Tensor, *, seed: int = 0) -> float:
    """Sum over blocks of the entropy of the shares of their features' principal components.

    Higher is better; NaN if a block gives a constant.

    Raises:
        InputError: fewer than two blocks.
    """
    return float(_entropies(network, images, seed).sum())


def az_progressivity(network: nn.Module, images: Tensor, labels: Tensor, *, seed: int = 0) -> float:
    """The least growth of that entropy from one block to the next. Higher is better.

    NaN if a block gives a constant.

    Raises:
        InputError: fewer than two blocks.
    """
    return float(_entropies(network, images, seed).diff().min())


def az_trainability(network: nn.Module, images: Tensor, labels: Tensor, *, seed: int = 0) -> float:
    """How near each block is to passing gradients on unchanged, 2 − σ − 1/σ, the mean over blocks.

    Higher is better. σ is the largest singular value of the least squares map from the gradient at
    the block's output (random signs) to that at its input; the pixels that a block of stride s
    makes one of count as channels. As in the released code a block that computes nothing, whose
    gradients are exactly the same, has −inf, and 1e-6 is added to the σ that is divided by.

    Raises:
        InputError: fewer than two blocks, or a block that enlarges its feature map.
    """
    noise = _Noise(seed)
    scores = []
    with differentiable(network):
        x = noise.gauss(images).requires_grad_(True)
        for before, after in _block_ends(network, x)[1:]:  # the first is not led to by features
            signs = noise.signs(after)
            (back,) = torch.autograd.grad(
                after, before, signs, retain_graph=True, allow_unused=True, materialize_grads=True
            )
            scores.append(_passing(back, signs))
    return sum(scores) / len(scores)


def az_complexity(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Operations for one image, counted as everywhere here. Higher is better."""
    _, channels, height, width = images.shape
    return float(count_flops(network, (channels, height, width)))


class _Noise:
    """Gaussian images and random signs, one after the other from one seed."""

    def __init__(self, seed: int) -> None:
        self._generator = torch.Generator().manual_seed(seed)

    def gauss(self, like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=self._generator).to(like)

    def signs(self, like: Tensor) -> Tensor:
        return torch.randint(0, 2, like.shape, generator=self._generator).to(like) * 2 - 1


def _entropies(network: nn.Module, images: Tensor, seed: int) -> Tensor:
    """One entropy for each block, float64."""
    with torch.no_grad(), batch_statistics(network, "frozen"):
        ends = _block_ends(network, _Noise(seed).gauss(images))
    return torch.stack([_entropy(after.detach()) for _, after in ends])


def _entropy(features: Tensor) -> Tensor:
    rows = features.movedim(1, -1).flatten(0, -2).double()
    rows = rows - rows.mean(0)
    covariance = rows.T @ rows
    if not bool(covariance.isfinite().all()):
        return torch.full((), torch.nan, dtype=torch.float64, device=features.device)
    shares = torch.linalg.eigvalsh(covariance)
    shares = (shares / shares.sum()).clamp(min=0)  # the least may come out a rounding below zero
    return -(shares * torch.log(shares + 1e-8)).sum()


def _passing(back: Tensor, signs: Tensor) -> float:
    if back.shape == signs.shape and bool((back == signs).all()):
        return -torch.inf
    into, out = _rows(back, signs.shape[2:]), _rows(signs, signs.shape[2:])
    least_squares = into.T @ out / len(out)
    if not bool(least_squares.isfinite().all()):
        return torch.nan
    largest = float(torch.linalg.matrix_norm(least_squares, ord=2))
    return -largest - 1 / (largest + 1e-6) + 2


def _rows(features: Tensor, pixels: torch.Size) -> Tensor:
    """One row for each image and pixel of a grid that is as fine as the features or coarser.

    What of the features falls into one pixel counts as channels. Zeros fill up where the last ones
    are incomplete.
    """
    n, channels, height, width = features.shape
    down, across = -(-height // pixels[0]), -(-width // pixels[1])
    if height < pixels[0] or width < pixels[1]:
        raise InputError(
            "AZ-NAS's trainability isn't defined for a block that enlarges its feature map, here "
            f"from {height}×{width} to {pixels[0]}×{pixels[1]}"
        )
    filled = F.pad(features, (0, across * pixels[1] - width, 0, down * pixels[0] - height))
    split = filled.reshape(n, channels, pixels[0], down, pixels[1], across)
    return split.permute(0, 2, 4, 1, 3, 5).reshape(n * pixels[0] * pixels[1], -1)


def _block_ends(network: nn.Module, x: Tensor) -> list[tuple[Tensor, Tensor]]:
    """What enters and leaves each block, in order of the calls.

    The blocks compute on copies, so that the only way from one to the other is through the block.
    """
    ends: list[tuple[Tensor, Tensor]] = []
    entered: list[Tensor] = []

    def enter(module: nn.Module, args: tuple) -> tuple:
        entered.clear()
        maps = [index for index, each in enumerate(args) if _is_map(each)]
        if not maps:
            return args
        entered.append(args[maps[-1]].clone())
        return (*args[: maps[-1]], entered[0].clone(), *args[maps[-1] + 1 :])

    def leave(module: nn.Module, args: tuple, output: object) -> object:
        if not entered or not _is_map(output):
            return output
        assert isinstance(output, Tensor)
        ends.append((entered[0], output))
        return output.clone()

    handles = []
    for block in _blocks(network):
        handles.append(block.register_forward_pre_hook(enter))
        handles.append(block.register_forward_hook(leave))
    try:
        network(x.clone())
    finally:
        for handle in handles:
            handle.remove()
    if len(ends) < 2:
        raise InputError(
            f"{type(network).__name__} has {len(ends)} blocks that lead from feature map to "
            "feature map; AZ-NAS compares two or more"
        )
    return ends


def _is_map(value: object) -> bool:
    return isinstance(value, Tensor) and value.dim() == 4


def _blocks(network: nn.Module) -> list[nn.Module]:
    blocks: list[nn.Module] = []
    for part in network.children():
        blocks += list(part.children()) if _is_sequence(part) else [part]
    return [block for block in blocks if not _closes(block)]


def _is_sequence(part: nn.Module) -> bool:
    """Whether a part only holds other parts, one after the other."""
    if isinstance(part, nn.ModuleList | nn.ModuleDict):
        return True
    return isinstance(part, nn.Sequential) and type(part).forward is nn.Sequential.forward


def _closes(block: nn.Module) -> bool:
    """Whether there is nothing but norms and activations, as before the pooling at the end."""
    layers = [each for each in block.modules() if next(each.children(), None) is None]
    return all(isinstance(each, _CLOSING) for each in layers)


def _indicator(name: str, symbol: str, title: str, compute, where: str, **more) -> Indicator:
    return Indicator(
        name=name,
        symbol=symbol,
        title=title,
        role=EXTRA,
        better=HIGHER,
        source=Network(),
        compute=compute,
        citation=f"Lee & Ham, arXiv 2403.19232, {where}",
        **more,
    )


AZ_EXPRESSIVITY = _indicator(
    "az_expressivity",
    "AZ expressivity",
    "entropy of the principal components of the blocks' features",
    az_expressivity,
    "eq. 3",
)
AZ_PROGRESSIVITY = _indicator(
    "az_progressivity",
    "AZ progressivity",
    "least growth of that entropy from block to block",
    az_progressivity,
    "eq. 5",
)
AZ_TRAINABILITY = _indicator(
    "az_trainability",
    "AZ trainability",
    "how near blocks are to passing gradients on unchanged",
    az_trainability,
    "eq. 9",
)
AZ_COMPLEXITY = _indicator(
    "az_complexity",
    "AZ complexity",
    "operations for one image",
    az_complexity,
    "section 3.1",
    log_scale=True,
    whole=True,
)
