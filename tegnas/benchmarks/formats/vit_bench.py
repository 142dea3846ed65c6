"""ViT-Bench-101 (Wei et al., Auto-Prox, AAAI 2024, arXiv 2312.09059).

Its parts are ``autoformer``, ``autoformer_2`` and ``pit``, as its column ``space`` says. The second
holds more architectures of AutoFormer, trained with distillation only and at another time: alike
architectures differ by half a percent between the two, so that one isn't compared with the other.
"""

from __future__ import annotations

from tegnas.benchmarks.formats.base import TableFormat

_DATA = ("c100", "flower", "chaoyang")

VIT_BENCH_101 = TableFormat(
    name="vit-bench-101",
    space="vit",
    columns=("space", "arch", "c100_kd_acc"),
    truth=(
        *(f"{data}_{training}_acc" for data in _DATA for training in ("base", "kd")),
        "imagenet_super_acc",
    ),
    belongs=lambda row: "hidden_dim" in row["arch"] or "base_dim" in row["arch"],
    part=lambda row: row["space"],
    part_spaces={"autoformer": "autoformer", "autoformer_2": "autoformer", "pit": "pit"},
)
