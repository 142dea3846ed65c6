"""The public tables of DARTS: read whole, and our full networks have the sizes that they state."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tegnas import get_space, load_benchmark
from tegnas.networks.complexity import count_flops, count_parameters

DARTS = get_space("darts")


@pytest.fixture(scope="module")
def folder(shared_data) -> Path:
    found = shared_data / "benchmarks"
    if not found.is_dir():
        pytest.skip("the tables of other benchmarks are not there")
    return found


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_table_of_two_columns_of_cells_is_read(tmp_path):
    cell = "skip_connect:0 none:1 max_pool_3x3:1 max_pool_3x3:1 none:0 none:1 none:0 none:1"
    header = "normal,reduce,flop,params,train_acc10,valid_acc10,train_acc50,valid_acc50,test_acc50"
    file = write(tmp_path / "t.csv", header, f"{cell},{cell},1.5,2.5,1,2,3,4,")
    found = load_benchmark(file)
    assert (found.name, found.space.name) == ("darts-cifar10", "darts")
    assert found.archs == (DARTS.parse(f"normal {cell} reduce {cell}"),)
    assert list(found.truth) == header.split(",")[4:] and list(found.facts) == ["flop", "params"]
    assert np.isnan(found.truth["test_acc50"]).all()


def test_a_table_of_naslib_is_read(tmp_path):
    cell = "[(0, 0), (1, 5), (1, 1), (0, 1), (1, 3), (0, 3), (1, 4), (3, 2)]"
    file = write(tmp_path / "t.csv", "arch,acc,flops,params,nwot", f'"[{cell}, {cell}]",93,1,2,3')
    found = load_benchmark(file)
    assert (found.name, list(found.truth)) == ("nas-bench-301", ["acc"])
    assert found.archs[0].normal[:2] == (("max_pool_3x3", 0), ("dil_conv_3x3", 1))
    assert found.archs[0].normal[-1] == ("skip_connect", 3)
    assert list(found.facts) == ["flops", "params", "nwot"]


def test_the_tables_are_read_whole(folder):
    trained = load_benchmark(folder / "darts_cifar10_50ep.csv")
    surrogate = load_benchmark(folder / "nb301.csv")
    assert (trained.name, surrogate.name) == ("darts-cifar10", "nas-bench-301")
    assert len(trained.truth) == 5 and len(trained.facts) == 6
    assert len(surrogate.truth) == 1 and len(surrogate.facts) == 12


def outputs_of_layers(network: nn.Module) -> dict[str, int]:
    """How many numbers each kind of layer puts out for an image of 32×32."""
    counts = dict.fromkeys(("norm", "edge norm", "relu", "average", "max"), 0)

    def hook(name: str):
        def count(layer: nn.Module, inputs: tuple, output: torch.Tensor) -> None:
            if isinstance(layer, nn.BatchNorm2d):
                counts["edge norm" if ".node" in name else "norm"] += output.numel()
            elif isinstance(layer, nn.ReLU):
                counts["relu"] += output.numel()
            elif isinstance(layer, nn.AvgPool2d) and layer.kernel_size == 3:
                counts["average"] += output.numel()
            elif isinstance(layer, nn.MaxPool2d):
                counts["max"] += output.numel()

        return count

    for name, layer in network.named_modules():
        layer.register_forward_hook(hook(name))
    network.eval()(torch.zeros(1, 3, 32, 32, device="meta"))
    return counts


def test_sizes_of_the_table_of_50_epochs_are_those_of_the_published_network(folder):
    table = load_benchmark(folder / "darts_cifar10_50ep.csv")
    for row in (0, 200):
        with torch.device("meta"):
            network = DARTS.full_network(table.archs[row], auxiliary=False)
        parameters, multiplications = count_parameters(network), count_flops(network)
        assert parameters == pytest.approx(table.facts["params"][row] * 1e6, abs=51)
        counts = outputs_of_layers(network)
        # Four operations per output of a norm, one per output of an average pool, and 65 for each
        # of the 576 channels that are averaged at the end.
        norms = 4 * (counts["norm"] + counts["edge norm"])
        flops = multiplications + norms + counts["average"] + 576 * 65
        assert flops == pytest.approx(table.facts["flop"][row] * 1e6, abs=100)


def test_sizes_of_nas_bench_301_are_those_of_a_smaller_network(folder):
    table = load_benchmark(folder / "nb301.csv")
    for row in range(0, len(table), 95):
        with torch.device("meta"):
            network = DARTS.full_network(table.archs[row], channels=32, cells=8, auxiliary=False)
        # The norms behind the operations of edges have neither scale nor shift there.
        without = sum(
            2 * layer.num_features
            for name, layer in network.named_modules()
            if ".node" in name and isinstance(layer, nn.BatchNorm2d)
        )
        assert count_parameters(network) - without == round(table.facts["params"][row] * 1e6)
        multiplications = count_flops(network)
        counts = outputs_of_layers(network)
        pools = 10 * (counts["average"] + counts["max"])
        others = 2 * counts["norm"] + counts["edge norm"] + counts["relu"] + pools
        # The rest is the same for every architecture: the pool and classifier at the end.
        rest = round(table.facts["flops"][row] * 1e6) - multiplications - others
        assert rest == 41_462
