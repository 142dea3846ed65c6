"""Architectures as others write them: pasted lines, other tools' forms, other spaces' cells."""

from __future__ import annotations

import csv
import json
import time

import pytest
import torch

from tegnas import InputError, get_space
from tegnas.networks.complexity import count_parameters
from tegnas.spaces.literals import NotLiteral, bracketed, literals_in, outermost, read_literal

DARTS = get_space("darts")
BENCH = get_space("nas-bench-201")

# Every operation, inputs in either order, a pair of equal operations.
NORMAL = (
    ("sep_conv_3x3", 1), ("skip_connect", 0), ("dil_conv_5x5", 2), ("sep_conv_5x5", 0),
    ("max_pool_3x3", 3), ("avg_pool_3x3", 1), ("dil_conv_3x3", 4), ("dil_conv_3x3", 2),
)  # fmt: skip
REDUCE = (
    ("max_pool_3x3", 0), ("max_pool_3x3", 1), ("skip_connect", 2), ("sep_conv_3x3", 1),
    ("avg_pool_3x3", 0), ("dil_conv_5x5", 3), ("sep_conv_5x5", 2), ("skip_connect", 4),
)  # fmt: skip
FIELDS = f"normal={list(NORMAL)}, normal_concat=range(2, 6), reduce={list(REDUCE)}, "
GENOTYPE = f"Genotype({FIELDS}reduce_concat=range(2, 6))"
ARCH = DARTS.parse(GENOTYPE)
NUMBERS = {
    name: number
    for number, name in enumerate(
        ("max_pool_3x3", "avg_pool_3x3", "skip_connect", "sep_conv_3x3", "sep_conv_5x5")
        + ("dil_conv_3x3", "dil_conv_5x5")
    )
}


def nested(cell: tuple) -> list:
    return [tuple(cell[2 * node : 2 * node + 2]) for node in range(4)]


def autodl(cell: tuple) -> list:
    """AutoDL-Projects: its own names, a weight behind each pair."""
    names = {"sep_conv": "dua_sepc", "dil_conv": "dil_sepc"}
    return [(names.get(op[:8], op[:8]) + op[8:], source, 0.1258) for op, source in cell]


def nasbench301() -> dict[str, str]:
    config = {"NetworkSelectorDatasetInfo:darts:layers": 20}
    for name, cell in (("normal", NORMAL), ("reduce", REDUCE)):
        for node, pairs in enumerate(nested(cell)):
            first = sum(earlier + 2 for earlier in range(node))
            for op, source in pairs:
                config[f"NetworkSelectorDatasetInfo:darts:edge_{name}_{first + source}"] = op
            inputs = "_".join(str(source) for source in sorted(source for _, source in pairs))
            if node:
                config[f"NetworkSelectorDatasetInfo:darts:inputs_node_{name}_{node + 2}"] = inputs
    return config


def nni(in_list: bool) -> dict[str, object]:
    arch: dict[str, object] = {"width": 36}
    for name, cell in (("normal", NORMAL), ("reduce", REDUCE)):
        for place, (op, source) in enumerate(cell):
            node = f"{place // 2 + 2}_{place % 2}"
            arch[f"{name}/op_{node}"] = op
            arch[f"{name}/input_{node}"] = [source] if in_list else source
    return arch


def nni_first(form: str) -> dict[str, object]:
    """The first generation: every edge with its operation, a switch that names two of a node."""
    arch: dict[str, object] = {}
    for name, cell in (("normal", NORMAL), ("reduce", REDUCE)):
        for node, pairs in enumerate(nested(cell), start=2):
            for source in range(node):
                arch[f"{name}_n{node}_p{source}"] = []
            for op, source in pairs:
                value: object = op.replace("_", "")
                value = {"maxpool3x3": "maxpool", "avgpool3x3": "avgpool"}.get(value, value)
                if form == "number":
                    value = NUMBERS[op]
                elif form == "marks":
                    value = [number == NUMBERS[op] for number in range(7)]
                arch[f"{name}_n{node}_p{source}"] = value
            inputs = [source for _, source in pairs]
            named = [f"{name}_n{node}_p{source}" for source in inputs]
            arch[f"{name}_n{node}_switch"] = inputs if form == "number" else named
    return arch


