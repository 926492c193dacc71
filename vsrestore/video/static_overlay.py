"""What is burnt into a clip, a date or a logo, as a mask: strokes that stand still while the picture moves."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import vapoursynth as vs
from vsutil import get_y

from .cache import keep, uncached
from .checks import constant_clip, whole, within
from .formats import with_matrix
from .frames import plane_views
from .morphology import black_top_hat, dilated, white_top_hat
from .reorder import reordered

# Frames looked at in a window, and masks made of it: the same for so many parts of its length.
SAMPLES, PARTS = 32, 4
# Lines: strokes are at most so wide, each way, of the height of the frame.
WIDEST = 1 / 60
# Share of the samples in which a stroke may have little contrast, before a bright sky say; and of those that are left
# out at both ends of a pixel's range.
HIDDEN, OUTLIERS = 0.3, 0.1
# Codes: mean range of the pixels around a stroke from which they count as moving, value of a stroke at least, range
# that noise alone makes.
MOVES, BRIGHT, NOISE = 9, 110, 4
# The range of a stroke over that of what is around it, at most: the first that marks no more than `MOST` of the frame,
# in luma and in colour.
RATIOS, MOST = (0.35, 0.25, 0.17, 0.12, 0.08), (0.015, 0.006)
# Pixels of strokes in 5x5 pixels, and in a square of 8 stroke widths where strokes are 16 wide: fewer are no strokes,
# and fewer than the last no certain writing.
DENSE, CROWD, WRITING = 4, 60, 180
# What belongs to a stroke: half its contrast and twice its range within 2 pixels, a dark edge within 3, 1 more for all.
BESIDE, EDGE, HALO = 2, 3, 1
# Figures that change are looked for so many stroke widths beside writing, in its values within so many codes, with so
# much of its contrast; in each frame where so many of the samples have such, in all where more have. Where they would
# be more of the frame than so much of `MOST`, the picture looks like them: they are looked for beside writing that is
# certain, or not at all.
LINE, ALIKE, PLAINER, OFTEN, USUAL, MOST_CHANGING = 5, 30, 1.5, 0.06, 0.2, 2 / 3
KEPT = 4  # masks of windows that are kept


def static_overlay(clip: vs.VideoNode, *, contrast: float = 0.125, window: int = 480) -> vs.VideoNode:
    """Find what is burnt in, a date or a logo, and give it as a mask.

    A stroke is brighter or more colourful than what lies on both sides of it, in most of 32 frames spread over a
    window, and stands still while the picture around it moves; its dark edge belongs to it. Figures beside others that
    change, as those of a clock do, are looked for in each frame. Where nothing moves within the window,
    nothing can be told from the picture, and is not found; nor are dark or large plain areas.

    Measured on eight clips in which something moves behind the date (1 to 5 s, up to 1024x750, x264 at crf 18),
    each with four dates drawn in (three of them ticking, white or yellow, with and without a dark edge, in four
    places and sizes), in the worst of four frames: of 32 dates 25 are covered to 95 % or more, five to 75 to 89 %,
    and two, yellow on a plain sky and on stone that stands still, not at all; false, further than 3 pixels from the
    date, is at most 1.7 % of the frame, 2.2 % with what lies nearer. On three clips with a still camera it cannot
    be relied on: 0 to 99 % are covered, and up to 4 % of the frame is false.

    Args:
        clip: any constant format and size.
        contrast: by how much strokes are brighter than what is around them, of the range 0 to 1. Lower finds fainter
            ones, and more that is none.
        window: frames that are looked at for a mask, which is that of its middle quarter; at least 32. Longer sees more
            motion, and is slower to follow a date that changes.

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
        changing = [_changing(picture, level, least) for picture, level in zip(pictures, levels, strict=True)]
        np.multiply(np.any([still > 0, *changing], axis=0), 255, out=plane_views(frame)[0], casting="unsafe")
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
        pictures = (np.stack(layer) for layer in zip(*(_split(x, height) for x in f[1:]), strict=True))
        masks, levels = zip(*(find_still(*layer, least) for layer in zip(pictures, MOST, strict=False)), strict=True)
        plane_views(frame)[0][:] = np.concatenate([np.max(masks, axis=0), *levels])
        return frame

    return blank.std.ModifyFrame(clips=[blank, *samples], selector=find)


