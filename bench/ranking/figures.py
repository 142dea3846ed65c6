"""The figure of docs/ranking.md."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt

from bench.ranking.combine import log_rank
from bench.ranking.probes import MANY
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
