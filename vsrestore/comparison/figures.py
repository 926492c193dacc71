"""The figures of every frame, and of the whole clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .measures import Flicker, psnr, quality
from .sources import AFTER, BEFORE, TRUTH

PSNR, SSIM, FLICKER = "psnr", "ssim", "flicker"
Row = dict[str, float | None]
"""Figures of a frame by column: ``psnr_after``, ``flicker_truth`` and so on."""


class Figures:
    """Measures frame after frame: each clip's flicker, and PSNR and SSIM against the truth, else against ``before``.

    Args:
        names: of the clips, the leading one first.

    """

    def __init__(self, names: Sequence[str]) -> None:
        self.goal = TRUTH if TRUTH in names else BEFORE
        self.judged = [name for name in (BEFORE, AFTER) if name != self.goal]
        shown = [name for name in (BEFORE, AFTER, TRUTH) if name in names]
        self.columns = [f"{figure}_{name}" for figure in (PSNR, SSIM) for name in self.judged]
        self.columns += [f"{FLICKER}_{name}" for name in shown]
        self._flicker = Flicker()
        self._errors = dict.fromkeys(self.judged, 0.0)
        self._sums = dict.fromkeys(self.columns, 0.0)
        self._counts = dict.fromkeys(self.columns, 0)

    def measure(self, pictures: Mapping[str, np.ndarray], begins_shot: bool) -> Row:
        """Return the figures of the next frame; none is given for the flicker of a frame that begins a shot."""
        row: Row = {}
        for name in self.judged:
            found = quality(pictures[name], pictures[self.goal])
            self._errors[name] += found.error
            row |= {f"{PSNR}_{name}": psnr(found.error), f"{SSIM}_{name}": found.ssim}
        flicker = self._flicker.follow(pictures, begins_shot)
        row |= {f"{FLICKER}_{name}": value for name, value in flicker.items()}
        for column, value in row.items():
            if value is not None:
                self._sums[column] += value
                self._counts[column] += 1
        return {column: row[column] for column in self.columns}

    def totals(self) -> Row:
        """Return the figures of the whole clip: PSNR over all samples of all frames, means of the others."""
        means: Row = {column: self._sums[column] / count if count else None for column, count in self._counts.items()}
        for name in self.judged:
            column = f"{PSNR}_{name}"
            means[column] = psnr(self._errors[name] / self._counts[column])
        return means
