"""TransNAS-Bench-101: both of its spaces, their networks, programs, source and tables."""

from __future__ import annotations

import csv
import random
import types
from collections import defaultdict

import numpy as np
import pytest
import torch
from strategy_runs import run
from traced_space import Traced

import tegnas
from tegnas import InputError, ops
from tegnas.analysis.encoding import encode, one_hot, slice_between
from tegnas.benchmarks.formats.transnas import TASKS
from tegnas.engine.program import ParameterLayout
from tegnas.export import pytorch_source
from tegnas.networks.complexity import count_flops, count_parameters
from tegnas.networks.full import full_network
from tegnas.scoring.jobs import JobMaker
from tegnas.search.strategies import make_strategy
from tegnas.spaces import TransNasMacro, TransNasMicro, get_space
from tegnas.spaces.base import DEEP_KINDS
from tegnas.spaces.sizes import full_flops, full_parameters
from tegnas.spaces.small_size import SmallSize
from tegnas.train import recipe_for

MICRO, MACRO = get_space("transnas-micro"), get_space("transnas-macro")
# Every operation out of the input and out of inner nodes; nodes of zeros, read and unread; the
# input handed on; no path.
CELLS = [
    "64-41414-1_23_321",
    "64-41414-0_20_132",
    "64-41414-3_00_011",
    "64-41414-0_02_300",
    "64-41414-1_11_111",
    "64-41414-0_03_022",
]
CODES = ["64-1234-basic", "64-4111-basic", "64-333122-basic", "64-444131-basic"]
NETWORKS = [*((MICRO, text) for text in CELLS), *((MACRO, text) for text in CODES)]
SHAPES = {"proxy": (3, 8, 8), "deep": (3, 8, 8), "thin": (1, 3, 3), "deep-thin": (1, 2, 2)}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def sampled(space, count: int) -> list:
    rng = random.Random(0)
    return [space.sample(rng) for _ in range(count)]


class TestArchitectures:
    def test_digits_are_the_operations_node_by_node(self):
        arch = MICRO.parse("64-41414-1_02_333")
        assert arch.operations == (
            "skip_connect", "none", "nor_conv_1x1",
            "nor_conv_3x3", "nor_conv_3x3", "nor_conv_3x3",
        )  # fmt: skip

    @pytest.mark.parametrize("space", [MICRO, MACRO], ids=lambda space: space.name)
    def test_text_reads_back(self, space):
        for arch in sampled(space, 50):
            assert space.parse(f" {arch}\n") == arch

    @pytest.mark.parametrize(
        ("space", "text", "message"),
        [
            (MICRO, "64-41414-1_02_334", "look like 64-41414-1_02_333"),
            (MICRO, "32-41414-1_02_333", "look like 64-41414-1_02_333"),
            (MICRO, "64-1234-basic", "macro space .*transnas-macro"),
            (MACRO, "64-41414-1_02_333", "micro space .*transnas-micro"),
            (MACRO, "64-1235-basic", "look like 64-1234-basic"),
            (MACRO, "64-124-basic", "of 4 to 6 modules 1 to 3 double .* 1 to 4 halve"),
            (MACRO, "64-1111-basic", "1 to 3 double"),
            (MACRO, "64-222214-basic", "1 to 3 double"),
            (MACRO, "64-333334-basic", "1 to 4 halve"),
        ],
    )
    def test_what_is_not_of_the_space_is_refused(self, space, text, message):
        with pytest.raises(InputError, match=message):
            space.parse(text)

    def test_there_are_as_many_as_the_benchmark_has(self):
        for space, count in ((MICRO, 4096), (MACRO, 3256)):
            archs = list(space)
            assert len(set(archs)) == len(archs) == len(space) == count

    def test_macro_neighbours_differ_in_one_module_or_have_one_more_or_less(self):
        found = set(map(str, MACRO.neighbours(MACRO.parse("64-1134-basic"))))
        kinds = {"1132", "1144", "1234", "1334", "1434", "2134", "3134", "4134", "1114", "1124"}
        more = {code for code in found if len(code) == len("64-11134-basic")}
        assert found - more == {f"64-{code}-basic" for code in kinds}
        assert {"64-11134-basic", "64-11344-basic", "64-41134-basic"} < more
        assert len(more) == 5 * 4 - 4  # a module beside its like may stand on either side

    def test_macro_neighbours_are_mutual_and_mutations_are_among_them(self):
        rng = random.Random(1)
        for arch in sampled(MACRO, 20):
            neighbours = list(MACRO.neighbours(arch))
            assert len(set(neighbours)) == len(neighbours) and arch not in neighbours
            assert MACRO.mutate(arch, rng) in neighbours
            assert all(MACRO.parse(str(each)) == each for each in neighbours)
            assert arch in list(MACRO.neighbours(rng.choice(neighbours)))

    def test_policies_refuse_what_is_no_product(self):
        with pytest.raises(InputError, match="transnas-macro isn't a product of choices"):
            make_strategy("reinforce", MACRO, 0)

    def test_macro_networks_are_laid_out_but_not_sliced(self):
        archs = list(MACRO)
        codes = encode(MACRO, archs)
        assert len(np.unique(codes, axis=0)) == len(archs)
        assert codes[archs.index(MACRO.parse("64-1234-basic"))].tolist() == [0, 1, 2, 3, 0, 0]
        assert one_hot(MACRO, archs[:9]).sum(1).tolist() == [6] * 9
        with pytest.raises(InputError, match="no slices through the space 'transnas-macro'"):
            slice_between(MACRO, archs[0], archs[1])


