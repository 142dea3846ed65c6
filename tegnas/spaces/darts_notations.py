"""The notations that DARTS cells are written in, by whoever wrote them.

Read are: the ``Genotype`` of the released code, of its many successors and of AutoDL-Projects,
alone or within a pasted line; words ``op~input`` or ``op:input``; NASLib's pairs of numbers; the
configuration of NAS-Bench-301; the dictionaries of NNI's two generations; FairDARTS' triples.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tegnas.errors import InputError
from tegnas.networks.darts import NODES
from tegnas.spaces.darts_architecture import DartsArchitecture, Pair
from tegnas.spaces.literals import NotLiteral, bracketed, literals_in, read_call

_CELLS = ("normal", "reduce")
_FIELDS = ("normal", "normal_concat", "reduce", "reduce_concat")
_UNUSED = ("connectN", "connects")  # fields of AutoDL-Projects' genotypes, None on DARTS
_FORMS = (
    "Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat=range(2, 6), reduce=[...], "
    "reduce_concat=range(2, 6)) or normal sep_conv_3x3~0 ... reduce ..., with 8 pairs per "
    "cell, or, in short, like gr1eqj-b75gin"
)

# What others call the operations: AutoDL-Projects, then the first generation of NNI.
_SYNONYMS = {
    "dua_sepc_3x3": "sep_conv_3x3",
    "dua_sepc_5x5": "sep_conv_5x5",
    "dil_sepc_3x3": "dil_conv_3x3",
    "dil_sepc_5x5": "dil_conv_5x5",
    "maxpool": "max_pool_3x3",
    "avgpool": "avg_pool_3x3",
    "skipconnect": "skip_connect",
    "sepconv3x3": "sep_conv_3x3",
    "sepconv5x5": "sep_conv_5x5",
    "dilconv3x3": "dil_conv_3x3",
    "dilconv5x5": "dil_conv_5x5",
}
# The numbers that NASLib, NAS-Bench-301 and NNI give to operations.
_NUMBERED = (
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
# Operations that the spaces of NASNet (arXiv 1707.07012), AmoebaNet (1802.01548), PNAS
# (1712.00559) and ENAS (1802.03268) have and DARTS has not.
_ELSEWHERE = {
    "conv_7x1_1x7", "conv_3x1_1x3", "sep_conv_7x7", "conv_1x1", "conv_3x3", "nor_conv_7x7",
    "max_pool_5x5", "max_pool_7x7", "dil_sep_conv_3x3", "dil_conv_7x7", "min_pool_3x3",
}  # fmt: skip

_WORD = re.compile(r"([^~:]+)[~:]([0-9]{1,9})")
_GENOTYPE = re.compile(r"\bGenotype\s*\(")
_NASBENCH301 = re.compile(r"(?:.*:)?(edge|inputs_node)_(normal|reduce)_(\d{1,2})")
# A line of it, as ConfigSpace prints configurations.
_PRINTED = re.compile(r"^[ \t]*(\S+_(?:normal|reduce)_\d{1,2}), Value: '(\w+)'", re.MULTILINE)
_NNI = re.compile(r"(normal|reduce)/(op|input)_(\d)_(\d)")
_NNI_FIRST = re.compile(r"(normal|reduce)_n(\d)_(?:p(\d)|(switch))")


def parse_architecture(text: str) -> DartsArchitecture:
    """Read an architecture in any of the notations of this module.

    Raises:
        InputError: the text is in none of them, is incomplete, holds several architectures or
            one of another space, or is what ``DartsArchitecture`` refuses.
    """
    words = [word for word in re.split(r"[\s,;|]+", text.strip()) if word]
    if words and re.fullmatch("normal:?", words[0]):
        return _from_words(words, text)
    if words and all(_WORD.fullmatch(word) for word in words):
        half = len(words) // 2
        return DartsArchitecture(_edges(words[:half], text), _edges(words[half:], text))
    read = list(dict.fromkeys(_found(text)))
    if len(read) > 1:
        raise InputError(f"{_shown(text)} holds {len(read)} architectures; give one of them")
    if not read:
        raise _malformed(text)
    return read[0]


def _found(text: str) -> Iterator[DartsArchitecture]:
    """Every architecture in ``text`` that is written with brackets."""
    calls = [match.end() - 1 for match in _GENOTYPE.finditer(text)]
    for opening in calls:
        arguments = bracketed(text, opening)
        if arguments is None:
            raise _malformed(text)
        yield _from_genotype(arguments, text)
    if calls:
        return
    printed = _PRINTED.findall(text)
    if printed:
        yield _from_dictionary(dict(printed), text)
        return
    for value in literals_in(text):
        if isinstance(value, dict):
            yield _from_dictionary(value, text)
        elif isinstance(value, list | tuple) and len(value) == 2:
            yield _from_cells(value, text)


# Words


def _from_words(words: Sequence[str], text: str) -> DartsArchitecture:
    names = [word.removesuffix(":") for word in words]
    if names.count("reduce") != 1:
        raise _malformed(text)
    middle = names.index("reduce")
    return DartsArchitecture(_edges(words[1:middle], text), _edges(words[middle + 1 :], text))


def _edges(words: Sequence[str], text: str) -> tuple[Pair, ...]:
    matches = [_WORD.fullmatch(word) for word in words]
    if not all(matches):
        raise _malformed(text)
    return tuple((_SYNONYMS.get(match[1], match[1]), int(match[2])) for match in matches if match)


# Genotypes


def _from_genotype(arguments: str, text: str) -> DartsArchitecture:
    try:
        positional, fields = read_call("Genotype" + arguments)
    except NotLiteral:
        raise _malformed(text) from None
    named = dict(zip(_FIELDS, positional, strict=False))
    if len(positional) > len(_FIELDS) or named.keys() & fields.keys():
        raise _malformed(text)
    return _from_fields(named | fields, text)


def _from_fields(fields: Mapping[Any, Any], text: str) -> DartsArchitecture:
    if not set(_FIELDS) <= set(fields) <= {*_FIELDS, *_UNUSED}:
        raise _malformed(text)
    for name in _UNUSED:
        if fields.get(name) is not None:
            raise InputError(
                f"{name}={fields[name]!r} says how nodes are connected in a space of "
                "AutoDL-Projects that is not DARTS; there it is None"
            )
    cells, concats = [], []
    for name in _CELLS:
        cell, concat = fields[name], fields[f"{name}_concat"]
        if not isinstance(concat, list | tuple | range):
            raise _malformed(text)
        # A range may be of any length; more nodes than a cell has are wrong whatever follows.
        concat = tuple(concat[: NODES + 1])
        if _are_triples(cell):
            cell, missing = _from_triples(name, cell)
            concat = tuple(node for node in concat if node not in missing)
        cells.append(_pairs(name, cell))
        concats.append(concat)
    return DartsArchitecture(*cells, *concats)


def _are_triples(cell: Any) -> bool:
    return (
        _is_sequence(cell)
        and len(cell) > 0
        and all(
            _is_sequence(item) and len(item) == 3 and type(item[1]) is type(item[2]) is int
            for item in cell
        )
    )


def _from_triples(cell: str, triples: Sequence[Any]) -> tuple[list[Any], set[int]]:
    """FairDARTS' (operation, node, input): the pairs of a cell, and the nodes that it hasn't.

    A node has two edges at most (Chu et al., ECCV 2020, arXiv 1911.12126): ``none`` stands for one
    that is missing. A node without edges is left out of what the cell puts out, as the published
    numbers of parameters have it.
    """
    pairs: list[Any] = []
    missing: set[int] = set()
    for node in range(2, NODES + 2):
        edges = [(name, source) for name, target, source in triples if target == node]
        if len(edges) > 2:
            raise InputError(
                f"node {node} of the {cell} cell has {len(edges)} edges where DARTS has 2 at most"
            )
        read = {source for _, source in edges}
        if read & missing:
            raise InputError(
                f"node {node} of the {cell} cell reads a node that has no edges; leave that out"
            )
        if not edges:
            missing.add(node)
        free = [source for source in (0, 1) if source not in read]
        pairs += [*edges, *(("none", source) for source in free[: 2 - len(edges)])]
    unknown = {target for _, target, _ in triples} - set(range(2, NODES + 2))
    if unknown:
        raise InputError(
            f"the {cell} cell has an edge to node {min(unknown)}; a DARTS cell has the nodes 2 to "
            f"{NODES + 1}"
        )
    return pairs, missing


def _pairs(cell: str, value: Any) -> tuple[Any, ...]:
    """The pairs of a cell, which may be grouped by node and carry a weight each."""
    if not isinstance(value, list | tuple):
        return value  # which ``DartsArchitecture`` refuses in words
    flat: list[Any] = []
    for node, item in enumerate(value):
        if not _is_sequence(item) or not item or not _is_sequence(item[0]):
            flat.append(item)
        elif len(item) == 2:
            flat += item
        else:
            raise InputError(
                f"node {node} of the {cell} cell has {len(item)} pairs (operation, input) where "
                "DARTS has 2"
            )
    pairs = [_pair(item) for item in flat]
    names = {pair[0] for pair in pairs if _is_sequence(pair) and len(pair) == 2}
    foreign = sorted(name for name in names if isinstance(name, str) and name in _ELSEWHERE)
    if len(pairs) == 10 or foreign:
        why = f"the operation {foreign[0]}" if foreign else "5 nodes per cell"
        raise InputError(
            f"this is no DARTS architecture but one of another space: {why}, as in those of "
            f"NASNet, AmoebaNet, PNAS or ENAS; a DARTS cell has {NODES} nodes of 2 pairs"
        )
    return tuple(pairs)


def _pair(item: Any) -> Any:
    """(operation, input), by its name here, without the weight that AutoDL-Projects appends."""
    if not _is_sequence(item):
        return item
    if len(item) == 3 and isinstance(item[2], float):
        item = item[:2]
    if len(item) == 2 and isinstance(item[0], str):
        return _SYNONYMS.get(item[0], item[0]), item[1]
    return item


def _from_cells(cells: Sequence[Any], text: str) -> DartsArchitecture:
    """Two cells without names: NASLib's pairs (input, number of the operation), or usual pairs."""
    if not all(map(_is_sequence, cells)):
        raise _malformed(text)
    numbers = [pair for cell in cells for pair in cell]
    if not numbers or not all(_is_sequence(pair) and pair for pair in numbers):
        raise _malformed(text)
    if not all(len(pair) == 2 and {type(each) for each in pair} == {int} for pair in numbers):
        return DartsArchitecture(*(_pairs(*each) for each in zip(_CELLS, cells, strict=True)))
    for _, number in numbers:
        if not 0 <= number < len(_NUMBERED):
            raise InputError(
                f"NASLib numbers the operations of DARTS from 0 ({_NUMBERED[0]}) to "
                f"{len(_NUMBERED) - 1} ({_NUMBERED[-1]}), and {_shown(text)} has {number}"
            )
    normal, reduce = (
        tuple((_NUMBERED[number], source) for source, number in cell) for cell in cells
    )
    return DartsArchitecture(normal, reduce)


