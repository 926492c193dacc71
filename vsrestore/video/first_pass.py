"""A first pass over a clip: what a measure tells of every frame, computed once and kept on disk.

It runs while the script is evaluated, as BestSource makes its index, from the first frame to the last; so what frames
are asked for later, and in which order, changes nothing.

A clip is known by its format, size, length and rate and by the samples of `GRID` frames spread over it. What it cannot
notice is a change of other frames alone, with the length kept: a filter before it that acts on a few frames in between.
Where machines render one job, whose folder is that of one script and one source, samples are not looked at, which takes
longer than a short clip: there it is known by its place among the first passes of the script.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import batched, count
from pathlib import Path

import numpy as np
import vapoursynth as vs

from ..cache_folder import SHARED_MEASURES
from .errors import fail, warn
from .frames import picture_of, plane_views
from .kept import read_kept, write_kept

GRID = 16
# Progress is told after so many frames, or after a twentieth of the clip where that is more.
FEWEST_TOLD, TIMES_TOLD = 100, 20

_places = count()  # of first passes in this process, which evaluates one script where machines share them

Function = Callable[[Sequence[np.ndarray]], np.ndarray]
"""Takes frames (C, H, W) and returns a row for each, (B, length), a pure function of that frame alone."""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """Something that is measured in every frame of a clip alone."""

    name: str
    version: int
    """Changes with the function, so that what was measured before counts no more."""
    length: int
    """Numbers that a frame gets."""
    load: Callable[[], Function]
    """Returns the function; called where frames have to be measured, not where they are known."""
    batch: int = 1
    """Frames that are measured together."""


def first_pass(name: str, clip: vs.VideoNode, measure: Measure, folder: Path) -> np.ndarray:
    """Return what a measure tells of every frame, (N, length), float32: measured now, or read from disk.

    At most the frames of a batch and of VapourSynth's threads are in memory at a time. Progress goes to VapourSynth's
    log. A file that is damaged or of another clip is made anew; where none can be written, a warning says so.

    Args:
        name: the filter, for messages.
        clip: of a constant format whose planes have one size.
        measure: what is measured.
        folder: where the result is kept, unless the environment names one for all machines.

    Raises:
        vs.Error: a frame cannot be had, or the measure gives NaN or infinity.

    """
    shared, place = os.environ.get(SHARED_MEASURES), next(_places)
    key = _key(clip, measure, place if shared else None)
    path = Path(shared or folder) / f"{measure.name}-{key.hex()[:32]}.npy"
    values = read_kept(path, key)
    if values is None:
        values = _measured(name, clip, measure)
        try:
            write_kept(path, key, values)
        except OSError as error:
            warn(name, f"{path} cannot be written ({error.strerror}); the clip will be measured again the next time")
    return values


def _key(clip: vs.VideoNode, measure: Measure, place: int | None) -> bytes:
    """Return what the clip and the measure are known by, a SHA-256; None for a place has samples looked at."""
    shape = (clip.format.name, clip.width, clip.height, clip.num_frames, str(clip.fps))
    where = () if place is None else (place,)
    key = hashlib.sha256(repr((measure.name, measure.version, measure.length, *shape, *where)).encode())
    if place is not None:
        return key.digest()
    grid = np.linspace(0, clip.num_frames - 1, min(GRID, clip.num_frames)).round()
    for number in grid:
        with clip.get_frame(int(number)) as frame:
            for plane in plane_views(frame):
                key.update(np.ascontiguousarray(plane))
    return key.digest()


def _measured(name: str, clip: vs.VideoNode, measure: Measure) -> np.ndarray:
    function, length = measure.load(), clip.num_frames
    values = np.empty((length, measure.length), np.float32)
    step, end = max(FEWEST_TOLD, length // TIMES_TOLD), 0
    title = f"{name}: first pass, {measure.name}:"
    vs.core.log_message(vs.MESSAGE_TYPE_INFORMATION, f"{title} {length} frames are measured, once for this clip")
    with closing(_pictures(clip)) as pictures:
        for batch in batched(pictures, measure.batch):
            first, end = end, end + len(batch)
            values[first:end] = function(batch)
            if not np.isfinite(values[first:end]).all():
                fail(name, f"{measure.name} of frames {first} to {end - 1} is not finite; does the clip hold NaN?")
            if end // step > first // step:
                vs.core.log_message(vs.MESSAGE_TYPE_INFORMATION, f"{title} {end} of {length} frames")
    return values


def _pictures(clip: vs.VideoNode) -> Generator[np.ndarray]:
    """Yield every frame as an array (C, H, W), a few of them fetched ahead."""
    ahead = vs.core.num_threads
    for frame in clip.frames(prefetch=ahead, backlog=ahead, close=True):
        yield picture_of(frame)
