"""The graph of a module by torch.fx, or a refusal where the graph would be of something else.

fx runs ``forward`` once on stand-ins for tensors. What it doesn't see is found out here: augmented
assignments (``x += y`` works in place on tensors, and fx takes it for ``x = x + y``), gradients
switched off for a part, autocast, hooks, calls put in another's place, and modules that change
themselves as they run.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import fx, nn
from torch.nn.modules import module as torch_modules


class CannotLower(Exception):
    """The module holds something that programs don't have; the message says what."""


def trace(module: nn.Module) -> fx.Graph:
    """The graph of a module as it behaves in ``eval()``; the module is left as it was.

    Augmented assignments stand in it as calls of ``operator.iadd`` and the like.

    Raises:
        CannotLower: fx can't trace it, or would trace it wrong.
    """
    _check_calls(module)
    try:
        with _left_as_it_was(module), torch.enable_grad():
            for each in module.modules():
                each.training = False
            return _Tracer().trace(module)
    except CannotLower:
        raise
    except Exception as error:  # whatever the module's own code makes of a stand-in
        raise CannotLower(f"torch.fx can't trace it ({error})") from None


def _check_calls(module: nn.Module) -> None:
    """Refuse what is called around ``forward``: tracing passes over it."""
    if any(
        getattr(torch_modules, name)
        for name in (
            "_global_forward_hooks",
            "_global_forward_pre_hooks",
            "_global_backward_hooks",
            "_global_backward_pre_hooks",
        )
    ):
        raise CannotLower("torch.nn has hooks for every module")
    for name, each in module.named_modules():
        hooks = (
            each._forward_hooks,
            each._forward_pre_hooks,
            each._backward_hooks,
            each._backward_pre_hooks,
        )
        if any(hooks) or "forward" in vars(each):
            raise CannotLower(f"{name or 'it'} has hooks or a forward put in its place")
        if type(each).__call__ is not nn.Module.__call__:
            raise CannotLower(f"{name or 'it'} is called by code of its own")
    for name, parameter in module.named_parameters():
        if parameter._backward_hooks:
            raise CannotLower(f"{name} has a hook that changes its gradient")
        if type(parameter) is not nn.Parameter:
            raise CannotLower(f"{name} is a {type(parameter).__name__}")


@contextmanager
def _left_as_it_was(module: nn.Module) -> Iterator[None]:
    """Undo what tracing changes in the module; ``CannotLower`` if ``forward`` changed anything.

    Not only for cleanliness: what ``forward`` keeps from a traced run are stand-ins, and what it
    computes may depend on what it kept from the run before.
    """
    kept = [(each, each.training, _contents(vars(each))) for each in module.modules()]
    changed = []
    try:
        yield
    finally:
        for each, training, before in kept:
            each.training = training
            if _restore(vars(each), before):
                changed.append(type(each).__name__)
    if changed:
        raise CannotLower(f"the forward of {changed[0]} changes what it holds")


def _contents(attributes: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Every attribute but ``training``, and a copy of those that are containers."""
    return {
        name: (value, value.copy() if isinstance(value, dict | list | set) else None)
        for name, value in attributes.items()
        if name != "training"
    }


def _restore(attributes: dict[str, Any], before: dict[str, tuple[Any, Any]]) -> bool:
    """Put the attributes back; whether any had changed."""
    changed = False
    for name in set(attributes) - set(before) - {"training"}:
        del attributes[name]
        changed = True
    for name, (value, copied) in before.items():
        if name not in attributes or attributes[name] is not value:
            attributes[name] = value
            changed = True
        if copied is not None and not _same(value, copied):
            value.clear()
            value.extend(copied) if isinstance(value, list) else value.update(copied)
            changed = True
    return changed


def _same(left: Any, right: Any) -> bool:
    """Whether two containers hold the same objects; tensors don't compare as values."""
    if isinstance(left, set):
        return {id(each) for each in left} == {id(each) for each in right}
    pairs = zip(left, right, strict=False)
    if isinstance(left, dict):
        pairs = zip(left.items(), right.items(), strict=False)
        return len(left) == len(right) and all(a[0] == b[0] and a[1] is b[1] for a, b in pairs)
    return len(left) == len(right) and all(a is b for a, b in pairs)


class _Tracer(fx.Tracer):
    def proxy(self, node: fx.Node) -> fx.Proxy:
        return _Proxy(node, self)

    def create_node(self, *args: Any, **kwargs: Any) -> fx.Node:
        # Both leave no trace in the graph.
        if not torch.is_grad_enabled():
            raise CannotLower("it switches gradients off for a part")
        if any(torch.is_autocast_enabled(device) for device in ("cpu", "cuda")):
            raise CannotLower("it runs under autocast")
        return super().create_node(*args, **kwargs)


class _Proxy(fx.Proxy):
    """Keeps augmented assignments, which ``fx.Proxy`` takes for plain ones."""


def _augmented(operation: Callable) -> Callable:
    def assign(self: _Proxy, other: object) -> fx.Proxy:
        return self.tracer.create_proxy("call_function", operation, (self, other), {})

    return assign


for _name in (
    "iadd",
    "isub",
    "imul",
    "imatmul",
    "itruediv",
    "ifloordiv",
    "imod",
    "ipow",
    "iand",
    "ior",
    "ixor",
    "ilshift",
    "irshift",
):
    setattr(_Proxy, f"__{_name}__", _augmented(getattr(operator, _name)))
