"""PNG files as gray pictures and as pictures in colour."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import av
import numpy as np

from .errors import fail

# A file begins with the signature and the chunk IHDR, whose first two numbers are the picture's width and height.
HEAD = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
SIZE = struct.Struct(">II")
DEEPEST = 8  # bytes of a pixel at most: four channels of 16 bits
BESIDE = 2**20  # bytes of a file that are no pixels: profiles, text
MOST = 2**26  # pixels of a picture of any size

type Location = str | os.PathLike[str]


def read_png(name: str, argument: str, path: Location, width: int, height: int) -> np.ndarray:
    """Return the luma of a PNG file, 0 where it is transparent.

    The file is checked against the size before a pixel of it is unpacked.

    Args:
        name: the filter, for messages.
        argument: the argument that holds the path, likewise.
        path: of the file.
        width, height: that the picture must have.

    Returns:
        (H, W) uint8.

    Raises:
        vs.Error: the file cannot be read, is no PNG or a damaged one, or has another size.

    """
    *colours, alpha = np.moveaxis(_read(name, argument, path, (width, height)), -1, 0) / np.float64(255)
    luma = np.tensordot((0.2126, 0.7152, 0.0722), np.stack(colours), 1)
    return np.rint(255 * luma * alpha).astype(np.uint8)


def read_colours(name: str, argument: str, path: Location) -> np.ndarray:
    """Return the colours of a PNG file of any size up to 64 megapixels, (H, W, 3) uint8; transparency does not count.

    Args and errors are those of :func:`read_png`.
    """
    return _read(name, argument, path, None)[..., :3]


def _read(name: str, argument: str, path: Location, size: tuple[int, int] | None) -> np.ndarray:
    """Return a PNG file as (H, W, 4) uint8; ``size`` is the width and height that it must have, None for any."""
    words = f"{argument}={os.fspath(path)!r}"
    try:
        with Path(path).open("rb") as file:
            head = file.read(len(HEAD) + SIZE.size)
            width, height = _size(name, words, head, size)
            most = DEEPEST * (width + 1) * height + BESIDE
            content = head + file.read(most + 1)
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        fail(name, f"{words} cannot be read ({getattr(error, 'strerror', error)}); give the path of a PNG file")
    if len(content) > most:
        fail(name, f"{words} has more than {most} bytes, which no picture of {width}x{height} needs; save it anew")
    try:
        return _decoded(content)
    except (av.error.FFmpegError, IndexError):
        fail(name, f"{words} is damaged; save it anew")


def _size(name: str, words: str, head: bytes, wanted: tuple[int, int] | None) -> tuple[int, int]:
    """Return the width and height that the first bytes of a file tell, checked."""
    if not head.startswith(HEAD) or len(head) < len(HEAD) + SIZE.size:
        fail(name, f"{words} is no PNG file; open other pictures as a clip, e.g. with core.bs.VideoSource")
    width, height = SIZE.unpack_from(head, len(HEAD))
    if wanted is not None and (width, height) != wanted:
        fail(name, f"{words} is {width}x{height} but the clip is {wanted[0]}x{wanted[1]}; both must agree")
    if width * height > MOST:
        fail(name, f"{words} is {width}x{height}; pictures of up to {MOST} pixels are accepted: make it smaller")
    return width, height


def _decoded(content: bytes) -> np.ndarray:
    decoder = av.CodecContext.create("png", "r")
    decoder.options = {"err_detect": "explode"}
    frames = [*decoder.decode(av.Packet(content)), *decoder.decode(None)]
    return frames[0].to_ndarray(format="rgba")
