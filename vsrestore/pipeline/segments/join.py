"""Finished segments become one file, without being encoded again."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

from .. import timestamps
from ..errors import RunError
from ..run import FULL
from .folder import Clip, JobFolder
from .whole import settle, unfinished_of


def join(folder: JobFolder, clip: Clip, joined: Path, muxer: str, source_base: Fraction) -> None:
    """Write all segments of a clip, each frame at its time, into one file, and remove them when that is on disk.

    Args:
        folder: of the job.
        clip: all of whose segments are finished.
        joined: is written.
        muxer: ffmpeg's name of its container.
        source_base: seconds of one tick of the source's times.

    Raises:
        RunError: a segment is missing or does not fit the others, or the disk is too full.

    """
    durations: list[Fraction | None] = []
    for segment in clip.segments:
        record = folder.record(segment)
        if record is None:
            raise RunError(f"segment {segment.number} is missing in {folder.path}")
        durations += record.each()
    files = [folder.picture(segment) for segment in clip.segments]
    check_space(joined, sum(file.stat().st_size for file in files))
    unfinished = unfinished_of(joined)
    starts, base = times_of(durations, clip.shown.rate, source_base)
    timestamps.write_joined(files, unfinished, muxer, starts, base)
    settle(unfinished, joined)
    folder.remove_segments()


def times_of(
    durations: Sequence[Fraction | None], rate: Fraction, source_base: Fraction
) -> tuple[list[Fraction], Fraction]:
    """Return when each frame is shown and the last one ends, in seconds, and the seconds of a tick for such times.

    Args:
        durations: how long each frame is shown, in seconds, None where it does not say.
        rate: frames in a second, 0 when they come at no constant rate.
        source_base: seconds of one tick of the source's times.

    """
    known = timestamps.filled(durations, rate)
    if rate and timestamps.is_constant(known, rate):
        return [number / rate for number in range(len(known) + 1)], 1 / rate
    return list(accumulate(known, initial=Fraction(0))), timestamps.fitting_time_base(source_base)


def check_space(file: Path, needed: int | None = None) -> None:
    """Raise ``RunError`` where the disk of a file does not hold as many bytes more, by default as it has itself."""
    needed = file.stat().st_size if needed is None else needed
    free = shutil.disk_usage(file.parent).free
    if free < needed:
        raise RunError(f"{FULL}: to join the segments {needed / 1e6:.1f} MB are needed, {free / 1e6:.1f} MB are free")
