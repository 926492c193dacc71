"""Real codecs, through ffmpeg: MPEG-2, H.264, H.265 at 4:2:0 and 8 bits.

A codec needs a run of frames. So that frame t stays a function of its surroundings alone, a clip is cut into groups
of pictures at the frame numbers that are multiples of `gop`, and each is encoded by itself.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..errors import VsrestoreError
from ..ffmpeg import FFmpegError, packaged_program
from .noise import Array
from .ranges import ranged

Codec = Literal["none", "mpeg2", "h264", "h265"]

# H.265 accepts no smaller frames.
_SMALLEST = 64
_EXACT = ("-sws_flags", "bicubic+accurate_rnd+full_chroma_int+bitexact")


class CompressionError(VsrestoreError, ValueError):
    """ffmpeg could not encode or decode; the message holds what it told."""


@dataclass(frozen=True, kw_only=True)
class Compression:
    """A codec and how hard it compresses.

    codec: "none" = off, "mpeg2", "h264" or "h265".
    quality: the constant rate factor of H.264 and H.265 (23 good, 30 visible, 38-45 bad), or the quantiser of MPEG-2
        (3 good, 8 visible, 20 bad).
    gop: frames per group of pictures. b_frames: most of them in a row. deblock: the in-loop filter of H.264.
    """

    codec: Codec = "none"
    quality: float = ranged(23.0, 1, 51)
    gop: int = ranged(12, 1, 250)
    b_frames: int = ranged(2, 0, 3)
    deblock: bool = True


def compressed(frames: Array, first: int, compression: Compression) -> Array:
    """Return frames (T, H, W, 3) in [0, 1] after encoding and decoding.

    The result is the same on every machine with the same build of ffmpeg (the one that the package imageio-ffmpeg
    finds), and where the frames given begin at a multiple of `gop`.

    Args:
        first: frame number of frames[0].

    Raises:
        CompressionError: ffmpeg is missing or refuses.
    """
    if compression.codec == "none":
        return frames
    height, width = frames.shape[1:3]
    bottom, right = max(height + height % 2, _SMALLEST), max(width + width % 2, _SMALLEST)
    samples = np.floor(np.clip(frames, 0, 1) * np.float32(255) + np.float32(0.5)).astype(np.uint8)
    samples = np.pad(samples, ((0, 0), (0, bottom - height), (0, right - width), (0, 0)), mode="edge")
    numbers = (first + np.arange(len(frames))) // compression.gop
    groups = [samples[numbers == number] for number in np.unique(numbers)]
    decoded = np.concatenate([_through_codec(group, compression) for group in groups])
    return decoded[:, :height, :width].astype(np.float32) / np.float32(255)


def _through_codec(samples: np.ndarray, compression: Compression) -> np.ndarray:
    """Return samples (T, H, W, 3) of 8 bits after encoding and decoding."""
    raw = ("-f", "rawvideo", "-pix_fmt", "rgb24")
    size = f"{samples.shape[2]}x{samples.shape[1]}"
    source = (*raw, "-s", size, "-r", "25", "-i", "pipe:0")
    coded = _ffmpeg(
        (*source, *_EXACT, "-pix_fmt", "yuv420p", *_encoder(compression), "-threads", "1", "-f", "nut", "pipe:1"),
        samples.tobytes(),
    )
    back = ("-threads", "1", "-f", "nut", "-i", "pipe:0", *_EXACT, "-fps_mode", "passthrough", *raw, "pipe:1")
    decoded = _ffmpeg(back, coded)
    if len(decoded) != samples.size:
        raise CompressionError(
            f"compressed: {compression.codec} gave back {len(decoded)} bytes for {samples.size}; "
            "check the ffmpeg that imageio-ffmpeg finds"
        )
    return np.frombuffer(decoded, np.uint8).reshape(samples.shape)


def _encoder(compression: Compression) -> tuple[str, ...]:
    """Return ffmpeg's options for the codec."""
    quality, gop, b_frames = f"{compression.quality:g}", str(compression.gop), str(compression.b_frames)
    if compression.codec == "mpeg2":
        return ("-c:v", "mpeg2video", "-qscale:v", quality, "-g", gop, "-bf", b_frames, "-flags", "+bitexact")
    common = ("-preset", "medium", "-crf", quality, "-g", gop, "-bf", b_frames)
    if compression.codec == "h264":
        return ("-c:v", "libx264", *common, "-x264-params", "deblock=0,0" if compression.deblock else "no-deblock=1")
    return ("-c:v", "libx265", *common, "-x265-params", "log-level=none:pools=none:frame-threads=1:wpp=0")


def _ffmpeg(options: tuple[str, ...], data: bytes) -> bytes:
    try:
        program = packaged_program()
    except FFmpegError as missing:
        raise CompressionError(f"compressed: {missing}") from None
    done = subprocess.run([program, "-v", "error", *options], input=data, capture_output=True, check=False)
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise CompressionError(f"compressed: ffmpeg failed: {lines[-1] if lines else done.returncode}")
    return done.stdout
