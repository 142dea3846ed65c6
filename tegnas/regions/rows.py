"""The patterns of the inputs of one pass, each made of what belongs to that input.

That row i of an activation belongs to input i is nothing to trust: sequences may come first,
windows may be folded into the batch, a layer may see the batch in another order. So a pass is run
again with its inputs in another order. Where every row went along with its input, rows are
patterns. Where not, the inputs go through the network one by one, normalised by the statistics of
their pass. A network that says so (``keeps_rows``) is taken at its word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from tegnas.errors import InputError
from tegnas.kernel.row_owners import keeps_rows
from tegnas.kernel.unchanged import unchanged
from tegnas.regions.activations import Call, Counted, Recorder, check_countable, counted_calls
from tegnas.regions.statistics import PassStatistics

# Below this many inputs, one random order may be one that a network's own order goes along with.
_FEW = 8

# Rounding moves a projection by less than this part of the differences between inputs, and by less
# than this part of its size.
_OF_DIFFERENCES, _OF_SIZE = 1e-3, 1e-6


class PatternReader:
    """The patterns of one network, pass by pass.

    Args:
        network: within ``batch_statistics`` and ``no_grad``.
        counted: what is part of a pattern.
        once: whether what several activations read counts once. Decided by the first pass.

    Attributes:
        one_by_one: whether any inputs had to go through the network alone.
        calls: the activations of the last pass of a network that is taken at its word.
    """

    def __init__(self, network: nn.Module, counted: Counted, *, once: bool = False) -> None:
        self._network = network
        self._counted = counted
        self._repeated: set[int] | None = None if once else set()
        self._constants: set[int] | None = None  # calls that are the same for all; once known
        self.one_by_one = False
        self.calls: list[Call] = []

    def patterns(self, inputs: Tensor) -> Tensor:
        """int64 (M, W): inputs of equal rows lie in one linear region."""
        if len(inputs) == 1 or keeps_rows(self._network):
            self.calls, _ = self._run(inputs)
            check_countable(self._network, self.calls)
            return self._words(self.calls, len(inputs))
        # Of two inputs no order tells whether the network swaps them.
        if not self.one_by_one and (len(inputs) > 2 or self._constants is not None):
            calls = self._by_rows(inputs)
            if calls is not None:
                return self._words(calls, len(inputs))
            self.one_by_one = True
        return torch.cat(list(self._alone(inputs)))

    def _by_rows(self, inputs: Tensor) -> list[Call] | None:
        """The activations with a row for every input, None if rows aren't those of inputs.

        What is the same whatever the inputs are, as an activation of a parameter, is part of every
        pattern.
        """
        calls, _ = self._run(inputs)
        constants = self._constants
        if constants is None:
            constants = self._strangers(inputs, calls)
            if constants and not self._are_constant(inputs, calls, constants):
                return None
            if len(inputs) >= _FEW:
                self._constants = constants
        elif not all(_has_rows(calls[i], len(inputs)) for i in _others(calls, constants)):
            return None
        return [
            call.whole(len(inputs)) if index in constants else call
            for index, call in enumerate(calls)
        ]

    def _strangers(self, inputs: Tensor, calls: Sequence[Call]) -> set[int]:
        """The counted calls whose rows don't go along with their inputs."""
        counted = counted_calls(calls)
        strangers = {index for index in counted if not _has_rows(calls[index], len(inputs))}
        for order in _orders(len(inputs)):
            again, _ = self._run(inputs[order.to(inputs.device)])
            strangers |= {
                index
                for index in counted
                if not _same_names(calls, again) or not _follows(calls[index], again[index], order)
            }
        return strangers

    def _are_constant(self, inputs: Tensor, calls: Sequence[Call], which: set[int]) -> bool:
        """Whether some calls are the same for other inputs."""
        others, _ = self._run(_others_than(inputs))
        return _same_names(calls, others) and all(
            _is_constant(calls[index], others[index]) for index in which
        )

    def _alone(self, inputs: Tensor) -> Iterator[Tensor]:
        statistics = PassStatistics()
        with statistics:
            together, outputs = self._run(inputs)
        if self._repeated is None:
            self._repeated = _repeated(together)
        for index in range(len(inputs)):
            one = inputs[index : index + 1]
            try:
                with PassStatistics(of=statistics):
                    calls, found = self._run(one)
            except (RuntimeError, ValueError, IndexError) as error:
                raise self._refusal(f"it doesn't take a single one ({error})") from error
            expected = [each[index : index + 1] for each in outputs]
            if not outputs or not _agree(outputs, expected, found):
                raise self._refusal("what it gives for one depends on the others")
            yield self._words(calls, 1)

    def _words(self, calls: Sequence[Call], rows: int) -> Tensor:
        if self._repeated is None:
            self._repeated = _repeated(calls)
        chosen = [index for index in counted_calls(calls) if index not in self._repeated]
        words = [calls[index].words for index in chosen]
        return torch.cat([each.expand(rows, -1) for each in words if each is not None], 1)

    def _run(self, inputs: Tensor) -> tuple[list[Call], list[Tensor]]:
        with Recorder(len(inputs), self._counted) as recorder:
            outputs = self._outputs(inputs, len(inputs))
        return recorder.calls, outputs

    def _outputs(self, inputs: Tensor, count: int) -> list[Tensor]:
        # What a run leaves behind in the network must not change the next one.
        with nullcontext() if keeps_rows(self._network) else unchanged(self._network):
            result = self._network(inputs.clone())  # it may work in place on what it is given
        leaves = [each for each in tree_leaves(result) if isinstance(each, Tensor)]
        return [each for each in leaves if each.dim() > 0 and len(each) == count]

    def _refusal(self, reason: str) -> InputError:
        return InputError(
            f"can't tell which activations of {type(self._network).__name__} belong to which "
            f"input: it doesn't keep the inputs in their order, and {reason}; wrap it in a module "
            "that gives one row of outputs per input"
        )


