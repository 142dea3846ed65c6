"""Networks as ONNX models."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import torch
from torch import nn

from tegnas.errors import InputError
from tegnas.files import write_atomically


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
        with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
            written = Path(folder, "network.onnx")
            warnings.simplefilter("ignore")  # of the exporter's own use of torch
            # Two images: the exporter takes a dimension of one as fixed.
            torch.onnx.export(
                network,
                (torch.zeros(2, *image_shape),),
                str(written),
                input_names=["images"],
                output_names=["logits"],
                dynamic_shapes=({0: torch.export.Dim("images")},),
                dynamo=True,
                external_data=False,
                verbose=False,
            )
            content = written.read_bytes()
    except OSError as error:
        raise InputError(f"no room for the model {path}: {error.strerror}") from None
    finally:
        network.train(training)
    write_atomically(path, content)
