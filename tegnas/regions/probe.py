"""What two inputs show of a network before thousands go through it."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from tegnas.memory import check_memory
from tegnas.regions.activations import Call, Counted, Recorder
from tegnas.regions.statistics import PassStatistics

# A pass of more inputs than fit into this many bytes is cut into smaller ones, where that changes
# no pattern.
PASS_BYTES = 2**30


@dataclass(frozen=True)
class Probe:
    """What two inputs show.

    Attributes:
        calls: the activations, in the order of their calls.
        inputs: how many there were: 2, or 1.
        batch_statistics: whether the inputs of a pass share statistics, so that the size of a pass
            is part of what is counted.
        bytes_per_input: memory that a pass takes for each of its inputs.
        seconds_per_input: of a pass this small that is looked at; larger ones take much less.
    """

    calls: tuple[Call, ...]
    inputs: int
    batch_statistics: bool
    bytes_per_input: int
    seconds_per_input: float

    def fits(self, inputs: int) -> bool:
        """Whether a pass of that many inputs stays within ``PASS_BYTES``."""
        return inputs * self.bytes_per_input <= PASS_BYTES

    def largest_pass(self) -> int:
        """How many inputs fit into ``PASS_BYTES``, at least 16."""
        return max(16, PASS_BYTES // max(1, self.bytes_per_input))


def probe(network: nn.Module, inputs: Tensor, counted: Counted) -> Probe:
    """Run one or two inputs; within ``batch_statistics`` and ``no_grad``."""
    statistics = PassStatistics()
    started = time.perf_counter()
    with (
        statistics,
        Recorder(len(inputs), counted) as recorder,
        _LiveMemory(network) as memory,
    ):
        network(inputs.clone())
    seconds = time.perf_counter() - started
    bits = sum(each.words.numel() * 8 for each in recorder.calls if each.words is not None)
    return Probe(
        tuple(recorder.calls),
        len(inputs),
        bool(statistics.noted),
        (memory.peak + bits) // len(inputs) + 1,
        seconds / len(inputs),
    )


def check_pass(network: nn.Module, found: Probe, inputs: int, device: torch.device) -> None:
    """Raise ``InputError`` where a pass that can't be cut needs more than there is."""
    check_memory(
        inputs * found.bytes_per_input,
        device,
        f"one pass of {inputs:,} inputs through {type(network).__name__}",
        "its BatchNorm statistics are those of the pass, so count on smaller inputs, or on smaller "
        "batches of them",
    )


class _LiveMemory(TorchDispatchMode):
    """The most bytes that results of operations take at one time."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.peak = 0
        self._bytes = 0
        self._tensors: dict[int, int] = {}  # how many show the memory at an address
        self._not_counted = {each.data_ptr() for each in network.parameters()}

    def __torch_dispatch__(
        self,
        func: Callable,
        types: Sequence[type],
        args: tuple = (),
        kwargs: dict | None = None,
    ) -> object:
        output = func(*args, **(kwargs or {}))
        given = {id(each) for each in tree_leaves((args, kwargs))}
        for each in tree_leaves(output):
            if isinstance(each, Tensor) and id(each) not in given:
                self._add(each)
        self.peak = max(self.peak, self._bytes)
        return output

    def _add(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        address, size = storage.data_ptr(), storage.nbytes()
        if address in self._not_counted:
            return
        count = self._tensors.get(address, 0)
        self._tensors[address] = count + 1
        if count == 0:
            self._bytes += size
        weakref.finalize(tensor, self._drop, address, size)

    def _drop(self, address: int, size: int) -> None:
        self._tensors[address] -= 1
        if self._tensors[address] == 0:
            self._bytes -= size
