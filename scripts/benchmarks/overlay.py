"""How well ``static_overlay`` finds dates that are drawn into real footage, and how much else it takes for one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import numpy as np
import vapoursynth as vs

import vsrestore
from vsrestore.damage.compression import Compression, compressed
from vsrestore.video.frames import plane_views
from vsrestore.video.morphology import dilated

from .dates import Date, with_date
from .material import clip_of, find_clips, read_frames
from .report import Report, Requirement

PATTERNS = ("d03*", "d04*", "d05*", "d07*.mp4", "d10_cgi*", "d12*", "d14*", "d19*", "d20*.mp4", "d21*")
"""Clips in which the picture behind a date moves."""
CODEC = Compression(codec="h264", quality=18, gop=60)
FPS = 24
NEAR = 3  # px around a date that count as its halo
LOOKED_AT = (0.05, 0.35, 0.65, 0.95)  # of the clip's length
COVERED, FALSE = 0.95, 0.01


class Found(NamedTuple):
    """Shares, in the worst of the frames that are looked at."""

    covered: float
    """Of the date's pixels."""
    false: float
    """Of the frame's, further from the date than `NEAR`."""
    halo: float
    """The same with what lies nearer."""


def run(clips: Path, patterns: Sequence[str], frames: int, width: int, dates: int) -> list[Report]:
    """Draw dates into every clip, encode it, and hold what is found against what was drawn."""
    paths = find_clips(clips, patterns)
    if not paths:
        raise SystemExit(f"bench: no video in {clips} fits {' '.join(patterns)}")
    rows: list[tuple[str | float, ...]] = []
    for path in paths:
        clean = np.rint(255 * read_frames(path, frames, width)).astype(np.uint8)
        rows.append((path.stem, "none", 1.0, *_worst(filmed(clean), np.zeros(clean.shape[:3], bool))[1:]))
        for number in range(dates):
            date = Date.drawn_by_lot((*path.stem[:3].encode(), number))
            written, masks = with_date(clean, date, FPS)
            rows.append((path.stem, str(date), *_worst(filmed(written), masks)))
    return [Report("overlay", ("clip", "date", "covered", "false", "false with halo"), rows, _requirements(rows))]


def _requirements(rows: Sequence[tuple[str | float, ...]]) -> list[Requirement]:
    dates = [row for row in rows if row[1] != "none"]
    covered, false, halo = ([float(row[column]) for row in dates] for column in (2, 3, 4))
    return [
        Requirement("dates covered to 95 %, share", fmean(share >= COVERED for share in covered), least=1),
        Requirement("least covered", min(covered), least=COVERED),
        Requirement("most of a frame that is false", max(false), most=FALSE),
        Requirement("the same with the halo", max(halo), most=FALSE),
        Requirement("false where there is no date", max(float(row[3]) for row in rows if row[1] == "none"), most=FALSE),
    ]


def filmed(frames: np.ndarray) -> vs.VideoNode:
    """Return frames (T, H, W, 3) uint8 as they come from a camera's file, YUV420P8."""
    coded = compressed(frames.astype(np.float32) / np.float32(255), 0, CODEC)
    return clip_of(coded).resize.Bicubic(format=vs.YUV420P8, matrix=vs.MATRIX_BT709)


def _worst(clip: vs.VideoNode, masks: np.ndarray) -> Found:
    result = vsrestore.static_overlay(clip)
    shares = []
    for part in LOOKED_AT:
        n = int(part * len(masks))
        shares.append(shares_of(plane_views(result.get_frame(n))[0] > 0, masks[n]))
    covered, false, halo = zip(*shares, strict=True)
    return Found(min(covered), max(false), max(halo))


def shares_of(mask: np.ndarray, date: np.ndarray) -> Found:
    """Return what a mask (H, W) bool covers of a date, and what of the frame it covers in vain."""
    covered = float(mask[date].mean()) if date.any() else 1.0
    return Found(covered, float((mask & ~dilated(date, NEAR)).mean()), float((mask & ~date).mean()))
