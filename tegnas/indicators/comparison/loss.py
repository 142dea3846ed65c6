"""The loss of an untrained network, and its gradients: what saliencies are made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tegnas.errors import InputError
from tegnas.indicators.comparison.layers import check_weights, weights_used
from tegnas.kernel.batch_statistics import batch_statistics
from tegnas.kernel.gradients import logits_of


def loss_gradients(
    network: nn.Module, images: Tensor, labels: Tensor
) -> list[tuple[Tensor, Tensor]]:
    """Each weight of a convolution or linear layer with the gradient of the loss.

    Weights that the loss doesn't depend on have gradients of zeros.

    Raises:
        InputError: no such layer, no logits, or labels that aren't among them.
    """
    with differentiable(network), weights_used(network) as weights:
        loss = cross_entropy(network, images, labels)
        check_weights(network, weights)
        gradients = derived(loss, weights)
    return [(w.detach(), g) for w, g in zip(weights, gradients, strict=True)]


def cross_entropy(network: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """The mean cross-entropy of the logits, a scalar.

    Raises:
        InputError: no logits, or labels that aren't among them.
    """
    logits = logits_of(network, images)
    if int(labels.max()) >= logits.shape[1]:
        raise InputError(
            f"labels go up to {int(labels.max())}, but {type(network).__name__} tells only "
            f"{logits.shape[1]} classes apart"
        )
    return F.cross_entropy(logits, labels)


@contextmanager
def differentiable(network: nn.Module) -> Iterator[None]:
    """Within the block, the network can be derived by all its parameters, frozen ones as well.

    BatchNorm has the statistics of the batch and is derived through them, as in training.
    """
    frozen = [each for each in network.parameters() if not each.requires_grad]
    with torch.enable_grad(), batch_statistics(network, "coupled"):
        try:
            for each in frozen:
                each.requires_grad_(True)
            yield
        finally:
            for each in frozen:
                each.requires_grad_(False)


def derived(
    scalar: Tensor, inputs: Sequence[Tensor], *, create_graph: bool = False
) -> tuple[Tensor, ...]:
    """The gradient of a scalar by each input, zeros where it doesn't depend on one."""
    if not scalar.requires_grad:
        return tuple(torch.zeros_like(each) for each in inputs)
    return torch.autograd.grad(
        scalar, inputs, create_graph=create_graph, allow_unused=True, materialize_grads=True
    )
