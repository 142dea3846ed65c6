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
