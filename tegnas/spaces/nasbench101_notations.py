"""The notations that NAS-Bench-101 cells are written in, by whoever wrote them.

Read are: ``111101|conv1x1|conv3x3``, the upper triangle of the adjacency matrix row by row and the
operations of the nodes between input and output, also with the names of the benchmark and with
``input`` and ``output``; a matrix and operations as the nasbench package takes them,
``(matrix, ops)``, ``{"matrix": …, "ops": …}`` or ``ModelSpec(matrix=…, ops=…)``, alone or within a
pasted text; what its queries give (``module_adjacency``, ``module_operations``); NASLib's tuple of
numbers, the whole matrix row by row and then the operations.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tegnas.errors import InputError
from tegnas.networks.nasbench101_cell import MAX_NODES, OPERATIONS
from tegnas.spaces.literals import literals_in

_EXAMPLE = "111101|conv1x1|conv3x3"
_ENDS = ("input", "output")
_SUFFIX = "-bn-relu"
_COMMENT = re.compile(r"#[^\n]*")
# Constants of the nasbench package's examples, which aren't quoted.
_CONSTANT = re.compile(r"(?<![\w'\"])(INPUT|OUTPUT|CONV1X1|CONV3X3|MAXPOOL3X3)(?![\w'\"])")
_MATRIX_KEYS = ("matrix", "module_adjacency")
_OPERATION_KEYS = ("ops", "module_operations")
# NASLib numbers the nodes' operations so.
_NASLIB_OPERATIONS = (*_ENDS, "maxpool3x3", "conv1x1", "conv3x3")
_NASLIB_NODES = {nodes * nodes + nodes: nodes for nodes in range(2, MAX_NODES + 1)}  # by length

# Upper triangle row by row, and the operations between input and output.
Written = tuple[str, tuple[str, ...]]


def parse_cell(text: str) -> Written:
    """The adjacency and the operations of a cell in any of these notations.

    Raises:
        InputError: the text is in none of them, has an unknown operation or a matrix that isn't
            an upper triangle of zeros and ones, or holds several cells.
    """
    if not any(bracket in text for bracket in "[{("):
        adjacency, *names = (part.strip() for part in text.strip().split("|"))
        if not re.fullmatch("[01]+", adjacency):
            raise _malformed(text)
        return adjacency, _between(names, text)
    read = list(dict.fromkeys(_from_literals(text)))
    if len(read) > 1:
        raise InputError(f"{_shown(text)} holds {len(read)} cells; give one of them")
    if not read:
        raise _malformed(text)
    return read[0]


def _from_literals(text: str) -> Iterator[Written]:
    matrix: Any = None  # the last one that is still without operations
    for value in literals_in(_CONSTANT.sub(r"'\1'", _COMMENT.sub("", text))):
        if isinstance(value, dict):
            rows, names = (_entry(value, keys) for keys in (_MATRIX_KEYS, _OPERATION_KEYS))
            if not (_is_matrix(rows) and _is_names(names)):
                raise InputError(
                    f"{_shown(text)} is a dictionary without a matrix and operations of a "
                    'NAS-Bench-101 cell, {"matrix": [[0, 1], [0, 0]], "ops": ["input", "output"]}'
                )
            yield _from_matrix(rows, names, text)
        elif _is_matrix(value):
            matrix = value
        elif _is_names(value) and matrix is not None:
            yield _from_matrix(matrix, value, text)
            matrix = None
        elif len(value) in _NASLIB_NODES and {type(each) for each in value} == {int}:
            yield _from_matrix(*_from_naslib(value, text), text)
        elif len(value) == 2 and _is_matrix(value[0]) and _is_names(value[1]):
            yield _from_matrix(value[0], value[1], text)


def _from_naslib(numbers: Sequence[int], text: str) -> tuple[list[Sequence[int]], list[str]]:
    """Matrix and operations of n·n + n numbers."""
    nodes = _NASLIB_NODES[len(numbers)]
    if not {*numbers[-nodes:]} <= {*range(len(_NASLIB_OPERATIONS))}:
        raise InputError(
            f"{_shown(text)} is no cell as NASLib writes it: behind the matrix stand numbers from "
            f"0 to {len(_NASLIB_OPERATIONS) - 1}, {', '.join(_NASLIB_OPERATIONS)}"
        )
    rows = [numbers[row * nodes : (row + 1) * nodes] for row in range(nodes)]
    if not _is_matrix(rows):
        raise InputError(f"the matrix of {_shown(text)} must be of zeros and ones")
    return rows, [_NASLIB_OPERATIONS[number] for number in numbers[-nodes:]]


def naslib_numbers(adjacency: str, operations: Sequence[str]) -> tuple[int, ...]:
    """What NASLib calls a cell: its matrix row by row, and a number for every node."""
    nodes = len(operations) + 2
    written = iter(adjacency)
    matrix = [
        int(next(written)) if target > source else 0
        for source in range(nodes)
        for target in range(nodes)
    ]
    names = (_ENDS[0], *operations, _ENDS[1])
    return (*matrix, *(_NASLIB_OPERATIONS.index(name) for name in names))


def _entry(content: Mapping[Any, Any], keys: Sequence[str]) -> Any:
    """What stands under the first of some keys that is there; None without any."""
    return next((content[key] for key in keys if key in content), None)


def _is_matrix(value: Any) -> bool:
    return (
        isinstance(value, list | tuple)
        and len(value) > 1
        and all(isinstance(row, list | tuple) for row in value)
        and all(isinstance(each, int | float) and each in (0, 1) for row in value for each in row)
    )


def _is_names(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)


def _from_matrix(matrix: Sequence[Sequence[int]], names: Sequence[str], text: str) -> Written:
    nodes = len(matrix)
    if any(len(row) != nodes for row in matrix):
        raise InputError(f"the matrix of {_shown(text)} must be square")
    if len(names) != nodes:
        raise InputError(f"{_shown(text)} has a matrix of {nodes} nodes and {len(names)} ops")
    if any(row[target] for source, row in enumerate(matrix) for target in range(source + 1)):
        raise InputError(
            f"the matrix of {_shown(text)} must be 0 on and below its diagonal: a node reads "
            "earlier ones only"
        )
    adjacency = "".join(
        str(int(matrix[source][target]))
        for source in range(nodes)
        for target in range(source + 1, nodes)
    )
    # The package looks at neither the first nor the last of them.
    return adjacency, _between((_ENDS[0], *names[1:-1], _ENDS[1]), text)


def _between(names: Sequence[str], text: str) -> tuple[str, ...]:
    """The operations, by their names here, without those of input and output."""
    if names and (names[0].lower(), names[-1].lower()) == _ENDS:
        names = names[1:-1]
    found = tuple(name.lower().removesuffix(_SUFFIX) for name in names)
    for name, known in zip(names, found, strict=True):
        if known not in OPERATIONS:
            raise InputError(
                f"unknown operation {name!r} in {_shown(text)}; NAS-Bench-101 has "
                f"{', '.join(OPERATIONS)}"
            )
    return found


def _shown(text: str) -> str:
    return repr(text if len(text) <= 120 else f"{text[:117]}...")


def _malformed(text: str) -> InputError:
    return InputError(
        f"{_shown(text)} is not a NAS-Bench-101 cell; it should look like {_EXAMPLE} (the upper "
        "triangle of the matrix row by row, then the operations) or like "
        "([[0, 1], [0, 0]], ['input', 'output']) or, in short, like 1p-13"
    )
