"""Networks as ONNX models."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import nn

from tegnas.errors import InputError


def export_onnx(
    network: nn.Module, path: str | Path, *, image_shape: tuple[int, int, int] = (3, 32, 32)
) -> None:
    """Write a network for inference: BatchNorm by its running statistics, any batch size.

    Input ``images`` (N, C, H, W) float32, output ``logits`` (N, K) float32. The weights are in
    the file. The network's mode is left as it was.

    Raises:
        InputError: the packages ``onnx`` and ``onnxscript`` are missing, or the file can't be
            written.
    """
    try:
        import onnx  # noqa: F401  torch needs both, and says so less clearly
        import onnxscript  # noqa: F401
    except ImportError:
        raise InputError(
            "ONNX needs the packages onnx and onnxscript; install them with: "
            "pip install 'tegnas[onnx]'"
        ) from None
    training = network.training
    network.eval()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the exporter's own use of torch
            # Two images: the exporter takes a dimension of one as fixed.
            torch.onnx.export(
                network,
                (torch.zeros(2, *image_shape),),
                str(path),
                input_names=["images"],
                output_names=["logits"],
                dynamic_shapes=({0: torch.export.Dim("images")},),
                dynamo=True,
                external_data=False,
                verbose=False,
            )
    except OSError as error:
        raise InputError(f"{path} can't be written: {error.strerror}") from None
    finally:
        network.train(training)
