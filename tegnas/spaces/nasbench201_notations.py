"""The notations that NAS-Bench-201 cells are written in, by whoever wrote them.

Read are: the benchmark's string, alone or within a pasted line such as
``Structure(4 nodes with |…|+|…|+|…|)``; AutoDL-Projects' nested pairs; dictionaries by edge,
``"0_1"`` as NNI has them or ``"1<-0"`` as AutoDL-Projects and HPOBench do; NASLib's six numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tegnas.errors import InputError
from tegnas.networks.nasbench201 import EDGES
from tegnas.spaces.literals import literals_in

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")

_TARGETS = (1, 2, 3)
_NODE = re.compile(r"\|(?:[^|~+]+~\d+\|)+")
_BETWEEN = re.compile(r"[\s'\"(),;:=\[\]{}]+")  # what stands around a string in a line
_EXAMPLE = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|nor_conv_1x1~0|none~1|avg_pool_3x3~2|"
_FROM_TO = re.compile(r"(?:.*/)?([0-2])_([1-3])")
_TO_FROM = re.compile(r"([1-3])<-([0-2])")

_SYNONYMS = {"conv_1x1": "nor_conv_1x1", "conv_3x3": "nor_conv_3x3"}  # NNI's names
# NASLib's numbers for operations, and its order of the edges, which is by their source.
_NASLIB_OPERATIONS = ("skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3")
_NASLIB_EDGES = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))


def parse_operations(text: str) -> tuple[str, ...]:
    """The operations of the six edges, in the order of ``EDGES``, in any of these notations.

    Raises:
        InputError: the text is in none of them, is incomplete, has an unknown operation, or holds
            several architectures.
    """
    strings = [part for part in _BETWEEN.split(text) if "|" in part and "~" in part]
    read = list(dict.fromkeys(map(_from_string, strings) if strings else _from_literals(text)))
    if len(read) > 1:
        raise InputError(f"{_shown(text)} holds {len(read)} architectures; give one of them")
    if not read:
        raise _malformed(text)
    return read[0]


def _from_string(text: str) -> tuple[str, ...]:
    nodes = text.split("+")
    if len(nodes) != len(_TARGETS) or not all(_NODE.fullmatch(node) for node in nodes):
        raise _malformed(text)
    terms = [[term.split("~") for term in node.strip("|").split("|")] for node in nodes]
    return _from_nodes(terms, text)


def _from_nodes(nodes: Sequence[Sequence[Sequence[str]]], text: str) -> tuple[str, ...]:
    """The operations of pairs (operation, input as text) grouped by node."""
    operations = []
    for target, pairs in zip(_TARGETS, nodes, strict=True):
        operations += [_known(name, text) for name, _ in pairs]
        if [source for _, source in pairs] != [str(source) for source in range(target)]:
            raise InputError(
                f"node {target} of {_shown(text)} must read nodes 0 to {target - 1} in order, as "
                f"in {_EXAMPLE}"
            )
    return tuple(operations)


def _from_literals(text: str) -> Iterator[tuple[str, ...]]:
    for value in literals_in(text):
        if isinstance(value, dict):
            yield _from_dictionary(value, text)
        elif isinstance(value, list | tuple) and value:
            if len(value) == len(EDGES) and {type(each) for each in value} == {int}:
                yield _from_naslib(value, text)
            elif len(value) == len(_TARGETS) and all(map(_is_node, value)):
                nodes = [[(name, str(source)) for name, source in node] for node in value]
                yield _from_nodes(nodes, text)


def _is_node(value: Any) -> bool:
    """Whether it is a sequence of pairs (operation, input)."""
    return isinstance(value, list | tuple) and all(
        isinstance(pair, list | tuple)
        and len(pair) == 2
        and isinstance(pair[0], str)
        and type(pair[1]) is int
        for pair in value
    )


def _from_naslib(numbers: Sequence[int], text: str) -> tuple[str, ...]:
    for number in numbers:
        if not 0 <= number < len(_NASLIB_OPERATIONS):
            raise InputError(
                f"NASLib numbers the operations of NAS-Bench-201 from 0 ({_NASLIB_OPERATIONS[0]}) "
                f"to 4 ({_NASLIB_OPERATIONS[4]}), and {_shown(text)} has {number}"
            )
    by_edge = dict(zip(_NASLIB_EDGES, numbers, strict=True))
    return tuple(_NASLIB_OPERATIONS[by_edge[edge]] for edge in EDGES)


def naslib_numbers(operations: Sequence[str]) -> tuple[int, ...]:
    """What NASLib calls a cell of these operations of ``EDGES``: six numbers, edges by source."""
    by_edge = dict(zip(EDGES, operations, strict=True))
    return tuple(_NASLIB_OPERATIONS.index(by_edge[edge]) for edge in _NASLIB_EDGES)


def _from_dictionary(content: Mapping[Any, Any], text: str) -> tuple[str, ...]:
    by_edge: dict[tuple[int, int], str] = {}
    for key, value in content.items():
        forward, backward = _FROM_TO.fullmatch(str(key)), _TO_FROM.fullmatch(str(key))
        if forward:
            by_edge[int(forward[1]), int(forward[2])] = _known(value, text)
        elif backward:
            by_edge[int(backward[2]), int(backward[1])] = _known(value, text)
    missing = [f"{source}_{target}" for source, target in EDGES if (source, target) not in by_edge]
    if missing:
        raise InputError(
            f"{_shown(text)} is a dictionary without an operation for the edge "
            f"{', '.join(missing)}; NAS-Bench-201 has six edges, written as "
            '{"0_1": "conv_3x3", ...} by source and target or as {"1<-0": "nor_conv_3x3", ...}'
        )
    return tuple(by_edge[edge] for edge in EDGES)


def _known(operation: Any, text: str) -> str:
    name = _SYNONYMS.get(operation, operation) if isinstance(operation, str) else operation
    if name not in OPERATIONS:
        raise InputError(
            f"unknown operation {operation!r} in {_shown(text)}; NAS-Bench-201 has "
            f"{', '.join(OPERATIONS)}"
        )
    return name


def _shown(text: str) -> str:
    return repr(text if len(text) <= 120 else f"{text[:117]}...")


def _malformed(text: str) -> InputError:
    if "Genotype" in text:
        return InputError(
            f"{_shown(text)} is not a NAS-Bench-201 architecture but looks like one of DARTS; name "
            "that space (darts)"
        )
    return InputError(
        f"{_shown(text)} is not a NAS-Bench-201 architecture; it should look like {_EXAMPLE} "
        "or, in short, like 302104"
    )
