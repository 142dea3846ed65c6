"""Jacobians of an untrained network, kept as what the Gram needs of them.

Row i of the Jacobian is ∂s_i/∂θ, s_i the sum of the logits of image i (or one of them) and θ every
parameter whose name ends in ``weight``; biases are left out, as in the paper's code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tegnas.errors import InputError
from tegnas.kernel.batch_statistics import batch_statistics
from tegnas.kernel.layer_terms import is_native, layer_term
from tegnas.kernel.row_products import Rows, product
from tegnas.ops import LayerTerm, first_equals, ntk_gram, with_equal_rows


@dataclass(frozen=True)
class Jacobian:
    """∂s/∂θ of one batch, weight by weight.

    ``terms`` holds operands of the native Gram, ``rows`` explicit (N, numel) matrices, dense or
    sparse.
    """

    images: int
    device: torch.device
    terms: dict[str, LayerTerm]
    rows: dict[str, Tensor]
    first: Tensor  # of the images that are equal, see ``first_equals``

    def select(self, names: Iterable[str]) -> Jacobian:
        """The part that belongs to some of the weights."""
        wanted = set(names)
        return Jacobian(
            self.images,
            self.device,
            {name: term for name, term in self.terms.items() if name in wanted},
            {name: rows for name, rows in self.rows.items() if name in wanted},
            self.first,
        )


def gram(left: Jacobian, right: Jacobian | None = None) -> Tensor:
    """J Jᵀ of one batch, or J_left J_rightᵀ of two: float64 of shape (N, N) or (N, N').

    A weight that only one of the batches depends on adds nothing to the cross kernel.
    """
    other = left if right is None else right
    if any(name in other.rows for name in left.terms) or any(
        name in other.terms for name in left.rows
    ):
        raise InputError("the network runs through different layers for the two batches")
    total = torch.zeros(left.images, other.images, dtype=torch.float64, device=left.device)
    shared = [name for name in left.terms if name in other.terms]
    if shared:
        terms = [left.terms[name] for name in shared]
        others = None if right is None else [right.terms[name] for name in shared]
        total += ntk_gram(terms, others)[0]
    for name, rows in left.rows.items():
        if name in other.rows:
            total += product(rows, other.rows[name])
    return with_equal_rows(total, left.first, other.first)


def weight_names(network: nn.Module) -> list[str]:
    """The names of the parameters that enter the kernel."""
    return [name for name, _ in network.named_parameters() if name.endswith("weight")]


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

    Raises ``InputError`` if the network doesn't give logits of shape (N, K).
    """
    check_outputs(outputs)
    every = dict(network.named_parameters())
    weights: dict[str, Tensor] = {name: every[name] for name in names}
    with (
        torch.enable_grad(),
        _requires_grad(weights.values()),
        batch_statistics(network, batch_norm),
    ):
        if batch_norm == "coupled":
            logits = _logits(network, images)
            first = first_equals(images, logits)
            return [
                Jacobian(len(images), images.device, {}, _autograd_rows(scalars, weights), first)
                for scalars in _scalars(logits, outputs)
            ]
        return _decoupled_jacobians(network, images, weights, outputs)


def _decoupled_jacobians(
    network: nn.Module,
    images: Tensor,
    weights: dict[str, Tensor],
    outputs: str,
) -> list[Jacobian]:
    images = images.detach().requires_grad_(True)
    with _Recorder(network, weights, len(images)) as recorder:
        logits = _logits(network, images)
    uses = _uses_in_graph(logits, weights.values())
    native = {
        name: record for name, record in recorder.single_calls().items() if uses[weights[name]] == 1
    }
    if any(record.doubtful for record in native.values()):
        # The gradient of one image must arrive under the index of that image. Not of the first or
        # the last one: a token of that index may well be the only one that the logits read.
        recorder.note_gradients(logits[1].sum(), images)
        native = {name: record for name, record in native.items() if record.is_of_image(1)}
    result = []
    first = first_equals(images, logits)
    for scalars in _scalars(logits, outputs):
        recorder.note_gradients(scalars.sum(), images)
        terms = {
            name: layer_term(record.module, record.input, record.output_grad)
            for name, record in native.items()
            if record.output_grad is not None
        }
        # What remains: layers that the native Gram doesn't know, and those that no image reaches.
        others = {
            name: weight
            for name, weight in weights.items()
            if name not in terms and uses[weight] > 0
        }
        rows = _autograd_rows(scalars, others)
        result.append(Jacobian(len(images), images.device, terms, rows, first))
    return result


def _logits(network: nn.Module, images: Tensor) -> Tensor:
    logits = network(images.clone())  # a network may work in place on what it is given
    if not isinstance(logits, Tensor) or logits.dim() != 2 or len(logits) != len(images):
        got = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise InputError(
            f"the network must give logits of shape ({len(images)}, classes), it gave {got}; wrap "
            "it in a module that returns them"
        )
    return logits


def _scalars(logits: Tensor, outputs: str) -> list[Tensor]:
    return [logits.sum(1)] if outputs == "sum" else list(logits.unbind(1))


def _autograd_rows(scalars: Tensor, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """One backward pass per image; a weight that no output depends on has rows of zeros."""
    if not weights or not scalars.requires_grad:
        return {}
    rows = {name: Rows(len(scalars), weight.detach()) for name, weight in weights.items()}
    for image, scalar in enumerate(scalars):
        gradients = torch.autograd.grad(
            scalar, list(weights.values()), retain_graph=True, allow_unused=True
        )
        for name, gradient in zip(weights, gradients, strict=True):
            if gradient is not None:
                rows[name].add(image, gradient.reshape(-1))
    return {name: each.result() for name, each in rows.items()}


@contextmanager
def _requires_grad(weights: Iterable[Tensor]):
    frozen = [weight for weight in weights if not weight.requires_grad]
    for weight in frozen:
        weight.requires_grad_(True)
    try:
        yield
    finally:
        for weight in frozen:
            weight.requires_grad_(False)


@dataclass
class _Record:
    """One call of a layer.

    ``doubtful``: by the shapes alone, the first dimension could also be one of tokens, with the
    images behind it.
    """

    module: nn.Module
    input: Tensor
    version: int
    doubtful: bool
    output_grad: Tensor | None = None

    def is_of_image(self, index: int) -> bool:
        """Whether the gradient reaches this index of the first dimension alone, if in doubt."""
        if not self.doubtful or self.output_grad is None:
            return True
        others = [each for each in range(len(self.output_grad)) if each != index]
        return not bool(self.output_grad[others].any())


class _Recorder:
    """Notes input and output gradient of every native layer that owns one of the weights."""

    def __init__(self, network: nn.Module, weights: dict[str, Tensor], images: int) -> None:
        self._images = images
        self._calls: dict[str, list[_Record | None]] = {}
        self._modules = {
            f"{prefix}.weight" if prefix else "weight": module
            for prefix, module in network.named_modules()
            if is_native(module)
        }
        self._modules = {name: m for name, m in self._modules.items() if name in weights}
        self._handles: list[torch.utils.hooks.RemovableHandle] = []

    def __enter__(self) -> _Recorder:
        for name, module in self._modules.items():
            # Before the network's own hooks, which may replace the output.
            self._handles.append(module.register_forward_hook(self._hook(name), prepend=True))
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()

    def _hook(self, name: str) -> Callable[..., None]:
        def hook(module: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> None:
            calls = self._calls.setdefault(name, [])
            if not args or len(output) != self._images or len(args[0]) != self._images:
                calls.append(None)  # the first dimension isn't the image: not separable by rows
                return
            tokens_first = isinstance(module, nn.Linear | nn.LayerNorm) and self._images > 1
            doubtful = tokens_first and self._images in output.shape[1:-1]
            record = _Record(module, args[0].detach(), args[0]._version, doubtful)
            calls.append(record)
            # On the tensor, not the module: stays right when a later layer works in place.
            if output.requires_grad:
                output.register_hook(lambda grad: setattr(record, "output_grad", grad))

        return hook

    def single_calls(self) -> dict[str, _Record]:
        """Layers that ran exactly once and whose input is still what they read."""
        return {
            name: calls[0]
            for name, calls in self._calls.items()
            if len(calls) == 1
            and calls[0] is not None
            and calls[0].input._version == calls[0].version
        }

    def note_gradients(self, scalar: Tensor, images: Tensor) -> None:
        """Fill ``output_grad`` of every record with the gradient of ``scalar``."""
        for calls in self._calls.values():
            for record in calls:
                if record is not None:
                    record.output_grad = None
        if scalar.requires_grad:
            # Asked for the gradient of the images, every layer between them and the logits sees
            # the gradient at its output, and no gradient of a weight is computed.
            torch.autograd.grad(scalar, images, retain_graph=True, allow_unused=True)


def _uses_in_graph(root: Tensor, weights: Iterable[Tensor]) -> dict[Tensor, int]:
    """How often the computation behind ``root`` reads each weight.

    A weight that is read more than once (tied, or used outside its layer) has more rows than its
    layer's hook sees.
    """
    uses = dict.fromkeys(weights, 0)
    seen = set()
    pending = [root.grad_fn]
    while pending:
        node = pending.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        for following, _ in node.next_functions:
            variable = getattr(following, "variable", None)
            if variable is not None:
                if variable in uses:
                    uses[variable] += 1
            else:
                pending.append(following)
    return uses
