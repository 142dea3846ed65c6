"""What the native Gram needs of a network's layers: their inputs and the gradients behind them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge, get_gradient_edge
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.module import _global_forward_hooks
from torch.utils.hooks import RemovableHandle

from tegnas.kernel.graph import Graph, derive
from tegnas.kernel.layer_terms import is_native, layer_term
from tegnas.kernel.row_owners import (
    NOBODY,
    are_in_order,
    confirms,
    other_tags,
    owners_of,
    rows_of_images,
    tag_digits,
    tags,
)
from tegnas.ops import LayerTerm

_DTYPES = (torch.float32, torch.float64)


@dataclass
class Call:
    """One call of a layer: what it read, and the gradient at its output once there is one.

    After ``Recorder.find_owners``, ``owners`` are the images that its rows belong to, and ``rows``
    the rows of each image, (N, rows); None if they don't come apart.
    """

    module: nn.Module
    input: Tensor
    version: int
    edge: GradientEdge
    output_grad: Tensor | None = None
    digits: list[Tensor] | None = None
    owners: Tensor | None = None
    rows: Tensor | None = None

    def is_intact(self) -> bool:
        """Whether the input is still what the layer read, in numbers that the Gram takes."""
        return self.input._version == self.version and self.input.dtype in _DTYPES

    def term(self, gradient: Tensor) -> LayerTerm:
        """The operands of the Gram, image by image."""
        assert self.rows is not None
        with torch._C.DisableTorchFunction():
            return layer_term(self.module, *_by_image(self.module, self.input, gradient, self.rows))


class Recorder:
    """Notes input and output gradient of every native layer that owns one of the weights.

    Within its ``with`` block the network runs once in ``recording``, then gradients are taken. At
    the end it lets go of the graph, which else would hold itself through its own hooks for ever.
    """

    def __init__(self, network: nn.Module, weights: dict[str, Tensor]) -> None:
        self._calls: dict[str, list[Call | None]] = {}
        self._modules = {
            f"{prefix}.weight" if prefix else "weight": module
            for prefix, module in network.named_modules()
            if is_native(module)
        }
        self._modules = {name: m for name, m in self._modules.items() if name in weights}
        self._weights = weights
        self._on_gradient: Callable[[Call, Tensor], None] = _keep
        self._handles: list[RemovableHandle] = []

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()
        self._calls.clear()

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Within the block, calls of the layers are noted."""
        # Before the network's own hooks, which may replace the output.
        handles = [
            module.register_forward_hook(self._hook(name), prepend=True)
            for name, module in self._modules.items()
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _hook(self, name: str) -> Callable[..., None]:
        def hook(module: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> None:
            calls = self._calls.setdefault(name, [])
            # Something made of its weight may stand in the weight's place (functional_call), a hook
            # may change the weight's gradient, and hooks for every module come before this one.
            weight = self._weights[name]
            plain = module.weight is weight and not weight._backward_hooks
            if not args or not output.requires_grad or not plain or _global_forward_hooks:
                calls.append(None)
                return
            edge = get_gradient_edge(output)
            call = Call(module, args[0].detach(), args[0]._version, edge)
            calls.append(call)
            # On the tensor, not the module: stays right when a later layer works in place.
            self._handles.append(output.register_hook(lambda gradient: self._note(call, gradient)))

        return hook

    def _note(self, call: Call, gradient: Tensor) -> None:
        with torch._C.DisableTorchFunction():  # modes are for what the network computes
            self._on_gradient(call, gradient)

    def single_calls(self) -> dict[str, Call]:
        """Layers that ran exactly once and whose input is still what they read."""
        return {
            name: calls[0]
            for name, calls in self._calls.items()
            if len(calls) == 1 and calls[0] is not None and calls[0].is_intact()
        }

    def find_owners(self, scalars: Tensor, images: Tensor, graph: Graph) -> None:
        """Find the rows of each image in every call.

        By one more backward pass (N ≤ 64), and another one where rows aren't in the images' order.
        """
        calls = list(self.single_calls().values())
        self.note_gradients(scalars.sum(), images, graph)
        for call in calls:
            call.digits = []
        self._on_gradient = _note_digits
        for tag in tags(len(scalars), scalars):
            self._backward((scalars * tag).sum(), images, graph)
        for call in calls:
            call.owners = _owners(call, len(scalars))
        known = [call.owners for call in calls if call.owners is not None]
        if not all(are_in_order(owners, len(scalars)) for owners in known):
            tag = other_tags(len(scalars), scalars)
            self._on_gradient = lambda call, gradient: _confirm(call, gradient, tag)
            self._backward((scalars * tag).sum(), images, graph)
        self._on_gradient = _keep
        with torch._C.DisableTorchFunction():
            for call in calls:
                call.rows = _image_rows(call, len(scalars))

    def trust_rows(self, scalars: Tensor, images: Tensor, graph: Graph) -> None:
        """Take the rows of each image in every call for those at its place, without a test."""
        self.note_gradients(scalars.sum(), images, graph)
        for call in self.single_calls().values():
            if call.output_grad is not None:
                rows = len(_rows(call.module, call.output_grad))
                places = torch.arange(rows, device=call.input.device)
                call.rows = places.reshape(len(scalars), -1)

    def note_gradients(self, scalar: Tensor, images: Tensor, graph: Graph) -> None:
        """Fill ``output_grad`` of every call with the gradient of ``scalar``."""
        for calls in self._calls.values():
            for call in calls:
                if call is not None:
                    call.output_grad = None
        self._backward(scalar, images, graph)

    def _backward(self, scalar: Tensor, images: Tensor, graph: Graph) -> None:
        # Asked for the gradient of the images, every layer between them and the logits sees the
        # gradient at its output, and no gradient of a weight is computed. Layers that aren't
        # between them are asked for by themselves.
        edges = [
            call.edge
            for calls in self._calls.values()
            for call in calls
            if call is not None and call.edge.node in graph.others
        ]
        wanted: list[Tensor | GradientEdge] = [images] if images.requires_grad else []
        wanted += edges
        if scalar.requires_grad and wanted:
            derive(scalar, wanted)


def _keep(call: Call, gradient: Tensor) -> None:
    call.output_grad = gradient


def _note_digits(call: Call, gradient: Tensor) -> None:
    if call.digits is None or call.output_grad is None or gradient.dtype not in _DTYPES:
        return
    digits = tag_digits(_rows(call.module, call.output_grad), _rows(call.module, gradient))
    if digits is None:
        call.digits = None
    else:
        call.digits.append(digits)


def _owners(call: Call, images: int) -> Tensor | None:
    if call.output_grad is None or call.digits is None or call.output_grad.dtype not in _DTYPES:
        return None
    if images == 1:
        rows = len(_rows(call.module, call.output_grad))
        return torch.zeros(rows, dtype=torch.int64, device=call.input.device)
    if len(call.digits) != len(tags(images, call.output_grad)):
        return None
    return owners_of(call.digits, images)


def _confirm(call: Call, gradient: Tensor, tag: Tensor) -> None:
    if call.owners is not None and call.output_grad is not None:
        plain, tagged = _rows(call.module, call.output_grad), _rows(call.module, gradient)
        if not confirms(plain, tagged, call.owners, tag):
            call.owners = None


def _image_rows(call: Call, images: int) -> Tensor | None:
    """The rows of each image, where they come apart in a way that the layer's term can take."""
    owners = call.owners
    if owners is None:
        return None
    rows_of_each = rows_of_images(owners, images)
    if _features(call.module) is not None:
        return rows_of_each
    if isinstance(call.module, _BatchNorm):
        # Every row counts in the statistics of the batch, read or not.
        whole = rows_of_each.numel() == len(owners) and bool((rows_of_each != NOBODY).all())
        return rows_of_each if whole else None
    if isinstance(call.module, _ConvNd) and call.input.dim() != len(call.module.kernel_size) + 2:
        return None  # one image without a batch dimension
    return rows_of_each if rows_of_each.shape[1] == 1 else None


def _features(module: nn.Module) -> int | None:
    """The trailing dimensions that a layer works on position by position, if it does."""
    if isinstance(module, nn.Linear):
        return 1
    if isinstance(module, nn.LayerNorm) and type(module).forward is nn.LayerNorm.forward:
        return len(module.normalized_shape)
    return None


def _rows(module: nn.Module, value: Tensor) -> Tensor:
    """A layer's output as (rows, numbers), a row being what one image alone may own.

    Positions of layers that work on each alone, else entries of the first dimension.
    """
    features = _features(module)
    if features is None:
        return value.flatten(1) if value.dim() > 1 else value[:, None]
    return value.reshape(-1, math.prod(value.shape[value.dim() - features :]))


def _by_image(
    module: nn.Module, layer_input: Tensor, gradient: Tensor, rows: Tensor
) -> tuple[Tensor, Tensor]:
    """Input and output gradient of a layer with the image index first, rows of images gathered."""
    features = _features(module)
    if features is not None:
        split = layer_input.dim() - features
        layer_input = layer_input.reshape(-1, *layer_input.shape[split:])
        gradient = gradient.reshape(-1, *gradient.shape[split:])
    if torch.equal(rows.flatten(), torch.arange(len(gradient), device=rows.device)):
        layer_input = layer_input.unflatten(0, rows.shape)
        gradient = gradient.unflatten(0, rows.shape)
    else:
        index, absent = rows.clamp(min=0), rows == NOBODY
        layer_input, gradient = layer_input[index], gradient[index]
        gradient = gradient.masked_fill(absent.view(*rows.shape, *[1] * (gradient.dim() - 2)), 0)
    if features is not None:
        return layer_input, gradient
    if rows.shape[1] == 1:
        return layer_input[:, 0], gradient[:, 0]
    # BatchNorm, several rows to an image: more positions of the same channels.
    return layer_input.transpose(1, 2), gradient.transpose(1, 2)