def compact(cell: tuple) -> list:
    return [(source, NUMBERS[op]) for op, source in cell]


def words(cell: tuple, mark: str) -> str:
    return " ".join(f"{op}{mark}{source}" for op, source in cell)


SAME_ARCHITECTURE = {
    "name in front": f"DARTS_V3 = {GENOTYPE}",
    "line of a log": f"[2019-08-05 10:11:12,345] 08/05 10:11:12 AM genotype = {GENOTYPE}",
    "module and quotes": f'{{"epoch": 49, "genotype": "genotypes.{GENOTYPE}"}}',
    "an apostrophe before": f"it's the best one (so far): {GENOTYPE} done",
    "said twice": f"{GENOTYPE}\n{GENOTYPE}",
    "positional": f"Genotype({list(NORMAL)}, range(2, 6), {list(REDUCE)}, [2, 3, 4, 5])",
    "broken over lines": GENOTYPE.replace("(2, 6), ", "(2, 6),  # all nodes\n    "),
    "numpy numbers": GENOTYPE.replace("1)", "np.int64(1))"),
    "nested": GENOTYPE.replace(str(list(NORMAL)), str(nested(NORMAL))),
    "nested lists": f"Genotype(normal={[list(each) for each in nested(NORMAL)]}, "
    f"normal_concat=[2, 3, 4, 5], reduce={nested(REDUCE)}, reduce_concat=(2, 3, 4, 5))",
    "connectN": f"Genotype({FIELDS}reduce_concat=[2, 3, 4, 5], connectN=None, connects=None)",
    "AutoDL": f"Genotype(normal={autodl(NORMAL)}, normal_concat=[2, 3, 4, 5], "
    f"reduce={nested(tuple(autodl(REDUCE)))}, reduce_concat=[2, 3, 4, 5])",
    "dictionary": str(
        dict(normal=nested(NORMAL), normal_concat=[2, 3, 4, 5], reduce=nested(REDUCE))
        | dict(reduce_concat=[2, 3, 4, 5], connectN=None)
    ),
    "JSON": json.dumps(
        dict(normal=NORMAL, normal_concat=[2, 3, 4, 5], reduce=REDUCE)
        | dict(reduce_concat=[2, 3, 4, 5], connects=None)
    ),
    "words with tildes": f"normal {words(NORMAL, '~')} reduce {words(REDUCE, '~')}",
    "words with colons": f"normal: {words(NORMAL, ':')} reduce: {words(REDUCE, ':')}",
    "two columns": f"{words(NORMAL, ':')},{words(REDUCE, ':')}",
    "columns by name": str({"normal": words(NORMAL, ":"), "reduce": words(REDUCE, ":")}),
    "NASLib": str((tuple(compact(NORMAL)), tuple(compact(REDUCE)))),
    "NASLib's lists": f"arch: {json.dumps([compact(NORMAL), compact(REDUCE)])}",
    "pairs of two cells": str((NORMAL, REDUCE)),
    "NAS-Bench-301's ConfigSpace": f"Configuration(values={nasbench301()})",
    "NAS-Bench-301 by lines": "Configuration:\n"
    + "\n".join(f"  {key}, Value: {value!r}" for key, value in nasbench301().items()),
    "numpy strings": GENOTYPE.replace("'sep_conv_3x3'", "np.str_('sep_conv_3x3')"),
    "NAS-Bench-301": str(nasbench301()),
    "NAS-Bench-301 in JSON": json.dumps(nasbench301(), indent=2),
    "NNI": str(nni(in_list=False)),
    "NNI with lists": json.dumps(nni(in_list=True)),
    "first NNI": json.dumps(nni_first("name")),
    "first NNI, numbers": json.dumps(nni_first("number"), indent=1),
    "first NNI, marks": json.dumps(nni_first("marks")),
}


