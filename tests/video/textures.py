"""A texture that is known between its pixels, and clips of it that move and flicker as told."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import vapoursynth as vs

WIDTH, HEIGHT, WAVES = 192, 144, 80

Paint = Callable[[int], np.ndarray]


def texture(
    right: float = 0.0, down: float = 0.0, seed: int = 0, width: int = WIDTH, height: int = HEIGHT
) -> np.ndarray:
    """Waves 6 to 60 pixels long, 0.1 to 0.9, whose content is moved right and down by fractions of a pixel."""
    rng = np.random.default_rng(seed)
    length, turn, phase = rng.uniform(6, 60, WAVES), rng.uniform(0, 2 * np.pi, WAVES), rng.uniform(0, 2 * np.pi, WAVES)
    across, along = 2 * np.pi * np.cos(turn) / length, 2 * np.pi * np.sin(turn) / length
    rows = np.exp(1j * (np.arange(height)[:, None] - down) * along)
    columns = np.exp(1j * ((np.arange(width)[:, None] - right) * across + phase))
    waves = (rows @ columns.T).real / np.sqrt(WAVES / 2)
    return np.clip(0.5 + 0.14 * waves, 0.1, 0.9)


def clip_of(paint: Paint, length: int, fmt: int = vs.GRAY8, cuts: Sequence[int] = ()) -> vs.VideoNode:
    """Pictures (H, W) or (H, W, 3) of 0 to 1 as a clip; what is gray has no chroma."""

    def fill(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame, picture = f.copy(), paint(n)
        colours = f.format.num_planes if f.format.color_family == vs.RGB else 1
        for plane in range(colours):
            values = picture[..., plane] if picture.ndim == 3 else picture
            samples = np.asarray(frame[plane])
            samples[:] = values if f.format.sample_type == vs.FLOAT else np.rint(values * 255)
        for plane in range(colours, f.format.num_planes):
            np.asarray(frame[plane])[:] = 128
        frame.props.update({"_SceneChangePrev": int(n in cuts), "_SceneChangeNext": int(n + 1 in cuts), "_Range": 0})
        frame.props["_Range"] = int(vs.RANGE_FULL)
        return frame

    height, width = paint(0).shape[:2]
    blank = vs.core.std.BlankClip(format=fmt, width=width, height=height, length=length)
    return blank.std.ModifyFrame(clips=blank, selector=fill)


def pictures(clip: vs.VideoNode) -> np.ndarray:
    """The planes of all frames, (N, C, H, W), where the planes have one size."""
    top = 1 if clip.format.sample_type == vs.FLOAT else 255
    return np.array([[np.asarray(f[plane]) for plane in range(f.format.num_planes)] for f in clip.frames()]) / top
