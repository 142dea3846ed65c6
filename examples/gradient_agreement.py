"""An indicator of one's own: how far the gradients of the classes agree at initialisation."""

import torch
import torch.nn.functional as F

import tegnas


@tegnas.indicator(better="lower", symbol="agreement", role="T")
def gradient_agreement(network, images, labels):
    """Mean cosine between the gradients of two halves of the batch."""
    halves = []
    for part in (slice(0, None, 2), slice(1, None, 2)):
        loss = F.cross_entropy(network(images[part]), labels[part])
        gradients = torch.autograd.grad(loss, list(network.parameters()))
        halves.append(torch.cat([each.flatten() for each in gradients]))
    return float(F.cosine_similarity(*halves, dim=0))