class TestIsomorphism:
    def test_there_are_1229_classes(self):
        assert len({MICRO.canonical(arch) for arch in MICRO}) == 1229
        assert len({MICRO.representative(arch) for arch in MICRO}) == 1229

    @pytest.mark.parametrize(
        ("left", "right", "equal"),
        [
            ("0_02_030", "0_30_002", False),
            ("3_02_003", "0_30_002", False),
            ("3_01_002", "3_00_020", True),  # an inner skip hands its node on
            ("1_00_030", "0_00_300", False),  # a skip of the input has weights
            ("0_02_300", "0_00_300", True),  # no path into node 2
            ("3_30_012", "3_30_102", False),
            ("2_30_011", "3_20_011", True),  # the order of a sum
        ],
    )
    def test_what_is_isomorphic(self, left, right, equal):
        forms = [MICRO.canonical(MICRO.parse(f"64-41414-{each}")) for each in (left, right)]
        assert (forms[0] == forms[1]) == equal

    def test_results_that_the_benchmark_shares_are_of_one_class(self, shared_data):
        """Cells of one result in all tasks, which the benchmark trained once."""
        classes = defaultdict(set)
        with (shared_data / "benchmarks" / "transnas_micro.csv").open(newline="") as file:
            for row in csv.DictReader(file):
                results = tuple(row[name] for name in TASKS if name in row)
                classes[results].add(MICRO.canonical(MICRO.parse(row["arch"])))
        assert len(classes) > 1000
        assert all(len(each) == 1 for each in classes.values())

    def test_parts_that_cannot_matter_are_not_live(self):
        live = MICRO.live(MICRO.parse("64-41414-0_02_300"))
        assert str(live) == "64-41414-0_00_300"
        assert MICRO.live(MICRO.supernet()) == MICRO.supernet()
        for arch in sampled(MICRO, 50):
            assert MICRO.is_connected(arch) == (set(MICRO.live(arch).operations) != {"none"})


class TestNetworks:
    def test_the_stem_and_the_classifier_are_the_benchmarks(self):
        """A cell of nothing leaves these alone: two convolutions of stride 2, a linear layer."""
        network = MICRO.network(MICRO.parse("64-41414-0_00_000"), "full", num_classes=75)
        stem = 3 * 32 * 9 + 2 * 32 + 32 * 64 * 9 + 2 * 64
        assert count_parameters(network) == stem + 512 * 75 + 75
        assert network.stem(torch.zeros(2, 3, 32, 32)).shape == (2, 64, 8, 8)

    def test_every_cell_of_a_module_of_both_kinds_has_its_weights(self):
        arch = MICRO.parse("64-41414-3_33_333")
        widths = ((64, 128), (128, 128), (128, 256), (256, 256), (256, 512))
        cells = sum(
            9 * (3 * a * b + 9 * b * b) + 12 * 2 * b  # the first, then the second
            for a, b in widths
        )
        rest = MICRO.parameters(MICRO.parse("64-41414-0_00_000"), 10)
        assert count_parameters(MICRO.network(arch, "full")) == cells + rest

    def test_blocks_change_their_shape_as_the_code_says(self):
        network = MACRO.network(MACRO.parse("64-2341-basic"), "full")
        x, shapes = network.stem(torch.zeros(1, 3, 64, 64)), []
        for index in range(4):
            x = network.get_submodule(f"layer{index}")(x)
            shapes.append(tuple(x.shape[1:]))
        assert shapes == [(128, 16, 16), (128, 8, 8), (256, 4, 4), (256, 4, 4)]

    @pytest.mark.parametrize("space", [MICRO, MACRO], ids=lambda space: space.name)
    def test_sizes_are_counted_without_the_network(self, space):
        for arch in sampled(space, 3):
            with torch.device("meta"):
                network = space.network(arch, "full", num_classes=7)
            assert full_parameters(space, arch, 7) == count_parameters(network)
            for shape in ((3, 32, 32), (3, 33, 17)):
                assert full_flops(space, arch, 7, shape) == count_flops(network, shape)

    def test_small_networks_keep_depth_and_wiring(self):
        space = TransNasMacro(deep=SmallSize(2, 0.5), deep_thin=SmallSize(3), stem_stride=2)
        arch = space.parse("64-1234-basic")
        deep, thin = (space.network(arch, kind) for kind in DEEP_KINDS)
        assert [len(deep.layer0), deep.stem.conv_a.conv.stride] == [1, (2, 2)]
        assert deep.classifier.in_features == 2 * 4
        assert [len(thin.layer0), thin.region_input_shape] == [2, (3, 2, 2)]
        assert MACRO.network(arch, "deep").stem.conv_a.conv.stride == (1, 1)
        with pytest.raises(InputError, match="stem_stride must be at least 1"):
            TransNasMicro(stem_stride=0)
        with pytest.raises(InputError, match="unknown kind of network 'wide'"):
            space.network(arch, "wide")

    @pytest.mark.parametrize("side", [1, 5, 16])
    def test_any_side_will_do(self, side):
        for space, text in ((MICRO, CELLS[0]), (MICRO, CELLS[1]), (MACRO, CODES[3])):
            network = space.network(space.parse(text), "deep", num_classes=3)
            assert network(torch.zeros(2, 3, side, side)).shape == (2, 3)