@pytest.mark.parametrize("text", SAME_ARCHITECTURE.values(), ids=SAME_ARCHITECTURE)
def test_one_darts_architecture_in_every_notation(text):
    assert DARTS.parse(text) == ARCH


def lacking(content: dict, key: str) -> str:
    return str({name: value for name, value in content.items() if name != key})


NASNET = (  # two of its five nodes, with one of its operations
    "Genotype(normal=[('sep_conv_5x5', 1), ('sep_conv_3x3', 0)] * 5, normal_concat=[2], "
    "reduce=[], reduce_concat=[4, 5, 6])"
)
FIVE_NODES = GENOTYPE.replace(
    "('dil_conv_3x3', 2)]", "('dil_conv_3x3', 2), ('none', 0), ('none', 1)]"
)
OTHER = GENOTYPE.replace("dil_conv_5x5", "skip_connect")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (FIVE_NODES, "another space: 5 nodes per cell, as in those of NASNet, AmoebaNet"),
        (
            GENOTYPE.replace("dil_conv_5x5", "conv_7x1_1x7"),
            "another space: the operation conv_7x1_1x7, as in those of NASNet",
        ),
        (NASNET, "is not a DARTS architecture; it should look like"),  # no literal
        (f"{GENOTYPE} {OTHER}", "holds 2 architectures; give one of them"),
        (GENOTYPE[:-9], "is not a DARTS architecture"),
        (
            GENOTYPE.replace("range(2, 6))", "range(3, 7))"),
            "reduce_concat must .* .3, 4, 5, 6.",
        ),
        (GENOTYPE.replace("range(2, 6))", "range(10**9))"), "is not a DARTS architecture"),
        (GENOTYPE.replace("range(2, 6))", "range(1000000000))"), "concat must name nodes"),
        (f"{GENOTYPE[:-1]}, connectN=3)", "connectN=3 says how nodes are connected"),
        (f"{GENOTYPE[:-1]}, **{{}})", "is not a DARTS architecture"),
        (
            GENOTYPE.replace(str(list(NORMAL)), str([NORMAL[:3], *nested(NORMAL)[1:]])),
            "node 0 of the normal cell has 3 pairs .* DARTS has 2",
        ),
        ("[[(0, 7)], [(0, 1)]]", "numbers the operations of DARTS from 0 .* to 6 .* has 7"),
        ("[[(0, 1)], 5]", "is not a DARTS architecture"),
        (GENOTYPE.replace("range(2, 6))", f"range({'9' * 40}))"), "concat must name nodes"),
        ("[[(0, 1)], [(1, 2)]]", "the normal cell needs 8 pairs"),
        ("{'a': 'max_pool_3x3'}", "a dictionary in none of the forms .* NAS-Bench-301's"),
        (
            lacking(nasbench301(), "NetworkSelectorDatasetInfo:darts:edge_normal_0"),
            "gives node 2 of the normal cell 1 edges .* instead of 2",
        ),
        (
            lacking(nasbench301(), "NetworkSelectorDatasetInfo:darts:edge_reduce_3"),
            "no entry 'edge_reduce_3'",
        ),
        (lacking(nni(False), "reduce/op_4_1"), "no entry 'reduce/op_4_1'"),
        (str(nni(False) | {"normal/op_6_0": "skip_connect"}), "more than 4 nodes: .* NASNet"),
        (lacking(nni_first("name"), "normal_n3_switch"), "no entry 'normal_n3_switch'"),
        (str(nni_first("name") | {"normal_n3_switch": [0]}), "must name two inputs"),
        ("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|", "one of NAS-Bench-201; name that"),
        ("[" * 50_000, "is not a DARTS architecture"),
        ("[(" * 9_000 + "'", "is not a DARTS architecture"),
        ("-" * 15_000 + "1", "is not a DARTS architecture"),
    ],
)
def test_what_is_no_darts_architecture_is_said(text, message):
    started = time.process_time()
    with pytest.raises(InputError, match=message) as caught:
        DARTS.parse(text)
    assert "\n" not in str(caught.value) and time.process_time() - started < 5


