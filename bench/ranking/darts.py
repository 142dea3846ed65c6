"""How often kernels of DARTS are singular: a definition that ranks must also run there."""

from __future__ import annotations

import random

import torch

import tegnas
from bench.ranking.study import Study
from bench.ranking.tables import markdown
from tegnas import ops
from tegnas.indicators.left_out import left_out
from tegnas.scoring.jobs import JobMaker

ARCHITECTURES, NETWORKS = 100, 8


def darts_table(study: Study) -> str:
    """Architectures, of 100 random ones, whose T is infinite by the median over networks."""
    space, rng = tegnas.get_space("darts"), random.Random(0)
    archs = [space.sample(rng) for _ in range(ARCHITECTURES)]
    rows = []
    for size in (8, 16, 32):
        batch = tegnas.load_batch(study.images, seed=0, size=size)
        maker = JobMaker(
            space,
            "proxy",
            num_classes=batch.num_classes,
            image_shape=batch.image_shape,
            seeds=range(NETWORKS),
        )
        found = [
            [left_out(kernels)[0].reshape(-1, NETWORKS) for kernels in pair]
            for pair in (
                ops.engine_ntk(maker.make(archs[first : first + 10]), batch.images)[:2]
                for first in range(0, ARCHITECTURES, 10)
            )
        ]
        for index, part in enumerate(("all weights", "weights of the cells")):
            singular = torch.cat([pair[index] for pair in found]).isinf()
            counts = [
                int((singular[:, :count].sum(1) * 2 >= count).sum()) for count in (1, 3, 5, 8)
            ]
            rows.append([f"{size}²", part, *(str(count) for count in counts)])
    header = ["images", "kernel of", "1 network", "3 networks", "5 networks", "8 networks"]
    return markdown(header, rows)