def _others_than(inputs: Tensor) -> Tensor:
    """Other inputs that the network takes: whole numbers are those of the inputs, mixed."""
    if inputs.is_floating_point():
        return 1 - 2 * inputs
    generator = torch.Generator().manual_seed(0x7E6A5)
    places = torch.randperm(inputs.numel(), generator=generator).to(inputs.device)
    return inputs.flatten()[places].reshape(inputs.shape)


def _orders(count: int) -> list[Tensor]:
    """Orders that only a network that keeps rows with their inputs goes along with."""
    if count >= _FEW:
        generator = torch.Generator().manual_seed(0x7E6A5)
        return [torch.randperm(count, generator=generator)]
    swapped = torch.arange(count)
    swapped[:2] = torch.tensor([1, 0])
    return [torch.arange(count).roll(1), swapped]  # together they make up every order


def _has_rows(call: Call, count: int) -> bool:
    return call.words is not None and len(call.words) == count


def _others(calls: Sequence[Call], constants: set[int]) -> list[int]:
    return [index for index in counted_calls(calls) if index not in constants]


def _same_names(calls: Sequence[Call], others: Sequence[Call]) -> bool:
    return [each.name for each in calls] == [each.name for each in others]


def _follows(call: Call, again: Call, order: Tensor) -> bool:
    """Whether the rows of the second pass are those of the first in the new order."""
    assert call.trace is not None and again.trace is not None
    if call.trace.shape != again.trace.shape or len(call.trace) != len(order):
        return False
    expected = call.trace[order.to(call.trace.device)]
    spread = call.trace.max() - call.trace.min()
    allowed = _OF_DIFFERENCES * spread + _OF_SIZE * call.trace.abs().max()
    return bool((again.trace - expected).abs().max() <= allowed)


def _is_constant(call: Call, other: Call) -> bool:
    assert call.words is not None and other.words is not None
    assert call.trace is not None and other.trace is not None
    same = call.words.shape == other.words.shape and torch.equal(call.words, other.words)
    return same and torch.allclose(call.trace, other.trace)


def _agree(outputs: Sequence[Tensor], expected: Sequence[Tensor], found: Sequence[Tensor]) -> bool:
    """Whether the outputs of one input alone are those that it has in its pass."""
    if [each.shape for each in expected] != [each.shape for each in found]:
        return False
    for every, wanted, got in zip(outputs, expected, found, strict=True):
        values = torch.nan_to_num(every.double())
        spread = (values.amax(0) - values.amin(0)).max() if values.numel() else 0.0
        allowed = _OF_DIFFERENCES * spread + _OF_SIZE * values.abs().max()
        if (torch.nan_to_num(got.double()) - torch.nan_to_num(wanted.double())).abs().max() > (
            allowed
        ):
            return False
    return True


def _repeated(calls: Sequence[Call]) -> set[int]:
    """The counted calls of which an earlier one reads the same values and makes the same bits."""
    found, seen = set(), set()
    for index in counted_calls(calls):
        words, trace = calls[index].words, calls[index].trace
        assert words is not None and trace is not None
        # Layers that tell no two inputs apart may be alike by chance.
        if bool((trace != trace[0]).any()):
            one = tuple(each.cpu().numpy().tobytes() for each in (trace, words))
            if one in seen:
                found.add(index)
            seen.add(one)
    return found
