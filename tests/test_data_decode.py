"""Image files of every kind as pixels: depth, orientation, transparency, palettes, size."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from tegnas.data import ImageWarning, load_batch
from tegnas.data.decode import MOST_PIXELS, decode
from tegnas.errors import InputError

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")

SIDE = 16
RAMP = np.linspace(0, 1, SIDE)[None].repeat(SIDE, 0)  # dark on the left


def floats(file: Path, size: int = SIDE) -> np.ndarray:
    """The decoded pixels on the scale where white is 1, one of three equal channels."""
    decoded = decode(file, size)
    assert decoded.pixels.shape == (3, size, size)
    pixels = decoded.pixels / 255 if decoded.pixels.dtype == np.uint8 else decoded.pixels
    return pixels


def grey(bits: int) -> Image.Image:
    if bits == 16:
        return Image.fromarray((RAMP * 65535).round().astype(np.uint16))
    return Image.fromarray((RAMP * 255).round().astype(np.uint8))


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_are_read_to_their_full_precision(tmp_path, suffix):
    grey(16).save(tmp_path / f"a.{suffix}")
    assert np.abs(floats(tmp_path / f"a.{suffix}") - RAMP).max() < 1 / 65535
    dark = Image.fromarray((RAMP * 4095).round().astype(np.uint16))  # 12 bits in 16
    dark.save(tmp_path / f"b.{suffix}")
    assert len(np.unique(floats(tmp_path / f"b.{suffix}"))) == SIDE


def test_sixteen_bits_in_a_portable_graymap(tmp_path):
    content = (RAMP * 65535).round().astype(">u2").tobytes()
    (tmp_path / "a.pgm").write_bytes(b"P5 16 16 65535\n" + content)
    assert np.abs(floats(tmp_path / "a.pgm") - RAMP).max() < 1e-4


def png_of_sixteen_bits(channels: int) -> bytes:
    """A PNG of 16 bits per channel with the ramp in every channel, opaque."""
    values = (RAMP * 65535).round().astype(">u2")[:, :, None].repeat(channels, 2)
    if channels in (2, 4):
        values[..., -1] = 65535
    rows = b"".join(b"\0" + row.tobytes() for row in values)
    colour = {2: 4, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 16, colour, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n"
    for name, body in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
        check = struct.pack(">I", zlib.crc32(name + body))
        content += struct.pack(">I", len(body)) + name + body + check
    return content


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_sixteen_bits_in_several_channels(tmp_path, channels):
    (tmp_path / "a.png").write_bytes(png_of_sixteen_bits(channels))
    assert np.abs(floats(tmp_path / "a.png") - RAMP).max() < 1.01 / 255


def class_folder(folder: Path, save) -> Path:
    """Two classes of four images each: the ramp, rolled by another number of columns each."""
    for name, start in (("a", 0), ("b", 5)):
        (folder / name).mkdir(parents=True)
        for i in range(4):
            save(np.roll(RAMP, 2 * i + start, 1), folder / name / str(i))
    return folder


@pytest.mark.parametrize("scale", [1.0, 255.0, 3000.0])
def test_floating_point_images_are_normalised_whatever_their_scale(tmp_path, scale):
    def eight_bits(values, path):
        Image.fromarray((values * 255).round().astype(np.uint8)).save(f"{path}.png")

    def floating(values, path):
        Image.fromarray((values * scale - scale / 3).astype(np.float32)).save(f"{path}.tif")

    expected = load_batch(f"folder:{class_folder(tmp_path / '8', eight_bits)}", train=4, val=2)
    found = load_batch(f"folder:{class_folder(tmp_path / 'f', floating)}", train=4, val=2)
    assert (found.images - expected.images).abs().max() < 0.02


def test_images_of_unknown_scale_are_not_mixed_with_others(tmp_path):
    class_folder(tmp_path, lambda values, path: grey(8).save(f"{path}.png"))
    Image.fromarray(RAMP.astype(np.float32)).save(tmp_path / "a" / "9.tif")
    with pytest.raises(InputError, match="9.tif has floating-point or 32-bit pixels, whose scale"):
        load_batch(f"folder:{tmp_path}", train=4, val=2)


def test_eight_and_sixteen_bits_may_be_mixed(tmp_path):
    def save(values, path):
        Image.fromarray((values * 65535).astype(np.uint16)).save(f"{path}.png")
        Image.fromarray(255 - (values * 255).astype(np.uint8)).save(f"{path}-8.png")

    assert load_batch(f"folder:{class_folder(tmp_path, save)}", train=8, val=4).images.std() > 0.5


def test_values_that_are_no_numbers_are_refused(tmp_path):
    values = RAMP.astype(np.float32)
    values[3, 4] = np.nan
    Image.fromarray(values).save(tmp_path / "a.tif")
    with pytest.raises(InputError, match=r"a.tif has NaN or infinite pixels"):
        decode(tmp_path / "a.tif", 8)


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, RAMP),
        (2, RAMP[:, ::-1]),
        (3, RAMP[::-1, ::-1]),
        (6, np.rot90(RAMP, -1)),
        (8, np.rot90(RAMP)),
    ],
)
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
def test_images_are_turned_as_their_exif_orientation_says(tmp_path, orientation, upright, suffix):
    exif = Image.Exif()
    exif[0x0112] = orientation
    grey(8).save(tmp_path / f"a.{suffix}", exif=exif)
    assert np.abs(floats(tmp_path / f"a.{suffix}") - upright).max() < 0.05


def test_broken_exif_is_no_orientation(tmp_path):
    grey(8).save(tmp_path / "a.jpg", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x02\x01\x12garbage")
    assert np.abs(floats(tmp_path / "a.jpg") - RAMP).max() < 0.05


def transparent() -> Image.Image:
    """Black, its right half transparent."""
    image = Image.new("RGBA", (SIDE, SIDE), (0, 0, 0, 255))
    image.paste((0, 0, 0, 0), (SIDE // 2, 0, SIDE, SIDE))
    return image


@pytest.mark.parametrize("form", ["RGBA", "LA", "P", "webp"])
def test_transparent_parts_are_laid_over_white(tmp_path, form):
    file = tmp_path / ("a.webp" if form == "webp" else "a.png")
    if form == "webp":
        transparent().save(file, lossless=True)
    elif form == "P":
        image = Image.new("P", (SIDE, SIDE), 1)
        image.putpalette([0, 0, 0, 0, 0, 0])
        image.paste(0, (SIDE // 2, 0, SIDE, SIDE))
        image.save(file, transparency=0)
    else:
        transparent().convert(form).save(file)
    decoded = decode(file, SIDE)
    assert decoded.remarks == ("transparent parts laid over white",)
    assert (decoded.pixels[:, :, :8] == 0).all() and (decoded.pixels[:, :, 8:] == 255).all()


def test_an_opaque_alpha_channel_changes_nothing(tmp_path):
    grey(8).convert("RGBA").save(tmp_path / "a.png")
    decoded = decode(tmp_path / "a.png", SIDE)
    assert decoded.remarks == () and np.abs(floats(tmp_path / "a.png") - RAMP).max() < 1 / 255


@pytest.mark.parametrize("mode", ["1", "P", "CMYK", "RGB", "L", "YCbCr"])
def test_other_kinds_of_pixels_become_rgb(tmp_path, mode):
    halves = Image.fromarray(np.where(RAMP > 0.5, 255, 0).astype(np.uint8))
    suffix = "jpg" if mode == "YCbCr" else "tif"
    halves.convert("RGB").convert(mode).save(tmp_path / f"a.{suffix}")
    assert np.abs(floats(tmp_path / f"a.{suffix}") - (RAMP > 0.5)).max() < 0.03


def test_of_an_animation_the_first_picture_is_taken_and_said(tmp_path):
    def save(values, path):
        pictures = [Image.fromarray((each * 255).astype(np.uint8)) for each in (values, 0 * values)]
        pictures[0].save(f"{path}.gif", save_all=True, append_images=pictures[1:])

    folder = class_folder(tmp_path, save)
    with pytest.warns(ImageWarning) as caught:
        batch = load_batch(f"folder:{folder}", train=4, val=2)
    assert [str(each.message) for each in caught] == [
        f"8 of 8 images in {folder} are read with the first picture of each file of several"
    ]
    assert batch.images.std() > 0.5


def test_an_image_that_unfolds_to_very_much_is_refused_unread(tmp_path, monkeypatch):
    side = int(MOST_PIXELS**0.5) + 1
    content = b"P5 %d %d 255\n" % (side, side)  # the pixels themselves aren't even there
    (tmp_path / "a.pgm").write_bytes(content)
    with pytest.raises(InputError, match="a.pgm unfolds to 8,193×8,193 pixels, more than"):
        decode(tmp_path / "a.pgm", 8)


def test_other_formats_under_a_name_of_an_image_are_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n"
    )
    with pytest.raises(InputError, match="is of the format EPS, whatever its name says"):
        decode(tmp_path / "a.png", 8)