def naslib_pairs(cell: Sequence[tuple[str, int]]) -> tuple[tuple[int, int], ...]:
    """What NASLib calls a cell: pairs (input, number of the operation).

    Raises ``InputError`` for an operation that NASLib has no number for.
    """
    for name, _ in cell:
        if name not in _NUMBERED:
            raise InputError(f"NASLib has no number for the operation {name!r} of DARTS")
    return tuple((source, _NUMBERED.index(name)) for name, source in cell)


# Dictionaries


def _from_dictionary(content: dict[Any, Any], text: str) -> DartsArchitecture:
    keys = [str(key) for key in content]
    if set(_CELLS) <= set(keys):
        if all(isinstance(content[name], str) for name in _CELLS):
            return _from_words(
                f"normal {content['normal']} reduce {content['reduce']}".split(), text
            )
        return _from_fields(content, text)
    for pattern, read in (
        (_NASBENCH301, _from_nasbench301),
        (_NNI, _from_nni),
        (_NNI_FIRST, _from_nni_first),
    ):
        found = {match: content[match.string] for match in map(pattern.fullmatch, keys) if match}
        if found:
            return DartsArchitecture(*(read(cell, found) for cell in _CELLS))
    raise InputError(
        f"{_shown(text)} is a dictionary in none of the forms that are read for DARTS: the fields "
        f"of a Genotype ({', '.join(_FIELDS)}), NAS-Bench-301's (edge_normal_0, "
        "inputs_node_normal_3, ...), NNI's (normal/op_2_0, normal/input_2_0, ... or normal_n2_p0, "
        "normal_n2_switch, ...)"
    )


