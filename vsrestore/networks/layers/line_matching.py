"""By how much every line of a frame lies beside the same line of another: whole lines against whole lines.

A line is moved as a whole where its displacement is meant, while what moves in the picture moves in places: so the
shift of a line is what most of its blocks agree on. Rough shifts come from the correlation of lines, fine ones from
the gradient (Lucas, Kanade, IJCAI 1981), block by block, joined so that those which differ hardly count.

All is measured in lines of half the width, in pixels of the full width.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from vsrestore.networks.layers.box import box_mean

SMOOTHING = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)  # before every second pixel is taken
LEVEL = 33  # px of half a width: brightness that changes more slowly does not count
REACH = 44  # px of half a width: the farthest that lines are looked for
ROWS = 5  # lines that look for their rough shift together
FALL = 32  # lines by which the picture may have moved up or down
STAYS = 1.2  # by what a move up or down must be better than none
UNLIKE = 0.3  # the correlation of lines at which a rough shift is doubted by a pixel; by far more below it
BLOCK = 32  # px of half a width
NEAR = 2.0  # px of half a width: what the gradient can tell
ALIKE = 0.25  # px of half a width: blocks whose shift differs by this count a quarter
NOISE = 1e-5  # variance that is always there
ROUNDS = 3  # of the fine search


@dataclass(frozen=True)
class Shifts:
    """What was found between two frames."""

    lines: Tensor
    """(3, H) px by which lines lie further right than in the other frame: by all, by their left half, their right."""
    doubt: Tensor
    """(H,) variance of these in px^2, by what there is to see; infinite where the other frame has no such line."""
    fall: int
    """By how many lines what is seen lies lower in the other frame."""

    def turned(self) -> Shifts:
        """Return the same from the other frame's side."""
        return Shifts(-at_lines(self.lines, -self.fall, 0.0), at_lines(self.doubt, -self.fall, torch.inf), -self.fall)

    def then(self, other: Shifts) -> Shifts:
        """Return the shifts against a third frame, ``other`` being those of the second against it."""
        lines = self.lines + at_lines(other.lines, self.fall, 0.0)
        return Shifts(lines, self.doubt + at_lines(other.doubt, self.fall, torch.inf), self.fall + other.fall)


def at_lines(values: Tensor, fall: int, beyond: float) -> Tensor:
    """Return values (..., H) of the lines ``fall`` below each, ``beyond`` where there is none."""
    height = values.shape[-1]
    padded = F.pad(values, (max(-fall, 0), max(fall, 0)), value=beyond)
    start = max(fall, 0)
    return padded[..., start : start + height]


