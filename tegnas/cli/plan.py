"""``tegnas plan``."""

from __future__ import annotations

import random
from typing import Annotated

import typer
from rich.table import Table

from tegnas.cli import options
from tegnas.cli.tables import plain_table
from tegnas.cli.terminal import output
from tegnas.ops import Launch
from tegnas.scoring import get_preset
from tegnas.scoring.kernel_call import KernelCall
from tegnas.scoring.presets import DEFAULT_PRESET, describe
from tegnas.scoring.settings import changed
from tegnas.spaces import get_space

# Published peak rates of an H100 SXM.
H100_BYTES = 3.35e12
H100_FLOAT32 = 67e12
H100_FLOAT64 = 34e12  # vectors, which the kernels use; 67e12 with tensor cores


def plan(
    space: options.Space = "nas-bench-201",
    architectures: Annotated[int, typer.Option(help="Random architectures.", min=1)] = 256,
    preset: Annotated[
        str, typer.Option(help="Whose kernels.", metavar="best|fast|paper")
    ] = DEFAULT_PRESET,
    repeats: Annotated[
        int | None, typer.Option(help="Networks of each architecture; the preset's.", min=1)
    ] = None,
    images: Annotated[
        int | None, typer.Option(help="Images of a batch; the preset's.", min=2)
    ] = None,
    batch_norm: Annotated[
        str | None, typer.Option(help="The preset's.", metavar="frozen|coupled")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the architectures.")] = 0,
    memory: Annotated[
        float,
        typer.Option(help="GiB for networks that run at once; default half of an H100's.", min=0),
    ] = 40,
) -> None:
    """For people with a GPU: what scoring launches there, and the least time it takes.

    Of random architectures. Nothing is measured, and no GPU is needed to ask: the floors follow
    from bytes and operations and an H100's peak rates.
    """
    given = {"repeats": repeats, "train": images, "val": images, "batch_norm": batch_norm}
    changes = {name: value for name, value in given.items() if value is not None}
    settings = changed(get_preset(preset), **changes)
    rng, chosen = random.Random(seed), get_space(space)
    call = KernelCall.of(chosen, settings, [chosen.sample(rng) for _ in range(architectures)])
    launches = call.launches(int(memory * 2**30))
    output().print(_table(launches))
    total = sum(map(floor_seconds, launches))
    side = call.image_shape[-1]
    batches = f"{call.images} + {call.others}" if call.others else str(call.images)
    print(
        f"{architectures} architectures of {space} by {describe(settings)}: {settings.repeats} "
        f"networks each, {batches} images of {side}×{side}, {call.batch_norm}: {len(launches)} "
        f"launches, {sum(each.bytes for each in launches) / 1e9:.2f} GB, "
        f"{sum(each.flops for each in launches) / 1e9:.1f} GFLOP, at least {total * 1e3:.2f} ms on "
        f"an H100 (not measured)."
    )


def floor_seconds(launch: Launch) -> float:
    """The least time of a launch on an H100: its bytes or its operations, whichever is longer."""
    rate = H100_FLOAT64 if launch.sweep == "gram" else H100_FLOAT32
    return max(launch.bytes / H100_BYTES, launch.flops / rate)


def _table(launches: list[Launch]) -> Table:
    table = plain_table("")
    for heading in ("sweep", "kernel", "launches", "tasks", "blocks", "MB", "MFLOP", "floor, µs"):
        words = heading in ("sweep", "kernel")
        table.add_column(heading, justify="left" if words else "right", no_wrap=not words)
    kernels: dict[tuple[str, str], list[Launch]] = {}
    for launch in launches:
        kernels.setdefault((launch.sweep, launch.kernel), []).append(launch)
    for (sweep, kernel), group in kernels.items():
        table.add_row(
            sweep,
            kernel,
            str(len(group)),
            f"{sum(each.tasks for each in group):,}",
            f"{sum(each.blocks for each in group):,}",
            f"{sum(each.bytes for each in group) / 1e6:,.0f}",
            f"{sum(each.flops for each in group) / 1e6:,.0f}",
            f"{sum(map(floor_seconds, group)) * 1e6:,.0f}",
        )
    return table
