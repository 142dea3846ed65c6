"""Options of the commands that search."""

from __future__ import annotations

from typing import Annotated

import typer

Budget = Annotated[
    int | None, typer.Option(help="Evaluations; by default the strategy's own number.")
]
Table = Annotated[
    str | None,
    typer.Option(metavar="FILE.csv[#[-]COLUMN]", help="True accuracies: shown for what was found."),
]
MaxParams = Annotated[
    float | None, typer.Option(help="Largest number of parameters of the full network.")
]
MaxFlops = Annotated[
    float | None,
    typer.Option(help="Most operations for one image; a multiply-add counts one."),
]
MaxLatency = Annotated[
    float | None, typer.Option(help="Longest time of one image in milliseconds, measured here.")
]
LatencyDevice = Annotated[str, typer.Option(metavar="cpu|cuda", help="Where latency is measured.")]
Pareto = Annotated[
    str | None,
    typer.Option(
        metavar="params|flops|latency", help="Also show the front of rank score and this cost."
    ),
]
Executor = Annotated[
    str,
    typer.Option(
        metavar="in-process|process|ray",
        help="Where scores are computed; the result is the same.",
    ),
]
Workers = Annotated[
    int | None, typer.Option(help="Processes, or Ray tasks at a time; default one per core.")
]
Address = Annotated[
    str | None, typer.Option(help="Of a running Ray cluster: HOST:PORT, ray://HOST:PORT or auto.")
]
Race = Annotated[
    int,
    typer.Option(
        metavar="HALVINGS",
        help="Give the worse half up after the first network, with 2 also after the second, with "
        "3 also after the fourth; 0: compute all networks of all.",
        min=0,
    ),
]
