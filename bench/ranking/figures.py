"""The figures of docs/ranking.md and docs/ranking-second.md."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt

from bench.ranking.combine import log_rank
from bench.ranking.first_best import first_best
from bench.ranking.parts import DECLARED, Candidate, PartCosts
from bench.ranking.probes import MANY
from bench.ranking.second import DIRECT, direct_operations, rank_errors
from bench.ranking.study import Study
from bench.ranking.tables import chosen

_GROUPS = ("CIFAR 16²", "CIFAR 8²", "CIFAR 16², N = 32", "CIFAR 16², N = 128", "noise 16²")


def networks_figure(study: Study, path: Path) -> None:
    """τ against the number of networks, without and with parameters."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharex=True, constrained_layout=True)
    for axis, title, with_size in (
        (axes[0], "T + E + G", False),
        (axes[1], "T + E + G + parameters", True),
    ):
        for name in _GROUPS:
            counts = [count for count in (1, 2, 4, 8, 16) if count <= len(MANY[name])]
            taus = []
            for count in counts:
                costs = chosen(study, MANY[name][:count])
                costs += [study.extras["parameters"]] if with_size else []
                taus.append(study.judge.tau(log_rank(costs)))
            axis.plot(counts, taus, marker="o", markersize=4, label=name)
        axis.set_xscale("log", base=2)
        axis.set_xticks([1, 2, 4, 8, 16], ["1", "2", "4", "8", "16"])
        axis.set_xlabel("networks per architecture")
        axis.set_title(title, fontsize=10)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("Kendall τ, selection half")
    axes[0].legend(fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def shortcut_figure(study: Study, path: Path) -> None:
    """Errors of the rank by the operation on the edge 0→3, and τ by cells per stage."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), constrained_layout=True)
    edges, costs = direct_operations(study), PartCosts(study)
    scores = {
        "first study": first_best(study.half, study.images, study.cache),
        "declared": costs(DECLARED, range(5)),
    }
    for place, (name, found) in enumerate(scores.items()):
        errors = rank_errors(study, found)
        positions = [index + 0.38 * (place - 0.5) for index in range(len(DIRECT))]
        axes[0].bar(positions, [errors[edges == each].mean() for each in DIRECT], 0.36, label=name)
    axes[0].axhline(0, color="black", linewidth=0.8)
    axes[0].set_xticks(range(len(DIRECT)), ["none", "skip", "pool", "conv 1²", "conv 3²"])
    axes[0].set_xlabel("operation from input to output of the cell (edge 0→3)")
    axes[0].set_ylabel("mean error of the rank\n(share of all; above 0: underrated)")
    axes[0].legend(fontsize=8)
    for color, part in (("C0", "all"), ("C1", "searched")):
        for line, side, thin in (("--", 3, 1), ("-", 2, 5)):
            bases = [
                Candidate(16, cells, part, part, side=side, thin_cells=thin) for cells in (1, 2, 3)
            ]
            taus = [study.judge.tau(log_rank(costs(each))) for each in bases]
            label = f"{part} weights; R: {side}², {thin} cell{'s' * (thin > 1)}"
            axes[1].plot((1, 2, 3), taus, color + line, marker="o", markersize=4, label=label)
    axes[1].set_xticks([1, 2, 3])
    axes[1].set_xlabel("cells per stage of the proxy")
    axes[1].set_ylabel("Kendall τ of T + E + G,\nselection half, two networks")
    axes[1].set_ylim(0.705, 0.785)
    axes[1].legend(fontsize=8, loc="lower right")
    axes[1].grid(alpha=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    plt.close(figure)
