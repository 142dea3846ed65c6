"""Networks as ONNX models."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tegnas.errors import InputError
from tegnas.files import write_atomically


def export_onnx(
    network: nn.Module,
    path: str | Path,
    *,
    image_shape: tuple[int, ...] = (3, 32, 32),
    dtype: torch.dtype = torch.float32,
) -> None:
    """Write a network for inference: BatchNorm by its running statistics, any batch size.

    Input ``images`` (N, C, H, W) float32, or examples of another shape and type; output ``logits``
    (N, K) float32. The weights are in the file. The network's mode is left as it was.

    Raises:
        InputError: the packages ``onnx`` and ``onnxscript`` are missing, the network can't take
            such examples or PyTorch can't write it as ONNX, or the file can't be written.
    """
    try:
        import onnx  # torch needs both, and says so less clearly
        import onnxscript  # noqa: F401
    except ImportError:
        raise InputError(
            "ONNX needs the packages onnx and onnxscript; install them with: "
            "pip install 'tegnas[onnx]'"
        ) from None
    # Two images: the exporter takes a dimension of one as fixed.
    example = torch.zeros(2, *image_shape, dtype=dtype)
    training = network.training
    network.eval()
    _check_takes(network, example)
    try:
        with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
            written = Path(folder, "network.onnx")
            warnings.simplefilter("ignore")  # of the exporter's own use of torch
            torch.onnx.export(
                network,
                (example,),
                str(written),
                input_names=["images"],
                output_names=["logits"],
                dynamic_shapes=({0: torch.export.Dim("images")},),
                dynamo=True,
                external_data=False,
                verbose=False,
            )
            content = written.read_bytes()
            _check_batch_is_free(network, onnx.load(written))
    except OSError as error:
        raise InputError(f"no room for the model {path}: {error.strerror}") from None
    except torch.onnx.OnnxExporterError as error:
        reason = _first_line(error.__cause__ or error)
        raise InputError(
            f"PyTorch can't write {type(network).__name__} as ONNX ({reason})"
        ) from error
    finally:
        network.train(training)
    write_atomically(path, content)


def _check_takes(network: nn.Module, example: Tensor) -> None:
    try:
        with torch.no_grad():
            network(example)
    except (RuntimeError, ValueError, IndexError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        shape = "×".join(map(str, example.shape[1:]))
        raise InputError(
            f"{type(network).__name__} can't take examples of {shape} ({_first_line(error)}); give "
            "the size that it was made for (--image-size), or the run that it is from"
        ) from error


def _check_batch_is_free(network: nn.Module, model: Any) -> None:
    """A forward that asks for ``len(x)`` becomes one of two images, which nobody wants."""
    if not model.graph.input[0].type.tensor_type.shape.dim[0].dim_param:
        raise InputError(
            f"{type(network).__name__} computes by the number of its images as a constant, so that "
            "its ONNX model would take batches of two alone; let its forward read x.shape[0] "
            "instead of len(x)"
        )


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
