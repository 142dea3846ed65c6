"""The tables of bench/searches.py from made-up comparisons."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path

import pytest
from paper import evaluated

from bench.searches_contestants import contestants, evaluations
from bench.searches_tables import BEGIN, END, comparison_table, name_of, replace_section
from tegnas.search.compare import ComparisonRow
from tegnas.spaces import ChoiceSpace, get_space

ROW = ComparisonRow("random", 0, "a", {}, 0.9, 100, 90, 2.0, 93.0, 92.0)
ROWS = [
    ROW,
    replace(ROW, seed=1, accuracy=None, best_known=94.0),
    replace(ROW, strategy="local", outranks=0.95),
    replace(ROW, strategy="local", seed=1, outranks=0.85),
]


def lines(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def test_presets_stand_together_with_the_time_saved():
    slow = [replace(row, seconds=60.0) for row in ROWS]
    head, _, random, paper, local, _ = lines(comparison_table({"fast": ROWS, "paper": slow}))
    assert head[-1] == "less than paper"
    assert random[:3] == ["random", "100", "fast"] and paper[2] == "paper"
    assert random[5:] == ["93.00 ± 0.00 (1 of 2)", "93.00 ± 1.00", "2.0", "30×"]
    assert paper[-2:] == ["60.0", "—"]
    assert local[5] == "93.00 ± 0.00 (2 of 2)"


def test_ranks_are_compared_with_random_search_of_the_same_seed_and_budget():
    unknown = [replace(row, accuracy=None, best_known=None) for row in ROWS]
    _, _, random, local = lines(comparison_table({"fast": unknown}))
    assert random[3:] == ["90.00 ± 0.00", "—", "2.0"]
    assert local[3:5] == ["90.00 ± 5.00", "1 of 2"]
    short = [*unknown, replace(unknown[0], strategy="prune", evaluations=55)]
    assert lines(comparison_table({"fast": short}))[-1][4] == "0 of 0"


def test_pruning_meets_random_search_of_as_many_evaluations():
    shorter = replace(ROW, strategy="random:budget=55", evaluations=55, outranks=0.7)
    prune = replace(ROW, strategy="prune", evaluations=55, outranks=0.8)
    assert lines(comparison_table({"fast": [ROW, shorter, prune]}))[-1][4] == "1 of 1"


def test_pruning_takes_part_where_there_is_a_supernet_with_its_own_budget():
    bench201, sizes = get_space("nas-bench-201"), get_space("nats-size")
    assert contestants(bench201, 100)[-2:] == ["random:budget=55", "prune"]
    assert contestants(bench201, 40)[-1] == "prune:budget=55"
    assert not any(name.startswith("prune") for name in contestants(sizes, 100))
    counts = {name: evaluations(name, bench201, 100) for name in contestants(bench201, 100)}
    assert counts["prune"] == counts["random:budget=55"] == 55 and counts["local"] == 100


def test_finds_are_ranked_among_all_that_is_known(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "bench"))
    space = ChoiceSpace("digits", {"tens": range(10), "ones": range(10)}, lambda *_: None)
    numbers = {arch: float("".join(option for _, option in arch.options)) for arch in space}
    known = {arch: evaluated(arch, number, -number, number) for arch, number in numbers.items()}
    text = importlib.import_module("strategies").table(space, known, [8, 100], 2, [])
    found = {(row[0], row[1]): row for row in lines(text)}
    # Whatever sees all of a hundred finds the one that outranks the other 99.
    assert found["random", "100"][2:] == ["99.00 ± 0.00", "—"]
    assert found["local", "100"][2:] == ["99.00 ± 0.00", "0 of 2, 2 equal"]
    assert float(found["random", "8"][2].split()[0]) < 99.0


def test_options_are_written_out_and_budgets_are_not():
    assert name_of("random:budget=55") == "random"
    assert (
        name_of("evolution:population=8:tournament=2") == "evolution (population 8, tournament 2)"
    )


def test_a_section_of_a_file_is_replaced(tmp_path):
    path = tmp_path / "README.md"
    path.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    replace_section(path, "| new |\n")
    assert path.read_text() == f"before\n{BEGIN}\n| new |\n{END}\nafter\n"
    path.write_text("nothing")
    with pytest.raises(SystemExit, match="has no lines"):
        replace_section(path, "")