_Found = Mapping[re.Match[str], Any]


def _from_nasbench301(cell: str, found: _Found) -> tuple[Any, ...]:
    """Edges are numbered by node and input; of a node's edges its ``inputs_node`` names two."""
    edges = {int(m[3]): value for m, value in found.items() if (m[1], m[2]) == ("edge", cell)}
    inputs = {int(m[3]): value for m, value in found.items() if (m[1], m[2]) != ("edge", cell)
              and m[2] == cell}  # fmt: skip
    pairs: list[Any] = []
    first = 0
    for node in range(NODES):
        sources = [source for source in range(node + 2) if first + source in edges]
        chosen = inputs.get(node + 2)
        if isinstance(chosen, str) and re.fullmatch(r"\d_\d", chosen):
            sources = [int(source) for source in chosen.split("_")]
        elif chosen is not None:
            raise InputError(
                f"inputs_node_{cell}_{node + 2} must be two inputs such as '0_1', not {chosen!r}"
            )
        if len(sources) != 2:
            raise InputError(
                f"the NAS-Bench-301 configuration gives node {node + 2} of the {cell} cell "
                f"{len(sources)} edges (edge_{cell}_{first} to edge_{cell}_{first + node + 1}) "
                "instead of 2"
            )
        pairs += [
            (_required(edges, first + source, f"edge_{cell}_{first + source}"), source)
            for source in sources
        ]
        first += node + 2
    return tuple(pairs)


