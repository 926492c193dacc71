"""Tiny videos, written without loss."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest

from vsrestore import ffmpeg


def write_video(path: Path, pictures: Iterable[np.ndarray], rate: int = 24) -> Path:
    """Write pictures (H, W, 3) uint8 as they are."""
    frames = list(pictures)
    height, width = frames[0].shape[:2]
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(rate), "-i", "-"]
    command = [ffmpeg.program(), "-v", "error", "-y", *raw, "-c:v", "ffv1", "-pix_fmt", "bgr0", str(path)]
    subprocess.run(command, input=b"".join(frame.tobytes() for frame in frames), check=True)
    return path


@pytest.fixture
def video(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes pictures into a folder of sources, under a name."""
    folder = tmp_path / "sources"
    folder.mkdir()
    return lambda name, pictures: write_video(folder / name, pictures)


@pytest.fixture
def truth() -> list[np.ndarray]:
    """Twenty smooth frames of 96x64, moving by a pixel each; another scene from frame 12 on."""
    rng = np.random.default_rng(5)
    scenes = []
    for _ in range(2):
        coarse = rng.integers(30, 220, (10, 20, 3)).astype(np.uint8)
        scenes.append(np.kron(coarse, np.ones((8, 8, 1), np.uint8)))
    return [np.ascontiguousarray(scenes[n >= 12][4:68, n : n + 96]) for n in range(20)]


@pytest.fixture
def damaged(truth: list[np.ndarray]) -> list[np.ndarray]:
    """The same with noise on every frame and a white spot on frame 7."""
    rng = np.random.default_rng(6)
    noisy = [np.clip(each + rng.normal(0, 8, each.shape), 0, 255).astype(np.uint8) for each in truth]
    noisy[7][20:30, 40:50] = 255
    return noisy
