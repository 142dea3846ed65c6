"""Tables of DARTS cells: 50 epochs of the published network, and NAS-Bench-301 as NASLib has it."""

from __future__ import annotations

from tegnas.benchmarks.formats.base import TableFormat

# Parameters are those of the published network (36 channels, 20 cells) without its auxiliary
# classifier. FLOPs count four operations for each output of a BatchNorm and one for each of an
# average pool besides the multiplications that ours count.
DARTS_CIFAR10 = TableFormat(
    name="darts-cifar10",
    space="darts",
    columns=("normal", "reduce", "valid_acc50"),
    truth=(
        "train_acc10",
        "valid_acc10",
        "train_acc50",
        "valid_acc50",
        "test_acc50",
    ),
    published=("flop", "params"),
    architecture=lambda row: f"normal {row['normal']} reduce {row['reduce']}",
)

# NAS-Bench-301 (Zela et al., ICLR 2022, arXiv 2008.09777). Parameters are those of a network of 32
# channels and 8 cells without auxiliary classifier, in which the BatchNorms behind the operations
# of edges have no scale and shift; its FLOPs count norms, activations and pools too. The other
# columns are the training-free scores of NASLib (Krishnakumar et al., NeurIPS 2022, arXiv
# 2210.03230).
NAS_BENCH_301 = TableFormat(
    name="nas-bench-301",
    space="darts",
    columns=("arch", "acc", "params", "flops"),
    truth=("acc",),
    published=(
        "flops",
        "params",
        "synflow",
        "grasp",
        "fisher",
        "grad_norm",
        "l2_norm",
        "plain",
        "nwot",
        "epe_nas",
        "jacov",
        "snip",
    ),
    belongs=lambda row: row["arch"].replace("(", "[").startswith("[["),
)
