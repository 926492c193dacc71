"""One filter of whichever vsrestore is imported.

It is a process of its own: ``python -m benchmarks.filter_speed CASE PRECISION FOLDER REPEATS CLOCK``, and the clock is
"wall", or "processor" for processor seconds of one thread.

It takes turns with others (see ``benchmarks.process.take_turns``). Checkouts of other times run it, too: it knows of
vsrestore the filters alone. By the names of the cases, the folder holds checkpoints and the frames that are filtered.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import vapoursynth as vs

import vsrestore

from .looped import looped
from .process import take_turns
from .timing import duration, processor_time, successive


class Case(NamedTuple):
    """A filter and what it gets."""

    filtered: Callable[..., vs.VideoNode]
    """Takes the clip, the path of a checkpoint with seeded weights, and the precision by name."""
    width: int
    height: int
    frames: int
    """Frames of a turn: whole chunks."""


CASES = {
    "film": Case(lambda clip, _, **how: vsrestore.film(clip, **how), 640, 480, 12),
    "tape": Case(lambda clip, _, **how: vsrestore.tape(clip, **how), 640, 480, 12),
    "upscale": Case(lambda clip, _, **how: vsrestore.upscale(clip, **how), 320, 240, 12),
    "basicvsrpp": Case(vsrestore.basicvsrpp, 96, 96, 32),
    "edvr": Case(vsrestore.edvr, 64, 48, 8),
    "esrgan": Case(vsrestore.esrgan, 160, 120, 8),
    "style": Case(vsrestore.style, 320, 240, 8),
}


def main() -> None:
    """Filter the next frames for every line on stdin."""
    name, precision, folder, repeats, clock = sys.argv[1:]
    case, measure = CASES[name], duration
    if clock == "processor":
        torch.set_num_threads(1)
        measure = processor_time
    own = Path(folder) / name
    clip = looped(np.load(own.with_suffix(".npy")), case.frames * (int(repeats) + 1), vs.YUV420P8)
    filtered = case.filtered(clip, own.with_suffix(".pth"), device="cpu", precision=precision)
    take_turns(successive(filtered, case.frames), measure)


if __name__ == "__main__":
    main()
