"""Jacobians of networks that differ in nothing but their weights, by one pass for all of them.

Calling an operator of PyTorch takes longer than what a small network has it compute, so that ten
networks in one call (``torch.vmap``) cost little more than one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from tegnas.kernel.batch_statistics import batch_statistics
from tegnas.kernel.gradients import Jacobian, logits_of, sum_is_constant
from tegnas.kernel.layer_terms import is_native, layer_term
from tegnas.kernel.messages import warn_constant_sum
from tegnas.kernel.row_owners import keeps_rows
from tegnas.ops import first_equals

Weights = Mapping[str, Tensor]
See = Callable[[str, Tensor, Tensor], Tensor]

# Bytes that one pass may take, and how many times the outputs of the layers it takes.
_PASS_BYTES = 2**29
_OF_OUTPUTS = 4


def runs_alike(network: nn.Module) -> bool:
    """Whether a network says that ``torch.vmap`` can run it for many weights at once.

    By an attribute ``runs_alike``, beside ``keeps_rows``: whatever its weights and images are, it
    calls the same operators, and no layer more than once.
    """
    return keeps_rows(network) and bool(getattr(network, "runs_alike", False))


def alike_jacobians(
    network: nn.Module, weights: Weights, images: Tensor, names: Sequence[str]
) -> list[Jacobian] | None:
    """The Jacobian of the summed logits of every network, BatchNorm being in none of them.

    Args:
        network: what the networks have in common; one that ``runs_alike``.
        weights: all parameters by name, (networks, *shape).
        images: (N, …), the same for all.
        names: the parameters to derive by.

    Returns:
        One for each network; None where a parameter belongs to no layer that the native Gram knows,
        or none of these layers is called.
    """
    owners = {name: network.get_submodule(name.rpartition(".")[0]) for name in names}
    if not all(name.endswith("weight") and is_native(each) for name, each in owners.items()):
        return None
    count = len(next(iter(weights.values())))
    with batch_statistics(network, "frozen"):
        shapes = _output_shapes(network, images, owners)
        if not shapes:
            return None
        size = sum(shape.numel() for shape in shapes.values()) * len(images) * images.itemsize
        group = max(1, _PASS_BYTES // max(1, _OF_OUTPUTS * size))
        found: list[Jacobian] = []
        for first in range(0, count, group):
            part = {name: each[first : first + group] for name, each in weights.items()}
            found += _of_one_pass(network, part, images, owners, shapes)
    return found


def _output_shapes(
    network: nn.Module, images: Tensor, owners: Mapping[str, nn.Module]
) -> dict[str, torch.Size]:
    """Of one image, without the index of the image; layers that it doesn't reach have none."""
    shapes: dict[str, torch.Size] = {}

    def note(name: str, _: Tensor, output: Tensor) -> Tensor:
        shapes[name] = output.shape[1:]
        return output

    with torch.no_grad(), _watched(owners, note):
        logits_of(network, images[:1])  # says what is wrong with logits of another kind
    return shapes


def _of_one_pass(
    network: nn.Module,
    weights: Weights,
    images: Tensor,
    owners: Mapping[str, nn.Module],
    shapes: Mapping[str, torch.Size],
) -> list[Jacobian]:
    count, n = len(next(iter(weights.values()))), len(images)
    # The gradient at a layer's output is that of a zero which is added to it.
    zeros = {
        name: images.new_zeros((count, n, *shape), requires_grad=True)
        for name, shape in shapes.items()
    }

    def run(own: Weights, added: Weights) -> tuple[Tensor, dict[str, Tensor]]:
        inputs: dict[str, Tensor] = {}

        def note(name: str, given: Tensor, output: Tensor) -> Tensor:
            inputs[name] = given
            return output + added[name]

        with _watched(owners, note):
            logits = functional_call(network, dict(own), (images,))
        return logits, inputs

    with torch.enable_grad():
        logits, inputs = vmap(run)(weights, zeros)
        # Of a layer that the logits don't depend on they are zero.
        gradients = torch.autograd.grad(logits.sum(), list(zeros.values()), materialize_grads=True)
    logits = logits.detach()
    if any(sum_is_constant(each) for each in logits):
        warn_constant_sum(network)
    found = []
    for index in range(count):
        terms = {
            name: layer_term(owners[name], inputs[name][index].detach(), gradient[index])
            for name, gradient in zip(zeros, gradients, strict=True)
        }
        first = first_equals(images, logits[index])
        found.append(Jacobian(n, images.device, terms, {}, first))
    return found


@contextmanager
def _watched(owners: Mapping[str, nn.Module], see: See) -> Iterator[None]:
    """Within the block, ``see`` takes the name, input and output of every layer, gives its output.

    Args:
        owners: the layers, by the name of their weight.
    """

    def hook(name: str) -> Callable[..., Tensor]:
        return lambda module, args, output: see(name, args[0], output)

    handles = [module.register_forward_hook(hook(name)) for name, module in owners.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
