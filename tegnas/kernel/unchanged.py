"""A network comes back from a computation exactly as it went in."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, is_dataclass
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

_CONTAINERS = (dict, list, set, deque)
_LOOKED_AT = (nn.Module, Tensor, torch.Generator, np.ndarray, tuple, *_CONTAINERS)


@contextmanager
def unchanged(network: nn.Module) -> Iterator[None]:
    """Whatever happens within the block, ``network`` is afterwards what it was before.

    That holds for the values, ``.grad`` and ``requires_grad`` of its parameters and other tensors,
    for its submodules, hooks and attributes with the lists, dictionaries, sets, NumPy arrays, data
    classes and namespaces among them (a cache that a forward pass fills is emptied again), and for
    the states of the random numbers of torch, NumPy and Python, so that a network that draws some
    gives the same numbers every time.
    What stands behind objects of other kinds is not looked at.
    """
    before = _Snapshot(network)
    try:
        yield
    finally:
        before.restore()


@dataclass(frozen=True)
class _TensorState:
    """One tensor with a copy of what it held."""

    tensor: Tensor
    data: Tensor
    values: Tensor
    requires_grad: bool
    grad: Tensor | None
    grad_values: Tensor | None

    @classmethod
    def of(cls, tensor: Tensor) -> _TensorState:
        grad = tensor.grad if tensor.is_leaf else None
        return cls(
            tensor,
            tensor.data,
            tensor.detach().clone(),
            tensor.requires_grad,
            grad,
            None if grad is None else grad.detach().clone(),
        )

    def restore(self) -> None:
        if self.tensor.data_ptr() != self.data.data_ptr() or self.tensor.shape != self.data.shape:
            self.tensor.data = self.data  # another storage was put in its place
        _put_back(self.data, self.values)
        if self.tensor.is_leaf:
            self.tensor.requires_grad_(self.requires_grad)
            self.tensor.grad = self.grad
            if self.grad is not None and self.grad_values is not None:
                _put_back(self.grad, self.grad_values)


def _put_back(tensor: Tensor, values: Tensor) -> None:
    # Only where something changed: writing would spoil a graph of the user's that reads it.
    if not torch.equal(tensor, values):
        with torch.no_grad():
            tensor.copy_(values)


@lru_cache(maxsize=4096)
def _is_looked_at(kind: type) -> bool:
    """Whether values of a type are; kept, since a network holds thousands of a few types."""
    return _holds_values(kind) or issubclass(kind, _LOOKED_AT)


@lru_cache(maxsize=4096)
def _holds_values(kind: type) -> bool:
    """Whether objects of a type are nothing but their attributes."""
    plain = is_dataclass(kind) and getattr(kind, "__dictoffset__", 0) != 0
    return plain or issubclass(kind, SimpleNamespace)


class _Snapshot:
    def __init__(self, network: nn.Module) -> None:
        self._attributes: list[tuple[Any, dict]] = []
        self._containers: list[tuple[Any, Any]] = []
        self._arrays: list[tuple[np.ndarray, np.ndarray]] = []
        self._tensors: list[_TensorState] = []
        self._generators: list[tuple[torch.Generator, Tensor]] = []
        self._seen: set[int] = set()
        self._visit(network)
        self._random = random.getstate(), np.random.get_state(), torch.get_rng_state()
        devices = {each.tensor.device for each in self._tensors if each.tensor.is_cuda}
        self._cuda_random = {device: torch.cuda.get_rng_state(device) for device in devices}

    def _visit(self, value: Any) -> None:
        kind = type(value)
        if not _is_looked_at(kind) or id(value) in self._seen:  # type: ignore[arg-type]
            return
        self._seen.add(id(value))
        if isinstance(value, nn.Module) or _holds_values(kind):  # type: ignore[arg-type]
            self._attributes.append((value, dict(vars(value))))
            for each in vars(value).values():
                self._visit(each)
        elif isinstance(value, Tensor):
            # Those without values of their own in memory have nothing to be put back.
            if value.layout == torch.strided and not value.is_meta:
                self._tensors.append(_TensorState.of(value))
        elif isinstance(value, np.ndarray):
            if not value.dtype.hasobject:
                self._arrays.append((value, value.copy()))
        elif isinstance(value, torch.Generator):
            self._generators.append((value, value.get_state()))
        else:
            if isinstance(value, _CONTAINERS):
                self._containers.append((value, value.copy()))
            for each in value.values() if isinstance(value, dict) else value:
                self._visit(each)

    def restore(self) -> None:
        for holder, attributes in self._attributes:
            vars(holder).clear()
            vars(holder).update(attributes)
        for container, content in self._containers:
            container.clear()
            (container.update if isinstance(container, dict | set) else container.extend)(content)
        for array, values in self._arrays:
            if array.flags.writeable and not np.array_equal(array, values):
                array[...] = values
        for tensor in self._tensors:
            tensor.restore()
        for generator, state in self._generators:
            generator.set_state(state)
        random.setstate(self._random[0])
        np.random.set_state(self._random[1])
        torch.set_rng_state(self._random[2])
        for device, state in self._cuda_random.items():
            torch.cuda.set_rng_state(state, device)
