"""Size of a network: parameters and floating-point operations."""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def count_parameters(network: nn.Module) -> int:
    """Number of parameters, biases and norm layers included."""
    return sum(parameter.numel() for parameter in network.parameters())


def count_flops(network: nn.Module, image_shape: tuple[int, int, int] = (3, 32, 32)) -> int:
    """Operations for one image of shape (C, H, W), in NAS-Bench-201's convention.

    A multiply-accumulate of a convolution or linear layer counts as one operation, as does each
    bias added by a linear layer; norm layers, activations, pooling and sums are left out.
    """
    parameter = next(network.parameters(), torch.zeros(0))
    image = torch.zeros(1, *image_shape, dtype=parameter.dtype, device=parameter.device)
    training = {module: module.training for module in network.modules()}
    network.eval()
    try:
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            network(image)
    finally:
        for module, was_training in training.items():
            module.training = was_training
    biases = sum(
        module.out_features
        for module in network.modules()
        if isinstance(module, nn.Linear) and module.bias is not None
    )
    return counter.get_total_flops() // 2 + biases
