"""The chain leaves the picture where it is: a drawn grid through all steps whose weights come with the package."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pytest
import vapoursynth as vs

from vsrestore.pipeline.script import applied, parse_filter
from vsrestore.recipes.choice import chosen
from vsrestore.recipes.recipe import of_steps

FIRST, STEP, SIGMA = 11.0, 24.0, 1.3  # of the lines of the grid, in pixels
BRIGHT = 200  # the frame's outermost rows and columns
TOLERANCE = 0.1  # px
# Where `tape` sees chroma it may move it, because that is one of the faults of tape: then it is no matter of geometry.
MOVES_CHROMA = "tape"


def lines(size: int) -> np.ndarray:
    return np.arange(FIRST, size - 8, STEP)


def drawn(width: int, height: int, across: np.ndarray, down: np.ndarray, base: float, rise: float) -> np.ndarray:
    """Soft lines, where they are wanted to a part of a pixel."""
    profiles = [
        np.exp(-((np.arange(size)[:, None] - at) ** 2) / (2 * SIGMA**2)).sum(1)
        for size, at in ((width, across), (height, down))
    ]
    return np.rint(base + rise * np.maximum(profiles[0][None], profiles[1][:, None]))


def grid(fmt: int, width: int, height: int, interlaced: bool = False) -> vs.VideoNode:
    """A grid in luma and, where there is chroma, of the same lines in chroma that lies at the left (H.264's usual)."""
    blank = vs.core.std.BlankClip(format=fmt, width=width, height=height, length=5, keep=True)

    def paint(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        for number in range(f.format.num_planes):
            plane = np.asarray(frame[number])
            chroma = number > 0 and f.format.color_family == vs.YUV
            at = (lines(width) / 2, (lines(height) - 0.5) / 2) if chroma else (lines(width), lines(height))
            plane[:] = drawn(plane.shape[1], plane.shape[0], *at, *((128, 50) if chroma else (60, 130)))
            if not chroma:
                plane[0], plane[-1], plane[:, 0], plane[:, -1] = (BRIGHT,) * 4
        frame.props.update({"_FieldBased": 2 if interlaced else 0, "_ChromaLocation": 0})
        if f.format.color_family != vs.RGB:
            frame.props.update({"_Matrix": 6, "_Range": 0})
        return frame

    return blank.std.ModifyFrame(clips=blank, selector=paint)


def error(plane: np.ndarray, axis: int, expected: np.ndarray, reach: float) -> float:
    """How far the lines along an axis lie from where they are expected, at most, in pixels."""
    profile, worst = plane.astype(float).mean(axis), 0.0
    for at in expected:
        low, high = int(at - reach), int(at + reach) + 1
        near = np.abs(profile[low : high + 1] - np.median(profile))
        near = np.clip(near - 0.15 * near.max(), 0, None)
        worst = max(worst, abs((near * np.arange(low, high + 1)).sum() / near.sum() - at))
    return worst


def through(clip: vs.VideoNode, names: str) -> vs.VideoNode:
    calls = [parse_filter(choice.filter) for choice in chosen(of_steps(names)) if choice.filter]
    assert len(calls) == len(names.split(","))
    return reduce(lambda made, call: applied(call, made), calls, clip)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fmt", "width", "height", "steps"),
    [
        (vs.YUV420P8, 214, 156, "deinterlace,tape,denoise,upscale"),
        (vs.YUV420P8, 190, 134, "upscale,film"),
        (vs.RGB24, 151, 135, "tape,film,upscale"),
        (vs.GRAY8, 153, 137, "upscale,tape,denoise"),
    ],
)
def test_a_grid_stays_where_it_is_and_the_edges_are_there(fmt, width, height, steps, tmp_path, monkeypatch):
    monkeypatch.setenv("VSRESTORE_WEIGHTS", str(tmp_path))
    clip = grid(fmt, width, height, interlaced="deinterlace" in steps)
    made = through(clip, steps)
    assert (made.width, made.height, made.format.id) == (2 * width, 2 * height, fmt)
    frame = made.get_frame(made.num_frames // 2)
    for number in range(made.format.num_planes):
        plane = np.asarray(frame[number])
        chroma = number > 0 and made.format.color_family == vs.YUV
        if chroma and MOVES_CHROMA in steps:
            continue
        for axis, size in ((0, width), (1, height)):
            expected = 2 * (lines(size) + 0.5) - 0.5
            if chroma:
                expected = expected / 2 if axis == 0 else (expected - 0.5) / 2
            # Of a source's pixel, where the enlarged one is half as large.
            assert error(plane, axis, expected, 5 if chroma else 10) / 2 < TOLERANCE, (number, axis)
        if not chroma:
            outermost = [plane[:2].max(0), plane[-2:].max(0), plane[:, :2].max(1), plane[:, -2:].max(1)]
            assert min(np.median(edge) for edge in outermost) > BRIGHT - 20
