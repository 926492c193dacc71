"""Chunks of a shot for networks that give no output for the first and last frames of what they see."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple


class Chunk(NamedTuple):
    """One call of a recurrent network whose state starts anew with every chunk."""

    frames: tuple[int, ...]
    """Numbers in the shot of the frames that the network sees, in order; where a shot is mirrored, some twice."""
    outputs: range
    """Numbers of the frames that count of what it gives: as many of its first outputs."""


def mirrored_chunks(length: int, chunk: int = 20, radius: int = 2, mirror: bool = True) -> list[Chunk]:
    """Cover a shot with overlapping chunks, so that every frame comes from exactly one of them.

    The next chunk starts ``2 * radius`` frames before the end of the last one; the one that would reach beyond the
    shot is moved back to its end, and what it gives replaces what the one before gave. So MMP-RNN is run by its
    authors (chunk 20, radius 2), whose first and last frames get no output; here the shot is mirrored at both ends for
    them (frames 2, 1 before 0, 1, 2). A shot that is shorter than a chunk is one chunk of its length.

    Args:
        length: frames of the shot.
        chunk: frames that the network sees in one call, more than ``2 * radius``.
        radius: frames at either end of a chunk without output.
        mirror: whether the first and last frames of the shot are given too.

    Raises:
        ValueError: a chunk or, where it is not mirrored, a shot that is too short for an output.

    """
    edge = radius if mirror else 0
    seen = length + 2 * edge
    if length < 1 or min(seen, chunk) <= 2 * radius:
        raise ValueError(f"{length} frames in chunks of {chunk}: more than {2 * radius} are needed, or mirror")
    starts = _starts(seen, min(seen, chunk), 2 * radius)
    firsts = [start + radius - edge for start in starts]  # frames that each chunk's outputs begin with
    bounds = [*firsts, length - radius + edge]
    return [
        Chunk(tuple(mirrored(start - edge + i, length) for i in range(min(seen, chunk))), range(first, end))
        for start, (first, end) in zip(starts, pairwise(bounds), strict=True)
    ]


def mirrored(number: int, length: int) -> int:
    """Return which of ``length`` frames stands for one beyond the ends: 2 1 0 1 2, back and forth in short shots."""
    period = 2 * max(length - 1, 1)
    turned = number % period
    return min(turned, period - turned, length - 1)


def _starts(length: int, chunk: int, overlap: int) -> list[int]:
    starts = [0]
    while starts[-1] + chunk < length:
        starts.append(min(starts[-1] + chunk - overlap, length - chunk))
    return starts
