"""Any ``nn.Module`` of supported layers as a program of the native engine, by way of torch.fx."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, fx, nn

from tegnas.engine.program import CONSTANT, RELU, ParameterLayout, Program, ProgramBuilder, Shape


class CannotLower(Exception):
    """The module holds something that programs don't have; the message says what."""


@dataclass(frozen=True)
class LoweredModule:
    """A program with the parameter vector that the module's weights fill.

    Attributes:
        program: for images of the shape that it was lowered for.
        parameters: float32 or float64, as the module's parameters.
    """

    program: Program
    parameters: Tensor


@dataclass(frozen=True)
class _Value:
    """A value of the program, and whether it stands for a flattened (N, C·H·W) tensor."""

    number: int
    flat: bool = False


_BATCH_SIZE = object()  # what x.size(0) gives: only good for reshaping


def lower_module(
    module: nn.Module, image_shape: Shape, in_body: Callable[[str], bool] = lambda name: True
) -> LoweredModule:
    """Trace a module, as it behaves in ``eval()``, and write its program.

    Args:
        module: gives logits (N, K) for images (N, *image_shape).
        in_body: whether a parameter of that name belongs to the searched body.

    Raises:
        CannotLower: it uses a layer, a function or control flow that programs don't have.
    """
    for name, each in module.named_modules():
        # Tracing passes over these, of layers and of the module itself.
        if each._forward_hooks or each._forward_pre_hooks or "forward" in vars(each):
            raise CannotLower(f"{name or 'it'} has hooks or a forward put in its place")
    training = {each: each.training for each in module.modules()}
    try:
        graph = fx.Tracer().trace(module.eval())
    except Exception as error:  # whatever the module's own code makes of a proxy
        raise CannotLower(f"torch.fx can't trace it ({error})") from None
    finally:
        for each, was_training in training.items():
            each.training = was_training
    lowering = _Lowering(module, image_shape, in_body)
    for node in graph.nodes:
        lowering.visit(node)
    return LoweredModule(_with_pattern(lowering.build.build()), lowering.parameters())


def _with_pattern(program: Program) -> Program:
    """Let every ReLU count where none is of an image, as in an MLP."""
    if any(opcode == RELU and operands[-1] for opcode, *operands in program.instructions):
        return program
    instructions = tuple(
        (*each[:-1], 1) if each[0] == RELU else each for each in program.instructions
    )
    return replace(program, instructions=instructions)


