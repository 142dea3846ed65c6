"""Where the native operators can compute."""

from __future__ import annotations

import torch

from tegnas.errors import InputError
from tegnas.ops._library import build_info


def compute_device(name: torch.device | str) -> torch.device:
    """The device ``cpu``, ``cuda`` or ``cuda:N``, if the native operators can compute on it here.

    Raises:
        InputError: another name, a build without CUDA kernels, or a GPU that torch doesn't see.
    """
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda"):
        raise InputError(f"unknown device {str(name)!r}; choose cpu, cuda or cuda:N")
    if device.type == "cpu":
        return torch.device("cpu")
    if not build_info()["cuda"]:
        raise InputError(
            f"this build of tegnas has no CUDA kernels for the device {device}; choose the device "
            "cpu, or install tegnas again beside a CUDA build of torch and nvcc (docs/cuda.md)"
        )
    seen = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if seen == 0:
        raise InputError(f"torch sees no GPU here for the device {device}; choose the device cpu")
    if device.index is not None and device.index >= seen:
        raise InputError(f"there is no {device}: torch sees {seen} here, cuda:0 to cuda:{seen - 1}")
    return device


def describe_device(device: torch.device) -> str:
    """The name of a device for the record: ``cpu``, or that of the GPU."""
    return "cpu" if device.type == "cpu" else torch.cuda.get_device_name(device)
