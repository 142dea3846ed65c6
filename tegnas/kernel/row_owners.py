"""Which row of a layer's output belongs to which image: found out, never assumed.

A layer may see the batch in another order, with tokens in front, or with several windows per
image. So the gradient is taken twice: of the sum of the images' scalars, and with a power of two
in front of each scalar. Where a row of the first is g, it is 2^e·g in the second if and only if
the row belongs to one image, the one with that power. The factor is exact in floating point, and
a mixture of images gives something else, unless its parts are in a ratio that powers of two make
(1·2⁰ + ½·2² is 1½·2¹, the mark of a third image). So the powers have no order, and rows that
aren't where they are expected are looked at once more, with other powers.

A network may say that it needs no such test (``keeps_rows``).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

_DIGITS = 64  # powers of two from 2^-32 to 2^31: float32 has room for these around a gradient
_TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-11}  # relative to the largest of the row

NOBODY = -1


def _without_order(seed: int) -> Tensor:
    """The exponent of every digit."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randperm(_DIGITS, generator=generator) - _DIGITS // 2


_EXPONENTS = _without_order(0x7A65)
_DIGIT_OF = (_EXPONENTS + _DIGITS // 2).argsort()
_OTHER_EXPONENTS = _without_order(0x0E75)


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
        digits = numbers.div(place, rounding_mode="floor") % _DIGITS
        result.append(torch.exp2(_EXPONENTS.to(like)[digits]))
        place *= _DIGITS
    return result


def other_tags(images: int, like: Tensor) -> Tensor:
    """Other factors (N,), to confirm what the first ones told."""
    numbers = torch.arange(images, device=like.device)
    # Images of one lowest digit differ here.
    return torch.exp2(_OTHER_EXPONENTS.to(like)[(numbers + numbers // _DIGITS) % _DIGITS])


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
    factor = torch.exp2(torch.where(valid, exponent, 0))
    if not bool((valid | ~reached).all()) or not _is_multiple(plain, tagged, factor):
        return None
    place = torch.where(valid, exponent, 0).long() + _DIGITS // 2
    return torch.where(reached, _DIGIT_OF.to(place.device)[place], NOBODY)


def confirms(plain: Tensor, tagged: Tensor, owners: Tensor, tag: Tensor) -> bool:
    """Whether every row is that of its owner by another tag as well."""
    if plain.numel() == 0:
        return True
    return _is_multiple(plain, tagged, torch.where(owners == NOBODY, 1, tag[owners.clamp(min=0)]))


def _is_multiple(plain: Tensor, tagged: Tensor, factor: Tensor) -> bool:
    """Whether each row of ``tagged`` is that of ``plain`` times its factor (rows,)."""
    deviation = torch.addcmul(tagged, plain, factor[:, None], value=-1).abs().amax(1)
    allowed = _TOLERANCE[plain.dtype] * plain.abs().amax(1) * factor
    return bool((deviation <= allowed).all())


def are_in_order(owners: Tensor, images: int) -> bool:
    """Whether the rows are those of the first image, then of the second, and so on, as many each.

    Rows of nobody are where they may be.
    """
    if len(owners) % images:
        return False
    expected = torch.arange(images, device=owners.device).repeat_interleave(len(owners) // images)
    return bool(((owners == expected) | (owners == NOBODY)).all())


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
