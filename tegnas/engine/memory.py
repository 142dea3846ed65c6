"""Which value of a program a piece of memory holds, while operations write to it in place.

Programs have no memory: each instruction gives a new value. A PyTorch operation in place changes
what every tensor on the same memory shows from then on, so that the number of the value belongs to
the memory and not to the tensor.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(eq=False)
class Memory:
    """Memory as one tensor shows it.

    Attributes:
        number: of the value that it holds now.
        stale: it was written to through another view, in a way that programs can't follow.
        views: every view of the same memory, this one among them.
    """

    number: int
    stale: bool = False
    views: list[Memory] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.views.append(self)

    def view(self, number: int) -> Memory:
        """The same memory in another shape or in part, or a copy: PyTorch decides as it runs."""
        return Memory(number, views=self.views)

    def write(self, number: int) -> None:
        """Hold another value; what other views show now isn't known."""
        self.number = number
        for each in self.views:
            each.stale = each is not self
