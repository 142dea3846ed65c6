"""Rows of parameters that are added to every image, or repeated for every image.

The positions and tokens of a transformer, and learned offsets: no layer owns them, but one node of
the graph reads them, and the gradient at its output, image by image, is what their rows are summed
up from. So two backward passes do what would else take one per image.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge, Node

from tegnas.kernel.graph import Graph, derive
from tegnas.kernel.row_owners import NOBODY, owners_of, tag_digits, tags

_DTYPES = (torch.float32, torch.float64)


def added_rows(
    scalars: Tensor, weights: Mapping[str, Tensor], graph: Graph, *, trusted: bool
) -> dict[str, Tensor]:
    """∂s/∂weight of every image, (N, numel), of those weights for which it can be had this way.

    Args:
        scalars: of the images, (N,).
        weights: the parameters by name.
        trusted: whether images are known to be kept in order and apart; else it is tested.
    """
    nodes = {
        name: graph.readers[weight]
        for name, weight in weights.items()
        if graph.uses.get(weight) == 1 and _passes_whole(graph.readers[weight])
    }
    if not nodes or not scalars.requires_grad:
        return {}
    found = _rows(scalars.sum(), weights, nodes, len(scalars))
    if trusted or len(scalars) == 1:
        return found
    digits: dict[str, list[Tensor | None]] = {name: [] for name in found}
    every = tags(len(scalars), scalars)
    for tag in every:
        tagged = _rows((scalars * tag).sum(), weights, nodes, len(scalars))
        for name in found.keys() & tagged.keys():
            digits[name].append(tag_digits(found[name], tagged[name]))
    return {
        name: rows
        for name, rows in found.items()
        if len(digits[name]) == len(every) and _in_order(digits[name], len(scalars))
    }


def _passes_whole(node: Node) -> bool:
    """Whether the gradient at the node's output is, but for sums, that of what it reads."""
    if node.name() == "AddBackward0":
        return getattr(node, "_saved_alpha", None) == 1
    return node.name() in ("ExpandBackward0", "RepeatBackward0")


def _rows(
    scalar: Tensor, weights: Mapping[str, Tensor], nodes: Mapping[str, Node], images: int
) -> dict[str, Tensor]:
    gradients = derive(scalar, [GradientEdge(node, 0) for node in nodes.values()])
    rows = {}
    for name, gradient in zip(nodes, gradients, strict=True):
        if gradient is not None and gradient.dtype in _DTYPES:
            found = _of_each_image(gradient, weights[name], images)
            if found is not None:
                rows[name] = found
    return rows


def _of_each_image(gradient: Tensor, weight: Tensor, images: int) -> Tensor | None:
    """The gradient summed over what the weight was spread over, but for the images."""
    shape = (1,) * (gradient.dim() - weight.dim()) + tuple(weight.shape)
    if gradient.dim() < 2 or len(gradient) != images or shape[0] != 1 or len(shape) == 1:
        return None
    spread = [dim for dim in range(1, len(shape)) if shape[dim] == 1]
    summed = gradient.sum(spread, keepdim=True) if spread else gradient
    return summed.flatten(1) if summed.shape[1:] == shape[1:] else None


def _in_order(digits: list[Tensor | None], images: int) -> bool:
    known = [each for each in digits if each is not None]
    owners = owners_of(known, images) if len(known) == len(digits) else None
    if owners is None:
        return False
    places = torch.arange(images, device=owners.device)
    return bool(((owners == places) | (owners == NOBODY)).all())
