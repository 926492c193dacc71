"""Compare a restored clip with its source, and with the truth where it is known.

Writes a picture of crops (before | after | truth), taken where most has changed, and prints PSNR and SSIM.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import vapoursynth as vs
from PIL import Image, ImageDraw, ImageFont

from vsrestore.comparison import crops as places
from vsrestore.comparison import measures
from vsrestore.comparison.sources import picture, rgb_clip

ROWS = 3
CANDIDATES = 60
"""Frames that are looked at for the picture, evenly spread over the clip."""
MARGIN, LABEL = 6, 24


class Clips(NamedTuple):
    """The clips to compare, RGB24; `truth` may be missing."""

    before: vs.VideoNode
    after: vs.VideoNode
    truth: vs.VideoNode | None

    @property
    def goal(self) -> vs.VideoNode:
        """What the source is held against to find the damage: the truth, else the result."""
        return self.truth or self.after


class Crop(NamedTuple):
    """A part of a frame: frame number and the upper left corner."""

    frame: int
    top: int
    left: int


def _figures(mine: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    return measures.squared_error(mine, right), measures.ssim(mine, right)


def quality(clip: vs.VideoNode, truth: vs.VideoNode) -> tuple[float, float]:
    """Return PSNR in dB over all samples of all frames, and the mean SSIM of the frames."""
    mine, right = (map(picture, node.frames(close=True)) for node in (clip, truth))
    with ThreadPoolExecutor() as pool:
        error, similarity = np.mean(list(pool.map(_figures, mine, right)), axis=0)
    return measures.psnr(error), float(similarity)


def worst_crop(clips: Clips, numbers: Sequence[int]) -> Crop:
    """Return, of the given frames, the crop in which source and goal differ most."""
    best, worst = Crop(numbers[0], 0, 0), -1.0
    for number in numbers:
        before, goal = (picture(clip.get_frame(number)) for clip in (clips.before, clips.goal))
        place = places.worst_place(before, goal)
        if place.difference > worst:
            best, worst = Crop(number, place.top, place.left), place.difference
    return best


def crop_size(clips: Clips) -> tuple[int, int]:
    """Return height and width of the crops: no larger than the frame."""
    return places.crop_size(clips.before.height, clips.before.width)


def crops(clips: Clips) -> Iterator[Crop]:
    """Yield one crop for each stretch of the clip, in order."""
    count = clips.before.num_frames
    numbers = np.unique(np.linspace(0, count - 1, min(count, CANDIDATES)).astype(int)).tolist()
    for part in np.array_split(numbers, min(ROWS, len(numbers))):
        yield worst_crop(clips, part.tolist())


def draw(clips: Clips) -> Image.Image:
    """Return the picture: a row for each crop, a labelled column for each clip."""
    height, width = crop_size(clips)
    columns = [(name, clip) for name, clip in zip(Clips._fields, clips, strict=True) if clip is not None]
    rows = list(crops(clips))
    size = (MARGIN + len(columns) * (width + MARGIN), LABEL + len(rows) * (height + MARGIN))
    sheet = Image.new("RGB", size, "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(15)
    for column, (name, clip) in enumerate(columns):
        x = MARGIN + column * (width + MARGIN)
        pen.text((x + width // 2, LABEL // 2), name, "black", font, anchor="mm")
        for row, (number, top, left) in enumerate(rows):
            part = picture(clip.get_frame(number))[top : top + height, left : left + width]
            sheet.paste(Image.fromarray(part), (x, LABEL + row * (height + MARGIN)))
    return sheet


def report(clips: Clips) -> Iterator[str]:
    """Yield the table of figures, line by line."""
    assert clips.truth is not None
    yield f"{'':8}{'PSNR':>10}{'SSIM':>10}"
    for name, clip in (("before", clips.before), ("after", clips.after)):
        psnr, ssim = quality(clip, clips.truth)
        yield f"{name:8}{psnr:7.2f} dB{ssim:10.4f}"


def main() -> None:
    """Read the command line, print the figures and write the picture."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("before", type=Path, help="the source")
    parser.add_argument("after", type=Path, help="the restored clip, of the same size and length")
    parser.add_argument("--truth", type=Path, help="the undamaged clip; figures are printed where it is given")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the picture to write")
    arguments = parser.parse_args()
    truth = rgb_clip(arguments.truth) if arguments.truth else None
    clips = Clips(rgb_clip(arguments.before), rgb_clip(arguments.after), truth)
    if truth is not None:
        print(*report(clips), sep="\n")
    draw(clips).save(arguments.output)


if __name__ == "__main__":
    main()