class _Lowering:
    def __init__(
        self, module: nn.Module, image_shape: Shape, in_body: Callable[[str], bool]
    ) -> None:
        self.module = module
        self.layout = ParameterLayout()
        self.build = ProgramBuilder(image_shape, self.layout)
        self._in_body = in_body
        self._values: dict[fx.Node, object] = {}
        self._called: set[str] = set()
        self._constants: dict[str, float] = {}
        owners: dict[Tensor, str] = {}
        for name, parameter in module.named_parameters(remove_duplicate=False):
            if parameter in owners:
                raise CannotLower(f"{owners[parameter]} and {name} are one parameter")
            owners[parameter] = name

    def parameters(self) -> Tensor:
        """The vector that the program reads."""
        state = dict(self.module.named_parameters())
        parts = []
        for name, _, _ in self.layout.entries():
            value: Tensor = state[name] if name in state else torch.tensor([self._constants[name]])
            parts.append(value.detach().reshape(-1))
        dtype = next((each.dtype for each in state.values()), torch.float32)
        return (
            torch.cat([each.to(dtype) for each in parts]) if parts else torch.zeros(0, dtype=dtype)
        )

    def visit(self, node: fx.Node) -> None:
        """Translate one node of the traced graph."""
        if node.op == "placeholder":
            if self._values:
                raise CannotLower("it takes more than one input")
            self._values[node] = _Value(0)
        elif node.op == "output":
            result = self._argument(node.args[0])
            if not isinstance(result, _Value) or result.number != len(self.build.instructions):
                raise CannotLower("its output is not the last thing it computes")
        elif node.op == "call_module":
            self._values[node] = self._call_module(node)
        elif node.op in ("call_function", "call_method"):
            self._values[node] = self._call_function(node)
        else:
            raise CannotLower(f"it reads {node.target} directly")

    def _argument(self, argument: object) -> object:
        if isinstance(argument, fx.Node):
            return self._values[argument]
        if isinstance(argument, list | tuple):
            return type(argument)(self._argument(each) for each in argument)
        return argument

    # Layers

    def _call_module(self, node: fx.Node) -> _Value:
        name = str(node.target)
        layer = self.module.get_submodule(name)
        if len(node.args) != 1 or node.kwargs:
            raise CannotLower(f"{name} is called with more than one argument")
        value = self._argument(node.args[0])
        if not isinstance(value, _Value):
            raise CannotLower(f"{name} isn't called with a tensor")
        if next(layer.parameters(), None) is not None:
            if name in self._called:
                raise CannotLower(f"{name} is called more than once")
            self._called.add(name)
        for kinds, lower in _LAYERS:
            if type(layer) in kinds:
                return lower(self, layer, name, value)
        raise CannotLower(f"{name} is a {type(layer).__name__}")

    def _conv2d(self, layer: nn.Conv2d, name: str, value: _Value) -> _Value:
        if layer.padding_mode != "zeros":
            raise CannotLower(f"{name} pads by {layer.padding_mode}")
        padding = layer.padding
        if isinstance(padding, str):
            left_right_top_bottom = layer._reversed_padding_repeated_twice
            if padding == "same" and left_right_top_bottom[::2] != left_right_top_bottom[1::2]:
                raise CannotLower(f"{name} pads unevenly")
            padding = tuple(left_right_top_bottom[::-2]) if padding == "same" else (0, 0)
        self._check_channels(name, self._plane(name, value), layer.in_channels)
        return _Value(
            self.build.conv2d(
                value.number,
                name,
                layer.out_channels,
                _pair(layer.kernel_size),
                stride=_pair(layer.stride),
                padding=_pair(padding),
                dilation=_pair(layer.dilation),
                groups=layer.groups,
                bias=layer.bias is not None,
                body=self._in_body(f"{name}.weight"),
            )
        )

    def _batch_norm(self, layer: nn.BatchNorm2d, name: str, value: _Value) -> _Value:
        channels, height, width = self.build.shapes[value.number]
        if value.flat and height * width > 1:
            raise CannotLower(f"{name} normalises a flattened image")
        self._check_channels(name, channels, layer.num_features)
        body = self._in_body(f"{name}.weight")
        affine = layer.weight is not None
        number = self.build.batch_norm(value.number, name, layer.eps, affine=affine, body=body)
        return _Value(number, value.flat)

    def _linear(self, layer: nn.Linear, name: str, value: _Value) -> _Value:
        size = math.prod(self.build.shapes[value.number])
        if not value.flat:
            raise CannotLower(f"{name} reads an image that isn't flattened")
        self._check_channels(name, size, layer.in_features)
        body = self._in_body(f"{name}.weight")
        bias = layer.bias is not None
        number = self.build.linear(value.number, name, layer.out_features, bias=bias, body=body)
        return _Value(number, flat=True)

    def _relu(self, value: _Value) -> _Value:
        return _Value(self.build.relu(value.number, counted=not value.flat), value.flat)

    def _avg_pool(self, options: dict, value: _Value) -> _Value:
        kernel, stride, padding = _window(options)
        if options.get("ceil_mode") or options.get("divisor_override") is not None:
            raise CannotLower("an average pool rounds up or has a divisor of its own")
        include = bool(options.get("count_include_pad", True))
        return _Value(
            self.build.avg_pool(value.number, kernel, stride, padding, count_include_pad=include)
        )

    def _max_pool(self, options: dict, value: _Value) -> _Value:
        kernel, stride, padding = _window(options)
        dilation = options.get("dilation", 1)
        if options.get("ceil_mode") or options.get("return_indices") or dilation not in (1, (1, 1)):
            raise CannotLower("a max pool rounds up, is dilated or returns indices")
        return _Value(self.build.max_pool(value.number, kernel, stride, padding))

    def _global_pool(self, output_size: object, value: _Value) -> _Value:
        if output_size not in (1, (1, 1), [1, 1]):
            raise CannotLower(f"an adaptive pool gives {output_size} instead of 1×1")
        return _Value(self.build.global_avg_pool(value.number))

    def _plane(self, name: str, value: _Value) -> int:
        if value.flat:
            raise CannotLower(f"{name} reads a flattened image")
        return self.build.shapes[value.number][0]

    def _check_channels(self, name: str, found: int, expected: int) -> None:
        if found != expected:
            raise CannotLower(f"{name} expects {expected} channels and gets {found}")

    # Functions and methods of tensors

    def _call_function(self, node: fx.Node) -> object:
        target = getattr(node.target, "__name__", str(node.target)).strip("_")
        arguments = [self._argument(each) for each in node.args]
        options = {name: self._argument(each) for name, each in node.kwargs.items()}
        lower = _FUNCTIONS.get(target)
        if lower is None:
            raise CannotLower(f"it calls {target}")
        try:
            return lower(self, *arguments, **options)
        except TypeError:
            raise CannotLower(
                f"it calls {target} with arguments that programs don't have"
            ) from None

    def _add(self, left: object, right: object) -> _Value:
        others = [each for each in (left, right) if not isinstance(each, _Value)]
        terms = [each for each in (left, right) if isinstance(each, _Value)]
        if any(other != 0 for other in others):
            raise CannotLower("it adds something that isn't a value of the network")
        if len({self.build.shapes[each.number] for each in terms}) != 1:
            raise CannotLower("it adds values of different shapes")
        return _Value(self.build.add([each.number for each in terms]), terms[0].flat)

    def _multiply(self, left: object, right: object) -> _Value:
        value, factor = (left, right) if isinstance(left, _Value) else (right, left)
        if not isinstance(value, _Value) or not isinstance(factor, int | float):
            raise CannotLower("it multiplies by something other than a number")
        if factor == 0:
            return _Value(self.build.zeros(self.build.shapes[value.number]), value.flat)
        name = f"{CONSTANT}{factor!r}"
        self._constants[name] = float(factor)
        return _Value(self.build.scale(value.number, name), value.flat)

    def _pad(
        self, image: _Value, pad: Sequence[int], mode: str = "constant", value: object = None
    ) -> _Value:
        if mode != "constant" or value not in (None, 0) or len(pad) != 4 or image.flat:
            raise CannotLower("it pads something other than the image plane with zeros")
        return _Value(self.build.pad(image.number, *pad))

    def _concat(self, values: Sequence[_Value], dim: int = 0) -> _Value:
        if dim != 1 or any(each.flat for each in values):
            raise CannotLower("it concatenates along something other than channels")
        return _Value(self.build.concat([each.number for each in values]))

    def _flatten(self, value: _Value, start_dim: int = 0, end_dim: int = -1) -> _Value:
        if start_dim != 1 or end_dim not in (-1, 3):
            raise CannotLower("it flattens something other than the image")
        return _Value(value.number, flat=True)

    def _reshape(self, value: _Value, *sizes: object) -> _Value:
        if len(sizes) == 1 and isinstance(sizes[0], list | tuple):
            sizes = tuple(sizes[0])
        total = math.prod(self.build.shapes[value.number])
        if len(sizes) != 2 or sizes[0] is not _BATCH_SIZE or sizes[1] not in (-1, total):
            raise CannotLower("it reshapes to something other than (N, features)")
        return _Value(value.number, flat=True)

    def _mean(self, value: _Value, dim: object = None, keepdim: bool = False) -> _Value:
        if value.flat or sorted(each % 4 for each in _as_tuple(dim)) != [2, 3]:
            raise CannotLower("it averages over something other than the image plane")
        return _Value(self.build.global_avg_pool(value.number), flat=not keepdim)

    def _size(self, value: _Value, dim: int | None = None) -> object:
        if dim is None:
            return (_BATCH_SIZE, *self.build.shapes[value.number])
        return (_BATCH_SIZE, *self.build.shapes[value.number])[dim]

    def _getattr(self, value: _Value, name: str) -> object:
        if name != "shape":
            raise CannotLower(f"it reads the attribute {name} of a tensor")
        return self._size(value)

    def _getitem(self, value: Any, index: Any) -> object:
        if isinstance(value, tuple):
            return value[index]
        whole = slice(None, None, None)
        if not isinstance(index, tuple) or len(index) != 4 or index[:2] != (whole, whole):
            raise CannotLower("it indexes something other than the image plane")
        _, height, width = self.build.shapes[value.number]
        top, bottom = _crop(index[2], height)
        left, right = _crop(index[3], width)
        return _Value(self.build.pad(value.number, -left, -right, -top, -bottom))


