"""The figures of every frame, and of the whole clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .measures import Flicker, change, psnr, squared_error, ssim
from .sources import AFTER, BEFORE, TRUTH

PSNR, SSIM, CHANGE, FLICKER = "psnr", "ssim", "change", "flicker"
SAMPLED = (SSIM, FLICKER)
"""Figures that are measured on some of the frames of a long clip only."""
Row = dict[str, float | None]
"""Figures of a frame by column: ``psnr_after``, ``flicker_truth`` and so on."""


class Figures:
    """Measures frame after frame: each clip's flicker, and PSNR and SSIM against the truth.

    Without the truth nobody can tell the quality; how much ``after`` was changed from ``before`` is measured instead.

    Args:
        names: of the clips, the leading one first.
        every: of so many frames one is measured by what takes time (`SAMPLED`).
        device: what torch calls that by which it is measured.

    """

    def __init__(self, names: Sequence[str], every: int = 1, device: str = "cpu") -> None:
        self.every, self._device = every, device
        self.judged = [name for name in (BEFORE, AFTER) if name in names] if TRUTH in names else []
        clips = [name for name in (BEFORE, AFTER, TRUTH) if name in names]
        self.columns = [f"{figure}_{name}" for figure in (PSNR, SSIM) for name in self.judged]
        self.columns += [] if self.judged else [f"{CHANGE}_{AFTER}"]
        self.columns += [f"{FLICKER}_{name}" for name in clips]
        self._flicker = Flicker(device)
        self._number = 0
        self._errors = dict.fromkeys(self.judged, 0.0)
        self._sums = dict.fromkeys(self.columns, 0.0)
        self._counts = dict.fromkeys(self.columns, 0)

    def measure(self, pictures: Mapping[str, np.ndarray], begins_shot: bool) -> Row:
        """Return the figures of the next frame.

        None is given for those of a frame that is not measured, and for the flicker of one that begins a shot.
        """
        measured = self._number % self.every == self.every // 2
        self._number += 1
        row: Row = {}
        for name in self.judged:
            error = squared_error(pictures[name], pictures[TRUTH])
            self._errors[name] += error
            alike = ssim(pictures[name], pictures[TRUTH], self._device) if measured else None
            row |= {f"{PSNR}_{name}": psnr(error), f"{SSIM}_{name}": alike}
        if not self.judged:
            row[f"{CHANGE}_{AFTER}"] = change(pictures[AFTER], pictures[BEFORE])
        flicker = self._flicker.follow(pictures, begins_shot, measured)
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
