"""What the native engine would launch on a GPU, with the least that it must move and compute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tegnas.ops._engine import EngineJobs
from tegnas.ops._library import native


class Launch(NamedTuple):
    """One launch: tasks of one kernel that wait for none of each other.

    Attributes:
        sweep: ``"forward"``, ``"backward"`` or ``"gram"``.
        kernel: what its tasks do.
        tasks: how many there are, over all networks and both batches.
        blocks: thread blocks of 256 threads.
        bytes: that memory must at least move, in float32.
        flops: floating-point operations; of the Gram in float64, of the rest in float32.
    """

    sweep: str
    kernel: str
    tasks: int
    blocks: int
    bytes: float
    flops: float


def engine_plan(
    codes: Sequence[Sequence[int]],
    jobs: Sequence[int],
    *,
    images: int,
    others: int = 0,
    batch_norm: str = "frozen",
    memory: int = 40 * 2**30,
) -> list[Launch]:
    """The launches of one ``engine_ntk`` call on a GPU, in order; needs no GPU.

    Args:
        codes: programs, as in ``EngineJobs``.
        jobs: index of the program of every job.
        images: N of the first batch.
        others: M of the second, 0 without one.
        batch_norm: ``"frozen"`` or ``"coupled"``.
        memory: bytes for networks that run at once; half of an H100's, as the operator would take.

    Raises:
        ValueError: a malformed program, or one without logits.
    """
    coupled = batch_norm == "coupled"
    words = [list(code) for code in codes]
    launches = native.engine_plan(words, list(jobs), images, others, coupled, memory)
    return [Launch(*launch) for launch in launches]


def prepare_launches(
    jobs: EngineJobs, *, images: int, regions: bool = False, memory: int = 40 * 2**30
) -> tuple[int, int]:
    """Does what the host does for one call on a GPU, but for copying; to measure it without one.

    Args:
        jobs: as of ``engine_ntk``, or with ``regions`` of ``engine_regions``.
        images: of the one batch.
        memory: bytes for networks that run at once.

    Returns:
        Launches, and bytes of descriptors that go to the device.

    Raises:
        ValueError: a malformed program, or one without logits where they are needed.
    """
    code, offsets, programs, _, _ = jobs.operands(jobs.params.device)
    numbers = (code.numpy(), offsets.numpy(), programs.numpy())
    return native.prepare_launches(*numbers, images, regions, memory)
