"""The activations of one forward pass: which piece of its function each unit is in.

A network of piecewise-linear activations is linear wherever no unit changes its piece. A ReLU has
two pieces, told apart by one bit per unit; ReLU6 has three, told apart by two. A smooth one such as
GELU has none, but it bends at zero, where ReLU has its kink: the sign of what enters it says on
which side a unit is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from tegnas.ops import pack_signs
from tegnas.regions.messages import NoRegionsError

Bits = tuple[Tensor, ...]


def _above(*thresholds: float | Tensor | None) -> Callable[[Tensor], Bits]:
    return lambda x: tuple(x > each for each in thresholds if each is not None)


# What each operator takes, by its name in PyTorch without the mark of in-place variants, and the
# bits that it makes of it. They see every layer, function and method that ends in one of these:
# ReLU6 and hardtanh, PReLU, RReLU (its slope is fixed here), clip, torch.max of two tensors.
ACTIVATIONS: dict[str, Callable[..., Bits]] = {
    "relu": _above(0),
    "hardtanh": lambda x, min_val=-1.0, max_val=1.0: _above(min_val, max_val)(x),
    "leaky_relu": lambda x, negative_slope=0.01: _above(0)(x),
    "_prelu_kernel": lambda x, weight: _above(0)(x),
    "rrelu_with_noise": lambda x, *options: _above(0)(x),
    "hardsigmoid": _above(-3, 3),
    "threshold": lambda x, threshold, value: _above(threshold)(x),
    "hardshrink": lambda x, lambd=0.5: _above(-lambd, lambd)(x),
    "softshrink": lambda x, lambd=0.5: _above(-lambd, lambd)(x),
}

# Piecewise linear as well, but often part of something else, as of a norm: they have no say in
# whether the feature maps alone count.
ARITHMETIC: dict[str, Callable[..., Bits]] = {
    "abs": _above(0),
    "clamp": lambda x, min=None, max=None: _above(min, max)(x),
    "clamp_min": lambda x, min: _above(min)(x),
    "clamp_max": lambda x, max: _above(max)(x),
    "maximum": lambda x, other: _above(other)(x),
    "minimum": lambda x, other: _above(other)(x),
    "fmax": lambda x, other: _above(other)(x),
    "fmin": lambda x, other: _above(other)(x),
}

MAX_POOLS = (
    "max_pool2d_with_indices",
    "max_pool3d_with_indices",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
)

# Smooth forms of ReLU: without pieces, but with a bend at zero.
BENDS: dict[str, Callable[..., Bits]] = {
    name: lambda x, *options, **named: _above(0)(x)
    for name in (
        "celu",
        "elu",
        "gelu",
        "hardswish",
        "log_sigmoid_forward",
        "mish",
        "silu",
        "softplus",
    )
}

# Gates and squashing functions, straightest where ReLU has its kink: what no pattern sees.
_GATES = ("glu", "mkldnn_rnn_layer", "sigmoid", "tanh")

# Activations without pieces: what a count of linear regions doesn't see.
SMOOTH = (*BENDS, *_GATES)

SHOWN = {
    "_prelu_kernel": "prelu",
    "hardtanh": "hardtanh or ReLU6",
    "log_sigmoid_forward": "logsigmoid",
    "mkldnn_rnn_layer": "lstm",
    "rrelu_with_noise": "rrelu",
} | {name: name.removesuffix("_with_indices") for name in MAX_POOLS}


@dataclass(frozen=True)
class Call:
    """One call of an activation in a pass of M inputs.

    Attributes:
        name: of the operator.
        dims: dimensions of its output.
        units: how many, of one input.
        words: its bits, int64 (M, W) with a row per index of the first dimension; (1, W) where that
            isn't as long as the pass. None for smooth ones.
        bits: how many bits ``words`` holds of each unit; 0 where a word is a number.
        trace: a random projection of its input, one number per row of ``words``: rows of different
            values have different ones.
    """

    name: str
    dims: int
    units: int
    words: Tensor | None = None
    bits: int = 1
    trace: Tensor | None = None

    def whole(self, inputs: int) -> Call:
        """The same, with all that it holds taken for part of every input's pattern."""
        assert self.words is not None
        words = self.words.reshape(1, -1)
        if len(self.words) > 1 and self.bits:
            # As it would have been packed, had its rows been taken for one.
            places = torch.arange(64, device=words.device)
            bits = (self.words[:, :, None] >> places & 1).bool().flatten(1)
            each = bits[:, : self.bits * self.units].reshape(len(bits), self.bits, -1)
            words = pack_signs([each.transpose(0, 1).reshape(1, -1)])
        return replace(self, words=words.expand(inputs, -1))


