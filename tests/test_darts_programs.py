"""Programs of DARTS networks compute what the networks compute."""

from __future__ import annotations

import random
import struct
from math import prod

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tegnas import InputError, get_space
from tegnas.engine import program as p
from tegnas.networks.initialise import initial_vector
from tegnas.reference.ntk import with_batch_statistics
from tegnas.spaces import DartsArchitecture
from tegnas.spaces.darts_architecture import NONE, OPERATIONS

SPACE = get_space("darts")


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
    return [*archs, mixed, twice, supernet]


@pytest.mark.parametrize("kind", ["proxy", "thin"])
@pytest.mark.parametrize(
    "arch", some_archs(), ids=["sample0", "sample1", "none", "twice", "supernet"]
)
def test_programs_compute_what_networks_compute(kind, arch):
    network = SPACE.network(arch, kind, num_classes=3, seed=2).double()
    shape = getattr(network, "region_input_shape", (3, 9, 6))
    images = torch.randn(5, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    layout = p.ParameterLayout()
    program = SPACE.program(arch, kind, num_classes=3, image_shape=shape, layout=layout)
    network = with_batch_statistics(network, "frozen")
    expected_signs, signs = watch_relus(network), []
    with torch.no_grad():
        expected = network(images)
        found = run(program, initial_vector(layout, 2).double(), images, signs)
    torch.testing.assert_close(found, expected)
    assert len(signs) == len(expected_signs) and all(map(torch.equal, signs, expected_signs))


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
    with pytest.raises(InputError, match="proxy or thin, got 'full'"):
        SPACE.program(arch, "full", num_classes=3, image_shape=(3, 8, 8), layout=layout)
