"""Any ``nn.Module`` of supported layers as a program of the native engine, by way of torch.fx."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from tegnas.engine.aliasing import NEW, NOTHING, VIEW, WRITTEN, form_of_function, form_of_layer
from tegnas.engine.functions import FUNCTIONS, Function
from tegnas.engine.memory import Memory
from tegnas.engine.program import (
    ACTIVATION,
    CONSTANT,
    RELU,
    ParameterLayout,
    Program,
    ProgramBuilder,
    Shape,
)
from tegnas.engine.tracing import CannotLower, trace

__all__ = ["CannotLower", "LoweredModule", "lower_module"]


@dataclass(frozen=True)
class LoweredModule:
    """A program with the parameter vector that the module's weights fill.

    Attributes:
        program: for images of the shape that it was lowered for.
        layout: where each parameter lies in the vector.
        parameters: float32 or float64, as the module's parameters.
        logits: whether the result is of shape (N, K), as kernels need it.
        counted: units of one image by activation: those that make up the activation pattern.
        uncounted: the same for those that don't.
    """

    program: Program
    layout: ParameterLayout
    parameters: Tensor
    logits: bool
    counted: Mapping[str, int]
    uncounted: Mapping[str, int]


@dataclass(frozen=True)
class _Value:
    """A value of the program, and whether it stands for a flattened (N, C·H·W) tensor."""

    number: int
    flat: bool = False


@dataclass(frozen=True)
class _Tensor:
    """What a node of the graph gives: memory, which later nodes may write to, and its form."""

    memory: Memory
    flat: bool


_BATCH_SIZE = object()  # what x.size(0) gives: only good for reshaping


def lower_module(
    module: nn.Module, image_shape: Shape, is_searched: Callable[[str], bool] = lambda name: True
) -> LoweredModule:
    """Trace a module, as it behaves in ``eval()``, and write its program.

    Args:
        module: gives logits (N, K) for images (N, *image_shape).
        is_searched: whether a parameter of that name is a searched weight.

    Raises:
        CannotLower: it uses a layer, a function or control flow that programs don't have.
    """
    lowering = _Lowering(module, image_shape, is_searched)
    for node in trace(module).nodes:
        lowering.visit(node)
    program = _with_pattern(lowering.build.build())
    units = [_units(program, lowering.build.shapes, counted=counted) for counted in (True, False)]
    return LoweredModule(program, lowering.layout, lowering.parameters(), lowering.logits, *units)


def _with_pattern(program: Program) -> Program:
    """Let every activation count that does where none is of an image, as in an MLP."""
    if any(_is_counted(each) for each in program.instructions):
        return program
    instructions = tuple(
        (*each[:-1], 1) if _may_count(each) else each for each in program.instructions
    )
    return replace(program, instructions=instructions)


_MAY_COUNT = frozenset(each.number for each in FUNCTIONS.values() if each.counted)

# As tegnas.regions names them.
_SHOWN = {each.number: name for name, each in FUNCTIONS.items()} | {
    FUNCTIONS["relu6"].number: "hardtanh or ReLU6",
    FUNCTIONS["gelu_tanh"].number: "gelu",
}


def _may_count(instruction: tuple[int, ...]) -> bool:
    opcode, *operands = instruction
    return opcode == RELU or (opcode == ACTIVATION and operands[1] in _MAY_COUNT)


def _is_counted(instruction: tuple[int, ...]) -> bool:
    return instruction[0] in (RELU, ACTIVATION) and instruction[-1] == 1


def _units(program: Program, shapes: Sequence[Shape], *, counted: bool) -> dict[str, int]:
    units: dict[str, int] = {}
    for instruction, shape in zip(program.instructions, shapes[1:], strict=True):
        if instruction[0] in (RELU, ACTIVATION) and _is_counted(instruction) == counted:
            name = "relu" if instruction[0] == RELU else _SHOWN[instruction[2]]
            units[name] = units.get(name, 0) + math.prod(shape)
    return units


class _Lowering:
    def __init__(
        self, module: nn.Module, image_shape: Shape, is_searched: Callable[[str], bool]
    ) -> None:
        self.module = module
        self.layout = ParameterLayout()
        self.build = ProgramBuilder(image_shape, self.layout)
        self._is_searched = is_searched
        self.logits = False
        self._results: dict[fx.Node, object] = {}
        self._called: set[str] = set()
        self._constants: dict[str, float] = {}
        owners: dict[Tensor, str] = {}
        dtypes: set[torch.dtype] = set()
        for name, parameter in module.named_parameters(remove_duplicate=False):
            if parameter in owners:
                raise CannotLower(f"{owners[parameter]} and {name} are one parameter")
            owners[parameter] = name
            dtypes.add(parameter.dtype)
        if len(dtypes) > 1 or not dtypes <= {torch.float32, torch.float64}:
            found = ", ".join(sorted(map(str, dtypes)))
            raise CannotLower(f"its parameters are {found} instead of all float32 or all float64")
        self._dtype = dtypes.pop() if dtypes else torch.float32

    def parameters(self) -> Tensor:
        """The vector that the program reads."""
        state = dict(self.module.named_parameters())
        parts = [torch.zeros(0, dtype=self._dtype)]
        for name, shape, _ in self.layout.entries():
            if name in self._constants:
                parts.append(torch.tensor([self._constants[name]], dtype=self._dtype))
            elif name not in state:
                raise CannotLower(f"{name} is no parameter")
            elif state[name].shape != shape:
                raise CannotLower(f"{name} is of shape {tuple(state[name].shape)}, not {shape}")
            else:
                parts.append(state[name].detach().reshape(-1))
        return torch.cat(parts)

    def visit(self, node: fx.Node) -> None:
        """Translate one node of the traced graph."""
        if node.op == "placeholder":
            if self._results or str(node.target).startswith("*"):
                raise CannotLower("it takes more than one input")
            self._results[node] = _Tensor(Memory(0), flat=False)
        elif node.op == "output":
            result = self._argument(node.args[0])
            if not isinstance(result, _Value) or result.number != len(self.build.instructions):
                raise CannotLower("its output is not the last thing it computes")
            self.logits = result.flat
        elif node.op == "call_module":
            layer = self.module.get_submodule(str(node.target))
            result = self._call_module(node, layer)
            self._keep(node, result, form_of_layer(layer))
        elif node.op in ("call_function", "call_method"):
            result = self._call_function(node)
            self._keep(node, result, form_of_function(node))
        else:
            raise CannotLower(f"it reads {node.target} directly")

    def _keep(self, node: fx.Node, result: object, form: str) -> None:
        """Note what a node gives, and which memory of its argument it shares."""
        if not isinstance(result, _Value):
            self._results[node] = result
            return
        if form == NEW:
            self._results[node] = _Tensor(Memory(result.number), result.flat)
            return
        source = self._results.get(node.args[0]) if isinstance(node.args[0], fx.Node) else None
        if not isinstance(source, _Tensor):
            raise CannotLower("it works in place on something that isn't a value of the network")
        if form == WRITTEN:
            shapes = self.build.shapes
            if shapes[source.memory.number] != shapes[result.number]:
                raise CannotLower("it writes a value to the memory of a smaller one")
            source.memory.write(result.number)
        if form == VIEW:
            self._results[node] = _Tensor(source.memory.view(result.number), result.flat)
        else:
            self._results[node] = source

    def _argument(self, argument: object) -> object:
        if isinstance(argument, fx.Node):
            return self._read(self._results[argument])
        if isinstance(argument, list | tuple):
            return type(argument)(self._argument(each) for each in argument)
        return argument

    def _read(self, result: object) -> object:
        if not isinstance(result, _Tensor):
            return result
        if result.memory.stale:
            raise CannotLower("it reads a value that was changed in place through a view of it")
        return _Value(result.memory.number, result.flat)

    # Layers

    def _call_module(self, node: fx.Node, layer: nn.Module) -> _Value:
        name = str(node.target)
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
                searched=self._is_searched(f"{name}.weight"),
            )
        )

    def _batch_norm(self, layer: nn.BatchNorm2d, name: str, value: _Value) -> _Value:
        channels, height, width = self.build.shapes[value.number]
        if value.flat != isinstance(layer, nn.BatchNorm1d) or (value.flat and height * width > 1):
            raise CannotLower(f"{name} normalises something other than the channels of an image")
        self._check_channels(name, channels, layer.num_features)
        searched = self._is_searched(f"{name}.weight")
        affine = layer.weight is not None
        number = self.build.batch_norm(
            value.number, name, layer.eps, affine=affine, searched=searched
        )
        return _Value(number, value.flat)

    def _linear(self, layer: nn.Linear, name: str, value: _Value) -> _Value:
        size = math.prod(self.build.shapes[value.number])
        if not value.flat:
            raise CannotLower(f"{name} reads an image that isn't flattened")
        self._check_channels(name, size, layer.in_features)
        searched = self._is_searched(f"{name}.weight")
        bias = layer.bias is not None
        number = self.build.linear(
            value.number, name, layer.out_features, bias=bias, searched=searched
        )
        return _Value(number, flat=True)

    def _relu(self, value: _Value) -> _Value:
        return _Value(self.build.relu(value.number, counted=not value.flat), value.flat)

    def _activation(self, function: str, value: _Value, below: float = 0.0) -> _Value:
        counted = FUNCTIONS[function].counted and not value.flat
        number = self.build.activation(value.number, function, counted=counted, below=below)
        return _Value(number, value.flat)

    def _hardtanh(self, value: _Value, low: float, high: float) -> _Value:
        if (low, high) != (0, 6):
            raise CannotLower(f"it bounds values by {low} and {high} instead of 0 and 6")
        return self._activation("relu6", value)

    def _gelu(self, value: _Value, approximate: str) -> _Value:
        function = {"none": "gelu", "tanh": "gelu_tanh"}.get(approximate)
        if function is None:
            raise CannotLower(f"it approximates GELU by {approximate}")
        return self._activation(function, value)

    def _avg_pool(self, options: dict, value: _Value) -> _Value:
        kernel, stride, padding = _window(options)
        self._plane("an average pool", value)
        if options.get("ceil_mode") or options.get("divisor_override") is not None:
            raise CannotLower("an average pool rounds up or has a divisor of its own")
        include = bool(options.get("count_include_pad", True))
        return _Value(
            self.build.avg_pool(value.number, kernel, stride, padding, count_include_pad=include)
        )

    def _max_pool(self, options: dict, value: _Value) -> _Value:
        kernel, stride, padding = _window(options)
        dilation = options.get("dilation", 1)
        self._plane("a max pool", value)
        sides = self.build.shapes[value.number][1:]
        rests = (
            (side + 2 * pad - size) % step
            for side, size, step, pad in zip(sides, kernel, stride, padding, strict=True)
        )
        rounds_up = options.get("ceil_mode") and any(rests)
        if rounds_up or options.get("return_indices") or dilation not in (1, (1, 1)):
            raise CannotLower("a max pool rounds up, is dilated or returns indices")
        return _Value(self.build.max_pool(value.number, kernel, stride, padding))

    def _adaptive_pool(self, output_size: Any, value: _Value) -> _Value:
        self._plane("an adaptive pool", value)
        _, *size = self.build.shapes[value.number]
        wanted = _pair(output_size)
        if wanted == (1, 1):
            return _Value(self.build.global_avg_pool(value.number))
        if any(
            not isinstance(each, int) or each < 1 or full % each
            for full, each in zip(size, wanted, strict=True)
        ):
            raise CannotLower(f"an adaptive pool gives {output_size} of {tuple(size)}")
        window = (size[0] // wanted[0], size[1] // wanted[1])
        return _Value(
            self.build.avg_pool(value.number, window, window, (0, 0), count_include_pad=True)
        )

    def _plane(self, name: str, value: _Value) -> int:
        if value.flat:
            raise CannotLower(f"{name} reads a flattened image")
        return self.build.shapes[value.number][0]

    def _check_channels(self, name: str, found: int, expected: int) -> None:
        if found != expected:
            raise CannotLower(f"{name} expects {expected} channels and gets {found}")

    # Functions and methods of tensors

    def _call_function(self, node: fx.Node) -> object:
        arguments = [self._argument(each) for each in node.args]
        options = {name: self._argument(each) for name, each in node.kwargs.items()}
        called: Any = node.target
        lower = (_METHODS if node.op == "call_method" else _FUNCTIONS).get(called)
        name = getattr(called, "__name__", str(called))
        if lower is None:
            raise CannotLower(f"it calls {name}")
        try:
            return lower(self, *arguments, **options)
        except (TypeError, AttributeError, IndexError, OverflowError):  # of other arguments
            raise CannotLower(f"it calls {name} with arguments that programs don't have") from None

    def _add(self, left: object, right: object) -> _Value:
        others = [each for each in (left, right) if not isinstance(each, _Value)]
        terms = [each for each in (left, right) if isinstance(each, _Value)]
        if not terms or any(other != 0 for other in others):
            raise CannotLower("it adds something that isn't a value of the network")
        if len({(self.build.shapes[each.number], each.flat) for each in terms}) != 1:
            raise CannotLower("it adds values of different shapes")
        return _Value(self.build.add([each.number for each in terms]), terms[0].flat)

    def _multiply(self, left: object, right: object) -> _Value:
        if isinstance(left, _Value) and isinstance(right, _Value):
            return self._product(left, right)
        value, factor = (left, right) if isinstance(left, _Value) else (right, left)
        if not isinstance(value, _Value) or not isinstance(factor, int | float):
            raise CannotLower("it multiplies by something other than a number or a value")
        if factor == 0:
            return _Value(self.build.zeros(self.build.shapes[value.number]), value.flat)
        name = f"{CONSTANT}{factor!r}"
        self._constants[name] = float(factor)
        return _Value(self.build.scale(value.number, name), value.flat)

    def _product(self, left: _Value, right: _Value) -> _Value:
        shapes = [self.build.shapes[each.number] for each in (left, right)]
        channels = {shape[0] for shape in shapes}
        sizes = {shape[1:] for shape in shapes} - {(1, 1)}
        if left.flat != right.flat or len(channels) > 1 or len(sizes) > 1:
            raise CannotLower("it multiplies values of different shapes")
        if left.flat and shapes[0] != shapes[1]:
            raise CannotLower("it multiplies values of different shapes")
        return _Value(self.build.product(left.number, right.number), left.flat)

    def _pad(
        self, image: _Value, pad: Sequence[int], mode: str = "constant", value: object = None
    ) -> _Value:
        if mode != "constant" or value not in (None, 0) or len(pad) != 4 or image.flat:
            raise CannotLower("it pads something other than the image plane with zeros")
        return _Value(self.build.pad(image.number, *pad))

    def _concat(self, values: Sequence[_Value], dim: int = 0) -> _Value:
        if dim != 1 or any(each.flat for each in values):
            raise CannotLower("it concatenates along something other than channels")
        if len({self.build.shapes[each.number][1:] for each in values}) != 1:
            raise CannotLower("it concatenates images of different sizes")
        return _Value(self.build.concat([each.number for each in values]))

    def _flatten(self, value: _Value, start_dim: int = 0, end_dim: int = -1) -> _Value:
        if start_dim != 1 or end_dim not in (-1, 1 if value.flat else 3):
            raise CannotLower("it flattens something other than the image")
        return _Value(value.number, flat=True)

    def _reshape(self, value: _Value, *sizes: object) -> _Value:
        if len(sizes) == 1 and isinstance(sizes[0], list | tuple):
            sizes = tuple(sizes[0])
        shape = self.build.shapes[value.number]
        total = math.prod(shape)
        first = sizes[0] if sizes else None
        # Back to an image of one pixel, as gates are written.
        if len(sizes) == 4 and shape[1:] == (1, 1) and sizes[1:] in ((shape[0], 1, 1), (-1, 1, 1)):
            if first is _BATCH_SIZE or (first == -1 and sizes[1] != -1):
                return _Value(value.number)
        images = len(sizes) == 2 and (sizes[0] is _BATCH_SIZE or sizes == (-1, total))
        if not images or sizes[1] not in (-1, total):
            raise CannotLower("it reshapes to something other than (N, features)")
        return _Value(value.number, flat=True)

    def _mean(self, value: _Value, dim: object = None, keepdim: bool = False) -> _Value:
        dims = sorted(each % 4 for each in _as_tuple(dim))
        if not value.flat and keepdim and dims in ([2], [3]):
            _, height, width = self.build.shapes[value.number]
            window = (height, 1) if dims == [2] else (1, width)
            return _Value(
                self.build.avg_pool(value.number, window, window, (0, 0), count_include_pad=True)
            )
        if value.flat or dims != [2, 3]:
            raise CannotLower("it averages over something other than the image plane")
        return _Value(self.build.global_avg_pool(value.number), flat=not keepdim)

    def _size(self, value: _Value, dim: int | None = None) -> object:
        shape = self.build.shapes[value.number]
        sizes = (_BATCH_SIZE, *((math.prod(shape),) if value.flat else shape))
        return sizes if dim is None else sizes[dim]

    def _getattr(self, value: _Value, name: str) -> object:
        if name != "shape":
            raise CannotLower(f"it reads the attribute {name} of a tensor")
        return self._size(value)

    def _getitem(self, value: Any, index: Any) -> object:
        if isinstance(value, tuple):
            return value[index]
        whole = slice(None, None, None)
        planes = isinstance(index, tuple) and len(index) == 4 and index[:2] == (whole, whole)
        if not planes or value.flat:
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


def _activation_layer(name: str, function: Function) -> Callable:
    def lower(self: _Lowering, layer: nn.Module, _: str, value: _Value) -> _Value:
        below = getattr(layer, function.below[0]) if function.below else 0.0
        return self._activation(name, value, below)

    return lower


def _activation_function(name: str, function: Function) -> Callable:
    factor, default = function.below or (None, 0.0)
    names = ("inplace",) if factor is None else (factor, "inplace")

    def lower(self: _Lowering, value: _Value, *arguments: Any, **options: Any) -> _Value:
        given = dict(zip(names, arguments, strict=False)) | options
        if len(arguments) > len(names) or not given.keys() <= set(names):
            raise CannotLower(f"it calls {name} with arguments that programs don't have")
        return self._activation(name, value, given.get(factor, default))

    return lower


_LAYERS: tuple[tuple[tuple[type, ...], Callable], ...] = (
    ((nn.Conv2d,), _Lowering._conv2d),
    ((nn.BatchNorm2d, nn.BatchNorm1d), _Lowering._batch_norm),
    ((nn.Linear,), _Lowering._linear),
    ((nn.ReLU,), lambda self, layer, name, value: self._relu(value)),
    (
        (nn.ReLU6, nn.Hardtanh),
        lambda self, layer, name, value: self._hardtanh(value, layer.min_val, layer.max_val),
    ),
    ((nn.GELU,), lambda self, layer, name, value: self._gelu(value, layer.approximate)),
    ((nn.AvgPool2d,), lambda self, layer, name, value: self._avg_pool(vars(layer), value)),
    ((nn.MaxPool2d,), lambda self, layer, name, value: self._max_pool(vars(layer), value)),
    (
        (nn.AdaptiveAvgPool2d,),
        lambda self, layer, name, value: self._adaptive_pool(layer.output_size, value),
    ),
    (
        (nn.Flatten,),
        lambda self, layer, name, value: self._flatten(value, layer.start_dim, layer.end_dim),
    ),
    (NOTHING, lambda self, layer, name, value: value),
    # All layers of these classes are the function; the others stand above.
    *(
        ((function.layer,), _activation_layer(name, function))
        for name, function in FUNCTIONS.items()
        if isinstance(function.layer, type)
    ),
)


def _relu_function(self: _Lowering, value: _Value, inplace: bool = False) -> _Value:
    return self._relu(value)


def _hardtanh_function(
    self: _Lowering,
    value: _Value,
    min_val: float = -1.0,
    max_val: float = 1.0,
    inplace: bool = False,
) -> _Value:
    return self._hardtanh(value, min_val, max_val)


def _gelu_function(self: _Lowering, value: _Value, *, approximate: str = "none") -> _Value:
    return self._gelu(value, approximate)


def _dropout(
    self: _Lowering, value: _Value, p: float = 0.5, training: bool = True, inplace: bool = False
) -> _Value:
    if training:
        raise CannotLower("it drops values at random, training or not")
    return value


_max_pool_function = _pool_function(_Lowering._max_pool)
_avg_pool_function = _pool_function(_Lowering._avg_pool)

# By the function itself: a function of the user's may have the name of one of these.
_FUNCTIONS: dict[Callable, Callable] = {
    operator.add: _Lowering._add,
    operator.iadd: _Lowering._add,
    torch.add: _Lowering._add,
    operator.mul: _Lowering._multiply,
    operator.imul: _Lowering._multiply,
    torch.mul: _Lowering._multiply,
    torch.cat: _Lowering._concat,
    torch.relu: _relu_function,
    torch.relu_: _relu_function,
    F.relu: _relu_function,
    F.hardtanh: _hardtanh_function,
    F.hardtanh_: _hardtanh_function,
    F.gelu: _gelu_function,
    F.dropout: _dropout,
    torch.flatten: _Lowering._flatten,
    torch.reshape: _Lowering._reshape,
    torch.mean: _Lowering._mean,
    getattr: _Lowering._getattr,
    operator.getitem: _Lowering._getitem,
    F.avg_pool2d: _avg_pool_function,
    F.max_pool2d: _max_pool_function,
    F.pad: _Lowering._pad,
    F.adaptive_avg_pool2d: lambda self, value, output_size: self._adaptive_pool(output_size, value),
} | {
    called: _activation_function(name, function)
    for name, function in FUNCTIONS.items()
    for called in function.called + function.written
}

_METHODS: dict[str, Callable] = {
    "add": _Lowering._add,
    "add_": _Lowering._add,
    "mul": _Lowering._multiply,
    "mul_": _Lowering._multiply,
    "relu": _relu_function,
    "relu_": _relu_function,
    "flatten": _Lowering._flatten,
    "view": _Lowering._reshape,
    "reshape": _Lowering._reshape,
    "contiguous": lambda self, value: _Value(value.number, value.flat),
    "clone": lambda self, value: _Value(value.number, value.flat),
    "mean": _Lowering._mean,
    "size": _Lowering._size,
} | {
    method + ending: _activation_function(name, function)
    for name, function in FUNCTIONS.items()
    for method in function.methods
    for ending in ("", "_")
}
