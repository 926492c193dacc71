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
# The whole picture moves where so much of what has a contrast of so many codes has a range of half of it.
PANS, TEXTURE = 0.8, 8
# The range of a stroke over that of what is around it, at most: the first that marks no more than `MOST` of the frame,
# and no more than `SCATTERED` of it outside of a band of an eighth of its height.
RATIOS, MOST, SCATTERED, BAND = (0.35, 0.25, 0.17, 0.12, 0.08), 0.03, 0.004, 1 / 8
# Pixels of strokes in 5x5 pixels, and in a square of 8 stroke widths where strokes are 16 wide: fewer are no strokes,
# and fewer than the last no writing.
DENSE, CROWD, WRITING = 4, 60, 180
# What belongs to a stroke: half its contrast and twice its range within 2 pixels, a dark edge within 3, 1 more for all.
BESIDE, EDGE, HALO = 2, 3, 1
# More of a line is looked for so many stroke widths beside writing, with values between those nearby give or take
# `BETWEEN` codes; so many times, or until there is no more.
LINE, BETWEEN, TIMES = 5, 15, 8
# Figures that change are looked for as far away, in the values of the writing within so many codes, with so much of its
# contrast; in each frame where so many of the pictures have such, in all where more have; not at all where they would
# be more of the frame.
ALIKE, PLAINER, OFTEN, USUAL, MOST_CHANGING = 30, 1.5, 0.06, 0.2, 0.01

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
    levels = [dilated(np.where(writing, _median(layer), 0), width, LINE * width) for layer in layers]
    figures = np.mean([_any_figures(each, levels, least, width) for each in zip(*layers, strict=True)], axis=0)
    changing = figures >= OFTEN
    if (changing & ~mask).mean() > MOST_CHANGING:
        return mask, [np.zeros(mask.shape, np.uint8) for _ in levels]
    mask = mask | dilated(changing & (figures >= USUAL), HALO)
    return mask, [np.where(changing, level, 0).astype(np.uint8) for level in levels]