@dataclass(frozen=True)
class Counted:
    """What is part of a pattern beside the pieces of piecewise-linear activations.

    Attributes:
        max_pool: which input of its window a max pool passes on.
        smooth: the sign of what enters a smooth form of ReLU (``BENDS``).
    """

    max_pool: bool = False
    smooth: bool = False


class Recorder(TorchDispatchMode):
    """Collects the activations of one pass, called as layers, functions or in place."""

    def __init__(self, inputs: int, counted: Counted) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self._inputs = inputs
        self._max_pool = counted.max_pool
        self._bits = {**ACTIVATIONS, **ARITHMETIC, **(BENDS if counted.smooth else {})}

    def __torch_dispatch__(
        self,
        func: Callable,
        types: Sequence[type],
        args: tuple = (),
        kwargs: dict | None = None,
    ) -> object:
        name = func._schema.name.removeprefix("aten::")  # type: ignore[attr-defined]
        name = name.removesuffix("_")
        options = {key: value for key, value in (kwargs or {}).items() if key != "out"}
        bits = self._bits.get(name)
        if bits is not None and args and args[0].is_floating_point():
            # Before it runs: it may write over what it reads.
            self._note_bits(name, args[0], bits(*args, **options))
        output = func(*args, **(kwargs or {}))
        if name in MAX_POOLS:
            self._note_pool(name, args[0], output[1])
        elif name in SMOOTH and name not in self._bits:
            shown = output if isinstance(output, Tensor) else output[0]
            self.calls.append(Call(name, shown.dim(), shown.numel() // self._inputs))
        return output

    def _note_bits(self, name: str, values: Tensor, bits: Bits) -> None:
        if bits:
            rows = self._rows(bits[0])
            words = pack_signs([each.reshape(rows, -1) for each in bits])
            units = bits[0].numel() // self._inputs if rows > 1 else bits[0].numel()
            trace = _trace(values.expand(bits[0].shape), rows)
            self.calls.append(Call(name, bits[0].dim(), units, words, len(bits), trace))

    def _note_pool(self, name: str, values: Tensor, winners: Tensor) -> None:
        units = winners.numel() // self._inputs
        if not self._max_pool:
            self.calls.append(Call(name, winners.dim(), units))
            return
        rows = self._rows(winners)
        words = winners.reshape(rows, -1)
        self.calls.append(Call(name, winners.dim(), units, words, 0, _trace(values, rows)))

    def _rows(self, values: Tensor) -> int:
        """How many rows there may be: of one input, all of it is one."""
        apart = self._inputs > 1 and values.dim() > 0 and len(values) == self._inputs
        return self._inputs if apart else 1


def _trace(values: Tensor, rows: int) -> Tensor:
    flat = torch.nan_to_num(values.reshape(rows, -1).double(), posinf=0.0, neginf=0.0)
    generator = torch.Generator().manual_seed(flat.shape[1])
    weights = torch.randn(flat.shape[1], generator=generator, dtype=torch.float64)
    return flat @ weights.to(flat.device)


def counted_calls(calls: Sequence[Call]) -> list[int]:
    """Which calls make up the pattern: those on feature maps (4-D), all where there are none."""
    countable = [index for index, call in enumerate(calls) if call.words is not None]
    leading = [index for index in countable if calls[index].name not in ARITHMETIC] or countable
    if any(calls[index].dims == 4 for index in leading):
        return [index for index in countable if calls[index].dims == 4]
    return countable


def units(calls: Sequence[Call]) -> dict[str, int]:
    """Units of one input by the name that activations are shown by."""
    found: dict[str, int] = {}
    for call in calls:
        name = SHOWN.get(call.name, call.name)
        found[name] = found.get(name, 0) + call.units
    return found


def check_countable(network: nn.Module, calls: Sequence[Call]) -> None:
    """Raise ``NoRegionsError`` where nothing makes up a pattern."""
    if not counted_calls(calls):
        has = ", ".join(units(calls)) or "none"
        raise NoRegionsError(
            f"{type(network).__name__} has no piecewise-linear activation such as ReLU (it has "
            f"{has}): linear regions aren't defined for it"
        )
