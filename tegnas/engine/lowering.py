"""Any ``nn.Module`` of supported layers as a program of the native engine, by way of torch.fx."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, fx, nn

from tegnas.engine.aliasing import NEW, VIEW, WRITTEN, form_of_function, form_of_layer
from tegnas.engine.functions import FUNCTIONS
from tegnas.engine.handlers import CALLED, LAYERS, METHODS
from tegnas.engine.handlers.writing import Value, Writing
from tegnas.engine.memory import Memory
from tegnas.engine.program import (
    ACTIVATION,
    RELU,
    ParameterLayout,
    Program,
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
class _Tensor:
    """What a node of the graph gives: memory, which later nodes may write to, and its form."""

    memory: Memory
    flat: bool


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
    written = lowering.writing
    program = _with_pattern(written.build.build())
    units = [_units(program, written.build.shapes, counted=counted) for counted in (True, False)]
    return LoweredModule(program, written.layout, lowering.parameters(), lowering.logits, *units)


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
        self.writing = Writing(image_shape, is_searched)
        self.logits = False
        self._results: dict[fx.Node, object] = {}
        self._called: set[str] = set()
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
        for name, shape, _ in self.writing.layout.entries():
            if name in self.writing.constants:
                parts.append(torch.tensor([self.writing.constants[name]], dtype=self._dtype))
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
            last = len(self.writing.build.instructions)
            if not isinstance(result, Value) or result.number != last:
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
        if not isinstance(result, Value):
            self._results[node] = result
            return
        if form == NEW:
            self._results[node] = _Tensor(Memory(result.number), result.flat)
            return
        source = self._results.get(node.args[0]) if isinstance(node.args[0], fx.Node) else None
        if not isinstance(source, _Tensor):
            raise CannotLower("it works in place on something that isn't a value of the network")
        if form == WRITTEN:
            shapes = self.writing.build.shapes
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
        return Value(result.memory.number, result.flat)

    # Layers

    def _call_module(self, node: fx.Node, layer: nn.Module) -> Value:
        name = str(node.target)
        if len(node.args) != 1 or node.kwargs:
            raise CannotLower(f"{name} is called with more than one argument")
        value = self._argument(node.args[0])
        if not isinstance(value, Value):
            raise CannotLower(f"{name} isn't called with a tensor")
        if next(layer.parameters(), None) is not None:
            if name in self._called:
                raise CannotLower(f"{name} is called more than once")
            self._called.add(name)
        lower = LAYERS.get(type(layer))
        if lower is None:
            raise CannotLower(f"{name} is a {type(layer).__name__}")
        return lower(self.writing, layer, name, value)

    # Functions and methods of tensors

    def _call_function(self, node: fx.Node) -> object:
        arguments = [self._argument(each) for each in node.args]
        options = {name: self._argument(each) for name, each in node.kwargs.items()}
        called: Any = node.target
        lower = (METHODS if node.op == "call_method" else CALLED).get(called)
        name = getattr(called, "__name__", str(called))
        if lower is None:
            raise CannotLower(f"it calls {name}")
        try:
            return lower(self.writing, *arguments, **options)
        except (TypeError, AttributeError, IndexError, OverflowError):  # of other arguments
            raise CannotLower(f"it calls {name} with arguments that programs don't have") from None
