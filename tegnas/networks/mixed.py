"""An edge of a supernet: several operations at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn


class MixedOperation(nn.Module):
    """The mean of some operations on one input, each under its own name.

    The mean rather than the sum: the softmax over equal architecture parameters of DARTS (Liu et
    al., ICLR 2019, arXiv 1806.09055, section 2.2) and TE-NAS (arXiv 2102.11535).
    """

    def __init__(self, names: Sequence[str], make: Callable[[str], nn.Module]) -> None:
        super().__init__()
        self.names = tuple(names)
        for name in self.names:
            self.add_module(name, make(name))

    def forward(self, x: Tensor) -> Tensor:
        total = self.get_submodule(self.names[0])(x)
        for name in self.names[1:]:
            total = total + self.get_submodule(name)(x)
        return total * (1.0 / len(self.names)) if len(self.names) > 1 else total
