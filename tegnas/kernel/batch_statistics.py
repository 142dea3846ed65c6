"""BatchNorm on untrained networks: always the statistics of the batch.

``coupled`` differentiates through the statistics, as the paper's code does; ``frozen`` holds them
constant in the derivative, so that the Jacobian rows of the images decouple. Running statistics
are neither read nor written: on an untrained network they are wrong by orders of magnitude.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tegnas.errors import InputError
from tegnas.kernel.checks import check_network
from tegnas.kernel.replaced import Replaced
from tegnas.kernel.unchanged import unchanged

BATCH_NORM_MODES = ("frozen", "coupled")

_AUTOCAST = ("cpu", "cuda")
_DROPOUTS = (
    F.dropout,
    F.dropout1d,
    F.dropout2d,
    F.dropout3d,
    F.alpha_dropout,
    F.feature_alpha_dropout,
    torch.dropout,
    torch.dropout_,
    torch.feature_dropout,
    torch.feature_dropout_,
    torch.alpha_dropout,
    torch.alpha_dropout_,
    torch.feature_alpha_dropout,
    torch.feature_alpha_dropout_,
)


def check_batch_norm(mode: str) -> None:
    """Raise ``InputError`` unless ``mode`` is one of ``BATCH_NORM_MODES``."""
    if mode not in BATCH_NORM_MODES:
        raise InputError(
            f"unknown batch_norm {mode!r}; choose one of {', '.join(BATCH_NORM_MODES)}"
        )


@contextmanager
def without_autocast() -> Iterator[None]:
    """Nothing is rounded to a shorter type within the block."""
    with ExitStack() as stack:
        for kind in _AUTOCAST:
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        yield


@contextmanager
def batch_statistics(network: nn.Module, mode: str) -> Iterator[None]:
    """Within the block, ``network`` normalises by statistics of the batch and dropout is off.

    Autocast is off as well, whoever has switched it on; gradients are recorded if they were before.
    Afterwards the network is as it was (``unchanged``). Raises ``InputError`` for an unknown mode
    and for a network that ``check_network`` refuses.
    """
    check_batch_norm(mode)
    check_network(network)
    recording = torch.is_grad_enabled()  # leaving inference mode would switch it on
    with (
        unchanged(network),
        torch.inference_mode(False),
        torch.set_grad_enabled(recording),
        without_autocast(),
    ):
        _drop_caches(network)
        for module in network.modules():
            # Not by eval(): some layers then merge or store what the derivative is to pass.
            module.training = False
        with _BatchStatistics(mode):
            yield


def _drop_caches(network: nn.Module) -> None:
    """Let layers forget what they stored when they were last in ``eval()``.

    Attention biases, for one, are gathered once in ``eval()``, and weights that have changed since,
    or are to be derived by, don't reach the stored copy. Layers drop such copies in ``train()``.
    """
    for module in network.modules():
        own = type(module).train is not nn.Module.train
        # A method of that name may do something else: fit the network to a data set, say.
        if own and list(inspect.signature(type(module).train).parameters) == ["self", "mode"]:
            module.train(True)


class _BatchStatistics(Replaced):
    """Takes the place of the functions that would read running statistics or drop values."""

    def __init__(self, mode: str) -> None:
        norm = _frozen_batch_norm if mode == "frozen" else _coupled_batch_norm
        super().__init__(
            {
                F.batch_norm: norm,
                torch.batch_norm: of_torch(norm),
                F.instance_norm: _instance_norm,
                F.scaled_dot_product_attention: _attention_without_dropout,
                F.multi_head_attention_forward: _heads_without_dropout,
                **dict.fromkeys(_DROPOUTS, _identity),
            }
        )

    def __torch_function__(
        self,
        func: Callable,
        types: Sequence[type],
        args: tuple = (),
        kwargs: dict | None = None,
    ) -> object:
        if not any(map(torch.is_autocast_enabled, _AUTOCAST)):  # nearly always
            return super().__torch_function__(func, types, args, kwargs)
        with without_autocast():
            return super().__torch_function__(func, types, args, kwargs)


def mean_and_variance(input: Tensor) -> tuple[Tensor, Tensor]:
    """What BatchNorm normalises a batch (N, C, …) by: biased, (C,) each."""
    variance, mean = torch.var_mean(input, [0, *range(2, input.dim())], correction=0)
    return mean, variance


def normalise(x: Tensor, eps: float) -> Tensor:
    """BatchNorm without scale and shift, by the statistics of the batch held constant."""
    return _frozen_batch_norm(x, None, None, eps=eps)


def of_torch(norm: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """What replaces ``F.batch_norm`` in the place of ``torch.batch_norm``."""

    def batch_norm(
        input: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        training: bool,
        momentum: float,
        eps: float,
        cudnn_enabled: bool,
    ) -> Tensor:
        return norm(input, running_mean, running_var, weight, bias, training, momentum, eps)

    return batch_norm


# The signatures below are those of the functions that they replace.


def _frozen_batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    mean, variance = mean_and_variance(input.detach())
    return F.batch_norm(input, mean, variance, weight, bias, training=False, eps=eps)


def _coupled_batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    if input.numel() == input.shape[1]:
        # The mean of a single value is the value itself. PyTorch refuses to train by it.
        return _frozen_batch_norm(input - input, None, None, weight, bias, eps=eps)
    return F.batch_norm(input, None, None, weight, bias, training=True, eps=eps)


def _instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    return F.instance_norm(input, weight=weight, bias=bias, use_input_stats=True, eps=eps)


def _identity(input: Tensor, *_: object, **__: object) -> Tensor:
    return input


def _attention_without_dropout(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    *arguments: Any,
    **options: Any,
) -> Tensor:
    return F.scaled_dot_product_attention(query, key, value, attn_mask, 0.0, *arguments, **options)


def _heads_without_dropout(*arguments: Any, **options: Any) -> Any:
    # A function of Python around others: within it nothing is replaced.
    names = list(inspect.signature(F.multi_head_attention_forward).parameters)
    named = dict(zip(names, arguments, strict=False)) | options
    return F.multi_head_attention_forward(**(named | {"training": False}))
