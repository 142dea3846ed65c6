"""One image file as pixels: whatever its depth, orientation, palette and transparency."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tegnas.errors import InputError

# Larger than photographs are (8,192×8,192): what unfolds to more is a mistake or an attack.
MOST_PIXELS = 2**26

# What the suffixes of image files stand for. Pillow goes by the content, and would start other
# programs for some formats.
_FORMATS = {"BMP", "DIB", "GIF", "JPEG", "MPO", "PNG", "PPM", "TIFF", "WEBP"}

# Formats whose deep grey images Pillow opens with 32 bits per pixel have 16 in the file.
_SIXTEEN_BITS = {"PNG", "PPM"}


@dataclass(frozen=True, eq=False)
class Decoded:
    """An image, stretched to a square.

    Attributes:
        pixels: (3, size, size): uint8; or float32, on the scale where white is 1 unless
            ``unscaled``.
        unscaled: whether the values are those of a file whose scale isn't known: floating point or
            32-bit integers.
        remarks: what was done to it that one might not expect, as parts of a sentence.
    """

    pixels: np.ndarray
    unscaled: bool
    remarks: tuple[str, ...]


def import_pillow() -> Any:
    """Pillow's module ``Image``; ``InputError`` if it isn't installed."""
    try:
        from PIL import Image
    except ImportError:
        raise InputError(
            "reading a folder of images needs Pillow; install it with: pip install 'tegnas[images]'"
        ) from None
    return Image


def decode(file: Path, size: int) -> Decoded:
    """Read an image file, turned as its EXIF orientation says, three channels, ``size``×``size``.

    Stretched with bilinear interpolation and antialiasing. Grey images become three equal
    channels, palettes, CMYK and others RGB. 16-bit grey images keep their precision (as floats,
    divided by 65,535). Transparent parts are laid over white. Of an animation or a file of several
    pages it is the first.

    Raises:
        InputError: Pillow is missing, the file can't be decoded, holds NaN or infinite values, or
            would unfold to more than 2^26 pixels.
    """
    pillow = import_pillow()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow's, about sizes that are checked below
            with pillow.open(file) as image:
                _check_format(file, image)
                return decode_picture(image, str(file), size)
    except (OSError, ValueError, SyntaxError, pillow.DecompressionBombError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{file} can't be decoded as an image ({error}); replace or remove it"
        ) from None


def decode_picture(image: Any, name: str, size: int) -> Decoded:
    """The same of a picture that Pillow has opened; ``name`` is what messages call it."""
    pillow = import_pillow()
    _check_extent(name, image)
    remarks = ["the first picture of each file of several"] * _has_several(image)
    white, upright = _white(image), _upright(image)
    if white is not None:
        return _decode_deep(pillow, name, upright, white, size, tuple(remarks))
    opaque, laid_over = _opaque(pillow, upright)
    remarks += ["transparent parts laid over white"] * laid_over
    rgb = opaque.resize((size, size), pillow.Resampling.BILINEAR)
    return Decoded(np.asarray(rgb, dtype=np.uint8).transpose(2, 0, 1), False, tuple(remarks))


def stacked(files: Iterable[Path], images: Iterable[Decoded]) -> tuple[np.ndarray, bool]:
    """Images as one array, uint8 if all are, and whether they are unscaled.

    Raises:
        InputError: images whose scale isn't known are mixed with others.
    """
    every = list(images)
    unscaled = {image.unscaled for image in every}
    if len(unscaled) > 1:
        odd = next(file for file, image in zip(files, every, strict=True) if image.unscaled)
        raise InputError(
            f"{odd} has floating-point or 32-bit pixels, whose scale isn't known, beside images of "
            "8 or 16 bits; store all images in one way"
        )
    if all(image.pixels.dtype == np.uint8 for image in every):
        return np.stack([image.pixels for image in every]), False
    return np.stack([_floating(image.pixels) for image in every]), unscaled == {True}


def _floating(pixels: np.ndarray) -> np.ndarray:
    return pixels.astype(np.float32) / 255 if pixels.dtype == np.uint8 else pixels


def _check_format(file: Path, image: Any) -> None:
    if image.format not in _FORMATS:
        raise InputError(
            f"{file} is of the format {image.format}, whatever its name says; read are "
            f"{', '.join(sorted(_FORMATS))}"
        )


def _check_extent(name: str, image: Any) -> None:
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise InputError(
            f"{name} unfolds to {width:,}×{height:,} pixels, more than the {MOST_PIXELS:,} that an "
            "image may have; make it smaller or remove it"
        )


def _has_several(image: Any) -> bool:
    return getattr(image, "n_frames", 1) > 1


def _upright(image: Any) -> Any:
    """The image turned as its EXIF orientation says; as it is where there is none to be read."""
    from PIL import ImageOps

    image.load()
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # EXIF data that can't be read have no orientation
        return image


def _white(image: Any) -> float | None:
    """What white is in an image of deep grey pixels, NaN if not known; None for other images."""
    if image.mode.startswith("I;16"):
        return 65535.0
    if image.mode in ("I", "F"):
        return 65535.0 if image.mode == "I" and image.format in _SIXTEEN_BITS else float("nan")
    return None


def _decode_deep(
    pillow: Any, name: str, image: Any, white: float, size: int, remarks: tuple[str, ...]
) -> Decoded:
    if "transparency" in image.info:
        raise InputError(
            f"{name} has transparent pixels of 16 bits, which can't be laid over white; store the "
            "image in 8 bits or without transparency"
        )
    values = np.asarray(image, dtype=np.float32)
    if not np.isfinite(values).all():
        raise InputError(f"{name} has NaN or infinite pixels; replace or remove it")
    unscaled = bool(np.isnan(white))
    if not unscaled:
        values = values / np.float32(white)
    grey = pillow.fromarray(values).resize((size, size), pillow.Resampling.BILINEAR)
    return Decoded(np.repeat(np.asarray(grey, dtype=np.float32)[None], 3, 0), unscaled, remarks)


def _opaque(pillow: Any, image: Any) -> tuple[Any, bool]:
    """The image in RGB, and whether parts of it were transparent and are now laid over white."""
    if "A" not in image.mode and "a" not in image.mode and "transparency" not in image.info:
        return image.convert("RGB"), False
    layer = image.convert("RGBA")
    lowest, _ = layer.getchannel("A").getextrema()
    if lowest == 255:
        return layer.convert("RGB"), False
    white = pillow.new("RGBA", layer.size, (255, 255, 255, 255))
    white.alpha_composite(layer)
    return white.convert("RGB"), True
