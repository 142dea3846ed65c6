"""Which row of a layer's output belongs to which image: found out, never assumed.

A layer may see the batch in another order, with tokens in front, or with several windows per
image. So the gradient is taken twice: of the sum of the images' scalars, and with a power of two
in front of each scalar. Where a row of the first is g, it is 2^e·g in the second if and only if
the row belongs to one image, the one with that power. The factor is exact in floating point, and
any mixture of images gives something else.

A network may say that it needs no such test (``keeps_rows``).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

_DIGITS = 64  # powers of two from 2^-32 to 2^31: float32 has room for these around a gradient
_TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-11}  # relative to the largest of the row

NOBODY = -1


def keeps_rows(network: nn.Module) -> bool:
    """Whether a network says that its layers keep images in order and apart, their index first.

    By an attribute ``keeps_rows``: for networks of spaces that are known to do so, many of which
    are scored. It saves the test of it, which takes as long as what is tested. Whoever sets it on a
    network that normalises by the batch, folds anything into the first dimension or shuffles it
    gets wrong numbers.
    """
    return bool(getattr(network, "keeps_rows", False))


def tags(images: int, like: Tensor) -> list[Tensor]:
    """Factors (N,) for the scalars of the images: one tensor for every 6 bits of their number."""
    numbers = torch.arange(images, device=like.device)
    result, place = [], 1
    while place < images:
        digits = numbers.div(place, rounding_mode="floor") % _DIGITS - _DIGITS // 2
        result.append(torch.exp2(digits.to(like.dtype)))
        place *= _DIGITS
    return result


def tag_digits(plain: Tensor, tagged: Tensor) -> Tensor | None:
    """The digit behind each row's tag, from gradients (rows, numbers).

    Returns:
        int64 of shape (rows,), ``NOBODY`` for a row that no image reaches; None if a row belongs
        to more than one image.
    """
    if plain.numel() == 0:
        return torch.full((len(plain),), NOBODY, device=plain.device)
    largest, column = plain.abs().max(1)
    reached = largest > 0
    one = plain.gather(1, column[:, None])[:, 0]
    ratio = tagged.gather(1, column[:, None])[:, 0] / torch.where(reached, one, 1)
    exponent = torch.log2(ratio).round()  # NaN for a negative ratio
    valid = exponent.isfinite() & (exponent >= -_DIGITS // 2) & (exponent < _DIGITS // 2)
    factor = torch.exp2(torch.where(valid, exponent, 0))[:, None]
    deviation = torch.addcmul(tagged, plain, factor, value=-1).abs().amax(1)
    right = deviation <= _TOLERANCE[plain.dtype] * largest * factor[:, 0]
    if not bool((right & (valid | ~reached)).all()):
        return None
    return torch.where(reached, exponent.nan_to_num().long() + _DIGITS // 2, NOBODY)


def owners_of(digits: Sequence[Tensor], images: int) -> Tensor | None:
    """The image of every row from its digits, lowest first; ``NOBODY`` where there is none."""
    owners = torch.zeros_like(digits[0])
    for position, digit in enumerate(digits):
        owners += torch.where(digit == NOBODY, 0, digit) * _DIGITS**position
    owners = torch.where(digits[0] == NOBODY, NOBODY, owners)
    return owners if bool((owners < images).all()) else None


def rows_of_images(owners: Tensor, images: int) -> Tensor:
    """For each image the indices of its rows, in order: (N, most rows of one).

    Where an image has fewer, rows of ``NOBODY`` stand in as long as there are some, then −1.
    """
    free = torch.nonzero(owners == NOBODY)[:, 0]
    counts = torch.bincount(owners[owners != NOBODY], minlength=images)
    order = torch.argsort(owners, stable=True)[len(free) :]
    width = max(1, int(counts.max()))
    place = torch.arange(width, device=owners.device).expand(images, width)
    rows = torch.full_like(place, NOBODY)
    rows[place < counts[:, None]] = order
    empty = torch.nonzero(rows == NOBODY)[: len(free)]
    rows[empty[:, 0], empty[:, 1]] = free[: len(empty)]
    return rows