def test_the_edges_of_a_node_that_are_not_its_inputs_are_left_out():
    # NAS-Bench-301's inputs decide where more edges are given than two.
    more = {"NetworkSelectorDatasetInfo:darts:edge_normal_2": "max_pool_3x3"} | nasbench301()
    more["NetworkSelectorDatasetInfo:darts:edge_normal_3"] = "sep_conv_5x5"
    assert DARTS.parse(str(more)) == ARCH


def test_every_row_of_public_tables_is_read(shared_data):
    folder = shared_data / "benchmarks"
    if not folder.is_dir():
        pytest.skip("the tables of other benchmarks are not there")
    with (folder / "nb301.csv").open(newline="") as file:
        read = [DARTS.parse(row["arch"]) for row in csv.DictReader(file)]
    with (folder / "darts_cifar10_50ep.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    cells = [DARTS.parse(f"normal {row['normal']} reduce {row['reduce']}") for row in rows]
    assert len(read) > 300 and len(cells) > 200
    assert any("none" in str(arch) for arch in cells)


# FairDARTS' own architectures a and b (arXiv 1911.12126, table 2), with as many edges as they need.
SPARSE = {
    "a": (
        "Genotype(normal=[('sep_conv_3x3', 2, 0), ('sep_conv_5x5', 2, 1), ('max_pool_3x3', 4, 0), "
        "('sep_conv_3x3', 5, 0)], normal_concat=range(2, 6), reduce=[('max_pool_3x3', 2, 0), "
        "('avg_pool_3x3', 2, 1), ('avg_pool_3x3', 3, 0), ('dil_conv_5x5', 3, 1), "
        "('avg_pool_3x3', 4, 0), ('sep_conv_5x5', 4, 1), ('skip_connect', 5, 0), "
        "('skip_connect', 5, 1)], reduce_concat=range(2, 6))",
        2.84,
        (2, 4, 5),
    ),
    "b": (
        "Genotype(normal=[('sep_conv_3x3', 2, 0), ('sep_conv_3x3', 2, 1), ('sep_conv_3x3', 3, 1), "
        "('dil_conv_3x3', 4, 0), ('sep_conv_5x5', 4, 1), ('dil_conv_5x5', 5, 1)], "
        "normal_concat=range(2, 6), reduce=[('skip_connect', 2, 0), ('dil_conv_3x3', 2, 1), "
        "('skip_connect', 3, 0), ('dil_conv_3x3', 3, 1), ('max_pool_3x3', 4, 0), "
        "('sep_conv_3x3', 4, 1), ('skip_connect', 5, 2), ('max_pool_3x3', 5, 0)], "
        "reduce_concat=range(2, 6))",
        3.88,
        (2, 3, 4, 5),
    ),
}


@pytest.mark.parametrize(("text", "millions", "concat"), SPARSE.values(), ids=SPARSE)
def test_nodes_with_fewer_edges_have_the_published_parameters(text, millions, concat):
    arch = DARTS.parse(text)
    with torch.device("meta"):
        network = DARTS.network(arch, "full")  # published with the auxiliary classifier
    assert count_parameters(network) / 1e6 == pytest.approx(millions, abs=0.005)
    assert arch.normal_concat == concat and DARTS.parse(str(arch)) == arch


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("('sep_conv_3x3', 5, 0)", "('sep_conv_3x3', 5, 3)", "reads a node that has no edges"),
        ("('max_pool_3x3', 4, 0)", "('max_pool_3x3', 2, 0)", "has 3 edges where DARTS has 2"),
        ("('sep_conv_3x3', 5, 0)", "('sep_conv_3x3', 6, 0)", "an edge to node 6"),
        ("('sep_conv_3x3', 5, 0)", "('sep_conv_3x3', 5, 7)", "can't read input 7"),
    ],
)
def test_edges_that_no_node_can_have_are_said(old, new, message):
    with pytest.raises(InputError, match=message):
        DARTS.parse(SPARSE["a"][0].replace(old, new))


