"""The NAS-Bench-201 space (Dong & Yang, ICLR 2020, arXiv 2001.00326): 15,625 cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from tegnas.engine.program import ParameterLayout, Program, Shape
from tegnas.engine.template import ProgramTemplate
from tegnas.errors import InputError
from tegnas.networks.initialise import initialised
from tegnas.networks.nasbench201 import (
    EDGES,
    PUBLISHED_SIZE,
    NasBench201DeepNetwork,
    NasBench201DeepThinNetwork,
    NasBench201Network,
    NasBench201ThinNetwork,
)
from tegnas.networks.nasbench201_program import (
    deep_program,
    deep_template,
    proxy_program,
    proxy_template,
    thin_program,
    thin_template,
)
from tegnas.networks.nasbench201_sizes import network_size
from tegnas.networks.nasbench201_source import nasbench201_source
from tegnas.spaces.base import DEEP_KINDS, NETWORK_KINDS, check_kind
from tegnas.spaces.factorised import Supernet, parse_supernet
from tegnas.spaces.four_node_cells import FourNodeCells
from tegnas.spaces.nasbench201_notations import (
    OPERATIONS,
    naslib_numbers,
    parse_operations,
)
from tegnas.spaces.nats_index import (
    cell_indices,
    cell_places,
    options_at,
    place_of,
    read_index,
)
from tegnas.spaces.recipe import Recipe
from tegnas.spaces.small_size import DEEP_SIZE, DEEP_THIN_SIZE, SmallSize


@dataclass(frozen=True)
class NasBench201Architecture:
    """The operations of the six edges 0→1, 0→2, 1→2, 0→3, 1→3, 2→3."""

    operations: tuple[str, ...]

    def __str__(self) -> str:
        nodes = []
        for target in (1, 2, 3):
            edges = zip(self.operations, EDGES, strict=True)
            terms = [f"{name}~{source}" for name, (source, end) in edges if end == target]
            nodes.append(f"|{'|'.join(terms)}|")
        return "+".join(nodes)


_COUNTS = (len(OPERATIONS),) * len(EDGES)


class NasBench201(FourNodeCells[NasBench201Architecture]):
    """Cells of four nodes with one of five operations on each of the six edges.

    Args:
        deep: how much of the benchmark's network the deep one keeps.
        deep_thin: how much of its first stage the deep thin one keeps.

    Attributes:
        deep, deep_thin: as given.
    """

    name = "nas-bench-201"
    image_channels = 3
    operations = OPERATIONS

    # Dong & Yang, arXiv 2001.00326, table 2.
    recipe = Recipe()
    deep_kinds = DEEP_KINDS

    def __init__(
        self, *, deep: SmallSize = DEEP_SIZE, deep_thin: SmallSize = DEEP_THIN_SIZE
    ) -> None:
        self.deep = deep
        self.deep_thin = deep_thin

    def cell_of(self, operations: tuple[str, ...]) -> NasBench201Architecture:
        """The architecture of these operations."""
        return NasBench201Architecture(operations)

    def parse(self, text: str) -> NasBench201Architecture | Supernet:
        """Read an architecture string such as ``|op~0|+|op~0|op~1|+|op~0|op~1|op~2|``.

        Also the short form, what ``str`` prints of a supernet, the benchmark's number as
        ``index:9``, and the notations of others (:mod:`tegnas.spaces.nasbench201_notations`).
        Raises ``InputError`` for an unknown operation or a malformed string.
        """
        supernet = parse_supernet(text, len(EDGES), OPERATIONS)
        if supernet is not None:
            return supernet
        short = self.read_short(text)
        if short is not None:
            return short
        index = read_index(text, len(self))
        if index is not None:
            return self.decode(options_at(cell_places(len(self))[index], _COUNTS))
        return NasBench201Architecture(parse_operations(text))

    def benchmark_index(self, arch: NasBench201Architecture) -> int:
        """The number of an architecture in NAS-Bench-201 and NATS-Bench."""
        return cell_indices(len(self))[place_of(self.encode(arch), _COUNTS)]

    def naslib_text(self, arch: NasBench201Architecture) -> str:
        """NASLib's six numbers."""
        return str(naslib_numbers(arch.operations))

    def canonical(self, arch: NasBench201Architecture) -> str:
        """The cell as an expression in its input; equal for isomorphic cells (6,466 classes).

        This is the benchmark's own notion of isomorphism, which is one of texts: a skip stands for
        the text of the node it reads, the terms of a sum are sorted as texts (so that a sum handed
        on by a skip stays together, and the order of the symbols matters), and ``none`` erases an
        operation only as far as a node whose single edge is zero (a sum of zeros stays a sum).
        """
        expressions = ["0"]
        for target in (1, 2, 3):
            terms = []
            for name, (source, end) in zip(arch.operations, EDGES, strict=True):
                if end != target:
                    continue
                if name == "none" or expressions[source] == "#":
                    terms.append("#")
                elif name == "skip_connect":
                    terms.append(expressions[source])
                else:
                    terms.append(f"({expressions[source]})@{name}")
            expressions.append("+".join(sorted(terms)))
        return expressions[3]

    def network(
        self,
        arch: NasBench201Architecture | Supernet,
        kind: str = "proxy",
        *,
        num_classes: int = 10,
        seed: int = 0,
    ) -> nn.Module:
        """The untrained network of an architecture.

        ``proxy``: 3 channels, one cell per stage; ``thin``: the first cell alone with one channel;
        ``full``: the benchmark's own, 16 channels, five cells per stage; ``deep``: few channels,
        by default 3, and several cells per stage, 3; ``deep-thin``: several cells, 5, alone with
        one channel.
        """
        check_kind(kind, (*NETWORK_KINDS, *DEEP_KINDS))
        makers: dict[str, Callable[[], nn.Module]] = {
            "proxy": lambda: NasBench201Network(arch.operations, 3, 1, num_classes),
            "thin": lambda: NasBench201ThinNetwork(arch.operations, num_classes),
            "full": lambda: NasBench201Network(arch.operations, 16, 5, num_classes),
            "deep": lambda: NasBench201DeepNetwork(
                arch.operations, *_sized(self.deep), num_classes
            ),
            "deep-thin": lambda: NasBench201DeepThinNetwork(
                arch.operations, num_classes, *_sized(self.deep_thin)
            ),
        }
        return initialised(makers[kind], seed)

    def program(
        self,
        arch: NasBench201Architecture | Supernet,
        kind: str,
        *,
        num_classes: int,
        image_shape: Shape,
        layout: ParameterLayout,
    ) -> Program:
        """The program of a network of any kind but ``full``."""
        operations = arch.operations
        if kind == "proxy":
            return proxy_program(operations, 3, num_classes, image_shape, layout)
        if kind == "thin":
            return thin_program(operations, num_classes, image_shape, layout)
        if kind == "deep":
            size = _sized(self.deep)
            return deep_program(operations, *size, num_classes, image_shape, layout)
        if kind == "deep-thin":
            _, cells = _sized(self.deep_thin)
            return thin_program(operations, num_classes, image_shape, layout, cells)
        raise InputError(f"programs are of kind proxy, thin, deep or deep-thin, got {kind!r}")

    def full_network(
        self,
        arch: NasBench201Architecture,
        *,
        channels: int | None = None,
        cells: int | None = None,
        num_classes: int = 10,
        auxiliary: bool = True,
        seed: int = 0,
    ) -> nn.Module:
        """The benchmark's network, 16 channels and 5 cells per stage, or of another size."""
        size = (channels or PUBLISHED_SIZE[0], cells or PUBLISHED_SIZE[1], num_classes)
        return initialised(lambda: NasBench201Network(arch.operations, *size), seed)

    def pytorch_source(
        self,
        arch: NasBench201Architecture,
        *,
        channels: int | None,
        cells: int | None,
        num_classes: int,
        version: str,
    ) -> str:
        """The network as a file of its own."""
        return nasbench201_source(
            arch, channels=channels, cells=cells, num_classes=num_classes, version=version
        )

    def parameters(self, arch: NasBench201Architecture, num_classes: int) -> int:
        """Parameters of the full network."""
        return network_size(arch.operations, *PUBLISHED_SIZE, num_classes, (3, 32, 32))[0]

    def flops(self, arch: NasBench201Architecture, num_classes: int, image_shape: Shape) -> int:
        """Operations of the full network for one image."""
        return network_size(arch.operations, *PUBLISHED_SIZE, num_classes, image_shape)[1]

    def program_template(
        self, kind: str, *, num_classes: int, image_shape: Shape, layout: ParameterLayout
    ) -> ProgramTemplate:
        """``program`` of every architecture at once."""
        if kind == "proxy":
            return proxy_template(OPERATIONS, 3, num_classes, image_shape, layout)
        if kind == "thin":
            return thin_template(OPERATIONS, num_classes, image_shape, layout)
        if kind == "deep":
            size = _sized(self.deep)
            return deep_template(OPERATIONS, *size, num_classes, image_shape, layout)
        if kind == "deep-thin":
            _, cells = _sized(self.deep_thin)
            return thin_template(OPERATIONS, num_classes, image_shape, layout, cells)
        raise InputError(f"programs are of kind proxy, thin, deep or deep-thin, got {kind!r}")


def _sized(size: SmallSize) -> tuple[int, int]:
    """Channels of a small network, and its cells per stage."""
    return size.channels, size.cells(PUBLISHED_SIZE[1])
