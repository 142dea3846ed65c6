"""Images that make a kernel singular for every network: two that are equal, and blank ones.

Two equal images have equal rows in the kernel of any network, so its condition number and the
error of the regression are infinite for all architectures alike. A blank image, every channel of
one value, is such a pair in waiting (blanks are equal more often than not) and shows nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from tegnas.errors import InputError

# Differences up to this share of the largest value are those of rounding: resizing in float32 gives
# equal images values that differ by some 1e-7.
_ROUNDING = 1e-5
_SHOWN = 8
_CHUNK = 2**22  # values converted to float64 at a time


def repeated(images: Tensor) -> list[tuple[int, int]]:
    """Which images (N, …) are equal to another, up to rounding: (earliest such, image)."""
    flat = images.detach().flatten(1)
    tolerance = _tolerance(images)
    along, places = (each.tolist() for each in _along_a_direction(flat).sort(stable=True))
    # Equal images lie side by side on any line; those that do are compared pixel by pixel.
    reach = tolerance * flat.shape[1] ** 0.5 * (1 + 1e-6)
    earliest = list(range(len(flat)))  # of the images known to be equal to this one
    for start, place in enumerate(places):
        for other in range(start + 1, len(places)):
            if along[other] - along[start] > reach:
                break
            if _equal(flat[place], flat[places[other]], tolerance):
                first, second = (_earliest(at, earliest) for at in (place, places[other]))
                earliest[max(first, second)] = min(first, second)
                break  # what is equal to both is found from the other
    firsts = [_earliest(image, earliest) for image in range(len(flat))]
    return sorted((first, image) for image, first in enumerate(firsts) if first != image)


def blank(images: Tensor) -> list[int]:
    """Which images (N, C, H, W) are of one colour. None are where all are: it is what they are.

    None of what isn't images: a row of a table may well hold one number.
    """
    if images.dim() != 4 or not images.is_floating_point():
        return []
    spread = images.amax((2, 3)) - images.amin((2, 3))
    tolerance = _tolerance(images)
    found = torch.nonzero((spread <= tolerance).all(1)).flatten().tolist()
    return found if len(found) < len(images) else []


def check_distinct(images: Tensor, what: str) -> None:
    """Refuse images among which one is blank or two are equal.

    Args:
        images: (N, …).
        what: what they are, for the message, such as "training images".

    Raises:
        InputError: with the indices of the images.
    """
    pairs = repeated(images)
    if pairs:
        texts = [f"{late} equals {early}" for early, late in pairs]
        raise InputError(
            f"{what} are repeated ({_listed(texts)}), and the kernel of equal images is singular "
            "for every network: its scores would be infinite; give each once"
        )
    blanks = blank(images)
    if blanks:
        raise InputError(
            f"{what} {_listed(map(str, blanks))} of {len(images)} are blank (one colour); leave "
            "them out"
        )


def _listed(texts: Iterable[str]) -> str:
    every = list(texts)
    more = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
    return ", ".join(every[:_SHOWN]) + more


def _tolerance(images: Tensor) -> float:
    if not images.is_floating_point():
        return 0.0
    lowest, highest = torch.aminmax(images)
    return _ROUNDING * max(-float(lowest), float(highest))


def _along_a_direction(flat: Tensor) -> Tensor:
    """The place of every image on one fixed line, (N,) float64; no farther apart than the images.

    Float64 over chunks of pixels, so that large images aren't copied whole.
    """
    generator = torch.Generator().manual_seed(0)
    direction = torch.randn(flat.shape[1], dtype=torch.float64, generator=generator)
    direction = (direction / direction.norm()).to(flat.device)
    places = torch.zeros(len(flat), dtype=torch.float64, device=flat.device)
    pixels = max(1, _CHUNK // len(flat))
    for start in range(0, flat.shape[1], pixels):
        stop = start + pixels
        places += flat[:, start:stop].double() @ direction[start:stop]
    return places


def _earliest(image: int, earliest: list[int]) -> int:
    while earliest[image] != image:
        image = earliest[image]
    return image


def _equal(first: Tensor, second: Tensor, tolerance: float) -> bool:
    return float((first - second).abs().max()) <= tolerance
