"""Tables of public benchmarks: recognised by their columns, read into their spaces."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import tegnas
from tegnas import InputError

CELL = "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|skip_connect~2|"
OTHER = "|none~0|+|none~0|none~1|+|avg_pool_3x3~0|none~1|none~2|"


def table(folder: Path, *lines: str) -> Path:
    (folder / "table.csv").write_text("\n".join(lines) + "\n")
    return folder / "table.csv"


def test_a_table_of_nas_bench_201_is_recognised(tmp_path):
    file = table(
        tmp_path,
        "index,arch,cifar10_test200,cifar100_test200,params_M",
        f"0,{CELL},85.5,,0.1",
        f"1,{OTHER},10,1,0.2",
    )
    found = tegnas.load_benchmark(file)
    assert found.name == found.space.name == "nas-bench-201"
    assert [str(arch) for arch in found.archs] == [CELL, OTHER]
    assert list(found.truth) == ["cifar10_test200", "cifar100_test200"]
    np.testing.assert_array_equal(found.truth["cifar100_test200"], [np.nan, 1])
    np.testing.assert_array_equal(found.facts["params_M"], [0.1, 0.2])
    assert found.truth["cifar10_test200"].dtype == np.float64


def test_a_column_of_truth_may_be_missing_altogether(tmp_path):
    file = table(tmp_path, "arch,cifar10_test200,cifar100_test200", f"{CELL},85.5,")
    assert np.isnan(tegnas.load_benchmark(file).truth["cifar100_test200"]).all()


def test_an_unknown_table_is_refused_with_the_way_out(tmp_path):
    with pytest.raises(InputError, match=r"none of the benchmarks .* read by load_table"):
        tegnas.load_benchmark(table(tmp_path, "arch,accuracy", "a,1"))


def test_a_row_that_the_space_does_not_read_is_named_by_its_line(tmp_path):
    file = table(tmp_path, "arch,cifar10_test200", f"{CELL},1", "|nonsense,2")
    with pytest.raises(InputError, match="line 3"):
        tegnas.load_benchmark(file)


PIT = '{""base_dim"": 16, ""mlp_ratio"": 6, ""depth"": [2, 8, 4], ""num_heads"": [2, 4, 4]}'
LAYERS = ", ".join(["3"] * 12)
AUTOFORMER = (
    f'{{""hidden_dim"": 192, ""mlp_ratio"": [{", ".join(["4.0"] * 12)}], ""depth"": 12, '
    f'""num_heads"": [{LAYERS}]}}'
)


def vision_transformers(folder: Path) -> Path:
    return table(
        folder,
        "space,arch,c100_base_acc,c100_kd_acc,imagenet_super_acc",
        f'autoformer,"{AUTOFORMER}",67.8,78.3,71.5',
        f'pit,"{PIT}",60,70,',
        f'autoformer_2,"{AUTOFORMER}",,75,70',
    )


def test_a_table_of_several_spaces_is_read_whole_or_in_parts(tmp_path):
    file = vision_transformers(tmp_path)
    whole = tegnas.load_benchmark(file)
    assert (whole.name, whole.space.name, len(whole)) == ("vit-bench-101", "vit", 3)
    part = tegnas.load_benchmark(f"{file}#pit")
    assert (part.name, part.space.name) == ("vit-bench-101#pit", "pit")
    assert part.archs == whole.archs[1:2]
    np.testing.assert_array_equal(part.truth["c100_kd_acc"], [70])
    assert np.isnan(part.truth["imagenet_super_acc"]).all()
    # Trained at another time, it is a part of its own.
    again = tegnas.load_benchmark(f"{file}#autoformer_2")
    assert again.space.name == "autoformer" and again.truth["c100_kd_acc"] == [75]


def test_a_part_that_a_table_has_not_is_named(tmp_path):
    file = vision_transformers(tmp_path)
    with pytest.raises(InputError, match="no part 'vit'; it has autoformer, pit, autoformer_2"):
        tegnas.load_benchmark(f"{file}#vit")
    file = table(tmp_path, "arch,cifar10_test200", f"{CELL},1")
    with pytest.raises(InputError, match="nas-bench-201, which has no parts; leave #a out"):
        tegnas.load_benchmark(f"{file}#a")


def test_every_row_of_the_vision_transformers_is_read(shared_data):
    file = shared_data / "benchmarks" / "vit_cifar100.csv"
    counts = {"": 162, "#autoformer": 47, "#autoformer_2": 59, "#pit": 56}
    assert {part: len(tegnas.load_benchmark(f"{file}{part}")) for part in counts} == counts
    assert len(tegnas.load_benchmark(file).truth) == 7
