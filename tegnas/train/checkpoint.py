"""Checkpoints: everything that the rest of a training depends on, in one file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from tegnas.errors import InputError


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write a checkpoint; a kill leaves the previous one, never half of this one."""
    partial = path.with_name(path.name + ".partial")
    torch.save(content, partial)
    partial.replace(path)


def read_checkpoint(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """What ``save_checkpoint`` wrote; ``InputError`` if the file can't be read as that."""
    try:
        content = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # a damaged file fails in its zip, its pickle or its tensors
        raise InputError(
            f"{path} can't be read as weights or a checkpoint ({type(error).__name__}: {error})"
        ) from None
    if not isinstance(content, dict):
        raise InputError(f"{path} holds no weights by name; give a file that tegnas train wrote")
    return content


def load_weights(network: nn.Module, path: str | Path) -> None:
    """Load ``weights.pt`` or ``checkpoint.pt`` of a training into a network.

    Raises:
        InputError: the file can't be read, or its weights belong to another network.
    """
    content = read_checkpoint(Path(path))
    weights = content.get("network", content)
    try:
        network.load_state_dict(weights)
    except (RuntimeError, TypeError, AttributeError):
        raise InputError(
            f"the weights in {path} belong to another network; give the architecture, channels, "
            "cells and number of classes that they were trained with"
        ) from None