class LineMatcher:
    """Frames prepared for comparing the lines of any two.

    Args:
        luma: (F, 1, H, W) in [0, 1].

    """

    def __init__(self, luma: Tensor) -> None:
        self.lines = _prepared(luma[:, 0])

    @cached_property
    def _edges(self) -> Tensor:
        edges = gradient(self.lines)
        most = 3 * edges.abs().mean((-2, -1), keepdim=True) + 1e-6
        return edges.clamp(-most, most)

    @cached_property
    def _spectra(self) -> Tensor:
        return torch.fft.rfft(self._edges, _fast(self.lines.shape[-1] + 2 * REACH))

    @cached_property
    def _energies(self) -> Tensor:
        return self._edges.square().sum(-1)

    @cached_property
    def _whole(self) -> Tensor:
        """Spectra (F, H, W') of the frames, small in width, for the move up or down."""
        small = F.avg_pool2d(self.lines[:, None], (1, 4))[:, 0]
        fade = torch.hann_window(small.shape[-2], periodic=False, device=small.device)[:, None]
        return torch.fft.rfft2(small * fade)

    def shifts(self, frame: int, other: int) -> Shifts:
        """Return where the lines of a frame lie beside those of another."""
        fall = self._fall(frame, other)
        lines = self.lines[frame]
        theirs = at_lines(self.lines[other].T, fall, 0.0).T
        rough, likeness = self._rough(frame, other, fall)
        for _ in range(ROUNDS - 1):
            blocks = Blocks.of(lines, moved(theirs, rough))
            rough = rough + blocks.agreed()[0].clamp(-NEAR, NEAR)
        blocks = Blocks.of(lines, moved(theirs, rough))
        middle = blocks.shift.shape[1] // 2
        parts = [blocks, blocks.part(slice(None, middle)), blocks.part(slice(middle, None))]
        agreed, weight = zip(*(part.agreed() for part in parts), strict=True)
        doubt = 4 / weight[0] + (UNLIKE / likeness.clamp(min=UNLIKE / 4)) ** 8
        there = at_lines(torch.ones_like(doubt), fall, 0.0) > 0
        return Shifts(2 * (rough + torch.stack(agreed)), torch.where(there, doubt, torch.inf), fall)

    def _fall(self, frame: int, other: int) -> int:
        """By how many lines the picture lies lower in another frame, by phase correlation."""
        height = self.lines.shape[-2]
        crossed = self._whole[frame].conj() * self._whole[other]
        strength = crossed.abs()
        peaks = torch.fft.irfft2(crossed / (strength + 0.01 * strength.mean() + 1e-9)).amax(-1)
        most = min(FALL, (height - 1) // 2)
        falls = torch.arange(-most, most + 1, device=peaks.device)
        peaks = peaks[falls % height]
        best = int(peaks.argmax())
        return best - most if peaks[best] > STAYS * peaks[most] else 0

    def _rough(self, frame: int, other: int, fall: int) -> tuple[Tensor, Tensor]:
        """Return rough shifts (H,) in px of half a width, and how like the lines are then, up to 1.

        Both come from the correlation of lines and of those around them.
        """
        theirs = at_lines(self._spectra[other].T, fall, 0.0).T
        size = _fast(self.lines.shape[-1] + 2 * REACH)
        crossed = torch.fft.irfft(self._spectra[frame].conj() * theirs, size)
        crossed = torch.cat((crossed[:, -REACH:], crossed[:, : REACH + 1]), 1)
        energy = self._energies[frame] + at_lines(self._energies[other], fall, 0.0)
        likeness = box_mean((2 * crossed / (energy[:, None] + 1e-6))[None, None], (ROWS, 1))[0, 0]
        best = likeness.argmax(1, keepdim=True).clamp(1, 2 * REACH - 1)
        before, top, after = (likeness.gather(1, best + step)[:, 0] for step in (-1, 0, 1))
        bend = (before - 2 * top + after).clamp(max=-1e-6)
        place = best[:, 0] - REACH + ((before - after) / (2 * bend)).clamp(-0.5, 0.5)
        around = F.pad(-place[None, None], (2, 2), mode="replicate")[0, 0]
        return around.unfold(0, 5, 1).median(-1).values, top


@dataclass(frozen=True)
class Blocks:
    """The shifts that the blocks of lines tell, each (H, N): px of half a width, and 1 / their variance."""

    shift: Tensor
    weight: Tensor

    @classmethod
    def of(cls, lines: Tensor, theirs: Tensor) -> Blocks:
        """Compare lines (H, W) with those that they should lie upon."""
        slope = (gradient(lines) + gradient(theirs)) / 2
        apart = lines - theirs
        steep, along, off = (_sums(x) for x in (slope * slope, slope * apart, apart * apart))
        shift = -along / (steep + NOISE)
        left = (off - along * along / (steep + NOISE)).clamp(min=0) / BLOCK
        # What noise alone has of a slope shows no shift: an eighth of the variance of a difference, in every pixel.
        weight = (steep - BLOCK / 8 * left).clamp(min=0) / (left + NOISE)
        return cls(shift, weight * (shift.abs() < NEAR) + 1e-6)

    def part(self, columns: slice) -> Blocks:
        """Return some of the blocks."""
        return Blocks(self.shift[:, columns], self.weight[:, columns])

    def agreed(self) -> tuple[Tensor, Tensor]:
        """Return the shift of every line that most of its blocks agree on, and how much weight they have, (H,)."""
        shift = _weighted_median(self.shift, self.weight.clamp(max=1e3))
        for _ in range(3):
            weight = self.weight / (1 + ((self.shift - shift[:, None]) / ALIKE).square()).square()
            shift = (weight * self.shift).sum(1) / weight.sum(1)
        return shift, weight.sum(1)


def beside_neighbours(lines: Tensor) -> tuple[Tensor, Tensor]:
    """Return by how many px lines (H, W) of half a width lie right of the mean of the two beside them, and the doubt.

    Both are (H,); the first and the last line have none: 0, and infinite doubt.
    """
    agreed, weight = Blocks.of(lines[1:-1], (lines[:-2] + lines[2:]) / 2).agreed()
    return F.pad(2 * agreed.clamp(-NEAR, NEAR), (1, 1)), F.pad(4 / weight, (1, 1), value=torch.inf)


def moved(lines: Tensor, shifts: Tensor) -> Tensor:
    """Move lines (H, W) to the right by px (H,), edges repeated; Catmull-Rom."""
    width = lines.shape[-1]
    place = torch.arange(width, device=lines.device) - shifts[:, None]
    whole = place.floor()
    x = place - whole
    weights = (
        ((2 - x) * x - 1) * x / 2,
        (3 * x - 5) * x * x / 2 + 1,
        ((4 - 3 * x) * x + 1) * x / 2,
        (x - 1) * x * x / 2,
    )
    columns = whole.long()
    taps = (lines.gather(1, (columns + k - 1).clamp(0, width - 1)) * weight for k, weight in enumerate(weights))
    return torch.stack(list(taps)).sum(0)


def gradient(lines: Tensor) -> Tensor:
    """Return the slope along lines (..., W), 0 at both ends."""
    return F.pad((lines[..., 2:] - lines[..., :-2]) / 2, (1, 1))


def _prepared(luma: Tensor) -> Tensor:
    """Return frames (F, H, W) at half the width without what changes slowly along the lines."""
    half = luma.shape[-1] // 2
    around = F.pad(luma, (2, 2), mode="replicate")
    lines = sum(tap * around[..., k : k + 2 * half : 2] for k, tap in enumerate(SMOOTHING))
    assert isinstance(lines, Tensor)
    return lines - box_mean(lines[:, None], (1, LEVEL))[:, 0]


def _sums(values: Tensor) -> Tensor:
    """Return the sums over the blocks of lines (H, W): (H, N)."""
    count = max(values.shape[1] // BLOCK, 2)
    return F.adaptive_avg_pool1d(values, count) * (values.shape[1] / count)


def _weighted_median(values: Tensor, weights: Tensor) -> Tensor:
    order = values.argsort(1)
    sums = weights.gather(1, order).cumsum(1)
    middle = (sums < sums[:, -1:] / 2).sum(1, keepdim=True)
    return values.gather(1, order).gather(1, middle)[:, 0]


def _fast(size: int) -> int:
    """Return the next size that the Fourier transform is fast at."""
    step = 64
    return -(-size // step) * step
