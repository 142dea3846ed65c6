"""Programs of DARTS networks compute what the networks compute."""

from __future__ import annotations

import random
import struct
from dataclasses import replace
from math import prod

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tegnas import InputError, get_space, ops
from tegnas.engine import program as p
from tegnas.engine.lowering import lower_module
from tegnas.networks.initialise import initial_vector
from tegnas.reference.ntk import with_batch_statistics
from tegnas.spaces import Darts, DartsArchitecture
from tegnas.spaces.darts_architecture import NONE, OPERATIONS
from tegnas.spaces.small_size import SmallSize

SPACE = get_space("darts")
# Of five cells, since those of twenty are the same over and over.
SMALL = Darts(deep=SmallSize(2, depth=0), deep_thin=SmallSize(1, depth=0))


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Layers of one channel are too small to share: more threads only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def run(program: p.Program, parameters: Tensor, images: Tensor, signs: list[Tensor]) -> Tensor:
    """The result of a program, one plain PyTorch call per instruction."""

    def weight(offset: int, *shape: int) -> Tensor | None:
        size = prod(shape)
        return None if offset < 0 else parameters[offset : offset + size].view(shape)

    def execute(opcode: int, operands: list[int]) -> Tensor:
        if opcode in (p.ADD, p.CONCAT):
            values = [results[each] for each in operands]
            return torch.stack(values).sum(0) if opcode == p.ADD else torch.cat(values, 1)
        if opcode == p.ZEROS:
            return images.new_zeros(len(images), *operands)
        x, rest = results[operands[0]], operands[1:]
        channels = x.shape[1]
        if opcode == p.CONV2D:
            outputs, kernel, geometry = rest[0], rest[1:3], (rest[3:5], rest[5:7], rest[7:9])
            groups, at, bias_at, _ = rest[9:]
            kernel_weight = weight(at, outputs, channels // groups, *kernel)
            return F.conv2d(x, kernel_weight, weight(bias_at, outputs), *geometry, groups)
        if opcode == p.BATCH_NORM:
            eps = struct.unpack("<d", struct.pack("<q", rest[0]))[0]
            scale, shift = weight(rest[1], channels), weight(rest[2], channels)
            return F.batch_norm(x, None, None, scale, shift, training=True, eps=eps)
        if opcode == p.RELU:
            signs.append(x > 0)
            return x.relu()
        if opcode == p.AVG_POOL:
            return F.avg_pool2d(x, rest[:2], rest[2:4], rest[4:6], count_include_pad=bool(rest[6]))
        if opcode == p.MAX_POOL:
            return F.max_pool2d(x, rest[:2], rest[2:4], rest[4:6])
        if opcode == p.SCALE:
            return x * parameters[rest[0]]
        if opcode == p.PAD:
            return F.pad(x, rest)
        if opcode == p.GLOBAL_AVG_POOL:
            return x.mean((2, 3), keepdim=True)
        assert opcode == p.LINEAR
        matrix = weight(rest[1], rest[0], x[0].numel())
        return F.linear(x.flatten(1), matrix, weight(rest[2], rest[0]))

    results = [images]
    for opcode, *operands in program.instructions:
        results.append(execute(opcode, operands))
    return results[-1]


def watch_relus(network: nn.Module) -> list[Tensor]:
    """Where the signs of the outputs of every ``nn.ReLU`` will be, in the order of the calls."""
    signs: list[Tensor] = []
    for module in network.modules():
        if isinstance(module, nn.ReLU):
            module.register_forward_hook(lambda *call: signs.append(call[2] > 0))
    return signs


def some_archs() -> list[object]:
    rng = random.Random(5)
    archs = [SPACE.sample(rng) for _ in range(2)]
    every = (NONE, *OPERATIONS)  # each operation once per cell
    mixed = DartsArchitecture(
        *(
            tuple((every[i], source) for i, (_, source) in enumerate(cell))
            for cell in archs[0].cells
        )
    )
    twice = DartsArchitecture(
        tuple(
            (OPERATIONS[i // 2], 0 if i < 6 else 4) for i in range(8)
        ),  # each node the same twice
        tuple((OPERATIONS[i % 7], i // 2 // 2) for i in range(8)),
    )
    supernet = SPACE.supernet().without([(0, name) for name in OPERATIONS] + [(3, OPERATIONS[0])])
    fewer = replace(archs[1], normal_concat=(4, 5), reduce_concat=(3,))
    return [*archs, mixed, twice, supernet, fewer]


def double_vector(layout: p.ParameterLayout, seed: int) -> Tensor:
    """The parameters in double precision; constants, as of a supernet's mean, exactly."""
    vector = initial_vector(layout, seed).double()
    for name, _, offset in layout.entries():
        if name.startswith(p.CONSTANT):
            vector[offset] = float(name.removeprefix(p.CONSTANT))
    return vector


@pytest.mark.parametrize("kind", ["proxy", "thin", "deep", "deep-thin"])
@pytest.mark.parametrize(
    "arch", some_archs(), ids=["sample0", "sample1", "none", "twice", "supernet", "fewer"]
)
def test_programs_compute_what_networks_compute(kind, arch):
    network = SMALL.network(arch, kind, num_classes=3, seed=2).double()
    shape = getattr(network, "region_input_shape", (3, 9, 6))
    images = torch.randn(5, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    layout = p.ParameterLayout()
    program = SMALL.program(arch, kind, num_classes=3, image_shape=shape, layout=layout)
    network = with_batch_statistics(network, "frozen")
    expected_signs, signs = watch_relus(network), []
    with torch.no_grad():
        expected = network(images)
        found = run(program, double_vector(layout, 2), images, signs)
    torch.testing.assert_close(found, expected)
    assert len(signs) == len(expected_signs) and all(map(torch.equal, signs, expected_signs))


@pytest.mark.parametrize("kind", ["deep", "deep-thin"])
def test_parameters_of_deep_programs_are_those_of_the_network(kind):
    arch = SPACE.sample(random.Random(0))
    network = SPACE.network(arch, kind, num_classes=3)
    shape = getattr(network, "region_input_shape", (3, 8, 8))
    layout = p.ParameterLayout()
    SPACE.program(arch, kind, num_classes=3, image_shape=shape, layout=layout)
    found = {name: shape for name, shape, _ in layout.entries()}
    assert found == {name: tuple(value.shape) for name, value in network.named_parameters()}


def test_deep_networks_have_kernels_by_program_as_by_module():
    arch = SPACE.sample(random.Random(1))
    x = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    layout = p.ParameterLayout()
    program = SMALL.program(arch, "deep", num_classes=3, image_shape=(3, 8, 8), layout=layout)
    network = SMALL.network(arch, "deep", num_classes=3, seed=2)
    lowered = lower_module(network, (3, 8, 8), lambda name: name.startswith("cell"))
    first = torch.tensor([0])
    kernels = [
        ops.engine_ntk(ops.EngineJobs([each.encode(len(vector))], first, vector, first), x)
        for each, vector in (
            (program, initial_vector(layout, 2)),
            (lowered.program, lowered.parameters),
        )
    ]
    for written, traced in zip(*kernels, strict=True):
        torch.testing.assert_close(written, traced, rtol=1e-5, atol=0)


def test_deep_networks_have_the_published_layout():
    network = SPACE.network(SPACE.sample(random.Random(0)), "deep")
    widths = [network.get_submodule(f"cell{i}.preprocess1.conv").out_channels for i in range(14)]
    assert widths == [3] * 4 + [6] * 5 + [12] * 5 and network.layers == 14
    assert network.stem.conv.out_channels == 9 and network.auxiliary is None
    layers = [
        Darts(deep=SmallSize(1, depth=share)).network(SPACE.sample(random.Random(0)), "deep").layers
        for share in (0, 1 / 3, 0.5, 2 / 3)
    ]
    assert layers == [5, 8, 11, 14]


def test_programs_mark_the_weights_of_the_cells():
    arch = SPACE.parse(str(SPACE.sample(random.Random(0))))
    layout = p.ParameterLayout()
    program = SPACE.program(arch, "proxy", num_classes=3, image_shape=(3, 8, 8), layout=layout)
    names = {offset: name for name, _, offset in layout.entries()}
    place = {p.CONV2D: -3, p.BATCH_NORM: -3, p.LINEAR: -3}
    marked = {
        names[operands[place[opcode]]]: bool(operands[-1])
        for opcode, *operands in program.instructions
        if opcode in place
    }
    assert marked and all(marked[name] == name.startswith("cell") for name in marked)
    with pytest.raises(InputError, match="proxy, thin, deep or deep-thin, got"):
        SPACE.program(arch, "full", num_classes=3, image_shape=(3, 8, 8), layout=layout)