def _from_nni(cell: str, found: _Found) -> tuple[Any, ...]:
    """``normal/op_2_0`` and ``normal/input_2_0``: node 2 is the first, inputs may be lists."""
    values = {(m[2], int(m[3]), int(m[4])): value for m, value in found.items() if m[1] == cell}
    if any(node >= NODES + 2 for _, node, _ in values):
        raise InputError(
            f"the {cell} cell has more than {NODES} nodes: it is of another space than DARTS, as "
            "those of NASNet, AmoebaNet, PNAS and ENAS are"
        )
    pairs = []
    for node in range(2, NODES + 2):
        for which in (0, 1):
            operation, source = (
                _required(values, (what, node, which), f"{cell}/{what}_{node}_{which}")
                for what in ("op", "input")
            )
            if _is_sequence(source) and len(source) == 1:
                (source,) = source
            pairs.append((operation, source))
    return tuple(pairs)


def _from_nni_first(cell: str, found: _Found) -> tuple[Any, ...]:
    """``normal_n2_p0``: the operation behind input 0 of node 2; the switch names two of them."""
    operations = {
        (int(m[2]), int(m[3])): value for m, value in found.items() if m[1] == cell and m[3]
    }
    switches = {int(m[2]): value for m, value in found.items() if m[1] == cell and m[4]}
    pairs = []
    for node in range(2, NODES + 2):
        switch = _required(switches, node, f"{cell}_n{node}_switch")
        sources = [_switched(each, cell, node) for each in switch] if _is_sequence(switch) else []
        if len(sources) != 2 or None in sources:
            raise InputError(f"{cell}_n{node}_switch must name two inputs, not {switch!r}")
        for source in sources:
            name = f"{cell}_n{node}_p{source}"
            pairs.append((_numbered(_required(operations, (node, source), name), name), source))
    return tuple(pairs)


def _switched(item: Any, cell: str, node: int) -> int | None:
    """The input that an item of a switch names, by its name or its number."""
    if type(item) is int:
        return item
    match = re.fullmatch(rf"{cell}_n{node}_p(\d)", item) if isinstance(item, str) else None
    return int(match[1]) if match else None


def _numbered(value: Any, name: str) -> str:
    """An operation given by name, by number, or as a list with one of the numbers marked."""
    if _is_sequence(value) and list(value).count(True) == 1 and set(value) <= {True, False}:
        value = list(value).index(True)
    if type(value) is int and 0 <= value < len(_NUMBERED):
        return _NUMBERED[value]
    if not isinstance(value, str):
        raise InputError(f"{name} must be an operation, not {value!r}")
    return _SYNONYMS.get(value, value)


def _required(values: Mapping[Any, Any], key: Any, name: str) -> Any:
    if key not in values:
        raise InputError(f"the dictionary of the architecture has no entry {name!r}; give it whole")
    return values[key]


def _is_sequence(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


def _malformed(text: str) -> InputError:
    if re.search(r"\|[^|~\s]+~\d\|", text):
        return InputError(
            f"{_shown(text)} is not a DARTS architecture but looks like one of NAS-Bench-201; "
            "name that space (nas-bench-201)"
        )
    return InputError(f"{_shown(text)} is not a DARTS architecture; it should look like {_FORMS}")
