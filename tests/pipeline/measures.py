"""What a test measures on a file of video."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from vsrestore import ffmpeg
from vsrestore.pipeline import programs
from vsrestore.pipeline.packets import read_packets
from vsrestore.pipeline.probe import probe


def pictures(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray() for frame in container.decode(video=0)])


def luma(frame: av.VideoFrame) -> np.ndarray:
    """Return the first plane in units of 8 bits."""
    bits, plane = frame.format.components[0].bits, frame.planes[0]
    samples = np.frombuffer(plane, np.uint16 if bits > 8 else np.uint8).reshape(plane.height, -1)
    return samples[:, : plane.width] / 2.0 ** (bits - 8)


def onset(path: Path) -> float:
    """Return when the beep is heard, in seconds after the first picture."""
    command = [ffmpeg.program(), "-v", "error", "-i", str(path), "-map", "0:a:0"]
    command += ["-af", "aresample=async=1:first_pts=0", "-ac", "1", "-ar", "48000", "-f", "f32le", "-"]
    sound = np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, "<f4")
    media = probe(path)
    first_picture = media.zero + media.picture.start - programs.file_start(path)
    return float(np.argmax(np.abs(sound) > 0.05)) / 48000 - float(first_picture)


def shown_at(path: Path) -> list[Fraction]:
    """Return when the pictures are shown, in seconds after the first one."""
    times = read_packets(path)[probe(path).picture.index].times()
    return [time - times[0] for time in times]


def assert_times(source: Path, output: Path) -> None:
    before, after = shown_at(source), shown_at(output)
    assert len(before) == len(after)
    assert max(abs(old - new) for old, new in zip(before, after, strict=True)) < Fraction(16, 10_000)
