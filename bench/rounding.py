"""What float32 costs a kernel, and where: the table of docs/engine.md.

    python bench/rounding.py --images FILE.npz [--architectures 100]

Diagonals of the frozen kernels of small networks (preset ``fast``) in float32, by the engine and by
PyTorch, against the engine in float64. A derivative jumps where the input of a ReLU is zero, so
images are told apart by how near any of theirs lies to zero, in float64.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence

import torch
from torch import Tensor, nn

import tegnas
from tegnas import ops
from tegnas.engine.lowering import lower_module
from tegnas.reference import with_batch_statistics
from tegnas.reference.frozen import frozen_rows
from tegnas.spaces import Architecture

SPACE = tegnas.get_space("nas-bench-201")
SEEDS = range(3)
NEAR = 1e-5


def connected(count: int) -> list[Architecture]:
    """The same architectures in every run."""
    rng, found = random.Random(201), []
    while len(found) < count:
        arch = SPACE.sample(rng)
        if SPACE.is_connected(arch) and arch not in found:
            found.append(arch)
    return found


def nearest_to_zero(network: nn.Module, images: Tensor) -> Tensor:
    """For every image the input of a ReLU nearest to zero that is not zero, in float64."""
    network = with_batch_statistics(network, "frozen").double()
    nearest = torch.full((len(images),), torch.inf, dtype=torch.float64)

    def look(layer: nn.Module, inputs: tuple[Tensor]) -> None:
        sizes = inputs[0].flatten(1).abs()
        torch.minimum(nearest, sizes.where(sizes > 0, torch.inf).min(1).values, out=nearest)

    for layer in network.modules():
        if isinstance(layer, nn.ReLU):
            layer.register_forward_pre_hook(look)
    with torch.no_grad():
        network(images.double())
    return nearest


def by_engine(network: nn.Module, images: Tensor) -> Tensor:
    """The diagonal of its kernel, in the type of the images."""
    lowered = lower_module(network, tuple(images.shape[1:]), lambda name: True)
    program = lowered.program.encode(len(lowered.parameters))
    zero = torch.zeros(1, dtype=torch.int64)
    jobs = ops.EngineJobs([program], zero, lowered.parameters.to(images.dtype), zero)
    return ops.engine_ntk(jobs, images)[0][0].diagonal()


def by_pytorch(network: nn.Module, images: Tensor) -> Tensor:
    """The same in plain PyTorch."""
    return sum(row.double().square().sum(1) for row in frozen_rows(network, images).values())


def table(archs: Sequence[Architecture], images: Tensor) -> list[str]:
    """Lines of Markdown."""
    networks = [SPACE.network(arch, "proxy", seed=seed) for arch in archs for seed in SEEDS]
    exact = torch.stack([by_engine(each, images.double()) for each in networks])
    near = torch.stack([nearest_to_zero(each, images) for each in networks]) < NEAR
    lines = [
        f"| float32 | ReLU inputs of an image | images of {len(networks)} networks | median "
        "| largest | networks with an image beyond 0.001 |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for name, diagonal in (("engine", by_engine), ("PyTorch", by_pytorch)):
        found = torch.stack([diagonal(each, images) for each in networks])
        error = (found - exact).abs() / exact
        for where, chosen in ((f"all beyond {NEAR:.0e}", ~near), (f"one within {NEAR:.0e}", near)):
            beyond = ((error > 1e-3) & chosen).any(1).sum()
            lines.append(
                f"| {name} | {where} | {int(chosen.sum()):,} | {error[chosen].median():.1e} "
                f"| {error[chosen].max():.1e} | {int(beyond)} |"
            )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--images", required=True)
    parser.add_argument("--architectures", type=int, default=100)
    arguments = parser.parse_args()
    images = tegnas.load_batch(arguments.images).images
    print("\n".join(table(connected(arguments.architectures), images)))


if __name__ == "__main__":
    main()
