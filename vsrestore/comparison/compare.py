"""One comparison from the videos to the finished folder."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import vapoursynth as vs

from vsrestore.pipeline.interrupts import held_interrupts

from .crops import Crop, WorstCrops
from .errors import ComparisonError
from .figures import SAMPLED, Figures, Row
from .folder import PAGE, TABLE, VIDEO, check_folder, finished_folder
from .images import jpeg, png
from .page import Content, Sample, page
from .plot import Curve
from .side_by_side import encoding, side_by_side
from .sources import AFTER, BEFORE, TRUTH, WHOLE, Part, begins_shot, open_clips, picture

ALL_MEASURED, EVERY = 120, 7
"""Frames of a clip up to which all are measured by what takes time; of longer ones, one of so many.

A prime number, so that frames that come twice, or two and three times by turns, are met as often as they come.
"""
STRETCHES = 6
"""Parts of the clips, of each of which the middle frame and the crop that differs most are shown."""


@dataclass
class _Tally:
    """What is kept of the frames: nothing that grows with their number."""

    figures: Figures
    curves: dict[str, Curve]
    crops: WorstCrops
    middles: frozenset[int]
    samples: list[Sample] = field(default_factory=list)

    def take(self, number: int, pictures: Mapping[str, np.ndarray], shot: bool) -> Row:
        """Measure the next frame, and keep what the page will show of it."""
        row = self.figures.measure(pictures, shot)
        for column, value in row.items():
            self.curves[column].add(number, value)
        self.crops.see(number, BEFORE, AFTER, pictures)
        if number in self.middles:
            images = {name: jpeg(pictures[name]) for name in _ordered(pictures)}
            self.samples.append(Sample(f"frame {number}", images))
        return row


def compare(
    before: Path,
    after: Path,
    truth: Path | None,
    folder: Path,
    count: Callable[[int, int], None],
    *,
    overwrite: bool,
    part: Part = WHOLE,
    device: str = "cpu",
) -> Row:
    """Compare two videos, and a third that shows the truth, frame by frame.

    Leaves in the folder ``index.html``, ``frames.csv``, ``side-by-side.mp4``, ``crop-N-CLIP.png`` and a list of them.
    The memory taken does not depend on how many frames there are. Of clips of more than 120 frames, every seventh is
    measured by SSIM and flicker.

    Args:
        before: the video as it was.
        after: as it became.
        truth: as it should be; None where that is not known.
        folder: to be made, in a folder that exists.
        count: takes frames done and frames in all.
        overwrite: whether a comparison in the folder may be replaced.
        part: of the videos that is compared.
        device: what torch calls that by which SSIM and flicker are measured.

    Returns:
        The figures of the whole clips, by column of the table.

    Raises:
        ComparisonError: the videos differ in size or length, end before the part, or cannot be decoded; or the folder
            cannot be filled, or holds files of such names that no comparison wrote.
        PipelineError: a file is missing or is no video, or the disk is full.
        RunError: ffmpeg failed.

    """
    videos = {BEFORE: before, AFTER: after} if truth is None else {TRUTH: truth, BEFORE: before, AFTER: after}
    check_folder(folder, videos.values(), overwrite=overwrite)
    clips = open_clips(videos, part)
    frames = clips[BEFORE].num_frames
    figures = Figures(list(videos), 1 if frames <= ALL_MEASURED else EVERY, device)
    curves = {column: Curve(frames, _points(figures, column)) for column in figures.columns}
    tally = _Tally(figures, curves, WorstCrops(frames, STRETCHES), _middles(frames))
    with finished_folder(folder) as unfinished:
        _watch(clips, unfinished, tally, count)
        crops = tally.crops.crops()
        _write_crops(crops, unfinished)
        paths = {name: videos[name] for name in _ordered(videos)}
        samples = [_captioned(crop) for crop in crops]
        content = Content(paths, frames, figures.every, curves, figures.totals(), tally.samples, samples)
        (unfinished / PAGE).write_text(page(content), encoding="utf-8", errors="xmlcharrefreplace")
    return figures.totals()


def _watch(clips: Mapping[str, vs.VideoNode], part: Path, tally: _Tally, count: Callable[[int, int], None]) -> None:
    """Take every frame of the clips once: into the video, the table and what is seen."""
    video = side_by_side({name: clips[name] for name in _ordered(clips)})
    with ExitStack() as stack:
        take = stack.enter_context(encoding(video, part / VIDEO))
        file = stack.enter_context((part / TABLE).open("w", newline="", encoding="utf-8"))
        writer = csv.writer(file)
        writer.writerow(["frame", *tally.figures.columns])
        deliver_interrupts = stack.enter_context(held_interrupts())
        for number, (joined, *frames) in enumerate(_frames(video, *clips.values())):
            deliver_interrupts()
            take(joined)
            pictures = {name: picture(frame) for name, frame in zip(clips, frames, strict=True)}
            row = tally.take(number, pictures, begins_shot(frames[0]))
            writer.writerow([number, *("" if value is None else f"{value:.5f}" for value in row.values())])
            count(number + 1, video.num_frames)


def _frames(*clips: vs.VideoNode) -> Iterator[tuple[vs.VideoFrame, ...]]:
    """Yield the frames of clips of one length together."""
    try:
        yield from zip(*(clip.frames(close=True) for clip in clips), strict=True)
    except vs.Error as error:
        raise ComparisonError(f"a frame cannot be decoded ({error})") from None


def _points(figures: Figures, column: str) -> int:
    """Return of how many frames a point of a curve stands at least."""
    return figures.every if column.startswith(SAMPLED) else 1


def _middles(frames: int) -> frozenset[int]:
    """Return the middle frame of every stretch."""
    count = min(STRETCHES, frames)
    return frozenset((2 * stretch + 1) * frames // (2 * count) for stretch in range(count))


def _write_crops(crops: list[Crop], part: Path) -> None:
    for number, crop in enumerate(crops, 1):
        for name, image in crop.pictures.items():
            (part / f"crop-{number}-{name}.png").write_bytes(png(image))


def _captioned(crop: Crop) -> Sample:
    height, width = crop.pictures[BEFORE].shape[:2]
    caption = f"frame {crop.frame}, {width}x{height} pixels at {crop.place.left}, {crop.place.top}"
    return Sample(caption, {name: png(crop.pictures[name]) for name in _ordered(crop.pictures)})


def _ordered(named: Mapping[str, Any]) -> list[str]:
    return [name for name in (BEFORE, AFTER, TRUTH) if name in named]
