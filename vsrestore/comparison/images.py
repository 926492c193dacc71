"""Pictures as image files, through the encoders that PyAV brings."""

from __future__ import annotations

import base64
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

JPEG_SCALE = 2  # of ffmpeg's scale from 1 (best) to 31


def png(picture: np.ndarray) -> bytes:
    """Return a picture (H, W, 3) uint8 as a PNG file."""
    return _encoded("png", av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24"))


def jpeg(picture: np.ndarray) -> bytes:
    """Return a picture (H, W, 3) uint8 as a JPEG file of high quality, chroma in full."""
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24")
    full = frame.reformat(format="yuvj444p", dst_colorspace=Colorspace.ITU601, dst_color_range=ColorRange.JPEG)
    return _encoded("mjpeg", full)


def data_uri(image: bytes) -> str:
    """Return a PNG or JPEG file as an address that holds it."""
    kind = "png" if image.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(image).decode()}"


def _encoded(codec: str, frame: av.VideoFrame) -> bytes:
    context: Any = av.CodecContext.create(codec, "w")
    context.width, context.height = frame.width, frame.height
    context.pix_fmt = frame.format.name
    context.time_base = Fraction(1, 25)
    if codec == "mjpeg":
        context.options = {"qmin": str(JPEG_SCALE), "qmax": str(JPEG_SCALE)}
    frame.pts = 0
    return b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)])