class TestPrograms:
    @pytest.mark.parametrize("kind", list(SHAPES))
    @pytest.mark.parametrize("space", [MICRO, MACRO], ids=lambda space: space.name)
    def test_written_programs_compute_what_the_modules_do(self, space, kind):
        thin, shape = "thin" in kind, SHAPES[kind]
        archs = [space.parse(text) for each, text in NETWORKS if each is space]
        if space is MICRO:
            archs += [space.supernet().without([(0, "skip_connect"), (3, "nor_conv_3x3")])]
        if not thin:
            archs = [arch for arch in archs if space.is_connected(arch)]
        x = torch.randn(6 + 194 * thin, *shape, generator=torch.Generator().manual_seed(0))
        found = []
        for each in (space, Traced(space)):
            maker = JobMaker(each, kind, num_classes=3, image_shape=shape, seeds=range(2))
            jobs = maker.make(archs)
            found.append(
                [ops.engine_regions(jobs, x.expand(2, *x.shape), batch_size=len(x))]
                if thin
                else ops.engine_ntk(jobs, x)[:2]
            )
        for written, traced in zip(*found, strict=True):
            torch.testing.assert_close(written, traced, rtol=1e-3, atol=1e-3)

    @pytest.mark.parametrize(("space", "text"), [NETWORKS[0], NETWORKS[-1]])
    def test_parameters_have_the_names_of_the_module(self, space, text):
        layout, arch = ParameterLayout(), space.parse(text)
        space.program(arch, "deep", num_classes=3, image_shape=(3, 8, 8), layout=layout)
        network = space.network(arch, "deep", num_classes=3)
        named = {name: tuple(value.shape) for name, value in network.named_parameters()}
        assert {name: shape for name, shape, _ in layout.entries()} == named


def test_pruning_ends_on_a_cell_of_the_space():
    budget = make_strategy("prune", MICRO, 0).default_budget
    assert budget == 6 * 3 + 6 * 2 + 1
    history = run("prune", MICRO, budget)
    assert MICRO.parse(str(history[-1].arch)) == history[-1].arch
    assert "{" not in str(history[-1].arch)


class TestExport:
    @pytest.mark.parametrize(("space", "text"), NETWORKS)
    def test_written_network_computes_the_same(self, space, text):
        arch, size = space.parse(text), {"channels": 4, "cells": 2, "num_classes": 7}
        network = full_network(space, arch, **size)
        source = pytorch_source(space, arch, **size)
        assert max(map(len, source.splitlines())) <= 100
        assert ("import torch\n" in source) == ("torch.zeros" in source or "torch.cat" in source)
        module = types.ModuleType("written")
        exec(compile(source, "written.py", "exec"), module.__dict__)
        written = module.Network()
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for value in network.state_dict().values():
                if value.is_floating_point():
                    value.copy_(torch.rand(value.shape, generator=generator) + 0.1)
        assert list(written.state_dict()) == list(network.state_dict())
        written.load_state_dict(network.state_dict())
        images = torch.randn(2, 3, 32, 32, generator=generator)
        for training in (True, False):
            expected = network.train(training)(images)
            torch.testing.assert_close(written.train(training)(images), expected)

    def test_the_recipe_is_the_benchmarks(self):
        for space in (MICRO, MACRO):
            recipe = recipe_for(space, "cifar10:x")
            assert (recipe.epochs, recipe.batch_size, recipe.learning_rate) == (25, 128, 0.1)
            assert recipe.flip and recipe.nesterov and not recipe.crop_padding


class TestTables:
    @pytest.mark.parametrize(("name", "rows"), [("micro", 1943), ("macro", 1621)])
    def test_the_tables_are_read_whole(self, shared_data, name, rows):
        found = tegnas.load_benchmark(shared_data / "benchmarks" / f"transnas_{name}.csv")
        assert found.name == found.space.name == f"transnas-{name}"
        assert len(found) == rows
        assert list(found.truth) == ["class_object", "room_layout", "jigsaw", "autoencoder"]

    def test_other_tasks_are_known_too(self, tmp_path):
        file = tmp_path / "table.csv"
        file.write_text("arch,segmentsemantic,normal,class_scene\n64-1234-basic,20,0.5,\n")
        found = tegnas.load_benchmark(file)
        assert found.name == "transnas-macro"
        assert list(found.truth) == ["segmentsemantic", "normal", "class_scene"]
