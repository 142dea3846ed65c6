"""Jacobians of an untrained network, kept as what the Gram needs of them.

Row i of the Jacobian is ∂s_i/∂θ, s_i the sum of the logits of image i (or one of them) and θ the
parameters that count (``counted_parameters``): all but biases.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tegnas.errors import InputError
from tegnas.kernel.added_rows import added_rows
from tegnas.kernel.batch_statistics import batch_statistics, without_autocast
from tegnas.kernel.explicit_rows import rows_of
from tegnas.kernel.graph import Graph, derive, read_graph
from tegnas.kernel.messages import warn_constant_sum, warn_left_out
from tegnas.kernel.recorder import Recorder
from tegnas.kernel.row_owners import keeps_rows
from tegnas.kernel.row_products import Held, Rows, product
from tegnas.kernel.written_over import refuse_written_over
from tegnas.ops import LayerTerm, first_equals, ntk_gram, with_equal_rows


@dataclass(frozen=True)
class Jacobian:
    """∂s/∂θ of one batch, weight by weight.

    ``terms`` holds operands of the native Gram, ``rows`` explicit (N, numel)
    matrices, dense or sparse; ``one_by_one`` names those of them that took a backward pass per
    image.
    """

    images: int
    device: torch.device
    terms: dict[str, LayerTerm]
    rows: dict[str, Tensor]
    first: Tensor  # of the images that are equal, see ``first_equals``
    one_by_one: frozenset[str] = frozenset()

    def explicit(self, name: str) -> Tensor:
        """The rows of one weight, (N, numel)."""
        return self.rows[name] if name in self.rows else rows_of(self.terms[name])

    def select(self, names: Iterable[str]) -> Jacobian:
        """The part that belongs to some of the weights."""
        wanted = set(names)
        return Jacobian(
            self.images,
            self.device,
            {name: term for name, term in self.terms.items() if name in wanted},
            {name: rows for name, rows in self.rows.items() if name in wanted},
            self.first,
            self.one_by_one & wanted,
        )


@without_autocast()
def gram(left: Jacobian, right: Jacobian | None = None) -> Tensor:
    """J Jᵀ of one batch, or J_left J_rightᵀ of two: float64 of shape (N, N) or (N, N').

    A weight that only one of the batches depends on adds nothing to the cross kernel.
    """
    other = left if right is None else right
    total = torch.zeros(left.images, other.images, dtype=torch.float64, device=left.device)
    alike = [name for name, term in left.terms.items() if _alike(term, other.terms.get(name))]
    if alike:
        terms = [left.terms[name] for name in alike]
        others = None if right is None else [right.terms[name] for name in alike]
        total += ntk_gram(terms, others)[0]
    for name in (left.terms.keys() | left.rows.keys()) - set(alike):
        if name in other.terms or name in other.rows:
            total += product(left.explicit(name), other.explicit(name))
    return with_equal_rows(total, left.first, other.first)


def _alike(left: LayerTerm, right: LayerTerm | None) -> bool:
    """Whether the native Gram can multiply the two: the same layer, images of the same size."""
    return (
        right is not None
        and left.geometry == right.geometry
        and left.input.shape[2:] == right.input.shape[2:]
        and left.grad.shape[2:] == right.grad.shape[2:]
    )


def check_outputs(outputs: str) -> None:
    """Raise ``InputError`` unless ``outputs`` is ``"sum"`` or ``"trace"``."""
    if outputs not in ("sum", "trace"):
        raise InputError(f"unknown outputs {outputs!r}; choose one of sum, trace")


def jacobians(
    network: nn.Module,
    images: Tensor,
    names: Iterable[str],
    *,
    batch_norm: str,
    outputs: str = "sum",
) -> list[Jacobian]:
    """The Jacobian of the summed logits, or one Jacobian per logit for ``outputs="trace"``.

    Raises:
        InputError: the network doesn't give logits of shape (N, K), makes parameters when it runs,
            hides layers from the derivative, or writes over what its gradient needs.

    Warns:
        LeftOutWarning: trainable tensors that aren't parameters of the network.
        ConstantSumWarning: the logits of every image have the same sum.
    """
    check_outputs(outputs)
    every = dict(network.named_parameters())
    weights: dict[str, Tensor] = {name: every[name] for name in names}
    trusted = keeps_rows(network)
    apart = trusted or batch_norm == "frozen"  # else images meet in the statistics of the batch
    with (
        batch_statistics(network, batch_norm),
        refuse_written_over(network),
        torch.enable_grad(),
        _only_these_need_gradients(network, weights.values()),
        _differentiable_recurrence(network, images),
        Recorder(network, weights if apart else {}) as recorder,
    ):
        # Whole numbers have no gradient; what reads them is asked for by itself.
        images = images.detach().clone().requires_grad_(images.is_floating_point())
        with recorder.recording():
            logits = logits_of(network, images)
        _check_parameters(network, every)
        graph = read_graph(logits, images)
        strangers = graph.strangers(every.values())
        if strangers:
            warn_left_out(network, strangers)
        if outputs == "sum" and sum_is_constant(logits.detach()):
            warn_constant_sum(network)
        first = first_equals(images.detach(), logits.detach())
        return [
            Jacobian(
                len(images),
                images.device,
                part.terms,
                {**part.added, **part.by_autograd},
                first,
                frozenset(part.by_autograd),
            )
            for part in _parts(recorder, logits, images, graph, weights, outputs, apart, trusted)
        ]


@dataclass(frozen=True)
class _Part:
    """Of one scalar per image: operands of the native Gram, and rows by the way they came."""

    terms: dict[str, LayerTerm]
    added: dict[str, Tensor]
    by_autograd: dict[str, Tensor]


def _parts(
    recorder: Recorder,
    logits: Tensor,
    images: Tensor,
    graph: Graph,
    weights: dict[str, Tensor],
    outputs: str,
    apart: bool,
    trusted: bool,
) -> Iterator[_Part]:
    """Terms and rows for every scalar that is derived."""
    used = {name: weight for name, weight in weights.items() if weight in graph.uses}
    native = {
        name: call
        for name, call in recorder.single_calls().items()
        if graph.uses.get(weights[name]) == 1
    }
    if native:
        find = recorder.trust_rows if trusted else recorder.find_owners
        find(_probe(logits, outputs), images, graph)
        native = {name: call for name, call in native.items() if call.rows is not None}
    scalars_of_logits = _scalars(logits, outputs)
    for scalars in scalars_of_logits:
        # With the sum of the logits the gradients are still there from finding the owners.
        if native and outputs == "trace":
            recorder.note_gradients(scalars.sum(), images, graph)
        terms = {
            name: call.term(call.output_grad)
            for name, call in native.items()
            if call.output_grad is not None
        }
        # What remains: layers that the native Gram doesn't know, or whose rows don't come apart.
        others = {name: weight for name, weight in used.items() if name not in terms}
        added = added_rows(scalars, others, graph, trusted=trusted) if apart else {}
        others = {name: weight for name, weight in others.items() if name not in added}
        yield _Part(terms, added, _autograd_rows(scalars, others))


def logits_of(network: nn.Module, images: Tensor) -> Tensor:
    """The network's output of shape (N, K), also where it is called ``logits`` in a larger one."""
    output = network(images.clone())  # a network may work in place on what it is given
    logits = output.get("logits") if isinstance(output, Mapping) else output
    logits = getattr(logits, "logits", logits)
    if not isinstance(logits, Tensor) or logits.dim() != 2 or len(logits) != len(images):
        raise InputError(
            f"the network must give logits of shape ({len(images)}, classes), it gave "
            f"{_describe(output)}; wrap it in a module that returns them"
        )
    if not logits.is_floating_point():
        raise InputError(f"the network must give floating-point logits, it gave {logits.dtype}")
    return logits


def _describe(output: object) -> str:
    if isinstance(output, Tensor):
        return str(tuple(output.shape))
    kind = type(output).__name__
    if isinstance(output, Mapping):
        return f"{kind} with {', '.join(map(str, output))}" if output else kind
    if isinstance(output, list | tuple):
        return f"{kind} of {len(output)}: {', '.join(map(_describe, output))}"
    return kind


def _check_parameters(network: nn.Module, before: dict[str, nn.Parameter]) -> None:
    after = dict(network.named_parameters())
    made = [name for name, parameter in after.items() if parameter is not before.get(name)]
    if made:
        raise InputError(
            f"{type(network).__name__} makes parameters when it first runs ({', '.join(made)}); "
            "run it once on a batch of images"
        )


def _differentiable_recurrence(network: nn.Module, images: Tensor) -> AbstractContextManager[None]:
    """cuDNN derives recurrent layers in training mode only, where they would drop values."""
    recurrent = any(isinstance(module, nn.RNNBase) for module in network.modules())
    if recurrent and images.is_cuda:
        return torch.backends.cudnn.flags(enabled=False)
    return nullcontext()


def _probe(logits: Tensor, outputs: str) -> Tensor:
    """One scalar per image that depends on it in whatever way the derived scalars do."""
    if outputs == "sum":
        return logits.sum(1)
    generator = torch.Generator().manual_seed(0)
    factors = torch.randn(logits.shape[1], generator=generator, dtype=torch.float64)
    return logits @ factors.to(logits)


def sum_is_constant(logits: Tensor) -> bool:
    """Whether the logits of every image have the same sum, while they differ: as by a softmax.

    A single image is known by a sum of one or zero.
    """
    sums, scale = logits.sum(1), logits.abs().sum(1).max()
    if len(logits) == 1:
        deviation = torch.minimum(sums.abs(), (sums - 1).abs()).max()
        return logits.shape[1] > 1 and bool(deviation <= 1e-5 * scale) and bool(scale > 0)
    deviation = (sums - sums.mean()).abs().max()
    rounding = torch.finfo(logits.dtype).eps * scale
    difference = (logits - logits.mean(0)).abs().max()
    return bool(deviation <= 1e-5 * scale) and bool(difference > 100 * (deviation + rounding))


def _scalars(logits: Tensor, outputs: str) -> list[Tensor]:
    return [logits.sum(1)] if outputs == "sum" else list(logits.unbind(1))


def _autograd_rows(scalars: Tensor, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """One backward pass per image; a weight that no output depends on has rows of zeros."""
    if not weights or not scalars.requires_grad:
        return {}
    held = Held()
    rows = {
        name: Rows(len(scalars), _numbers(weight.detach()), held)
        for name, weight in weights.items()
    }
    for image, scalar in enumerate(scalars):
        gradients = derive(scalar, list(weights.values()))
        for name, gradient in zip(weights, gradients, strict=True):
            if gradient is not None:
                rows[name].add(image, _numbers(gradient))
    return {name: each.result() for name, each in rows.items()}


def _numbers(value: Tensor) -> Tensor:
    """All entries in one line; a complex one is two numbers."""
    value = torch.view_as_real(value.resolve_conj()) if value.is_complex() else value
    return value.reshape(-1)


@contextmanager
def _only_these_need_gradients(network: nn.Module, weights: Iterable[Tensor]) -> Iterator[None]:
    """The weights do, whatever they are set to; ``.grad`` of every parameter is empty.

    For use within ``unchanged``, which puts both back.
    """
    for parameter in network.parameters():
        parameter.grad = None
    for weight in weights:
        weight.requires_grad_(True)
    yield
    if any(parameter.grad is not None for parameter in network.parameters()):
        raise InputError(
            f"{type(network).__name__} runs backward() inside its own backward pass, which hides "
            "what is derived there; let autograd see all layers"
        )
