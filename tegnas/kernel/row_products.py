"""Explicit rows of a Jacobian: kept sparse where they are, multiplied a block of columns at a time.

The gradient of an embedding by one image is zero but for the tokens that the image has, and a
table may be far larger than all that the images of a batch use of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tegnas.memory import check_memory

# Rows with more zeros than this share are kept as indices and values.
_MOSTLY_ZERO = 0.9
# Numbers of one block in float64, of both sides together: 64 MiB.
_BLOCK = 2**23


class Held:
    """Bytes of the dense rows of all weights together; refuses what there is no memory for."""

    def __init__(self) -> None:
        self._bytes = 0

    def add(self, images: int, like: Tensor) -> None:
        """Rows of one more weight are going to be held."""
        self._bytes += images * like.numel() * like.element_size()
        check_memory(
            self._bytes,
            like.device,
            f"the Jacobian of {images:,} images, whose rows are held weight by weight where the "
            "native Gram doesn't know a layer or statistics are coupled,",
            "give fewer images, choose fewer weights (params), or batch_norm frozen",
        )


class Rows:
    """Collects the rows of one weight image by image: dense, or sparse while all of them are."""

    def __init__(self, images: int, like: Tensor, held: Held | None = None) -> None:
        self._images = images
        self._like = like.reshape(-1)
        self._held = held or Held()
        self._indices: list[Tensor] = []
        self._values: list[Tensor] = []
        self._dense: Tensor | None = None

    def add(self, image: int, row: Tensor) -> None:
        """The row (numel,) of one image; images that are never added have rows of zeros."""
        if self._dense is None:
            (columns,) = row.nonzero(as_tuple=True)
            if len(columns) <= (1 - _MOSTLY_ZERO) * len(row):
                self._indices.append(torch.stack([torch.full_like(columns, image), columns]))
                self._values.append(row[columns])
                return
            self._held.add(self._images, self._like)
            self._dense = self._sparse().to_dense()
        self._dense[image] = row

    def result(self) -> Tensor:
        """(N, numel), dense or sparse (COO, coalesced)."""
        return self._sparse() if self._dense is None else self._dense

    def _sparse(self) -> Tensor:
        shape = (self._images, len(self._like))
        indices = self._like.new_zeros((2, 0), dtype=torch.int64)
        return torch.sparse_coo_tensor(
            torch.cat([indices, *self._indices], dim=1),
            torch.cat([self._like.new_zeros(0), *self._values]),
            shape,
            check_invariants=True,
        ).coalesce()


def product(left: Tensor, right: Tensor) -> Tensor:
    """left · rightᵀ of rows (N, numel) and (N', numel), dense or sparse: float64 (N, N')."""
    total = torch.zeros(len(left), len(right), dtype=torch.float64, device=left.device)
    columns = _common_columns((left, right))
    if columns is not None:
        left, right = (_compact(rows, columns) for rows in (left, right))
    width = max(1, _BLOCK // max(1, len(left) + len(right)))
    for first in range(0, left.shape[1], width):
        total += _block(left, first, width) @ _block(right, first, width).T
    return total


def _common_columns(sides: Sequence[Tensor]) -> Tensor | None:
    """The columns in which a sparse side has numbers, sorted; None if both are dense."""
    used = [rows.indices()[1].unique() for rows in sides if rows.is_sparse]
    return min(used, key=len) if used else None


def _compact(rows: Tensor, columns: Tensor) -> Tensor:
    """Only these columns of the rows."""
    if not rows.is_sparse:
        return rows[:, columns]
    (images, at), values = rows.indices(), rows.values()
    place = torch.searchsorted(columns, at).clamp(max=max(0, len(columns) - 1))
    kept = columns[place] == at if len(columns) else torch.zeros_like(at, dtype=torch.bool)
    indices = torch.stack([images[kept], place[kept]])
    shape = (len(rows), len(columns))
    return torch.sparse_coo_tensor(indices, values[kept], shape, check_invariants=True).coalesce()


def _block(rows: Tensor, first: int, width: int) -> Tensor:
    last = min(first + width, rows.shape[1])
    if not rows.is_sparse:
        return rows[:, first:last].double()
    (images, at), values = rows.indices(), rows.values()
    inside = (at >= first) & (at < last)
    block = torch.zeros(len(rows), last - first, dtype=torch.float64, device=rows.device)
    block[images[inside], at[inside] - first] = values[inside].double()
    return block
