"""Gradients of the weights of convolutions and linear layers: what saliencies are made of."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tegnas.errors import InputError
from tegnas.kernel.batch_statistics import batch_statistics


def layer_weights(network: nn.Module) -> list[Tensor]:
    """The weights of all convolutions and linear layers, in order of the modules.

    Raises ``InputError`` if there is none.
    """
    weights = [
        module.weight
        for module in network.modules()
        if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Linear)
    ]
    if not weights:
        raise InputError(f"{type(network).__name__} has no convolution and no linear layer")
    return weights


def loss_gradients(
    network: nn.Module, images: Tensor, labels: Tensor
) -> list[tuple[Tensor, Tensor]]:
    """Each weight with the gradient of the cross-entropy; weights without an influence left out."""
    weights = layer_weights(network)
    with torch.enable_grad(), batch_statistics(network, "coupled"):
        loss = F.cross_entropy(network(images), labels)
        gradients = torch.autograd.grad(loss, weights, allow_unused=True)
    return [
        (weight.detach(), gradient)
        for weight, gradient in zip(weights, gradients, strict=True)
        if gradient is not None
    ]
