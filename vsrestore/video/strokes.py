"""Strokes of writing that stand still in some pictures while what is behind them moves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .morphology import black_top_hat, dilated, white_top_hat

# Lines: strokes are at most so wide, each way, of the height of the frame.
WIDEST = 1 / 60
# Share of the pictures in which a stroke may have little contrast, before a bright sky say; and of those that are left
# out at both ends of a pixel's range.
HIDDEN, OUTLIERS = 0.3, 0.1
# Codes: mean range of the pixels around a stroke from which they count as moving, value of a stroke at least, range
# that noise alone makes.
MOVES, BRIGHT, NOISE = 9, 110, 4
# The whole picture moves where so much of what has a contrast of so many codes has a range of half of it; the second
# is for strokes that stand out by colour, which little in a plain ground does by itself.
PANS, COLOUR_PANS, TEXTURE = 0.8, 2 / 3, 8
# The range of a stroke over that of what is around it, at most: the first that marks no more than `MOST` of the frame,
# and no more than `SCATTERED` of it outside of a band of an eighth of its height. Of luma, whatever layer it stands
# out in, or over the contrast, at most `STEADY`: a tram that the camera follows has one colour, but not one brightness.
RATIOS, MOST, SCATTERED, BAND = (0.35, 0.25, 0.17, 0.12, 0.08), 0.03, 0.004, 1 / 8
STEADY = 0.5
# Pixels of strokes in 5x5 pixels, and in a square of 8 stroke widths where strokes are 16 wide: fewer are no strokes,
# and fewer than the last no writing.
DENSE, CROWD, WRITING = 4, 60, 180
# A moving thing reaches so many pixels out of what it always covers, in values within so many codes, in more than the
# first and less than the second share of the pictures; in so much of the square of a stroke's width around, it is none.
OUT_OF, SAME, SOMETIMES, LEAKY = 3, 10, (0.2, 0.8), 0.2
# What belongs to a stroke: half its contrast and twice its range within 2 pixels, a dark edge within 3, 1 more for all.
BESIDE, EDGE, HALO = 2, 3, 1
# More of a line is looked for so many stroke widths beside writing and so many rows above and below it, with values
# between those nearby give or take `BETWEEN` codes; so many times, or until there is no more.
LINE, ROWS, BETWEEN, TIMES = 5, 2, 15, 8
# Figures that change are looked for as far away, in the values of the writing within so many codes, with so much of its
# contrast; in each frame where so many of the pictures have such, in all where more have; not at all where they would
# be more of the frame.
ALIKE, PLAINER, OFTEN, USUAL, MOST_CHANGING = 40, 1.5, 0.06, 0.2, 0.01

Still = tuple[np.ndarray, Sequence[np.ndarray]]


def find_still(layers: Sequence[np.ndarray], least: int) -> Still:
    """Find strokes that stand still in some pictures while the pictures around them move, or all of them do.

    Args:
        layers: (S, H, W) uint8 each: luma, and what else strokes may stand out in.
        least: codes that a stroke is brighter in one of them than what is around it.

    Returns:
        (H, W) bool, strokes with what belongs to them; and for each layer (H, W) uint8, near writing beside which
        figures change its values, 0 further away.

    """
    width = _stroke_width(layers[0].shape[1])
    strokes, mask = _gathered(layers, least, width)
    writing = _crowded(strokes, WRITING, width)
    levels = [dilated(np.where(writing, _median(layer), 0), ROWS, LINE * width) for layer in layers]
    figures = np.mean([_figures(each, levels, least, width) for each in zip(*layers, strict=True)], axis=0)
    changing = (figures >= OFTEN) & ~mask
    if changing.mean() > MOST_CHANGING:
        return mask, [np.zeros(mask.shape, np.uint8) for _ in levels]
    mask = mask | dilated(changing & (figures >= USUAL), HALO)
    near = dilated(changing, HALO + 1)
    return mask, [np.where(near, level, 0).astype(np.uint8) for level in levels]


def _gathered(layers: Sequence[np.ndarray], least: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return strokes, and them with what belongs to them, (H, W) bool: few or none where they are all over the frame.

    What is all over the frame in luma may be told from a date by its colour alone.
    """
    nothing = np.zeros(layers[0].shape[1:], bool)
    strictest = nothing, nothing
    for pictures in _Statistics.of(layers, width):
        for ratio in RATIOS:
            strokes = pictures.whole_lines(pictures.strokes(least, ratio, width), least, ratio, width)
            grown = pictures.grown(strokes, least, ratio, width)
            if not grown.any():
                break
            if grown.mean() <= MOST and _scattered(grown) <= SCATTERED:
                return strokes, grown
            if grown.mean() <= MOST / 2:
                strictest = strokes, grown
    return strictest


