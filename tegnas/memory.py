"""Whether there is the memory that a call is going to take, before it takes any.

Only what is certain to be needed is compared with all that there is: what is refused could not have
ended well, while what is let through may still be too much beside other programs.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

import torch

from tegnas.errors import InputError
from tegnas.reading import size_text

# What a container may take, by control groups of version 2 or 1.
_CONTAINER = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def machine_memory() -> int:
    """Bytes of this machine, or what the container of this process was given of them.

    As the native engine counts them (``csrc/kernels/machine_memory.h``).
    """
    limits = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for path in _CONTAINER:
        try:
            limits.append(int(path.read_text()))
        except (OSError, ValueError):  # there is none, or it says "max"
            continue
    return min(limits)


def memory_of(device: torch.device) -> float:
    """Bytes of a device: of the GPU itself, or of the machine."""
    if device.type == "cpu":
        return machine_memory()
    # Tensors without contents, as torch's fake mode has them, need no GPU.
    return torch.cuda.mem_get_info(device)[1] if torch.cuda.is_initialized() else math.inf


def check_memory(needed: float, device: torch.device, what: str, way_out: str) -> None:
    """Raise ``InputError``, in one sentence, where the device has less than is needed.

    Args:
        needed: bytes that will be taken at the same time, at least.
        what: needs them.
        way_out: what takes less.
    """
    there = memory_of(device)
    if needed > there:
        owner = "the machine" if device.type == "cpu" else f"the device {device}"
        raise InputError(
            f"{what} needs at least {size_text(int(needed))} of memory and {owner} has "
            f"{size_text(int(there))}: {way_out}"
        )
