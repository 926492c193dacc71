"""Frames between frames: every second frame of clean clips is left out and made again, by us and by mvtools."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import vapoursynth as vs

import vsrestore
from vsrestore.networks.traits import Precision
from vsrestore.training.clips import Pictures, decode

from .errors import EvaluationError
from .own import size_of

WAYS = ("mean of both", "FlowFPS", "FlowFPS, refined", "interpolate")
MATRIX = "709"
# The defaults of mvtools, and the usual settings for quality: vectors of blocks of 16, searched again for blocks of 8.
PLAIN: dict[str, int] = {}
FINE = {"blksize": 16, "overlap": 8, "search": 3, "searchparam": 4}
AGAIN = {"blksize": 8, "overlap": 4, "thsad": 100}


def measure(weights: Path, clips: Sequence[Path], frames: int, width: int, precision: Precision = "float32") -> str:
    """Return a Markdown table of the mean PSNR in dB, RGB, of the frames that were left out.

    Args:
        weights: of the network.
        clips: video files without cuts and damage.
        frames: from the start of every clip; the last is left out where they are even.
        width: wider clips are reduced to it, in pixels.
        precision: of the network.
    """
    rows = []
    for path in clips:
        shown = decode(path, *size_of(path, width))[:frames]
        if len(shown) < 3:
            raise EvaluationError(f"{path} has {len(shown)} frames; 3 are needed")
        rows.append((path.stem, _figures(shown[: len(shown) - 1 + len(shown) % 2], weights, precision)))
    means = np.mean([figures for _, figures in rows], axis=0).tolist()
    lines = ["| " + " | ".join(("clip", *WAYS)) + " |", "|" + " --- |" * (1 + len(WAYS))]
    lines += [_line(name, figures) for name, figures in (*rows, ("mean", means))]
    return "\n".join(lines)


def _line(name: str, figures: Sequence[float]) -> str:
    return "| " + " | ".join((name, *(f"{figure:.2f}" for figure in figures))) + " |"


def _figures(shown: Pictures, weights: Path, precision: Precision) -> list[float]:
    """Mean PSNR of every way, in the order of `WAYS`."""
    kept, truth = shown[::2], shown[1::2]
    clip = as_clip(kept)
    blended = np.round(kept[:-1].astype(np.float32) / 2 + kept[1:].astype(np.float32) / 2)
    ours = vsrestore.interpolate(clip, model=weights, precision=precision, scene_changes=False)
    made = [_between(each) for each in (flow_fps(clip, PLAIN), flow_fps(clip, FINE, AGAIN), ours)]
    return [_psnr(pictures, truth) for pictures in (blended.astype(np.uint8), *made)]


def flow_fps(clip: vs.VideoNode, search: dict[str, int], again: dict[str, int] | None = None) -> vs.VideoNode:
    """Return an RGB24 clip with twice the frames as mvtools makes them."""
    planes = clip.resize.Bicubic(format=vs.YUV444P8, matrix_s=MATRIX)
    finest = planes.mv.Super()
    vectors = [finest.mv.Analyse(isb=back, **search) for back in (True, False)]
    if again:
        vectors = [finest.mv.Recalculate(found, **again) for found in vectors]
    doubled = planes.mv.FlowFPS(finest, *vectors, num=2 * clip.fps.numerator, den=clip.fps.denominator, thscd1=10000)
    return doubled.resize.Bicubic(format=vs.RGB24, matrix_in_s=MATRIX)


def as_clip(pictures: Pictures) -> vs.VideoNode:
    """Return frames (T, H, W, 3) as an RGB24 clip."""
    count, height, width, _ = pictures.shape
    blank = vs.core.std.BlankClip(format=vs.RGB24, width=width, height=height, length=count, keep=True)

    def paint(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        for plane in range(3):
            np.copyto(np.asarray(frame[plane]), pictures[n, :, :, plane])
        return frame

    return blank.std.ModifyFrame(blank, paint)


def _between(clip: vs.VideoNode) -> Pictures:
    """Every second frame from the second on that lies between two of the source."""
    odd = clip.std.SelectEvery(2, 1)[: clip.num_frames // 2 - 1]
    return np.stack([np.stack([np.asarray(frame[plane]) for plane in range(3)], -1) for frame in odd.frames()])


def _psnr(made: Pictures, truth: Pictures) -> float:
    """Mean over frames."""
    errors = np.square(made.astype(np.float32) - truth.astype(np.float32)).mean((1, 2, 3))
    return float(np.mean(10 * np.log10(255**2 / np.maximum(errors, 1e-4))))