def _crop(index: object, size: int) -> tuple[int, int]:
    if not isinstance(index, slice) or index.step not in (None, 1):
        raise CannotLower("it takes single rows or every other row of an image")
    start, stop, _ = index.indices(size)
    return start, size - stop


def _as_tuple(value: Any) -> tuple[int, ...]:
    if isinstance(value, int):
        return (value,)
    return tuple(value) if value is not None else ()


def _pair(value: Any) -> tuple[int, int]:
    return tuple(value) if isinstance(value, list | tuple) else (value, value)


def _window(options: dict) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    kernel = _pair(options["kernel_size"])
    stride = options.get("stride")
    return kernel, kernel if stride is None else _pair(stride), _pair(options.get("padding", 0))


def _pool_function(method: Callable) -> Callable:
    names = ("kernel_size", "stride", "padding")

    def lower(self: _Lowering, value: _Value, *arguments: object, **options: object) -> _Value:
        if len(arguments) > len(names):
            raise CannotLower("it calls a pool with unnamed options")
        return method(self, dict(zip(names, arguments, strict=False)) | options, value)

    return lower


_NOTHING = (nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)
_LAYERS: tuple[tuple[tuple[type, ...], Callable], ...] = (
    ((nn.Conv2d,), _Lowering._conv2d),
    ((nn.BatchNorm2d, nn.BatchNorm1d), _Lowering._batch_norm),
    ((nn.Linear,), _Lowering._linear),
    ((nn.ReLU,), lambda self, layer, name, value: self._relu(value)),
    ((nn.AvgPool2d,), lambda self, layer, name, value: self._avg_pool(vars(layer), value)),
    ((nn.MaxPool2d,), lambda self, layer, name, value: self._max_pool(vars(layer), value)),
    (
        (nn.AdaptiveAvgPool2d,),
        lambda self, layer, name, value: self._global_pool(layer.output_size, value),
    ),
    (
        (nn.Flatten,),
        lambda self, layer, name, value: self._flatten(value, layer.start_dim, layer.end_dim),
    ),
    (_NOTHING, lambda self, layer, name, value: value),
)

_FUNCTIONS: dict[str, Callable] = {
    "add": _Lowering._add,
    "iadd": _Lowering._add,
    "mul": _Lowering._multiply,
    "imul": _Lowering._multiply,
    "cat": _Lowering._concat,
    "relu": lambda self, value, inplace=False: self._relu(value),
    "flatten": _Lowering._flatten,
    "view": _Lowering._reshape,
    "reshape": _Lowering._reshape,
    "mean": _Lowering._mean,
    "size": _Lowering._size,
    "getattr": _Lowering._getattr,
    "getitem": _Lowering._getitem,
    "avg_pool2d": _pool_function(_Lowering._avg_pool),
    "max_pool2d": _pool_function(_Lowering._max_pool),
    "pad": _Lowering._pad,
    "boolean_dispatch": _pool_function(_Lowering._max_pool),
    "adaptive_avg_pool2d": lambda self, value, output_size: self._global_pool(output_size, value),
}