# NAS-Bench-201

LADDER = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|nor_conv_1x1~0|none~1|avg_pool_3x3~2|"


@pytest.mark.parametrize("space", [DARTS, BENCH], ids=["darts", "nas-bench-201"])
@pytest.mark.parametrize(
    "part", ["a", "|", "~", "|a~0|", "[", "(1,", "\n", "_normal_1", "edge_", "'"]
)
def test_long_texts_are_refused_in_a_moment(space, part):
    started = time.process_time()
    with pytest.raises(InputError) as caught:
        space.parse(part * (200_000 // len(part)))
    assert time.process_time() - started < 5 and len(str(caught.value)) < 600


@pytest.mark.parametrize(
    "text",
    [
        f"Structure(4 nodes with {LADDER})",
        f"[2020-01-01-10:00:00] genotype : CellStructure(4 nodes with {LADDER}), 91.2%",
        f"arch='{LADDER}'",
        f"17,{LADDER},91.25",
        "[(('nor_conv_3x3', 0),), (('none', 0), ('skip_connect', 1)), "
        "(('nor_conv_1x1', 0), ('none', 1), ('avg_pool_3x3', 2))]",
        '{"0_1": "conv_3x3", "0_2": "none", "0_3": "conv_1x1", "1_2": "skip_connect", '
        '"1_3": "none", "2_3": "avg_pool_3x3"}',
        "{'3<-2': 'avg_pool_3x3', '1<-0': 'nor_conv_3x3', '2<-0': 'none', '2<-1': 'skip_connect', "
        "'3<-0': 'nor_conv_1x1', '3<-1': 'none'}",
        "(2, 1, 3, 0, 1, 4)",  # NASLib, whose edges are in the order of their source
        "[2, 1, 3, 0, 1, 4]",
    ],
)
def test_one_nas_bench_201_architecture_in_every_notation(text):
    assert BENCH.parse(text) == BENCH.parse(LADDER)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GENOTYPE, "looks like one of DARTS; name that space"),
        (f"{LADDER} {LADDER.replace('none', 'skip_connect')}", "holds 2 architectures"),
        ("(0, 1, 2, 3, 4, 5)", "numbers the operations of NAS-Bench-201 from 0 .* has 5"),
        ("(0, 1, 2, 3, 4)", "is not a NAS-Bench-201 architecture"),
        ('{"0_1": "conv_3x3", "2_3": "none"}', "no.* operation for the edge 0_2, 1_2, 0_3, 1_3"),
        ('{"0_1": "conv_5x5"}', "unknown operation 'conv_5x5'"),
        ("{}", "without an operation for the edge 0_1"),
        (f"Structure(5 nodes with {LADDER}+|none~0|none~1|none~2|none~3|)", "is not a NAS-Bench"),
    ],
)
def test_what_is_no_nas_bench_201_architecture_is_said(text, message):
    with pytest.raises(InputError, match=message) as caught:
        BENCH.parse(text)
    assert "\n" not in str(caught.value) and "supernet" not in str(caught.value)


# Literals


def test_literals_are_read_and_nothing_is_evaluated():
    assert read_literal("[1, -2.5, 'a', None, null, true, (range(2, 6),), {'b': False}]") == [
        1, -2.5, "a", None, None, True, (range(2, 6),), {"b": False},
    ]  # fmt: skip
    for text in ("print(1)", "a", "1 + 1", "[x for x in 'a']", "{**{}}", "{1: 1, 1: 2}", "-'a'"):
        with pytest.raises(NotLiteral):
            read_literal(text)


def test_brackets_are_matched_outside_of_quotes():
    assert bracketed("(')', [1])]", 0) == "(')', [1])"
    assert bracketed("([)]", 0) is None and bracketed("('a\\'')", 0) == "('a\\'')"
    assert list(outermost("it's [a (b)] ( {c}")) == ["[a (b)]", "{c}"]
    assert list(literals_in("[12:00] f(x=[1], y={'a': (2,)}) ()")) == [[1], {"a": (2,)}, ()]