def _median(pictures: np.ndarray) -> np.ndarray:
    return np.sort(pictures, axis=0)[len(pictures) // 2]


class _Layer(NamedTuple):
    """What a layer says of each pixel, (H, W) in codes."""

    middle: np.ndarray
    """Its median."""
    range: np.ndarray
    """Its greatest less its least value, outliers aside."""
    moving: np.ndarray
    """The mean range of the pixels around it."""
    contrast: np.ndarray
    """By how much it is brighter or darker than what is on both sides of it, in most pictures."""

    @classmethod
    def of(cls, pictures: np.ndarray, white: np.ndarray, black: np.ndarray, width: int) -> _Layer:
        """Return that of a layer (S, H, W) with its top hats."""
        count = len(pictures)
        few, out = int(HIDDEN * count), int(OUTLIERS * count)
        ranked = np.sort(pictures, axis=0)
        spread = ranked[count - 1 - out] - ranked[out]
        moving = _box_sum(spread, 2 * width) / (4 * width + 1) ** 2
        contrast = np.maximum(*(np.partition(hats, few, axis=0)[few] for hats in (white, black)))
        return cls(ranked[count // 2], spread, moving, contrast)


class _Statistics(NamedTuple):
    """What pictures say of each pixel, (H, W) in codes."""

    brighter: np.ndarray
    """By how much it is brighter than what is on both sides of it, in some layer and in most pictures."""
    often: np.ndarray
    """The same in half of them."""
    pictures: Sequence[np.ndarray]
    """(S, H, W) each: the layers, luma first."""
    layers: Sequence[_Layer]
    """What each of them says."""
    first: int
    """From which of them on strokes are looked for."""
    pans: bool
    """Whether the whole picture moves: then nothing of it stands still, and plain places tell it from writing, too."""

    @classmethod
    def of(cls, layers: Sequence[np.ndarray], width: int) -> list[_Statistics]:
        """Return those of all layers, and those of the layers besides luma where there are such."""
        count = len(layers[0])
        white, black = (
            [np.stack([hat(picture, width) for picture in layer]) for layer in layers]
            for hat in (white_top_hat, black_top_hat)
        )
        each = [_Layer.of(*rows, width) for rows in zip(layers, white, black, strict=True)]
        moved = _moved(black[0], np.ptp(layers[0], axis=0))
        result = []
        for first in range(min(len(layers), 2)):
            few = int(HIDDEN * count)
            ordered = np.partition(np.max(white[first:], axis=0), [few, count // 2], axis=0)
            result.append(
                cls(ordered[few], ordered[count // 2], layers, each, first, moved >= (COLOUR_PANS if first else PANS))
            )
        return result

    def still(self, ratio: float, least: int, *, plain: bool) -> np.ndarray:
        """Return where some layer stands still among what moves, bool, and, if ``plain``, in plain places."""
        result = np.zeros(self.brighter.shape, bool)
        for layer in self.layers[self.first :]:
            moves = layer.moving >= MOVES
            tells = moves | (layer.contrast >= least // 2) if plain else moves
            result |= tells & (layer.range <= np.maximum(ratio * np.where(moves, layer.moving, layer.contrast), NOISE))
        luma = self.layers[0]
        return result & (luma.range <= np.maximum(STEADY * np.maximum(luma.moving, luma.contrast), NOISE))

    def strokes(self, least: int, ratio: float, width: int) -> np.ndarray:
        """Return the pixels that are certain, bool: those of writing, and others in its line."""
        bright = np.max([layer.middle for layer in self.layers], axis=0) >= BRIGHT
        strokes = (self.brighter >= least) & bright & self.still(ratio, least, plain=self.pans)
        strokes &= _box_sum(strokes, 2) >= DENSE
        strokes &= ~_leaky(strokes, self.pictures, [layer.middle for layer in self.layers], width)
        strokes = _crowded(strokes, CROWD, width)
        return strokes & dilated(_crowded(strokes, WRITING, width), ROWS, LINE * width)

    def whole_lines(self, strokes: np.ndarray, least: int, ratio: float, width: int) -> np.ndarray:
        """Return strokes with others beside them that look as they do."""
        candidates = self.still(ratio, least, plain=True) & (self.often >= least)
        for _ in range(TIMES):
            writing = _crowded(strokes, CROWD, width)
            alike = candidates & dilated(writing, ROWS, LINE * width)
            for middle in (layer.middle for layer in self.layers[self.first :]):
                most = dilated(np.where(writing, middle, 0), ROWS, LINE * width).astype(np.int16)
                fewest = 255 - dilated(np.where(writing, 255 - middle, 0), ROWS, LINE * width).astype(np.int16)
                alike &= (middle >= fewest - BETWEEN) & (middle <= most + BETWEEN)
            more = strokes | (alike & (_box_sum(alike, 2) >= DENSE))
            if np.array_equal(more, strokes):
                break
            strokes = more
        return strokes

    def grown(self, strokes: np.ndarray, least: int, ratio: float, width: int) -> np.ndarray:
        """Return them with what belongs to them, bool."""
        still = self.still(2 * ratio, least, plain=True)
        contrast = np.maximum(dilated(np.where(strokes, self.brighter, 0), BESIDE), least) // 2
        whole = strokes | (dilated(strokes, BESIDE) & (self.brighter >= contrast) & still)
        return _edged(whole, self.layers[0].middle, least // 2, width, still)


def with_changing_figures(
    mask: np.ndarray, pictures: Sequence[np.ndarray], levels: Sequence[np.ndarray], least: int
) -> np.ndarray:
    """Add to a mask the figures in one frame that look as the strokes nearby do, with what belongs to them.

    Args:
        mask: (H, W) bool.
        pictures: (H, W) uint8, the layers of the frame, luma first.
        levels: (H, W) uint8, the values of such strokes in each of them, 0 further away.
        least: codes that a stroke is brighter in one of them than what is around it.

    Returns:
        (H, W) bool.

    """
    nearby = np.any(levels, axis=0)
    if not nearby.any():
        return mask
    width = _stroke_width(len(mask))
    sides = (np.flatnonzero(nearby.any(axis)) for axis in (1, 0))
    area = tuple(slice(max(side[0] - 3 * width, 0), side[-1] + 3 * width + 1) for side in sides)
    inside = [layer[area] for layer in pictures]
    figures = _figures(inside, [level[area] for level in levels], least, width) & ~mask[area]
    result = mask.copy()
    result[area] |= _edged(figures, inside[0], least, width)
    return result


def _figures(pictures: Sequence[np.ndarray], levels: Sequence[np.ndarray], least: int, width: int) -> np.ndarray:
    """Return where a frame has strokes whose values are those of others nearby, bool."""
    pairs = zip(pictures, levels, strict=True)
    alike = np.all([np.abs(picture.astype(np.int16) - level) <= ALIKE for picture, level in pairs], axis=0)
    alike &= np.any(levels, axis=0)
    figures = alike & (np.max([white_top_hat(picture, width) for picture in pictures], axis=0) >= PLAINER * least)
    return figures & (_box_sum(figures, 2) >= DENSE)


def _edged(
    strokes: np.ndarray, luma: np.ndarray, least: int, width: int, still: np.ndarray | bool = True
) -> np.ndarray:
    """Return strokes (bool) with a dark edge or shadow, where there is one, and a halo.

    Dark is what is ``least`` codes below the mean around the writing; the ground between two strokes is not.
    """
    around = ~dilated(strokes, EDGE)
    level = _box_sum(luma * around, 3 * width) / np.maximum(_box_sum(around, 3 * width), 1)
    return dilated(strokes | (dilated(strokes, EDGE) & (level - luma >= least) & still), HALO)


def _moved(contrast: np.ndarray, spread: np.ndarray) -> float:
    """Return which share of what has contrast (S, H, W) moves, (H, W) being the range of each pixel."""
    textured = contrast >= TEXTURE
    return int(((spread >= contrast / 2) & textured).sum()) / max(int(textured.sum()), 1)


def _leaky(strokes: np.ndarray, layers: Sequence[np.ndarray], middles: Sequence[np.ndarray], radius: int) -> np.ndarray:
    """Return where strokes are what stays covered by a moving thing that is wider than it moves.

    Such a thing reaches out of them in some of the pictures, now on this side and now on that, without an edge between;
    what is burnt in has its edge at the same place in all.

    Args:
        strokes: (H, W) bool.
        layers: (S, H, W) each.
        middles: the medians of each.
        radius: of the square in which that is looked at.

    Returns:
        (H, W) bool.

    """
    levels = [dilated(np.where(strokes, middle, 0), OUT_OF).astype(np.int16) for middle in middles]
    reached = np.zeros(strokes.shape, np.int16)
    for pictures in zip(*layers, strict=True):
        alike = np.all([np.abs(picture - level) <= SAME for picture, level in zip(pictures, levels, strict=True)], 0)
        spread = strokes
        for _ in range(OUT_OF):
            spread = _stepped(spread, 1) & (alike | strokes)
        reached += spread
    least, most = (share * len(layers[0]) for share in SOMETIMES)
    around = _stepped(strokes, OUT_OF) & ~_stepped(strokes, 1)
    return _box_sum(around & (reached > least) & (reached < most), radius) > LEAKY * _box_sum(around, radius)


def _stepped(mask: np.ndarray, steps: int) -> np.ndarray:
    """Return what lies at most so many steps along rows and columns from a mask (H, W) bool."""
    for _ in range(steps):
        around = np.pad(mask, 1)
        mask = mask | around[2:, 1:-1] | around[:-2, 1:-1] | around[1:-1, 2:] | around[1:-1, :-2]
    return mask


def _scattered(mask: np.ndarray) -> float:
    """Return which share of the frame a mask (H, W) marks outside of the band in which it marks most."""
    rows, height = mask.mean(1), max(int(BAND * len(mask)), 1)
    sums = np.concatenate([[0.0], rows.cumsum()])
    return float((rows.sum() - (sums[height:] - sums[:-height]).max()) / len(rows))


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
