"""Size of a network: parameters and floating-point operations."""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def count_parameters(network: nn.Module) -> int:
    """Number of parameters, biases and norm layers included."""
    return sum(parameter.numel() for parameter in network.parameters())


def count_flops(
    network: nn.Module,
    image_shape: tuple[int, ...] = (3, 32, 32),
    image_dtype: torch.dtype | None = None,
) -> int:
    """Operations for one image of shape (C, H, W), in NAS-Bench-201's convention.

    Or for another example, of a type that isn't that of the network where it is ids.

    A multiply-accumulate of a convolution or linear layer counts as one operation, as does each
    bias added by a linear layer; norm layers, activations, pooling and sums are left out.
    """
    parameter = next(network.parameters(), torch.zeros(0))
    # Whole numbers stay what they are, others are of the network's type.
    whole = image_dtype is not None and not image_dtype.is_floating_point
    dtype = image_dtype if whole else parameter.dtype
    image = torch.zeros(1, *image_shape, dtype=dtype, device=parameter.device)
    training = {module: module.training for module in network.modules()}
    biases = 0

    def count_bias(module: nn.Linear, args: tuple, output: torch.Tensor) -> None:
        nonlocal biases
        biases += output.numel() if module.bias is not None else 0

    # By hooks, since a layer that evaluation leaves out, as an auxiliary classifier, adds nothing.
    handles = [
        module.register_forward_hook(count_bias)
        for module in network.modules()
        if isinstance(module, nn.Linear)
    ]
    network.eval()
    try:
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            network(image)
    finally:
        for handle in handles:
            handle.remove()
        for module, was_training in training.items():
            module.training = was_training
    return counter.get_total_flops() // 2 + biases
