"""LineShifts: by how much every line of a frame is out of place, from the picture and its neighbours; nothing learnt.

What a tape's time base does to a line is new in every frame, while what is seen stays or moves evenly. So the mean of
a line's places in the frames before and after is where it belongs, but for what is left of their own faults; that is
rough from line to line, and there a line and the two beside it tell more. Both are joined by least squares, each by
its doubt. The old ways do one or the other: Kokaram, Rayner, van Roosmalen, Biemond, "Line registration of jittered
video", ICASSP 1997, from the lines beside each other; Kang, Shen, "Bayesian approach to image de-jittering", 2006.

A clip whose lines are in place has nothing to give but the errors of the measure. They have nothing in common with what
a line and its two neighbours tell, so where the two do not agree nothing is out of place.

Measured by `scripts/bench lines` on nine frames each of six clips at a width of 640: 2.8 to 3.9 dB (mean 3.4) gained on
the time base of the preset "vhs", 4.9 to 8.8 (mean 6.7) on jitter of one pixel, in pans and zooms as well; without a
fault no line of them is moved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.layers.box import box_mean
from vsrestore.networks.layers.line_matching import LineMatcher, Shifts, beside_neighbours, moved

STEP = 2  # frames over which lines are compared; farther ones are reached in steps
LEAST = 0.03  # px: how exact a measure is at best
SWERVE = 0.4  # px per frame^2 by which what moves by one px per frame may be faster or slower
PRECISE = 0.03  # px: how exactly a line and the two beside it tell at best
TOGETHER = 41  # lines whose measures are held against each other
BEGIN, FULL = 0.12, 0.2  # px of roughness from line to line: below the one nothing is moved, from the other on all is
PARTS = 4  # of the picture, one below the other
FAR = 2.0  # standard deviations: a measure so far off counts half
OUTLIER = 2.0  # px of roughness: more counts as this


class LineShifts(nn.Module):
    """Find the lines that are out of place."""

    def forward(self, frames: Tensor, windows: Tensor) -> Tensor:
        """Return the px by which lines lie too far to the right.

        Args:
            frames: luma (1, T, 1, H, W) in [0, 1].
            windows: (K, 2 R + 1) int64: the positions in T around each wanted frame, negative where there is none.

        Returns:
            (1, K, 1, 1, H) px; exactly 0 in frames in which nothing is out of place.

        """
        matcher = LineMatcher(frames[0])
        paths = _Paths(matcher.shifts)
        rows = [_placed(matcher.lines[row[len(row) // 2]], paths, row) for row in windows.tolist()]
        return torch.stack(rows)[None, :, None, None]


class _Paths:
    """Shifts between any two frames of a window; those of neighbours are measured once, and others made of them."""

    def __init__(self, measure: Callable[[int, int], Shifts]) -> None:
        self._measure = measure
        self._known: dict[tuple[int, int], Shifts] = {}

    def between(self, window: Sequence[int], start: int, stop: int) -> Shifts:
        """Return the shifts of the frame at one place of a window against that at another."""
        far, way = abs(stop - start), 1 if stop > start else -1
        pair = window[start], window[stop]
        if pair not in self._known:
            self._known[pair] = (
                self._neighbours(*pair)
                if far <= STEP
                else self.between(window, start, start + way * STEP).then(
                    self.between(window, start + way * STEP, stop)
                )
            )
        return self._known[pair]

    def _neighbours(self, frame: int, other: int) -> Shifts:
        return self._measure(frame, other) if frame < other else self.between((other, frame), 0, 1).turned()


def _placed(lines: Tensor, paths: _Paths, window: Sequence[int]) -> Tensor:
    """Return the shifts (H,) of the frame in the middle of a window, given its lines (H, W / 2) as matched."""
    centre = len(window) // 2
    sides = [[centre + way * k for way in (-1, 1)] for k in range(1, centre + 1)]
    there = [[paths.between(window, centre, place) for place in side if window[place] >= 0] for side in sides]
    if not there or not there[0]:
        return lines.new_zeros(len(lines))
    shifts, certainty = _beside_frames(there)
    beside, doubt = beside_neighbours(lines)
    rough = roughness(shifts)
    common = _smoothed((rough.clamp(-OUTLIER, OUTLIER) * beside).clamp(max=OUTLIER**2), TOGETHER).clamp(min=0)
    share = ((common.median().sqrt() - BEGIN) / (FULL - BEGIN)).clamp(0, 1)
    if not share:
        return lines.new_zeros(len(lines))
    left = _deviation(beside - rough).square() - common.mean() / (2 * len(there))
    exact = 1 / (left.clamp(min=PRECISE**2) + doubt)
    joined = _joined(shifts, certainty, beside, exact)
    # Once more with the lines about where they belong, for faults that are large; what fits badly, as it does where
    # there is only noise, counts little.
    again = roughness(joined) + beside_neighbours(moved(lines, -joined / 2))[0]
    exact = _unless_far(exact, again - roughness(joined))
    certainty = _unless_far(certainty, shifts - joined)
    joined = _joined(shifts, certainty, again, exact)
    return share * (joined - joined.median() + _whole_picture(there, joined))


def _beside_frames(there: Sequence[Sequence[Shifts]]) -> tuple[Tensor, Tensor]:
    """Return the shifts (H,) against the frames before and after, and how certain they are, 1 / px^2.

    Args:
        there: the shifts against the frames at distance 1, 2, ...: both, or where a shot ends the one, or none.

    """
    there = [pair for pair in there if pair]
    means = [torch.stack([side.lines for side in pair]).mean(0) for pair in there]
    means = [mean - mean[0].median() for mean in means]
    # Of the nearest: a frame's own fault, and a half of those of two others or the whole of that of one.
    fault = _deviation(means[0][0]).square() / (1 + 1 / len(there[0])) + 1e-4
    speed = _speed(there, fault)
    certain = torch.zeros_like(means[0][0])
    total = torch.zeros_like(certain)
    for distance, (mean, pair) in enumerate(zip(means, there, strict=True), 1):
        swerve = SWERVE * speed * (distance**2 if len(pair) == 2 else 3 * distance)
        apart = _smoothed((mean[1] - mean[2]).square() / 4, 5)
        doubt = torch.stack([side.doubt for side in pair]).mean(0) / len(pair)
        weight = 1 / (fault / len(pair) + apart + doubt + swerve.square() + LEAST**2)
        total += weight * mean[0]
        certain += weight
    return total / (certain + 1 / fault), certain + 1 / fault


def _speed(pairs: Sequence[Sequence[Shifts]], fault: Tensor) -> Tensor:
    """Return how fast lines (H,) move otherwise than the picture, in px per frame, beyond what faults seem to move."""
    slowest = torch.full_like(pairs[0][0].lines[0], torch.inf)
    for distance, pair in enumerate(pairs, 1):
        moves = (pair[-1].lines[0] - pair[0].lines[0]) / 2 if len(pair) == 2 else pair[0].lines[0]
        moves = (moves - moves.median()) / distance
        slowest = torch.minimum(slowest, moves.square() - fault / distance**2 / len(pair))
    return slowest.clamp(min=0).sqrt()


def _whole_picture(there: Sequence[Sequence[Shifts]], shifts: Tensor) -> Tensor:
    """Return by how many px the picture as a whole lies too far to the right.

    It is what its path over the window differs from a parabola by, which a camera in the hand follows; no more than
    the parts of the picture move against each other, for a camera moves them all.
    """
    places, path = [0.0], [torch.zeros_like(shifts[0])]
    for distance, pair in enumerate(there, 1):
        for way, side in zip((-1, 1) if len(pair) == 2 else (1,), pair, strict=True):
            places.append(float(way * distance))
            path.append(-side.lines[0].median())
    if len(places) <= 3:
        return path[0]
    times = torch.tensor(places, device=shifts.device)
    powers = torch.stack((torch.ones_like(times), times, times.square()), 1)
    shift, speed = torch.linalg.lstsq(powers, torch.stack(path)[:, None]).solution[:2, 0]
    most = torch.stack([part.mean() for part in shifts.tensor_split(PARTS)]).std()
    share = most.square() / (most.square() + (SWERVE * speed).square() + LEAST**2)
    return share * -shift.clamp(-most, most)


def _joined(shifts: Tensor, certainty: Tensor, beside: Tensor, exact: Tensor) -> Tensor:
    """Return the shifts (H,) nearest to those given, with a roughness nearest to that given, each by its certainty."""
    weight = exact[1:-1]
    middle = F.pad(weight, (1, 1)) + (F.pad(weight, (2, 0)) + F.pad(weight, (0, 2))) / 4
    near = -(F.pad(weight, (1, 0)) + F.pad(weight, (0, 1))) / 2
    matrix = torch.diag(certainty + middle)
    for distance, values in ((1, near), (2, weight / 4)):
        matrix += torch.diag(values, distance) + torch.diag(values, -distance)
    pull = exact * beside
    wanted = certainty * shifts + pull - (F.pad(pull[1:], (0, 1)) + F.pad(pull[:-1], (1, 0))) / 2
    return torch.cholesky_solve(wanted[:, None], torch.linalg.cholesky(matrix))[:, 0]


def _unless_far(certainty: Tensor, apart: Tensor) -> Tensor:
    """Return certainties, 1 / px^2, lowered where a measure lies far from what was made of all, for what they are."""
    return certainty / (1 + certainty * apart.square() / FAR**2)


def roughness(shifts: Tensor) -> Tensor:
    """Return by how much a line's shift differs from the mean of its two neighbours', (H,); 0 at both ends."""
    return F.pad(shifts[1:-1] - (shifts[:-2] + shifts[2:]) / 2, (1, 1))


def _smoothed(values: Tensor, lines: int) -> Tensor:
    return box_mean(values[None, None, :, None], (lines, 1))[0, 0, :, 0]


def _deviation(values: Tensor) -> Tensor:
    """Return the standard deviation of values, told by their median, so that outliers hardly count."""
    return (values - values.median()).abs().median() / 0.6745