def _gathered(layers: Sequence[np.ndarray], least: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return strokes, and them with what belongs to them, (H, W) bool: few or none where they are all over the frame.

    What is all over the frame in luma may be told from a date by its colour alone.
    """
    nothing = np.zeros(layers[0].shape[1:], bool)
    strictest = nothing, nothing
    for some in (layers, layers[1:]) if len(layers) > 1 else (layers,):
        pictures = _Statistics.of(some, layers[0], width)
        for ratio in RATIOS:
            strokes = pictures.whole_lines(pictures.strokes(least, ratio, width), least, ratio, width)
            grown = pictures.grown(strokes, least, ratio)
            if not grown.any():
                break
            if grown.mean() <= MOST and _scattered(grown) <= SCATTERED:
                return strokes, grown
            if grown.mean() <= MOST / 2:
                strictest = strokes, grown
    return strictest


def _median(pictures: np.ndarray) -> np.ndarray:
    return np.sort(pictures, axis=0)[len(pictures) // 2]


class _Statistics(NamedTuple):
    """What pictures say of each pixel, (H, W) in codes, or such of each layer."""

    brighter: np.ndarray
    """By how much it is brighter than what is on both sides of it, in some layer and in most of them."""
    often: np.ndarray
    """The same in half of them."""
    darker: np.ndarray
    """By how much its luma is darker, in most of them."""
    middle: Sequence[np.ndarray]
    """Its median."""
    range: Sequence[np.ndarray]
    """Its greatest less its least value, outliers aside."""
    moving: Sequence[np.ndarray]
    """The mean range of the pixels around it."""
    contrast: Sequence[np.ndarray]
    """By how much it is brighter or darker than what is on both sides of it, in most of them."""
    pans: bool
    """Whether the whole picture moves: then nothing of it stands still, and plain places tell it from writing, too."""

    @classmethod
    def of(cls, layers: Sequence[np.ndarray], luma: np.ndarray, width: int) -> _Statistics:
        count = len(layers[0])
        shown, out = int(HIDDEN * count), int(OUTLIERS * count)
        white = [np.stack([white_top_hat(picture, width) for picture in layer]) for layer in layers]
        dark = [np.stack([black_top_hat(picture, width) for picture in layer]) for layer in layers]
        black = np.stack([black_top_hat(picture, width) for picture in luma])
        ranked = [np.sort(layer, axis=0) for layer in layers]
        spread = [values[count - 1 - out] - values[out] for values in ranked]
        ordered = np.partition(np.max(white, axis=0), [shown, count // 2], axis=0)
        return cls(
            ordered[shown],
            ordered[count // 2],
            np.partition(black, shown, axis=0)[shown],
            [values[count // 2] for values in ranked],
            spread,
            [_box_sum(each, 2 * width) / (4 * width + 1) ** 2 for each in spread],
            [
                np.maximum(*(np.partition(hats, shown, axis=0)[shown] for hats in pair))
                for pair in zip(white, dark, strict=True)
            ],
            _pans(black, np.ptp(luma, axis=0)),
        )

    def still(self, ratio: float, least: int, *, plain: bool) -> np.ndarray:
        """Return where some layer stands still among what moves, bool, and, if told so, in plain places."""
        result = np.zeros(self.brighter.shape, bool)
        for spread, moving, contrast in zip(self.range, self.moving, self.contrast, strict=True):
            moves = moving >= MOVES
            tells = moves | (contrast >= least // 2) if plain else moves
            result |= tells & (spread <= np.maximum(ratio * np.where(moves, moving, contrast), NOISE))
        return result

    def strokes(self, least: int, ratio: float, width: int) -> np.ndarray:
        """Return the pixels that are certain, bool: those of writing, and others in its line."""
        bright = np.max(self.middle, axis=0) >= BRIGHT
        strokes = (self.brighter >= least) & bright & self.still(ratio, least, plain=self.pans)
        strokes &= _box_sum(strokes, 2) >= DENSE
        strokes = _crowded(strokes, CROWD, width)
        return strokes & dilated(_crowded(strokes, WRITING, width), width, LINE * width)

    def whole_lines(self, strokes: np.ndarray, least: int, ratio: float, width: int) -> np.ndarray:
        """Return strokes with others beside them that look as they do."""
        candidates = self.still(ratio, least, plain=True) & (self.often >= least)
        for _ in range(TIMES):
            alike, writing = candidates, _crowded(strokes, CROWD, width)
            for middle in self.middle:
                most = dilated(np.where(writing, middle, 0), width, LINE * width).astype(np.int16)
                fewest = 255 - dilated(np.where(writing, 255 - middle, 0), width, LINE * width).astype(np.int16)
                alike = alike & (most > 0) & (middle >= fewest - BETWEEN) & (middle <= most + BETWEEN)
            more = strokes | (alike & (_box_sum(alike, 2) >= DENSE))
            if np.array_equal(more, strokes):
                break
            strokes = more
        return strokes

    def grown(self, strokes: np.ndarray, least: int, ratio: float) -> np.ndarray:
        """Return them with what belongs to them, bool."""
        still = self.still(2 * ratio, least, plain=True)
        whole = strokes | (dilated(strokes, BESIDE) & (self.brighter >= least // 2) & still)
        return dilated(whole | (dilated(whole, EDGE) & (self.darker >= least // 2) & still), HALO)


def changing_figures(picture: np.ndarray, level: np.ndarray, least: int) -> np.ndarray:
    """Find figures in one picture (H, W) uint8 that look as the strokes do whose ``level`` is told: (H, W) bool."""
    mask = np.zeros(picture.shape, bool)
    rows, columns = (np.flatnonzero(level.any(axis)) for axis in (1, 0))
    if not len(rows):
        return mask
    width = _stroke_width(len(picture))
    area = tuple(slice(max(side[0] - 2 * width, 0), side[-1] + 2 * width + 1) for side in (rows, columns))
    picture, level = picture[area], level[area]
    figures = _figures(picture, level, least, width)
    edge = dilated(figures, EDGE) & (black_top_hat(picture, width) >= least)
    mask[area] = dilated(figures | edge, HALO)
    return mask


def _any_figures(pictures: Sequence[np.ndarray], levels: Sequence[np.ndarray], least: int, width: int) -> np.ndarray:
    """Return where the layers of a picture have figures, bool."""
    return np.any([_figures(*layer, least, width) for layer in zip(pictures, levels, strict=True)], axis=0)


def _figures(picture: np.ndarray, level: np.ndarray, least: int, width: int) -> np.ndarray:
    """Return where a picture has strokes whose value is that of others nearby, bool."""
    alike = (level > 0) & (np.abs(picture.astype(np.int16) - level) <= ALIKE)
    figures = alike & (white_top_hat(picture, width) >= PLAINER * least)
    return figures & (_box_sum(figures, 2) >= DENSE)


def _pans(contrast: np.ndarray, spread: np.ndarray) -> bool:
    """Tell whether what has contrast (S, H, W) moves all over the picture, (H, W) being the range of each pixel."""
    textured = contrast >= TEXTURE
    return int(((spread >= contrast / 2) & textured).sum()) >= PANS * max(int(textured.sum()), 1)


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
