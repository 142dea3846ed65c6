"""The rows of the Jacobian that a term of the native Gram stands for, written out.

Needed where the two batches of a cross kernel took different ways, or have images of different
sizes: the Gram multiplies like with like only.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from tegnas.ops import Conv2dTerm, LayerTerm, LinearTerm


def rows_of(term: LayerTerm) -> Tensor:
    """∂s/∂weight of every image, (N, numel), in the order of the weight's own entries."""
    layer_input, grad = term.input[0], term.grad[0]
    if isinstance(term, LinearTerm):
        return torch.einsum("nto,nti->noi", grad, layer_input).flatten(1)
    if isinstance(term, Conv2dTerm):
        return _convolution_rows(term, layer_input, grad)
    return (layer_input * grad).sum(2)


def _convolution_rows(term: Conv2dTerm, layer_input: Tensor, grad: Tensor) -> Tensor:
    options = {"dilation": term.dilation, "padding": term.padding, "stride": term.stride}
    patches = F.unfold(layer_input, term.kernel_size, **options)
    # A stride may leave pixels at the border that no output reads: unfold leaves them out as well.
    patches = patches.unflatten(1, (term.groups, -1))
    grad = grad.flatten(2).unflatten(1, (term.groups, -1))
    return torch.einsum("ngop,ngip->ngoi", grad, patches).flatten(1)
