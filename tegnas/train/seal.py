"""A seal on a file of weights: whether its bytes are those that were written.

``torch.save`` writes a zip file, and ``torch.load`` doesn't look at the checksums in it: a flipped
bit is another weight. The seal is the SHA-256 of the file in the comment that a zip file may end
with, so that the file stays one that ``torch.load`` reads.
"""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile

from tegnas.errors import InputError

_WORD = b"tegnas sha256 "
_LENGTH = len(_WORD) + 64
# The record that ends a zip file: signature, sixteen bytes of counts, length of the comment.
_END = b"PK\x05\x06"
_END_SIZE = 22


def sealed(content: bytes) -> bytes:
    """A zip file without comment, with its seal."""
    assert _ends_plainly(content)
    body = content[:-2] + struct.pack("<H", _LENGTH) + _WORD
    return body + hashlib.sha256(body).hexdigest().encode()


def check_seal(content: bytes, *, required: bool) -> None:
    """Check the bytes of a file of weights.

    Args:
        content: of the file.
        required: whether a file without seal, as other programs write it, is refused. If not, the
            checksums of the zip file itself are looked at.

    Raises:
        InputError: the bytes aren't those that were written.
    """
    body, digest = content[:-64], content[-64:]
    if body.endswith(_WORD):
        if hashlib.sha256(body).hexdigest().encode() != digest:
            raise InputError("its checksum is that of other content: it is damaged")
    elif required or not _ends_plainly(content):
        raise InputError("it has no checksum that can be read: it is damaged or cut off")
    _check_entries(content)


def _ends_plainly(content: bytes) -> bool:
    end = content[-_END_SIZE:]
    return end.startswith(_END) and end.endswith(b"\x00\x00")


def _check_entries(content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            # ``torch.save`` compresses nothing; what is compressed may unfold to any size.
            packed = [each for each in file.infolist() if each.compress_type != zipfile.ZIP_STORED]
            damaged = packed[0].filename if packed else file.testzip()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise InputError(f"it is no zip file of weights ({error})") from None
    if damaged is not None:
        raise InputError(f"the checksum of its part {damaged} is that of other content")
