"""The DARTS space (Liu et al., ICLR 2019, arXiv 1806.09055): about 10^18 pairs of cells."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from torch import nn

from tegnas.engine.program import ParameterLayout, Program, Shape
from tegnas.engine.template import ProgramTemplate
from tegnas.errors import InputError
from tegnas.networks.darts import ALL_NODES, NODES, CellPlan, DartsProxyNetwork, DartsThinNetwork
from tegnas.networks.darts_evaluation import (
    PUBLISHED_SIZE,
    DartsDeepThinNetwork,
    DartsImageNetNetwork,
    DartsNetwork,
)
from tegnas.networks.darts_program import (
    CELL_EDGES,
    deep_program,
    deep_template,
    edge_number,
    proxy_program,
    proxy_template,
    thin_program,
    thin_template,
)
from tegnas.networks.darts_sizes import network_size
from tegnas.networks.darts_source import darts_source
from tegnas.networks.initialise import initialised
from tegnas.spaces.base import DEEP_KINDS, NETWORK_KINDS, check_kind
from tegnas.spaces.darts_architecture import (
    NONE,
    OPERATIONS,
    DartsArchitecture,
    Pair,
    renumbered_cells,
)
from tegnas.spaces.darts_choices import all_choices, decode_cell, encode_cell
from tegnas.spaces.darts_notations import naslib_pairs, parse_architecture
from tegnas.spaces.darts_supernet import (
    EDGE_NAMES,
    EDGES,
    full_supernet,
    path_of,
    possible_removals,
    single_path,
    supernet_plans,
)
from tegnas.spaces.drawing import CellEdge, CellGraph, with_clear_labels
from tegnas.spaces.factorised import Choice, RemovalGroup, Supernet, combinations, parse_supernet
from tegnas.spaces.printed import PrintedSpace
from tegnas.spaces.recipe import Recipe
from tegnas.spaces.short_form import choice_code, may_be_code, read_choice_code
from tegnas.spaces.small_size import DEEP_SIZE, DEEP_THIN_SIZE, SmallSize

_OPTIONS = (NONE, *OPERATIONS)
_NUMBER = {name: number for number, name in enumerate(_OPTIONS, start=1)}
# Of each cell, the edge of a template with which each node begins.
_FIRST_EDGES = tuple(
    tuple(edge_number(cell, node, 0) for node in range(NODES)) for cell in range(2)
)
# Where the nodes of a drawn cell stand: no edge that there can be runs through another node or
# close beside another edge of the same node.
_PLACES = {
    "c(k−2)": (0.0, 0.43),
    "c(k−1)": (0.0, -1.09),
    "0": (1.27, 1.36),
    "1": (2.54, -1.3),
    "2": (3.04, 1.16),
    "3": (3.39, -0.57),
    "out": (4.59, -0.51),
}


class Darts(PrintedSpace):
    """Normal and reduction cells of four nodes, each the sum of operations on two earlier ones.

    The space is the published one: seven operations, two different inputs per node (section 2.4
    of the paper). ``none`` belongs to the search there and not to the architectures: it can be
    parsed and scored, but is neither counted nor drawn.

    Args:
        deep: how much of the published network the deep one keeps.
        deep_thin: the same of the deep thin one.

    Attributes:
        deep, deep_thin: as given.
    """

    name = "darts"
    image_channels = 3
    deep_kinds = DEEP_KINDS

    # Liu et al., arXiv 1806.09055, section 3.1.3.
    recipe = Recipe(
        epochs=600,
        batch_size=96,
        learning_rate=0.025,
        weight_decay=3e-4,
        nesterov=False,
        clip=5.0,
        cutout=16,
        drop_path=0.2,
        auxiliary=0.4,
    )
    # The side of the images that the auxiliary classifier is made for.
    auxiliary_side = 32
    # Published for this space: TEG-NAS, arXiv 2108.11939; TE-NAS, arXiv 2102.11535.
    strategy_defaults = {"reinforce": {"learning_rate": 0.07}, "prune": {"drop": 3}}

    def __init__(
        self, *, deep: SmallSize = DEEP_SIZE, deep_thin: SmallSize = DEEP_THIN_SIZE
    ) -> None:
        self.deep = deep
        self.deep_thin = deep_thin

    def parse(self, text: str) -> DartsArchitecture | Supernet:
        """Read ``Genotype(normal=[...], ...)`` or ``normal op~input … reduce op~input …``.

        Reads the short form and supernets as well, and the notations of others
        (:mod:`tegnas.spaces.darts_notations`). Raises ``InputError`` for a malformed text, a wrong
        number of pairs, an unknown operation or an input that the node can't read.
        """
        indices = read_choice_code(self.choices(), text) if may_be_code(text) else None
        if indices is not None:
            return self.decode(indices)
        return parse_supernet(text, EDGES, (NONE, *OPERATIONS)) or parse_architecture(text)

    def short(self, arch: DartsArchitecture) -> str:
        """Six letters for each cell; the whole text of what isn't of the published space."""
        try:
            return choice_code(self.choices(), self.encode(arch))
        except InputError:
            return str(arch)

    def __len__(self) -> int:
        """1,076,746,950,455,072,400."""
        return combinations(self.choices())

    def __iter__(self) -> Iterator[DartsArchitecture]:
        raise InputError(
            f"the DARTS space has {len(self):.1e} architectures, too many to go through; sample "
            "from it or use a search strategy other than exhaustive"
        )

    def sample(self, rng: random.Random) -> DartsArchitecture:
        """An architecture drawn uniformly."""
        return self.decode([rng.randrange(len(choice.options)) for choice in self.choices()])

    def mutate(self, arch: DartsArchitecture, rng: random.Random) -> DartsArchitecture:
        """Another operation or another input at one place, uniform over all neighbours."""
        return _with_pair(arch, *rng.choice(list(_changes(arch))))

    def neighbours(self, arch: DartsArchitecture) -> Iterator[DartsArchitecture]:
        """The architectures that differ in one operation or one input: 120, without ``none``."""
        for change in _changes(arch):
            yield _with_pair(arch, *change)

    def distance(self, first: DartsArchitecture, second: DartsArchitecture) -> int:
        """In how many operations and inputs two architectures differ.

        The two pairs of a node have no order: they are compared in the way that agrees best. A node
        that only one of them puts out counts as one more.
        """
        outputs = zip(first.concats, second.concats, strict=True)
        return sum(len(set(left) ^ set(right)) for left, right in outputs) + sum(
            _node_distance(left[2 * node : 2 * node + 2], right[2 * node : 2 * node + 2])
            for left, right in zip(first.cells, second.cells, strict=True)
            for node in range(NODES)
        )

    def choices(self) -> tuple[Choice, ...]:
        """Of each node the pair of inputs (the first node has one) and the two operations."""
        return all_choices()

    def encode(self, arch: DartsArchitecture) -> tuple[int, ...]:
        """The index of the option taken in every choice.

        ``InputError`` for what isn't of the published space: ``none``, a node that reads one input
        twice, a cell that puts out fewer nodes.
        """
        if not _puts_out_all(arch):
            raise InputError(
                "cells that put out fewer nodes are no choice of the DARTS space; its cells put "
                "out all four"
            )
        return encode_cell(arch.normal) + encode_cell(arch.reduce)

    def decode(self, indices: Sequence[int]) -> DartsArchitecture:
        """The architecture with these options."""
        half = len(indices) // 2
        return DartsArchitecture(decode_cell(indices[:half]), decode_cell(indices[half:]))

    def supernet(self) -> Supernet:
        """All operations but ``none`` on all edges, as TE-NAS begins."""
        return full_supernet()

    def removals(self, supernet: Supernet) -> tuple[RemovalGroup, ...]:
        """One operation of an edge that has several; then one edge of a node that has over two."""
        return possible_removals(supernet)

    def single_path(self, supernet: Supernet) -> DartsArchitecture:
        """The architecture of the two operations that are left at every node."""
        return single_path(supernet)

    @property
    def supernet_edges(self) -> tuple[str, ...]:
        """Cell, input and node, of every edge that there can be."""
        return EDGE_NAMES

    def path_of(self, arch: DartsArchitecture) -> Supernet:
        """The supernet of the two operations of every node."""
        return path_of(arch)

    def canonical(self, arch: DartsArchitecture) -> DartsArchitecture:
        """The same for architectures whose cells differ only in the numbering of their nodes."""
        (normal, normal_concat), (reduce, reduce_concat) = (
            min(renumbered_cells(cell, concat))
            for cell, concat in zip(arch.cells, arch.concats, strict=True)
        )
        return DartsArchitecture(normal, reduce, normal_concat, reduce_concat)

    def representative(self, arch: DartsArchitecture | Supernet) -> DartsArchitecture | Supernet:
        """The canonical form."""
        return arch if isinstance(arch, Supernet) else self.canonical(arch)

    def is_connected(self, arch: DartsArchitecture | Supernet) -> bool:
        """Whether each of the two cells passes something on; always so without ``none``.

        If one doesn't, the network that is trained is cut at every cell of that kind.
        """
        return all(map(_passes_on, _plans(arch)))

    def network(
        self,
        arch: DartsArchitecture | Supernet,
        kind: str = "proxy",
        *,
        num_classes: int = 10,
        seed: int = 0,
    ) -> nn.Module:
        """The untrained network of an architecture.

        ``proxy``: one channel, a normal and a reduction cell; ``thin``: the same without a stem;
        ``full``: the published CIFAR network of 20 cells and 36 channels, with an auxiliary
        classifier (see ``DartsNetwork``); ``deep``: the same network with few channels, without
        the auxiliary classifier; ``deep-thin``: its cells alone, on inputs of ``channels`` × 2×2.
        ``imagenet_network`` gives the one for ImageNet.
        """
        check_kind(kind, (*NETWORK_KINDS, *DEEP_KINDS))
        cells = _plans(arch)
        makers: dict[str, Callable[[], nn.Module]] = {
            "proxy": lambda: DartsProxyNetwork(*cells, num_classes),
            "thin": lambda: DartsThinNetwork(*cells, num_classes),
            "full": lambda: DartsNetwork(*cells, num_classes=num_classes),
            "deep": lambda: DartsNetwork(
                *cells,
                channels=self.deep.channels,
                layers=_layers(self.deep),
                num_classes=num_classes,
                auxiliary=False,
            ),
            "deep-thin": lambda: DartsDeepThinNetwork(
                *cells,
                channels=self.deep_thin.channels,
                layers=_layers(self.deep_thin),
                num_classes=num_classes,
            ),
        }
        return initialised(makers[kind], seed)

    def program(
        self,
        arch: DartsArchitecture | Supernet,
        kind: str,
        *,
        num_classes: int,
        image_shape: Shape,
        layout: ParameterLayout,
    ) -> Program:
        """The program of a network of any kind but ``full``."""
        cells = _plans(arch)
        if kind == "proxy":
            return proxy_program(*cells, num_classes, image_shape, layout)
        if kind == "thin":
            return thin_program(*cells, num_classes, image_shape, layout)
        if kind == "deep":
            size = (self.deep.channels, _layers(self.deep))
            return deep_program(*cells, *size, num_classes, image_shape, layout)
        if kind == "deep-thin":
            size = (self.deep_thin.channels, _layers(self.deep_thin))
            return deep_program(*cells, *size, num_classes, image_shape, layout, stem=False)
        raise InputError(f"programs are of kind proxy, thin, deep or deep-thin, got {kind!r}")

    def program_template(
        self, kind: str, *, num_classes: int, image_shape: Shape, layout: ParameterLayout
    ) -> ProgramTemplate:
        """``program`` of every architecture at once."""
        if kind == "proxy":
            return proxy_template(_OPTIONS, num_classes, image_shape, layout)
        if kind == "thin":
            return thin_template(_OPTIONS, num_classes, image_shape, layout)
        if kind == "deep":
            size = (self.deep.channels, _layers(self.deep))
            return deep_template(_OPTIONS, *size, num_classes, image_shape, layout)
        if kind == "deep-thin":
            size = (self.deep_thin.channels, _layers(self.deep_thin))
            return deep_template(_OPTIONS, *size, num_classes, image_shape, layout, stem=False)
        raise InputError(f"programs are of kind proxy, thin, deep or deep-thin, got {kind!r}")

    def template_options(
        self, archs: Sequence[DartsArchitecture | Supernet]
    ) -> list[list[int]] | None:
        """Of every architecture the operation of every edge, counted from 1; 0 where it has none.

        None where one of them isn't such a choice, as a supernet.
        """
        options = []
        for arch in archs:
            if isinstance(arch, Supernet) or not _puts_out_all(arch):
                return None
            taken = [0] * (2 * CELL_EDGES)
            for first, cell in zip(_FIRST_EDGES, arch.cells, strict=True):
                for place, (name, source) in enumerate(cell):
                    edge = first[place // 2] + source
                    if taken[edge]:
                        return None  # two operations on one edge
                    taken[edge] = _NUMBER[name]
            options.append(taken)
        return options

    def imagenet_network(
        self, arch: DartsArchitecture, *, num_classes: int = 1000, seed: int = 0
    ) -> nn.Module:
        """The published ImageNet network, untrained: 14 cells, 48 channels."""
        return initialised(lambda: DartsImageNetNetwork(*arch.plans, num_classes=num_classes), seed)

    def full_network(
        self,
        arch: DartsArchitecture,
        *,
        channels: int | None = None,
        cells: int | None = None,
        num_classes: int = 10,
        auxiliary: bool = True,
        seed: int = 0,
    ) -> nn.Module:
        """The CIFAR network, 36 channels and 20 cells, or of another size."""
        return initialised(
            lambda: DartsNetwork(
                *arch.plans,
                channels=channels or PUBLISHED_SIZE[0],
                layers=cells or PUBLISHED_SIZE[1],
                num_classes=num_classes,
                auxiliary=auxiliary,
            ),
            seed,
        )

    def pytorch_source(
        self,
        arch: DartsArchitecture,
        *,
        channels: int | None,
        cells: int | None,
        num_classes: int,
        version: str,
    ) -> str:
        """The CIFAR network as a file of its own."""
        return darts_source(
            arch, channels=channels, cells=cells, num_classes=num_classes, version=version
        )

    def naslib_text(self, arch: DartsArchitecture) -> str:
        """NASLib's compact form, by its pairs (input, number of the operation).

        Raises ``InputError`` for a cell that puts out fewer than all nodes, or has ``none``.
        """
        if not _puts_out_all(arch):
            raise InputError("NASLib has no form for DARTS cells that put out fewer than all nodes")
        return str((naslib_pairs(arch.normal), naslib_pairs(arch.reduce)))

    def parameters(self, arch: DartsArchitecture, num_classes: int) -> int:
        """Parameters of the full network, without its auxiliary classifier."""
        return _full_size(arch, num_classes, (3, 32, 32))[0]

    def flops(self, arch: DartsArchitecture, num_classes: int, image_shape: Shape) -> int:
        """Operations of the full network for one image, without its auxiliary classifier."""
        return _full_size(arch, num_classes, image_shape)[1]

    def cells(self, arch: DartsArchitecture) -> tuple[CellGraph, ...]:
        """The normal and the reduction cell; all four nodes are put together in the output."""
        names = list(_PLACES)[:-1]
        output = [CellEdge(str(node), "out", "") for node in range(NODES)]
        found = []
        for name, cell in zip(("normal", "reduction"), arch.cells, strict=True):
            edges = [
                CellEdge(names[source], str(place // 2), operation)
                for place, (operation, source) in enumerate(cell)
            ]
            found.append(
                CellGraph(
                    f"{name} cell", _PLACES, (*with_clear_labels(_PLACES, edges, output), *output)
                )
            )
        return tuple(found)


def _plans(arch: DartsArchitecture | Supernet) -> tuple[CellPlan, CellPlan]:
    return supernet_plans(arch) if isinstance(arch, Supernet) else arch.plans


def _layers(size: SmallSize) -> int:
    """Cells of a small network: its share of each of the three stages, and the two reductions."""
    stage = (PUBLISHED_SIZE[1] - 2) // 3
    return 3 * size.cells(stage) + 2


def _full_size(arch: DartsArchitecture, num_classes: int, image_shape: Shape) -> tuple[int, int]:
    normal, reduction = map(len, arch.concats)
    return network_size(*arch.cells, (normal, reduction), num_classes, image_shape)


def _puts_out_all(arch: DartsArchitecture) -> bool:
    return all(concat == ALL_NODES for concat in arch.concats)


def _passes_on(cell: CellPlan) -> bool:
    """Whether what a cell puts out depends on an input."""
    reached = {0, 1}
    for node, edges in enumerate(cell.nodes, start=2):
        if any(source in reached and set(names) - {NONE} for source, names in edges):
            reached.add(node)
    return not reached.isdisjoint(cell.concat)


# A change of an architecture: the cell, the place in the cell, the pair that is put there.
_Change = tuple[str, int, Pair]


def _changes(arch: DartsArchitecture) -> Iterator[_Change]:
    for name, cell in zip(("normal", "reduce"), arch.cells, strict=True):
        for place, (operation, source) in enumerate(cell):
            if place % 2 and cell[place - 1] == cell[place]:
                continue  # a node's two pairs are equal: changing either gives the same
            for other in OPERATIONS:
                if other != operation:
                    yield name, place, (other, source)
            used = (source, cell[place ^ 1][1])
            for other_source in range(place // 2 + 2):
                if other_source not in used:
                    yield name, place, (operation, other_source)


def _with_pair(arch: DartsArchitecture, name: str, place: int, pair: Pair) -> DartsArchitecture:
    cell = getattr(arch, name)
    return replace(arch, **{name: (*cell[:place], pair, *cell[place + 1 :])})


def _node_distance(left: tuple[Pair, ...], right: tuple[Pair, ...]) -> int:
    return min(_differences(left, right), _differences(left, right[::-1]))


def _differences(left: tuple[Pair, ...], right: tuple[Pair, ...]) -> int:
    return sum((a[0] != b[0]) + (a[1] != b[1]) for a, b in zip(left, right, strict=True))
