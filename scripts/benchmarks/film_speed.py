"""How fast ``film`` is on this machine's processor."""

from __future__ import annotations

import vapoursynth as vs

import vsrestore
from vsrestore.filters.film import DESCRIPTOR as FILM
from vsrestore.runtime.descriptor import Precision

from .material import moving_clip
from .report import Report, Requirement
from .timing import medians, successive

WIDTH, HEIGHT = 640, 480
# Frames per second; one of the two is enough.
LEAST: dict[Precision, float] = {"float32": 4.0, "bfloat16": 6.0}


def run(chunks: int, repeats: int, model: str = "film") -> list[Report]:
    """Time ``film`` on 640x480 YUV 4:2:0 at 8 bit, conversions included."""
    frames = chunks * FILM.plan.chunk
    clip = moving_clip(frames * (repeats + 1), WIDTH, HEIGHT, vs.YUV420P8)
    filters = {precision: vsrestore.film(clip, model=model, device="cpu", precision=precision) for precision in LEAST}
    seconds = medians({precision: successive(filtered, frames) for precision, filtered in filters.items()}, repeats)
    speed = {precision: frames / seconds[precision] for precision in LEAST}
    best = max(speed[precision] / least for precision, least in LEAST.items())
    requirement = Requirement("best of fps/4 in float32 and fps/6 in bfloat16", best, least=1.0)
    settings: dict[str, object] = {"chunks": chunks, "repeats": repeats, "model": model}
    return [Report("film-speed", ("precision", "fps"), list(speed.items()), [requirement], settings)]
