"""What the graph behind the logits tells: who is read, how often, and what it can't tell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge, Node, _engine_run_backward

from tegnas.errors import InputError


@dataclass(frozen=True)
class Graph:
    """The computation behind the logits.

    Attributes:
        uses: how often each leaf is read. A weight that is read more than once (tied, or used
            outside its layer) has more rows than its layer's hook sees.
        readers: the node that reads each leaf; the last found, of several.
        to_images: the nodes that pass a gradient on towards the images.
        others: the nodes that don't.
    """

    uses: dict[Tensor, int]
    readers: dict[Tensor, Node]
    to_images: set[Node]
    others: set[Node]

    def strangers(self, known: Iterable[Tensor]) -> list[Tensor]:
        """The trainable tensors that are read and aren't among the known ones."""
        known = set(known)
        return [leaf for leaf in self.uses if leaf not in known]


def read_graph(logits: Tensor, images: Tensor) -> Graph:
    """Follow the graph from the logits down.

    Raises ``InputError`` for a reentrant checkpoint: its inner layers are in no graph.
    """
    uses: dict[Tensor, int] = {}
    readers_of_leaves: dict[Tensor, Node] = {}
    readers: dict[Node, list[Node]] = {}
    above_images: list[Node] = []
    pending = [] if logits.grad_fn is None else [logits.grad_fn]
    seen = set(pending)
    while pending:
        node = pending.pop()
        if type(node).__name__ == "CheckpointFunctionBackward":
            raise InputError(
                "the network uses torch.utils.checkpoint with use_reentrant=True, which hides its "
                "layers from the derivative; pass use_reentrant=False there, or switch "
                "checkpointing off"
            )
        for following, _ in node.next_functions:
            if following is None:
                continue
            leaf = getattr(following, "variable", None)
            if leaf is images:
                above_images.append(node)
            elif leaf is not None:
                uses[leaf] = uses.get(leaf, 0) + 1
                readers_of_leaves[leaf] = node
            else:
                readers.setdefault(following, []).append(node)
                if following not in seen:
                    seen.add(following)
                    pending.append(following)
    to_images = set(above_images)
    pending = list(to_images)
    while pending:
        for reader in readers.get(pending.pop(), ()):
            if reader not in to_images:
                to_images.add(reader)
                pending.append(reader)
    return Graph(uses, readers_of_leaves, to_images, seen - to_images)


def derive(scalar: Tensor, inputs: Sequence[Tensor | GradientEdge]) -> Sequence[Tensor | None]:
    """``torch.autograd.grad`` of one number, keeping the graph; None for what it doesn't reach.

    That function would run outside the mode that replaces BatchNorm's functions, and layers behind
    a checkpoint, which are computed again on the way, would then read their running statistics.
    """
    return _engine_run_backward(
        (scalar,),
        (torch.ones_like(scalar),),
        True,
        False,
        tuple(inputs),
        True,
        accumulate_grad=False,
    )
