"""Sums, products, padding and concatenation of values."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F

from tegnas.engine.handlers.writing import Value, Writing
from tegnas.engine.program import CONSTANT
from tegnas.engine.tracing import CannotLower


def add(writing: Writing, left: object, right: object) -> Value:
    others = [each for each in (left, right) if not isinstance(each, Value)]
    terms = [each for each in (left, right) if isinstance(each, Value)]
    if not terms or any(other != 0 for other in others):
        raise CannotLower("it adds something that isn't a value of the network")
    if len({(writing.shape(each), each.flat) for each in terms}) != 1:
        raise CannotLower("it adds values of different shapes")
    return Value(writing.build.add([each.number for each in terms]), terms[0].flat)


def multiply(writing: Writing, left: object, right: object) -> Value:
    if isinstance(left, Value) and isinstance(right, Value):
        return product(writing, left, right)
    value, factor = (left, right) if isinstance(left, Value) else (right, left)
    if not isinstance(value, Value) or not isinstance(factor, int | float):
        raise CannotLower("it multiplies by something other than a number or a value")
    if factor == 0:
        return Value(writing.build.zeros(writing.shape(value)), value.flat)
    name = f"{CONSTANT}{factor!r}"
    writing.constants[name] = float(factor)
    return Value(writing.build.scale(value.number, name), value.flat)


def product(writing: Writing, left: Value, right: Value) -> Value:
    shapes = [writing.shape(each) for each in (left, right)]
    channels = {shape[0] for shape in shapes}
    sizes = {shape[1:] for shape in shapes} - {(1, 1)}
    if left.flat != right.flat or len(channels) > 1 or len(sizes) > 1:
        raise CannotLower("it multiplies values of different shapes")
    if left.flat and shapes[0] != shapes[1]:
        raise CannotLower("it multiplies values of different shapes")
    return Value(writing.build.product(left.number, right.number), left.flat)


def pad(
    writing: Writing, image: Value, pad: Sequence[int], mode: str = "constant", value: object = None
) -> Value:
    if mode != "constant" or value not in (None, 0) or len(pad) != 4 or image.flat:
        raise CannotLower("it pads something other than the image plane with zeros")
    return Value(writing.build.pad(image.number, *pad))


def concat(writing: Writing, values: Sequence[Value], dim: int = 0) -> Value:
    if dim != 1 or any(each.flat for each in values):
        raise CannotLower("it concatenates along something other than channels")
    if len({writing.shape(each)[1:] for each in values}) != 1:
        raise CannotLower("it concatenates images of different sizes")
    return Value(writing.build.concat([each.number for each in values]))


CALLED: dict[Callable, Callable] = {
    operator.add: add,
    operator.iadd: add,
    torch.add: add,
    operator.mul: multiply,
    operator.imul: multiply,
    torch.mul: multiply,
    torch.cat: concat,
    F.pad: pad,
}

METHODS: dict[str, Callable] = {"add": add, "add_": add, "mul": multiply, "mul_": multiply}
