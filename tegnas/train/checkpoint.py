"""Checkpoints: everything that the rest of a training depends on, in one file."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tegnas.errors import InputError
from tegnas.files import read_regular, write_atomically
from tegnas.train.seal import check_seal, sealed

_LARGEST = 2**40


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write a checkpoint and its checksum; a kill leaves the previous one, never half of this."""
    written = io.BytesIO()
    torch.save(content, written)
    write_atomically(path, sealed(written.getvalue()))


def read_checkpoint(
    path: Path, device: torch.device | str = "cpu", *, own: bool = True
) -> dict[str, Any]:
    """What ``save_checkpoint`` wrote; nothing that is in the file is run.

    Args:
        path: of the file.
        device: of the tensors.
        own: whether it must be one that ``save_checkpoint`` wrote, with its checksum.

    Raises:
        InputError: the file can't be read, or isn't what was written.
    """
    try:
        data = read_regular(path, limit=_LARGEST)
        check_seal(data, required=own)
    except OSError as error:
        raise InputError(
            f"{path} can't be read as weights or a checkpoint: {error.strerror}"
        ) from None
    except InputError as error:
        raise InputError(
            f"{path} can't be read as weights or a checkpoint: {error}; remove it to train anew, "
            "or take a copy of it"
        ) from None
    try:
        content = torch.load(io.BytesIO(data), map_location=device, weights_only=True)
    except Exception as error:  # a file of something else fails in its pickle or its tensors
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
    content = read_checkpoint(Path(path), own=False)
    weights = content.get("network", content)
    try:
        network.load_state_dict(weights)
    except (RuntimeError, TypeError, AttributeError):
        raise InputError(
            f"the weights in {path} belong to another network; give the architecture, channels, "
            "cells and number of classes that they were trained with"
        ) from None
