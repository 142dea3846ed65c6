"""What the kernel can't be computed of is refused in one sentence, before anything runs."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.ao.nn.quantized import FloatFunctional
from torch.nn.parameter import is_lazy

from tegnas.errors import InputError

# What an embedding takes.
WHOLE_NUMBERS = (torch.int64, torch.int32)


def check_network(network: nn.Module) -> None:
    """Raise ``InputError`` for a network whose weights can't be derived by.

    TorchScript (its norm layers can't be told to use other statistics), quantised layers, and
    parameters that are uninitialised, sparse or on the meta device.
    """
    name = type(network).__name__
    for path, module in network.named_modules():
        if isinstance(module, torch.jit.ScriptModule):
            raise InputError(
                f"{name} holds TorchScript, which always normalises by its running statistics; "
                "pass the Python module that it was made of"
            )
        if _is_quantised(module):
            raise InputError(
                f"{path or name} is a quantised {type(module).__name__}, which has no derivative "
                "by its weights; pass the network as it was before it was quantised"
            )
    for path, parameter in network.named_parameters():
        if is_lazy(parameter):
            raise InputError(
                f"{path} gets its shape when {name} first runs (a lazy layer); run it once on a "
                "batch of images"
            )
        if parameter.is_meta:
            raise InputError(
                f"{path} is on the meta device and has no values; make {name} on the cpu, or fill "
                "it by to_empty() and an initialisation"
            )
        if parameter.layout != torch.strided:
            raise InputError(f"{path} is sparse ({parameter.layout}); convert it by to_dense()")


def _is_quantised(module: nn.Module) -> bool:
    if isinstance(module, FloatFunctional):  # lives beside the quantised layers, and isn't one
        return False
    home = type(module).__module__.split(".")
    weights = (type(each).__module__.split(".")[0] for each in vars(module)["_parameters"].values())
    return "quantized" in home or home[0] == "bitsandbytes" or "torchao" in weights


def check_images(network: nn.Module, images: Tensor) -> None:
    """Raise ``InputError`` unless ``images`` is a batch on the network's device, of its type.

    Whole numbers, such as the ids of tokens, are of any network's type.
    """
    check_network(network)
    if not isinstance(images, Tensor):
        raise InputError(
            "images must be a tensor (N, ...) of floating-point or whole numbers, got "
            f"{type(images).__name__}"
        )
    if images.is_nested or images.layout != torch.strided:
        raise InputError("images must be a plain dense tensor (N, ...), not a sparse or nested one")
    if images.is_quantized:
        raise InputError(f"images are quantised ({images.dtype}); convert them by dequantize()")
    whole = images.dtype in WHOLE_NUMBERS
    if not whole and images.dtype not in (torch.float32, torch.float64):
        raise InputError(
            f"images must be float32, float64 or whole numbers (ids), got {images.dtype}; convert "
            "them"
        )
    if images.dim() < 2 or images.numel() == 0:
        raise InputError(f"images must be a batch (N, ...), got shape {tuple(images.shape)}")
    if images.is_meta:
        raise InputError("images are on the meta device and have no values")
    parameter = next(network.parameters(), None)
    if parameter is not None and parameter.device != images.device:
        raise InputError(
            f"images are on {images.device} but the network is on {parameter.device}; move one of "
            "them"
        )
    if parameter is not None and parameter.dtype != images.dtype and not whole:
        raise InputError(
            f"images are {images.dtype} but the network is {parameter.dtype}; convert one of them"
        )
