"""The table of what tegnas must reach: time and memory against plain PyTorch, in one run.

    python bench/performance.py [--quick] [--write docs/performance/avx2.md]

Every row is measured side by side on this machine: native medians against ``tegnas.reference``
with the same configuration (3 repeats, 64 + 64 images, 3,000 region inputs). Images are Gaussian
noise, on which an operation costs what it costs on photographs. ``--quick`` takes fewer
architectures and rounds.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from machine import describe_machine, median_seconds
from resnet import resnet18

import tegnas
from tegnas import ops, reference
from tegnas.kernel.targets import centred_targets
from tegnas.reference.scores import score_by_hooks, score_by_loop
from tegnas.regions import region_inputs

SPACE = tegnas.get_space("nas-bench-201")
SETTINGS = tegnas.get_preset("fast")
EXHAUSTIVE = (
    "search --space nas-bench-201 --images noise --strategy exhaustive --json --out".split()
)


@dataclass(frozen=True)
class Row:
    """One line of the table: what, the two measurements in words, their ratio, what is asked."""

    what: str
    baseline: str
    tegnas: str
    ratio: str
    asked: str


def fixed_architectures(count: int = 50) -> list[object]:
    """The same connected architectures in every run."""
    rng = random.Random(201)
    found: list[object] = []
    while len(found) < count:
        arch = SPACE.sample(rng)
        if SPACE.is_connected(arch) and arch not in found:
            found.append(arch)
    return found


class PlainScores:
    """A whole score of an architecture (all repeats) in plain PyTorch."""

    def __init__(self, batch: tegnas.Batch) -> None:
        self.images = (batch.images, batch.val_images)
        self.targets = (
            centred_targets(batch.labels, batch.num_classes),
            centred_targets(batch.val_labels, batch.num_classes),
        )
        self.inputs = region_inputs(
            (1, 3, 3),
            samples=SETTINGS.region_samples,
            batch_size=SETTINGS.region_batch_size,
            seed=0,
        )

    def networks(self, arch: object, seed: int) -> tuple[torch.nn.Module, torch.nn.Module]:
        return SPACE.network(arch, "proxy", seed=seed), SPACE.network(arch, "thin", seed=seed)

    def by_loop(self, arch: object) -> None:
        for seed in range(SETTINGS.repeats):
            score_by_loop(
                *self.networks(arch, seed),
                self.images,
                self.targets,
                self.inputs,
                batch_norm=SETTINGS.batch_norm,
            )

    def by_hooks(self, arch: object) -> None:
        for seed in range(SETTINGS.repeats):
            score_by_hooks(*self.networks(arch, seed), self.images, self.targets, self.inputs)


def full_scores(batch: tegnas.Batch, quick: bool) -> list[Row]:
    """Mean time of a whole score over the fixed architectures, against both baselines."""
    archs = fixed_architectures()
    plain = PlainScores(batch)
    native = median_seconds(
        lambda: tegnas.score(archs, batch, space=SPACE, settings=SETTINGS), rounds=5
    ) / len(archs)

    def mean_seconds(score: Callable[[object], None], compared: list[object]) -> float:
        score(compared[0])
        times = []
        for arch in compared:
            start = time.perf_counter()
            score(arch)
            times.append(time.perf_counter() - start)
        return statistics.mean(times)

    # Every fifth architecture is enough for the loop, which takes seconds for each.
    loop = mean_seconds(plain.by_loop, archs[:2] if quick else archs[::5])
    hooks = mean_seconds(plain.by_hooks, archs[:10] if quick else archs)
    what = f"T+E+G score, frozen, mean of {len(archs)} architectures"
    shown = f"{native * 1e3:.2f} ms"
    return [
        Row(
            what,
            f"{loop:.2f} s, loop (mean of {len(archs[:2] if quick else archs[::5])})",
            shown,
            f"{loop / native:,.0f}×",
            "500×, ≤ 8 ms",
        ),
        Row("the same", f"{hooks * 1e3:.0f} ms, hooks", shown, f"{hooks / native:.0f}×", "15×"),
    ]


def best_scores(batch: tegnas.Batch) -> Row:
    """The same architectures by the preset that ranks best."""
    archs, settings = fixed_architectures(), tegnas.get_preset("best")
    seconds = median_seconds(
        lambda: tegnas.score(archs, batch, space=SPACE, settings=settings), rounds=5
    )
    what = f"score by the preset best, mean of the same {len(archs)}"
    return Row(what, "—", f"{seconds * 1e3 / len(archs):.2f} ms", "—", "≤ 4 ms")


def coupled_kernel(batch: tegnas.Batch, quick: bool) -> Row:
    """The coupled NTK of the heaviest architecture."""
    arch = SPACE.parse(
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+"
        "|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"
    )
    network = SPACE.network(arch)
    native = median_seconds(
        lambda: tegnas.ntk(network, batch.images, batch_norm="coupled"), rounds=5
    )
    loop = median_seconds(
        lambda: reference.ntk(network, batch.images, batch_norm="coupled"), rounds=1 if quick else 3
    )
    return Row(
        "coupled NTK, all 3×3 convolutions, N=64",
        f"{loop:.2f} s, loop",
        f"{native * 1e3:.0f} ms",
        f"{loop / native:.1f}×",
        "10×",
    )


def regions(quick: bool) -> Row:
    """Counting 3,000 patterns of 2,000 units."""
    generator = torch.Generator().manual_seed(0)
    activations = [torch.randn(3000, 2000, generator=generator)]
    pairwise = median_seconds(
        lambda: reference.count_regions_pairwise(activations), rounds=3 if quick else 9
    )
    native = median_seconds(
        lambda: ops.count_regions(ops.pack_signs(activations)), rounds=9 if quick else 25
    )
    return Row(
        "region count, 3000 × 2000",
        f"{pairwise * 1e3:.0f} ms, pairwise product",
        f"{native * 1e3:.2f} ms",
        f"{pairwise / native:.0f}×",
        "30×",
    )


def eigen_condition(quick: bool) -> Row:
    """1,024 matrices of 64×64 in float64 on one thread."""
    factors = torch.randn(1024, 64, 80, generator=torch.Generator().manual_seed(0)).double()
    grams = factors @ factors.transpose(1, 2)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        library = median_seconds(lambda: torch.linalg.eigvalsh(grams), rounds=3)
        native = median_seconds(lambda: ops.eig_condition(grams), rounds=5 if quick else 15)
    finally:
        torch.set_num_threads(threads)
    return Row(
        "eigen-condition, 1024 × 64×64 float64, one thread",
        f"{library * 1e3:.0f} ms, torch.linalg.eigvalsh",
        f"{native * 1e3:.1f} ms",
        f"{library / native:.1f}×",
        "5×",
    )


def exhaustive(quick: bool) -> Row:
    """Every NAS-Bench-201 architecture by the command, in a process of its own."""
    budget = ["--budget", "1000"] if quick else []
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tegnas", *EXHAUSTIVE, f"{folder}/run", *budget]
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds = time.perf_counter() - start
    megabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    count = 1000 if quick else len(SPACE)
    return Row(
        f"{count:,} NAS-Bench-201 architectures scored by best",
        "—",
        f"{seconds:.0f} s, {megabytes:.0f} MiB",
        "—",
        "≤ 1 min, ≤ 1 GiB for all 15,625",
    )


def generic_module() -> Row:
    """ResNet-18 on 64 CIFAR images; each way in a process of its own, for its memory."""
    measured = {}
    for way in ("vmap", "tegnas"):
        run = subprocess.run(
            [sys.executable, __file__, "--resnet", way], check=True, capture_output=True, text=True
        )
        measured[way] = json.loads(run.stdout)
    vmap, native = measured["vmap"], measured["tegnas"]
    return Row(
        "NTK of ResNet-18, N=64",
        f"{vmap['seconds']:.1f} s, {vmap['megabytes']:.0f} MiB, torch.func vmap(grad)",
        f"{native['seconds']:.2f} s, {native['megabytes']:.0f} MiB",
        f"{vmap['seconds'] / native['seconds']:.1f}× time, "
        f"{native['megabytes'] / vmap['megabytes']:.2f} of the memory",
        "3× time, ¼ of the memory",
    )


def measure_resnet(way: str) -> None:
    """Time and memory above the start of the process, as JSON on stdout."""
    network, images = resnet18(), torch.randn(64, 3, 32, 32)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    kernel = vmap_kernel if way == "vmap" else tegnas.ntk
    seconds = median_seconds(lambda: kernel(network, images), rounds=2)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(json.dumps({"seconds": seconds, "megabytes": used / 1024}))


def vmap_kernel(network: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
    """The frozen kernel by torch.func: statistics first, then per-image gradients."""
    frozen = reference.with_fixed_statistics(network, images)
    weights = {n: p.detach() for n, p in frozen.named_parameters() if n.endswith("weight")}

    def scalar(values, image):
        return torch.func.functional_call(frozen, values, (image[None],)).sum()

    rows = torch.func.vmap(torch.func.grad(scalar), in_dims=(None, 0))(weights, images)
    kernel = torch.zeros(len(images), len(images), dtype=torch.float64)
    for each in rows.values():
        flat = each.flatten(1).double()
        kernel += flat @ flat.T
    return kernel


def as_markdown(rows: list[Row], command: str) -> str:
    """The table, and on what it was measured."""
    lines = [
        "| what | plain PyTorch | tegnas | ratio | asked for |",
        "|---|---|---|---|---|",
        *(
            f"| {row.what} | {row.baseline} | {row.tegnas} | {row.ratio} | {row.asked} |"
            for row in rows
        ),
        "",
        f"Machine: {describe_machine()}.",
        "",
        f"Command: `{command}`.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", type=Path)
    parser.add_argument("--resnet", choices=("vmap", "tegnas"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.resnet:
        measure_resnet(arguments.resnet)
        return
    quick = arguments.quick
    batch = tegnas.load_batch("noise")
    rows = [
        *full_scores(batch, quick),
        best_scores(batch),
        coupled_kernel(batch, quick),
        regions(quick),
        eigen_condition(quick),
        exhaustive(quick),
        generic_module(),
    ]
    command = "python bench/performance.py" + (" --quick" if quick else "")
    page = as_markdown(rows, command)
    print(page)
    if arguments.write:
        arguments.write.parent.mkdir(parents=True, exist_ok=True)
        arguments.write.write_text(page)


if __name__ == "__main__":
    main()
