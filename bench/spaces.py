"""What a score by the preset best costs in every space, against plain PyTorch with hooks.

    python bench/spaces.py [--write docs/performance/spaces.md]

Both compute VIF, R, LOO and PR of the same networks of the same random architectures, images of
noise; their values are compared. Networks of vision transformers hold layers that the hooks don't
know, and have no baseline.
"""

from __future__ import annotations

import argparse
import random
import time
from pathlib import Path

import torch
from machine import describe_machine, median_seconds
from torch import nn

import tegnas
from tegnas import reference
from tegnas.reference.frozen import frozen_rows, gram_of_rows
from tegnas.reference.scores import relu_activations, searched_prefixes
from tegnas.regions import inputs_of, region_inputs
from tegnas.scoring.shrink import small_batch
from tegnas.spaces import Architecture, Space, get_space, space_names
from tegnas.spaces.base import TORCH, small_network_kinds
from tegnas.spaces.isomorphism import LivePartSpace

SETTINGS = tegnas.get_preset("best")
SCORED, BY_HOOKS = 32, 2
ROUNDS = 3

# Spaces whose networks bend in other activations than ReLU too, which the hooks don't count.
BENDS_ELSEWHERE = ("mnasnet",)


def connected(space: Space, count: int) -> list[Architecture]:
    """Random architectures with a path from input to output, each once."""
    rng, found = random.Random(0), dict[Architecture, None]()
    while len(found) < count:
        arch = space.sample(rng)
        if space.is_connected(arch):
            found[arch] = None
    return list(found)


def score_by_hooks(space: Space, arch: Architecture, batch: tegnas.Batch) -> torch.Tensor:
    """VIF, R, LOO and PR of every network of one architecture, float64 (networks, 4)."""
    arch = space.live(arch) if isinstance(space, LivePartSpace) else arch
    kernels, patterns = small_network_kinds(space, SETTINGS.small_networks)
    rows = []
    for seed in range(SETTINGS.repeats):
        network = space.network(arch, kernels, num_classes=batch.num_classes, seed=seed)
        prefixes = searched_prefixes(network)
        weights = frozen_rows(network, batch.images)
        kernel = gram_of_rows({n: each for n, each in weights.items() if n.startswith(prefixes)})
        inflation, error = reference.leave_one_out(kernel)
        thin = space.network(arch, patterns, num_classes=batch.num_classes, seed=seed)
        source = inputs_of(thin, batch.images)
        assert source is not None, f"{space.name} doesn't say what regions are counted on"
        inputs = region_inputs(
            source,
            samples=SETTINGS.region_samples,
            batch_size=SETTINGS.region_batch_size,
            seed=seed,
        )
        signs = torch.cat(relu_activations(thin, inputs), 1)
        regions = float(len(torch.unique(signs, dim=0)))
        rank = reference.pattern_rank(distances(network, batch.images))
        rows.append([inflation, regions, error, rank])
    return torch.tensor(rows, dtype=torch.float64)


def distances(network: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """In how many ReLUs two images differ; what several of them read counts once."""
    layers: list[torch.Tensor] = []
    for each in relu_activations(network, [images]):
        if not any(torch.equal(each, other) for other in layers):
            layers.append(each)
    signs = torch.cat(layers, 1).double()
    return signs @ (1 - signs).T + (1 - signs) @ signs.T


def row(name: str, batch: tegnas.Batch) -> str:
    """The line of a space."""
    space = get_space(name)
    batch = batch.with_channels(space.image_channels)
    by_torch = getattr(space, "engine", None) == TORCH
    archs = connected(space, BY_HOOKS * 2 if by_torch else SCORED)
    seconds = median_seconds(
        lambda: tegnas.score(archs, batch, space=space, settings=SETTINGS), rounds=ROUNDS
    ) / len(archs)
    shown = f"{1e3 * seconds:.1f} ms" if seconds < 0.1 else f"{1e3 * seconds:.0f} ms"
    if by_torch:
        return f"| {name} | — | {shown} | — |"
    small = small_batch(space, batch, SETTINGS)
    scores = tegnas.score(archs[:BY_HOOKS], batch, space=space, settings=SETTINGS)
    times = []
    for index, arch in enumerate(archs[:BY_HOOKS]):
        begin = time.perf_counter()
        plain = score_by_hooks(space, arch, small)
        times.append(time.perf_counter() - begin)
        own = torch.stack([scores.networks[each][index] for each in SETTINGS.names], 1)
        compared = [0, 2] if name in BENDS_ELSEWHERE else [0, 1, 2, 3]
        torch.testing.assert_close(own[:, compared], plain[:, compared], rtol=1e-2, atol=0)
    hooks = min(times)
    return f"| {name} | {1e3 * hooks:.0f} ms | {shown} | {hooks / seconds:.0f}× |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", type=Path)
    arguments = parser.parse_args()
    batch = tegnas.load_batch("noise")
    lines = ["| space | plain PyTorch, hooks | tegnas | ratio |", "|---|--:|--:|--:|"]
    for name in space_names():
        lines.append(row(name, batch))
        print(lines[-1], flush=True)
    lines += ["", f"Machine: {describe_machine()}.", "", "Command: `python bench/spaces.py`.", ""]
    if arguments.write:
        arguments.write.write_text("\n".join(lines))


if __name__ == "__main__":
    main()
