"""Functions of PyTorch replaced by others while a network runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from torch.overrides import TorchFunctionMode


class Replaced(TorchFunctionMode):
    """Within its ``with`` block some functions are others, in whatever layer they are called.

    On the functions, not the layers, so that it holds for sub-classes whose forward does more, and
    for networks that call the functions themselves; the network stays as it is. Of several blocks
    the inner one sees a call first. A replacement is called outside of its own block.

    Args:
        replacements: by function, what takes its place and its arguments.
    """

    def __init__(self, replacements: Mapping[Callable, Callable]) -> None:
        super().__init__()
        self._replacements = dict(replacements)

    def __torch_function__(
        self,
        func: Callable,
        types: Sequence[type],
        args: tuple = (),
        kwargs: dict | None = None,
    ) -> object:
        return self._replacements.get(func, func)(*args, **(kwargs or {}))
