"""PNG files as gray pictures."""

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


def read_png(name: str, argument: str, path: str | os.PathLike[str], width: int, height: int) -> np.ndarray:
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
    told = f"{argument}={os.fspath(path)!r}"
    most = DEEPEST * (width + 1) * height + BESIDE
    try:
        with Path(path).open("rb") as file:
            content = file.read(most + 1)
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        fail(name, f"{told} cannot be read ({getattr(error, 'strerror', error)}); give the path of a PNG file")
    if not content.startswith(HEAD) or len(content) < len(HEAD) + SIZE.size:
        fail(name, f"{told} is no PNG file; open other pictures as a clip, e.g. with core.bs.VideoSource")
    found = SIZE.unpack_from(content, len(HEAD))
    if found != (width, height):
        fail(name, f"{told} is {found[0]}x{found[1]} but the clip is {width}x{height}; both must agree")
    if len(content) > most:
        fail(name, f"{told} has more than {most} bytes, which no picture of {width}x{height} needs; save it anew")
    try:
        return _luma(content)
    except (av.error.FFmpegError, IndexError):
        fail(name, f"{told} is damaged; save it anew")


def _luma(content: bytes) -> np.ndarray:
    """Decode a PNG file: (H, W) uint8."""
    decoder = av.CodecContext.create("png", "r")
    decoder.options = {"err_detect": "explode"}
    frames = [*decoder.decode(av.Packet(content)), *decoder.decode(None)]
    *colours, alpha = np.moveaxis(frames[0].to_ndarray(format="rgba"), -1, 0) / np.float64(255)
    luma = np.tensordot((0.2126, 0.7152, 0.0722), np.stack(colours), 1)
    return np.rint(255 * luma * alpha).astype(np.uint8)
