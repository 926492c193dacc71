"""What is burnt into a clip, a date or a logo, as a mask: strokes that stand still while the picture moves."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import vapoursynth as vs
from vsutil import get_y

from .cache import keep, uncached
from .checks import constant_clip, whole, within
from .formats import with_matrix
from .frames import plane_views
from .reorder import reordered
from .strokes import find_still, with_changing_figures

# Frames looked at in a window, and masks made of it: the same for so many parts of its length.
SAMPLES, PARTS = 32, 4
KEPT = 4  # masks of windows that are kept


def static_overlay(clip: vs.VideoNode, *, contrast: float = 0.125, window: int = 480) -> vs.VideoNode:
    """Find what is burnt in, a date or a logo, and give it as a mask.

    A stroke is brighter or more colourful than what lies on both sides of it, in most of 32 frames spread over a
    window, and stands still while the picture around it moves; where the camera moves, writing on a plain sky is
    found, too. What always covers a place because it is wider than it moves is left out: it reaches beyond it in some
    of the frames. What looks alike in its line belongs to a stroke, and so does its dark edge. Figures beside others
    that change, as those of a clock do, are looked for in each frame. Where nothing moves within the window, and where
    the ground is plain while the camera follows something, nothing can be told from the picture, and is not found; nor
    are dark or large plain areas.

    Measured as by ``scripts/bench overlay`` on ten clips in which the picture moves behind the date (up to 512 pixels
    wide, 60 frames, x264 at crf 18), three dates in each (white, yellow or orange, with and without a dark edge or a
    shadow, with and without a clock, in three fonts, in the corners), in the worst of four frames: of the 60 dates by
    which it was made 58 are covered to 95 % or more (a clock of the brightness of its ground to 71 %, and one, orange
    on a plain pale ground, not at all), and of 30 others 28 (one to 90 %, one, yellow on such a ground, not at all).
    False, further than 3 pixels from the date, is at most 0.7 % of the frame in all 90; with what lies nearer at most
    1 % in 76 of them, and up to 1.8 %. A halo of one pixel alone, which the soft rims of the strokes need, is 0.5 % on
    average and up to 0.9 %. Without a date nothing is found on the ten; of 18 shots besides, some of still cameras, at
    most 0.4 % in 17, 1.4 % in the worst.

    Args:
        clip: any constant format and size.
        contrast: by how much strokes are brighter than what is around them, of the range 0 to 1. Lower finds fainter
            ones, and more that is none.
        window: frames that are looked at for a mask, which is that of its middle quarter; at least 32. Longer sees
            more motion, and is slower to follow a date that changes.

    Returns:
        GRAY8, 255 where something is burnt in and 0 elsewhere, with the size, length and rate of the clip: a mask for
        ``mat`` and others.

    Raises:
        vs.Error: variable format or size, or numbers out of range.

    """
    constant_clip("static_overlay", clip)
    within("static_overlay", "contrast", contrast, 0.02, 1)
    whole("static_overlay", "window", window, SAMPLES)
    layers, least, step = _layers(clip), round(255 * contrast), window // PARTS
    windows = keep(_windows(layers, clip.height, window, step, least), KEPT)
    blank = uncached.BlankClip(clip, format=vs.GRAY8, keep=True)

    def mark(n: int, f: Sequence[vs.VideoFrame]) -> vs.VideoFrame:
        frame, pictures, (still, *levels) = f[0].copy(), _split(f[1], clip.height), _split(f[2], clip.height)
        mask = with_changing_figures(still > 0, pictures, levels, least)
        np.multiply(mask, 255, out=plane_views(frame)[0], casting="unsafe")
        return frame

    return blank.std.ModifyFrame(clips=[blank, layers, reordered(windows, lambda n: n // step)], selector=mark)


def _layers(clip: vs.VideoNode) -> vs.VideoNode:
    """Return GRAY8 frames of what strokes are looked for in: luma, and how colourful a pixel is below it.

    Colourful is the largest less the smallest of red, green and blue; of a clip without colour there is luma alone.
    """
    luma = _luma(clip)
    if clip.format.color_family == vs.GRAY:
        return luma
    rgb = with_matrix("static_overlay", clip).resize.Bicubic(format=vs.RGB24)
    colours = [uncached.ShufflePlanes(rgb, plane, vs.GRAY) for plane in range(3)]
    colourful = uncached.Expr(colours, "x y max z max x y min z min -")
    return uncached.StackVertical([luma, colourful])


def _luma(clip: vs.VideoNode) -> vs.VideoNode:
    """Return a clip as GRAY8 of full range, without properties that speak of another format."""
    if clip.format.color_family == vs.RGB:
        return clip.resize.Point(format=vs.GRAY8, matrix=vs.MATRIX_BT709, range=vs.RANGE_FULL)
    return get_y(clip).resize.Point(format=vs.GRAY8, range=vs.RANGE_FULL)


def _split(frame: vs.VideoFrame, height: int) -> list[np.ndarray]:
    """Return the pictures (H, W) that lie below each other in a frame."""
    return np.vsplit(plane_views(frame)[0], frame.height // height)


def _windows(layers: vs.VideoNode, height: int, window: int, step: int, least: int) -> vs.VideoNode:
    """Return a GRAY8 clip whose frame k tells what stands still around frames k * step on.

    At the top, 255 where something is burnt in; below, for each layer, the values of the strokes in it that changing
    figures may lie beside.
    """
    length = min(window, layers.num_frames)

    def sample(number: int, k: int) -> int:
        first = min(max(k * step + step // 2 - window // 2, 0), layers.num_frames - length)
        return first + (2 * number + 1) * length // (2 * SAMPLES)

    samples = [reordered(layers, partial(sample, number)) for number in range(SAMPLES)]
    blank = uncached.BlankClip(layers, height=layers.height + height, keep=True)

    def find(n: int, f: Sequence[vs.VideoFrame]) -> vs.VideoFrame:
        frame = f[0].copy()
        pictures = [np.stack(layer) for layer in zip(*(_split(x, height) for x in f[1:]), strict=True)]
        mask, levels = find_still(pictures, least)
        plane_views(frame)[0][:] = np.concatenate([np.where(mask, 255, 0), *levels])
        return frame

    return blank.std.ModifyFrame(clips=[blank, *samples], selector=find)
