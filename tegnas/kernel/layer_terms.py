"""Which layers the native Gram knows, and what it needs of each of them.

A layer's rows of the Jacobian are a contraction of its input with the gradient at its output; the
native op takes the two and never holds the rows. A layer that isn't listed here is not wrong, only
slower: its rows come from autograd.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.instancenorm import _InstanceNorm

from tegnas.kernel.batch_statistics import normalise
from tegnas.ops import Conv2dTerm, LayerTerm, LinearTerm, ScaleTerm

NATIVE_LAYERS = (
    nn.Conv1d,
    nn.Conv2d,
    nn.Linear,
    _BatchNorm,
    nn.GroupNorm,
    nn.LayerNorm,
    nn.InstanceNorm1d,
    nn.InstanceNorm2d,
    nn.InstanceNorm3d,
)

_COMPUTATION = ("forward", "_conv_forward", "_apply_instance_norm")


def is_native(module: nn.Module) -> bool:
    """Whether ``layer_term`` handles the layer's ``weight``; sub-classes may compute otherwise."""
    if not isinstance(module, NATIVE_LAYERS):
        return False
    return not _computes_otherwise(module) or _channels_of_layer_norm(module) is not None


def _channels_of_layer_norm(module: nn.Module) -> int | None:
    """Which dimension a LayerNorm normalises: -1, or 1 as in convolutional networks.

    Sub-classes of model zoos compute the same by another way, or with the channels first. They are
    known by their numbers on random input; None for those that compute anything else.
    """
    if not isinstance(module, nn.LayerNorm) or module.weight is None:
        return None
    if type(module).forward is nn.LayerNorm.forward:
        return -1
    weight, size = module.weight.detach(), tuple(module.normalized_shape)
    generator = torch.Generator().manual_seed(0)
    for channels, shape in ((-1, (2, 3, *size)), (1, (2, *size, 3, 5))):
        values = (3 * torch.randn(shape, generator=generator) + 1).to(weight)
        try:
            with torch.no_grad():
                given = type(module).forward(module, values)
        except (RuntimeError, TypeError, ValueError, IndexError, AssertionError):
            continue  # it takes other shapes
        expected = F.layer_norm(
            values.movedim(channels, -1), size, weight, module.bias, module.eps
        ).movedim(-1, channels)
        if isinstance(given, Tensor) and given.shape == expected.shape:
            if torch.allclose(given, expected, rtol=1e-4, atol=1e-5):
                return channels
    return None


def _computes_otherwise(module: nn.Module) -> bool:
    """Whether a sub-class, or the object itself, has replaced what the torch layer does."""
    methods = [getattr(module, name) for name in _COMPUTATION if hasattr(module, name)]
    return any(not method.__module__.startswith("torch.nn.modules.") for method in methods)


def layer_term(module: nn.Module, layer_input: Tensor, output_grad: Tensor) -> LayerTerm:
    """The operands of one native layer, for one network (leading dimension of 1).

    ``layer_input`` is what the layer read and ``output_grad`` the gradient at its output, both with
    the image index first.
    """
    if isinstance(module, nn.Linear):
        return LinearTerm(
            layer_input.reshape(1, len(layer_input), -1, layer_input.shape[-1]),
            output_grad.reshape(1, len(output_grad), -1, output_grad.shape[-1]),
        )
    if isinstance(module, _ConvNd):
        return _conv_term(module, layer_input, output_grad)
    if isinstance(module, nn.LayerNorm):
        if _channels_of_layer_norm(module) == 1:
            layer_input, output_grad = layer_input.movedim(1, -1), output_grad.movedim(1, -1)
        normalised = F.layer_norm(layer_input, module.normalized_shape, eps=module.eps)
        size = module.weight.numel()
        # The scale has one entry per normalised position: bring it to the channel dimension.
        return ScaleTerm(
            normalised.reshape(1, len(normalised), -1, size).transpose(2, 3),
            output_grad.reshape(1, len(output_grad), -1, size).transpose(2, 3),
        )
    if isinstance(module, nn.GroupNorm):
        normalised = F.group_norm(layer_input, module.num_groups, eps=module.eps)
    elif isinstance(module, _InstanceNorm):
        normalised = F.instance_norm(layer_input, use_input_stats=True, eps=module.eps)
    else:
        assert isinstance(module, _BatchNorm)
        normalised = normalise(layer_input, module.eps)
    return ScaleTerm(
        normalised.reshape(1, *normalised.shape[:2], -1),
        output_grad.reshape(1, *output_grad.shape[:2], -1),
    )


def _conv_term(module: _ConvNd, layer_input: Tensor, output_grad: Tensor) -> Conv2dTerm:
    padding = module.padding
    if isinstance(padding, str) or module.padding_mode != "zeros":
        mode = "constant" if module.padding_mode == "zeros" else module.padding_mode
        layer_input = F.pad(layer_input, module._reversed_padding_repeated_twice, mode=mode)
        padding = (0,) * len(module.kernel_size)
    kernel_size, stride, dilation = module.kernel_size, module.stride, module.dilation
    if len(kernel_size) == 1:
        layer_input, output_grad = layer_input.unsqueeze(2), output_grad.unsqueeze(2)
        kernel_size, stride, dilation = (1, *kernel_size), (1, *stride), (1, *dilation)
        padding = (0, *padding)
    return Conv2dTerm(
        layer_input.unsqueeze(0),
        output_grad.unsqueeze(0),
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=module.groups,
    )
