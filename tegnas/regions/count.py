"""Activation patterns of a set of inputs: how many there are, and how far they are apart."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tegnas import ops
from tegnas.kernel.batch_statistics import batch_statistics
from tegnas.kernel.row_owners import keeps_rows
from tegnas.regions.activations import (
    BENDS,
    MAX_POOLS,
    SHOWN,
    Call,
    Counted,
    check_countable,
    counted_calls,
    units,
)
from tegnas.regions.messages import RegionsWarning
from tegnas.regions.probe import Probe, check_pass, probe
from tegnas.regions.rows import PatternReader

# Regions this close to the number of inputs are at their ceiling, if that isn't next to nothing.
_CEILING, _LEAST = 0.975, 10

# Smooth activations that are a smaller part of all units than this aren't worth a word.
_FEW_SMOOTH = 0.1

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Regions:
    """The number of linear regions, and what was counted.

    Attributes:
        count: inputs with different patterns.
        inputs: how many there were.
        counted: units of one input by activation: those that make up its pattern.
        uncounted: the same for those that don't: activations without pieces (SiLU) unless their
            signs were asked for, those outside feature maps where others are on them, max pools
            unless they were asked for.
        one_by_one: inputs went through the network alone, since it doesn't keep them in order.
    """

    count: int
    inputs: int
    counted: Mapping[str, int]
    uncounted: Mapping[str, int]
    one_by_one: bool = False

    @property
    def signs(self) -> Mapping[str, int]:
        """Those of ``counted`` that have no pieces and count by the sign of what enters them."""
        return {name: units for name, units in self.counted.items() if name in _SHOWN_BENDS}

    def cautions(self) -> tuple[str, ...]:
        """One sentence for each reason why the number says little, or is none of regions."""
        return (*self.of_signs(), *self.of_activations(), *self._of_ceiling())

    def of_signs(self) -> tuple[str, ...]:
        """A sentence where activations without pieces are part of the patterns."""
        if not self.signs:
            return ()
        names = ", ".join(self.signs)
        if self.signs == self.counted:
            return (
                f"there is no piecewise-linear activation such as ReLU (it has {names}): R is the "
                f"number of patterns of the signs of what enters {names}, and not one of linear "
                "regions",
            )
        return (
            f"R is the number of patterns in which {names} counts by the sign of what enters it, "
            "and not one of linear regions",
        )

    def of_activations(self) -> tuple[str, ...]:
        """A sentence where a good part of the activations has no pieces."""
        smooth = {
            name: units
            for name, units in self.uncounted.items()
            if name not in self.counted and name not in _SHOWN_POOLS
        }
        counted, unseen = sum(self.counted.values()), sum(smooth.values())
        if unseen <= _FEW_SMOOTH * (counted + unseen):
            return ()
        return (
            f"linear regions are those of {', '.join(self.counted)} alone, {counted:,} of "
            f"{counted + unseen:,} units: {', '.join(smooth)} aren't part of any pattern",
        )

    def _of_ceiling(self) -> tuple[str, ...]:
        if self.inputs < _LEAST or self.count < _CEILING * self.inputs:
            return ()
        return (
            f"linear regions are at their ceiling, {self.count:,} of {self.inputs:,} inputs: the "
            "number says nothing about the network; smaller inputs, or more of them, would, and so "
            "does the indicator kernel_rank",
        )


_SHOWN_POOLS = frozenset(SHOWN[name] for name in MAX_POOLS)
_SHOWN_BENDS = frozenset(SHOWN.get(name, name) for name in BENDS)


def count_regions(
    network: nn.Module, batches: Iterable[Tensor], *, max_pool: bool = False, smooth: bool = False
) -> int:
    """Distinct activation patterns over all inputs of all batches (TEG-NAS, section 3.2).

    The arguments and errors are those of ``measure_regions``.

    Warns:
        RegionsWarning: the number is none of regions, as signs of smooth activations were counted,
            or it says little: most activations have no pieces, or every input is a region of its
            own.
    """
    found = measure_regions(network, batches, max_pool=max_pool, smooth=smooth)
    warn_of(found, stacklevel=2)
    return found.count


def warn_of(found: Regions, *, stacklevel: int) -> None:
    """Say where the number says little."""
    for caution in found.cautions():
        warnings.warn(caution, RegionsWarning, stacklevel=stacklevel + 1)


def measure_regions(
    network: nn.Module,
    batches: Iterable[Tensor],
    *,
    max_pool: bool = False,
    smooth: bool = False,
    progress: Progress | None = None,
) -> Regions:
    """Distinct activation patterns over all inputs of all batches, and what they are made of.

    A pattern says in which piece of its function every unit of every piecewise-linear activation
    is: ReLU (output > 0), ReLU6, LeakyReLU, PReLU, RReLU, hardtanh, hardsigmoid, threshold, the
    shrinks, clamp, absolute value, maximum and minimum of two. Activations whose output is 4-D
    count alone where there are any, and all where there are none, as in an MLP. The count is exact.

    BatchNorm uses the statistics of each batch. Where there is none, large batches go through the
    network in parts.

    Args:
        network: anything that calls such activations, and keeps the order of its inputs or gives a
            row of outputs for each.
        batches: input tensors, the input's index first.
        max_pool: whether which input of its window a max pool passes on is part of the pattern.
        smooth: whether the sign of what enters GELU, SiLU, hardswish, ELU, CELU, mish, softplus and
            logsigmoid is. These bend where ReLU has its kink; what is counted are then patterns of
            bends and no longer linear regions alone, which ``Regions.signs`` says.
        progress: called with the number of inputs that are done.

    Raises:
        NoRegionsError: the network has no such activation.
        InputError: it can't be known what of an activation belongs to which input, or a pass
            needs more memory than there is.
    """
    read = _read(network, batches, Counted(max_pool, smooth), progress)
    if read is None:
        return Regions(0, 0, {}, {})
    count = int(ops.count_regions(read.rows))
    return Regions(count, len(read.rows), *units_of(read.calls), read.one_by_one)


def pattern_distances(network: nn.Module, inputs: Tensor, *, smooth: bool = False) -> Tensor:
    """In how many bits the activation patterns of each two inputs differ.

    Patterns are those of ``measure_regions``, whose arguments and errors these are, but what
    several activations read counts once. BatchNorm uses the statistics of all the inputs.

    Args:
        inputs: (N, …), the input's index first.

    Returns:
        int64 (N, N), on the device of the inputs.
    """
    read = _read(network, [inputs], Counted(smooth=smooth), once=True)
    assert read is not None
    return ops.pattern_distances(read.rows)


@dataclass(frozen=True)
class _Read:
    """Patterns that were read.

    Attributes:
        rows: int64 (M, W), one pattern each.
        calls: the activations of some of the inputs.
        one_by_one: as of ``Regions``.
    """

    rows: Tensor
    calls: Sequence[Call]
    one_by_one: bool


def _read(
    network: nn.Module,
    batches: Iterable[Tensor],
    wanted: Counted,
    progress: Progress | None = None,
    *,
    once: bool = False,
) -> _Read | None:
    """The patterns of all inputs of all batches; None of no batch."""
    patterns: list[Tensor] = []
    found: Probe | None = None
    trusted = keeps_rows(network)
    reader = PatternReader(network, wanted, once=once)
    with torch.no_grad(), batch_statistics(network, "frozen"), _unfused():
        for batch in batches:
            if found is None and not trusted:
                found = probed(network, batch[:2], wanted)
            for part in [batch] if found is None else _passes(network, found, batch):
                patterns.append(reader.patterns(part))
                if progress is not None:
                    progress(sum(map(len, patterns)))
    if not patterns:
        return None
    calls = reader.calls if found is None else found.calls
    return _Read(torch.cat(patterns), calls, reader.one_by_one)


def units_of(calls: Sequence[Call]) -> tuple[dict[str, int], dict[str, int]]:
    """Units of one input by activation: those that make up its pattern, and the others."""
    chosen = set(counted_calls(calls))
    return (
        units([call for index, call in enumerate(calls) if index in chosen]),
        units([call for index, call in enumerate(calls) if index not in chosen]),
    )


def probed(network: nn.Module, inputs: Tensor, wanted: Counted) -> Probe:
    """What one or two inputs show; ``NoRegionsError`` where there is nothing to count."""
    found = probe(network, inputs, wanted)
    check_countable(network, found.calls)
    return found


def _passes(network: nn.Module, found: Probe, batch: Tensor) -> Sequence[Tensor]:
    if found.fits(len(batch)):
        return [batch]
    if found.batch_statistics:
        check_pass(network, found, len(batch), batch.device)
        return [batch]
    return batch.split(found.largest_pass())


@contextmanager
def _unfused() -> Iterator[None]:
    """Without the fused form of transformer layers, in which nothing sees their activations."""
    enabled = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(enabled)
