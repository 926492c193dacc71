"""Which frames of a clip guide which: named by the user, or chosen by what a first pass tells of every frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from operator import index
from typing import Literal

import numpy as np
import vapoursynth as vs

from ..checkpoints import CheckpointError, find, first_pass_folder
from ..devices import pick
from ..networks import tape_faults
from ..networks.reference_selection import SELECTIONS, Selection, select_references
from ..networks.state_dict import NetworkError
from ..video import checks
from ..video.errors import fail, told_by
from ..video.first_pass import Function, Measure, first_pass

Numbers = Iterable[int]
References = Literal["clip", "sharpest"] | Numbers | Iterable[Numbers] | Mapping[int, Numbers]

CLIP_WEIGHTS = "clip-rn50x4"
CLIP_LENGTH = 640  # of the vectors of CLIP RN50x4
ACCEPTED = (
    "'clip', 'sharpest', a list of frame numbers, one such list for each frame, or a mapping from the first frame of a "
    "part to its list"
)


def reference_table(
    name: str, frames: vs.VideoNode, references: References, count: int, selection: Selection, device: str | None
) -> list[list[int]]:
    """Return the numbers of the frames that guide each frame of a clip, always ``count`` of them, best first.

    Args:
        name: the filter, for messages.
        frames: RGBS, as networks see the clip.
        references: what the user gave: a measure, or numbers in any of three forms; see `ACCEPTED`.
        count: frames that guide each; where there are fewer, the first is repeated.
        selection: how measured frames are chosen; see ``reference_selection``.
        device: where CLIP computes.

    Raises:
        vs.Error: unknown words, no numbers or too many, numbers that the clip has not got, or what measures need is
            missing.

    """
    checks.choice(name, "selection", selection, tuple(SELECTIONS))
    if not isinstance(references, str):
        return _named(name, references, frames.num_frames, count)
    if references not in MEASURES:
        fail(name, f"references={references!r}; accepted: {ACCEPTED}")
    with told_by(name, CheckpointError, NetworkError):
        values = first_pass(name, frames, MEASURES[references](device), first_pass_folder())
    table: list[list[int]] = select_references(values[:, 0], values[:, 1:], count, selection).tolist()
    return table


def _faults(_device: str | None) -> Measure:
    """Return the measure of tape faults, without any network."""

    def measure(frames: Iterable[np.ndarray]) -> np.ndarray:
        return np.array([np.append(*tape_faults.measure(frame)) for frame in frames])

    return Measure(name="tape-faults", version=1, length=1 + 3 * tape_faults.CELLS**2, load=lambda: measure)


def _clip(device: str | None) -> Measure:
    """Return how much frames look like what CLIP calls artefacts, as published."""
    return Measure(name="clip", version=1, length=1 + CLIP_LENGTH, load=partial(_load_clip, device), batch=8)


def _load_clip(device: str | None) -> Function:
    import torch

    from ..networks import clip_scores

    place = pick.pick(device)
    clip = clip_scores.load_clip(find(CLIP_WEIGHTS), place)
    texts = clip_scores.embedded(clip, device=place)

    def measure(frames: Iterable[np.ndarray]) -> np.ndarray:
        pictures = torch.from_numpy(np.stack(list(frames))).to(place)
        return np.column_stack(clip_scores.score(clip, pictures, texts))

    return measure


# What the user calls a measure -> the measure, on a device. It tells of a frame a score, low where it is clean, and a
# vector of length 1, alike for frames that look alike.
MEASURES: Mapping[str, Callable[[str | None], Measure]] = {"clip": _clip, "sharpest": _faults}


def _named(name: str, references: object, length: int, count: int) -> list[list[int]]:
    """Return the table of numbers that the user named."""
    try:
        rows = _rows(name, references, length)
    except TypeError:
        fail(name, f"references={references!r}; accepted: {ACCEPTED}")
    for row in rows:
        wrong = [number for number in row if not 0 <= number < length]
        if wrong:
            fail(name, f"references name frame {wrong[0]}; the clip has the frames 0 to {length - 1}")
        if not 1 <= len(row) <= count:
            fail(name, f"a list of references holds {len(row)} frames; from 1 to {count} are accepted")
    return [row + row[:1] * (count - len(row)) for row in rows]


def _rows(name: str, references: object, length: int) -> list[list[int]]:
    """Return the numbers for each frame as they were given; TypeError where they are none."""
    if isinstance(references, Mapping):
        starts = {index(start): [*map(index, row)] for start, row in references.items()}
        if 0 not in starts:
            fail(name, "references name no frames for the beginning of the clip; the mapping needs the key 0")
        rows = [starts[0]]
        for number in range(1, length):
            rows.append(starts.get(number, rows[-1]))
        return rows
    entries = [*references]  # type: ignore[misc]
    if not any(isinstance(row, Iterable) for row in entries):
        return [[*map(index, entries)]] * length
    if len(entries) != length:
        fail(name, f"references hold {len(entries)} lists, but the clip has {length} frames; one for each is needed")
    return [[*map(index, row)] for row in entries]
