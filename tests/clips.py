"""Synthetic clips whose every frame can be told from every other."""

from __future__ import annotations

import numpy as np
import vapoursynth as vs


def noise(fmt: int = vs.RGBS, width: int = 24, height: int = 16, length: int = 7, seed: int = 0) -> vs.VideoNode:
    """Random samples over the whole range of the format, different on every frame."""

    def paint(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        rng, frame = np.random.default_rng((seed, n)), f.copy()
        for plane in range(f.format.num_planes):
            samples = np.asarray(frame[plane])
            if f.format.sample_type == vs.FLOAT:
                centre = 0.5 if plane and f.format.color_family == vs.YUV else 0.0
                samples[:] = rng.random(samples.shape) - centre
            else:
                samples[:] = rng.integers(0, 1 << f.format.bits_per_sample, samples.shape)
        return frame

    blank = vs.core.std.BlankClip(format=fmt, width=width, height=height, length=length, fpsnum=24000, fpsden=1001)
    return blank.std.ModifyFrame(clips=blank, selector=paint)


def numbered(length: int, width: int = 8, height: int = 8, cuts: tuple[int, ...] = ()) -> vs.VideoNode:
    """RGBS frames whose every sample is n / 1000, with scene properties: a cut lies before each frame of ``cuts``."""

    def paint(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        for plane in range(3):
            np.asarray(frame[plane])[:] = n / 1000
        frame.props["_SceneChangePrev"] = int(n in cuts)
        frame.props["_SceneChangeNext"] = int(n + 1 in cuts)
        return frame

    blank = vs.core.std.BlankClip(format=vs.RGBS, width=width, height=height, length=length)
    return blank.std.ModifyFrame(clips=blank, selector=paint)


def samples(frame: vs.VideoFrame) -> list[np.ndarray]:
    """Copies of all planes of a frame."""
    return [np.array(frame[plane]) for plane in range(frame.format.num_planes)]


def picture(frame: vs.VideoFrame) -> bytes:
    """All samples of a frame as bytes, for exact comparison."""
    return b"".join(plane.tobytes() for plane in samples(frame))


def number(frame: vs.VideoFrame) -> float:
    """The value that every sample of a :func:`numbered` frame has, times 1000."""
    plane = np.asarray(frame[0])
    assert np.all(plane == plane[0, 0])
    return round(float(plane[0, 0]) * 1000, 3)