def find_still(pictures: np.ndarray, most: float, least: int) -> tuple[np.ndarray, np.ndarray]:
    """Find strokes that stand still in some frames while the picture around them moves.

    Args:
        pictures: (S, H, W) uint8, luma or another layer.
        most: share of the frame that strokes may be, and changing figures two thirds of it.
        least: codes that a stroke is brighter than what is around it.

    Returns:
        (H, W) uint8 each: 255 in strokes; and near writing its values, 0 further away.

    """
    width = _stroke_width(pictures.shape[1])
    seen = _Statistics.of(pictures, width)
    for ratio in RATIOS:
        strokes = seen.strokes(least, ratio, width)
        mask = seen.grown(strokes, least, ratio)
        if mask.mean() <= most:
            break
    for crowd in (CROWD, WRITING):
        writing = _crowded(strokes, crowd, width)
        level = dilated(np.where(writing, seen.middle, 0), width, LINE * width)
        figures = np.mean([_figures(picture, level, least, width) for picture in pictures], axis=0)
        changing = figures >= OFTEN
        if (changing & ~mask).mean() <= MOST_CHANGING * most:
            mask |= dilated(changing & (figures >= USUAL), HALO)
            return np.where(mask, 255, 0).astype(np.uint8), np.where(changing, level, 0).astype(np.uint8)
    return np.where(mask, 255, 0).astype(np.uint8), np.zeros(mask.shape, np.uint8)


class _Statistics(NamedTuple):
    """What some frames say of each pixel, (H, W) in codes."""

    brighter: np.ndarray
    """By how much it is brighter than what is on both sides of it, in most of them."""
    darker: np.ndarray
    middle: np.ndarray
    """Its median."""
    range: np.ndarray
    """Its greatest less its least value, outliers aside."""
    moving: np.ndarray
    """The mean range of the pixels around it."""

    @classmethod
    def of(cls, pictures: np.ndarray, width: int) -> _Statistics:
        count = len(pictures)
        shown, out = int(HIDDEN * count), int(OUTLIERS * count)
        brighter, darker = (
            np.partition(np.stack([top_hat(picture, width) for picture in pictures]), shown, axis=0)[shown]
            for top_hat in (white_top_hat, black_top_hat)
        )
        ranked = np.sort(pictures, axis=0)
        spread = ranked[count - 1 - out] - ranked[out]
        return cls(brighter, darker, ranked[count // 2], spread, _box_sum(spread, 2 * width) / (4 * width + 1) ** 2)

    def still(self, ratio: float) -> np.ndarray:
        return self.range <= np.maximum(ratio * self.moving, NOISE)

    def strokes(self, least: int, ratio: float, width: int) -> np.ndarray:
        """Return the pixels that are certain, bool."""
        found = (self.brighter >= least) & (self.middle >= BRIGHT) & (self.moving >= MOVES) & self.still(ratio)
        found &= _box_sum(found, 2) >= DENSE
        return _crowded(found, CROWD, width)

    def grown(self, strokes: np.ndarray, least: int, ratio: float) -> np.ndarray:
        """Return them with what belongs to them, bool."""
        still = self.still(2 * ratio)
        whole = strokes | (dilated(strokes, BESIDE) & (self.brighter >= least // 2) & still)
        return dilated(whole | (dilated(whole, EDGE) & (self.darker >= least // 2) & still), HALO)


def _changing(picture: np.ndarray, level: np.ndarray, least: int) -> np.ndarray:
    """Find figures in one frame (H, W) uint8 that look as the strokes do whose luma ``level`` tells: (H, W) bool."""
    mask = np.zeros(picture.shape, bool)
    rows, columns = (np.flatnonzero(level.any(axis)) for axis in (1, 0))
    if not len(rows):
        return mask
    width = _stroke_width(len(picture))
    area = tuple(slice(max(side[0] - 2 * width, 0), side[-1] + 2 * width + 1) for side in (rows, columns))
    picture, level = picture[area], level[area]
    found = _figures(picture, level, least, width)
    edge = dilated(found, EDGE) & (black_top_hat(picture, width) >= least)
    mask[area] = dilated(found | edge, HALO)
    return mask


def _figures(picture: np.ndarray, level: np.ndarray, least: int, width: int) -> np.ndarray:
    """Return where a picture has strokes whose luma is that of others nearby, bool."""
    alike = (level > 0) & (np.abs(picture.astype(np.int16) - level) <= ALIKE)
    found = alike & (white_top_hat(picture, width) >= PLAINER * least)
    return found & (_box_sum(found, 2) >= DENSE)


def _crowded(strokes: np.ndarray, least: int, width: int) -> np.ndarray:
    """Return the pixels of strokes (bool) that have so many around them, where strokes are 16 pixels wide."""
    return strokes & (_box_sum(strokes, 4 * width) >= least * (width / 8) ** 2)


def _stroke_width(height: int) -> int:
    """Return the radius of the square that strokes are narrower than."""
    return max(2, round(WIDEST * height))


def _box_sum(values: np.ndarray, radius: int) -> np.ndarray:
    """Sum the square around every pixel of (H, W), the border repeated."""
    size = 2 * radius + 1
    sums = np.pad(np.pad(values, radius, mode="edge").cumsum(0, np.int64).cumsum(1), ((1, 0), (1, 0)))
    rows = sums[size:] - sums[:-size]
    return rows[:, size:] - rows[:, :-size]
