"""Networks of the DARTS space that T, E and G are computed on, and the cell they are made of.

The cell is the one of Liu et al. (ICLR 2019, arXiv 1806.09055, sections 2.1 and 3.1); the small
networks are those of the code released with TEG-NAS (arXiv 2108.11939).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial, reduce

import torch
from torch import Tensor, nn

from tegnas.networks.darts_operations import FactorizedReduction, make_operation
from tegnas.networks.layers import BNReLU, ConvBN, ReLUConvBN
from tegnas.networks.mixed import MixedOperation

NODES = 4

# Inputs 0 and 1 of a cell are the outputs of the two cells before, 2 + k is node k. The published
# cells put out all of their nodes.
ALL_NODES = tuple(range(2, 2 + NODES))

# What a node reads, by which operations. An architecture has two edges per node with one operation
# each, a supernet all edges with several.
Edge = tuple[int, tuple[str, ...]]


@dataclass(frozen=True)
class CellPlan:
    """How a cell is wired.

    Attributes:
        nodes: the edges of each of its nodes.
        concat: numbers of the nodes that are put out, one after the other.
    """

    nodes: Sequence[Sequence[Edge]]
    concat: Sequence[int] = ALL_NODES


def edge_names(sources: Sequence[int]) -> tuple[str, ...]:
    """What the edges of a node are called among its parameters, by the inputs they read.

    ``from0`` reads input 0, and ``from0again`` is the second edge of a node that does so twice.
    """
    return tuple(
        f"from{source}" + "again" * sources[:index].count(source)
        for index, source in enumerate(sources)
    )


class Cell(nn.Module):
    """Four nodes, each the sum of its edges; the output is all of them, one after the other.

    ``forward``: outputs of the cell before the previous one and of the previous one →
    (N, 4·channels, H, W), or ⌈H/2⌉ × ⌈W/2⌉ pixels for a reduction. Fewer channels where the plan
    puts out fewer nodes.
    """

    def __init__(
        self,
        plan: CellPlan,
        in_channels: tuple[int, int],
        channels: int,
        *,
        reduction: bool,
        after_reduction: bool,
    ) -> None:
        super().__init__()
        # After a reduction the cell before the previous one has twice the pixels per side.
        self.preprocess0 = (
            FactorizedReduction(in_channels[0], channels)
            if after_reduction
            else ReLUConvBN(in_channels[0], channels, 1)
        )
        self.preprocess1 = ReLUConvBN(in_channels[1], channels, 1)
        self._sources = tuple(tuple(source for source, _ in edges) for edges in plan.nodes)
        self._concat = tuple(plan.concat)
        for node, edges in enumerate(plan.nodes):
            modules = nn.ModuleDict()
            called = edge_names(self._sources[node])
            for name, (source, operations) in zip(called, edges, strict=True):
                make = partial(make_operation, channels=channels, stride=_stride(reduction, source))
                modules[name] = MixedOperation(operations, make)
            self.add_module(f"node{node}", modules)

    def forward(self, before_previous: Tensor, previous: Tensor, drop_path: float = 0.0) -> Tensor:
        states = [self.preprocess0(before_previous), self.preprocess1(previous)]
        for node, sources in enumerate(self._sources):
            terms = []
            for name, source in zip(edge_names(sources), sources, strict=True):
                edge = self.get_submodule(f"node{node}.{name}")
                term = edge(states[source])
                if self.training and drop_path > 0 and not _is_identity(edge):
                    term = drop_images(term, drop_path)
                terms.append(term)
            states.append(reduce(torch.add, terms))
        return torch.cat([states[node] for node in self._concat], 1)


def _stride(reduction: bool, source: int) -> int:
    return 2 if reduction and source < 2 else 1


def _is_identity(edge: nn.Module) -> bool:
    return all(isinstance(operation, nn.Identity) for operation in edge.children())


def drop_images(x: Tensor, probability: float) -> Tensor:
    """Drop path (Larsson et al., ICLR 2017): zero for some images, the others scaled to match."""
    keep = 1.0 - probability
    mask = torch.empty(len(x), 1, 1, 1, dtype=x.dtype, device=x.device).bernoulli_(keep)
    return x * (mask / keep)


class CellStack(nn.Module):
    """What all DARTS networks share: cells in a row, each reading the two before it."""

    # Prefix of the parameters of the searched weights, for the kernel behind G.
    searched_prefixes = ("cell",)

    def _add_cells(
        self,
        normal: CellPlan,
        reduction: CellPlan,
        *,
        stem_channels: int,
        channels: int,
        layers: int,
        reductions: Collection[int],
        after_reduction: bool = False,
    ) -> list[int]:
        """Make ``cell0``, ``cell1``, …; gives the number of channels that each puts out."""
        outputs = [stem_channels, stem_channels]
        for index in range(layers):
            reduces = index in reductions
            if reduces:
                channels *= 2
            plan = reduction if reduces else normal
            cell = Cell(
                plan,
                (outputs[-2], outputs[-1]),
                channels,
                reduction=reduces,
                after_reduction=after_reduction,
            )
            self.add_module(f"cell{index}", cell)
            outputs.append(len(plan.concat) * channels)
            after_reduction = reduces
        self.layers = layers
        return outputs[2:]

    def _cells(self) -> list[nn.Module]:
        return [self.get_submodule(f"cell{index}") for index in range(self.layers)]


class DartsProxyNetwork(CellStack):
    """Stem of one channel, a normal cell, a reduction cell, classifier.

    ``forward``: (N, 3, H, W) → logits (N, num_classes).
    """

    image_channels = 3

    def __init__(self, normal: CellPlan, reduction: CellPlan, num_classes: int) -> None:
        super().__init__()
        self.stem = ConvBN(self.image_channels, 1)
        _, channels = self._add_cells(
            normal, reduction, stem_channels=1, channels=1, layers=2, reductions={1}
        )
        self.last = BNReLU(channels)
        self.classifier = nn.Linear(channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self._classify(self.stem(x))

    def _classify(self, x: Tensor) -> Tensor:
        before_previous, previous = x, x
        for cell in self._cells():
            before_previous, previous = previous, cell(before_previous, previous)
        return self.classifier(self.last(previous).mean((2, 3)))


class DartsThinNetwork(DartsProxyNetwork):
    """The proxy network without its stem: the network that expressivity is counted on.

    ``forward``: (M, 1, H, W) → logits (M, num_classes). A stem is kept among the weights, unused,
    because the paper's released networks have it.
    """

    image_channels = 1
    region_input_shape = (1, 3, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self._classify(x)
