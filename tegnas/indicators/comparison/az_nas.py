"""AZ-NAS (Lee & Ham, CVPR 2024): four scores of the blocks of a network.

The paper adds them up by log-rank: ``--indicators az_expressivity,az_progressivity,
az_trainability,az_complexity --combination log-rank``.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from tegnas.errors import InputError
from tegnas.indicators.base import EXTRA, HIGHER, Indicator
from tegnas.indicators.comparison.outputs import is_layer
from tegnas.indicators.sources import Network
from tegnas.kernel.batch_statistics import batch_statistics
from tegnas.networks.complexity import count_flops

_CLOSING = (_BatchNorm, nn.ReLU)


def az_expressivity(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Sum over blocks of the entropy of the shares of their features' principal components."""
    return float(sum(_entropies(network, images)))


def az_progressivity(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """The least growth of that entropy from one block to the next."""
    entropies = _entropies(network, images)
    return min(after - before for before, after in zip(entropies, entropies[1:], strict=False))


def az_trainability(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """How near each block is to passing gradients on unchanged, 2 − σ − 1/σ, the mean over blocks.

    σ is the largest singular value of the least squares map from the gradient at the block's output
    (random signs) to that at its input.
    """
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(images.shape, generator=generator).to(images)
    scores = []
    with torch.enable_grad(), batch_statistics(network, "coupled"):
        ends = _block_ends(network, x)
        for before, after in ends[1:]:  # nothing can be asked of what enters the first
            signs = torch.randint(0, 2, after.shape, generator=generator).to(after) * 2 - 1
            (back,) = torch.autograd.grad(
                after, before, signs, retain_graph=True, allow_unused=True
            )
            scores.append(_passing(back, signs))
    return sum(scores) / len(scores)


def az_complexity(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Operations for one image."""
    _, channels, height, width = images.shape
    return float(count_flops(network, (channels, height, width)))


def _entropies(network: nn.Module, images: Tensor) -> list[float]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(images.shape, generator=generator).to(images)
    with torch.no_grad(), batch_statistics(network, "frozen"):
        ends = _block_ends(network, x)
    entropies = []
    for _, features in ends:
        rows = features.permute(0, 2, 3, 1).flatten(0, 2).double()
        rows = rows - rows.mean(0)
        shares = torch.linalg.eigvalsh(rows.T @ rows)
        shares = shares / shares.sum()
        entropies.append(float((-shares * torch.log(shares + 1e-8)).sum()))
    return entropies


def _passing(back: Tensor | None, signs: Tensor) -> float:
    if back is None:
        return -torch.inf
    stride = back.shape[-1] // signs.shape[-1]
    if stride > 1:
        back = F.pixel_unshuffle(back, stride)
    into = back.permute(0, 2, 3, 1).flatten(0, 2)
    out = signs.permute(0, 2, 3, 1).flatten(0, 2)
    largest = float(torch.linalg.matrix_norm(into.T @ out / len(out), ord=2))
    return -largest - 1 / (largest + 1e-6) + 2


def _block_ends(network: nn.Module, x: Tensor) -> list[tuple[Tensor, Tensor]]:
    """What enters and leaves each block, in order.

    Blocks are the parts of the network that lead from feature map to feature map, those of a
    sequence one by one; norm and activation before the pooling at the end are none.
    """
    ends: list[tuple[Tensor, Tensor]] = []

    def note(module: nn.Module, args: tuple, output: object) -> None:
        entering = [each for each in args if isinstance(each, Tensor)]
        if entering and isinstance(output, Tensor) and output.dim() == entering[-1].dim() == 4:
            ends.append((entering[-1], output))

    handles = [block.register_forward_hook(note) for block in _blocks(network)]
    try:
        network(x)
    finally:
        for handle in handles:
            handle.remove()
    if len(ends) < 2:
        raise InputError(
            f"{type(network).__name__} has {len(ends)} blocks that lead from feature map to "
            "feature map; AZ-NAS compares two or more"
        )
    return ends


def _blocks(network: nn.Module) -> list[nn.Module]:
    blocks: list[nn.Module] = []
    for part in network.children():
        opened = isinstance(part, nn.Sequential) and type(part).forward is nn.Sequential.forward
        blocks += [each for each in part.children() if opened] or [part]
    return [block for block in blocks if not _closes(block)]


def _closes(block: nn.Module) -> bool:
    return all(isinstance(each, _CLOSING) for each in block.modules() if is_layer(each))


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
