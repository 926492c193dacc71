"""The whole command ``vsrestore restore`` beside the slowest of its parts alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory

import vapoursynth as vs
from demo_clip import FPS, HEIGHT, WIDTH, write_clip

import vsrestore
from vsrestore import ffmpeg
from vsrestore.cache_folder import cache_folder
from vsrestore.filters.film import DESCRIPTOR as FILM
from vsrestore.pipeline.encode import encoder_options
from vsrestore.runtime.descriptor import Precision

from .material import moving_clip
from .report import Report, Requirement
from .timing import drain, medians, successive

MOST = 1.1
# A machine may get slower or faster by more than what is looked for while a part runs for minutes: the network, which
# takes longest, runs on both sides of the command.
BEFORE, COMMAND, AFTER = "network before", "command", "network after"
# Frames that are asked for before anything counts: networks are loaded with the first.
LOADING = FILM.plan.chunk


def run(seconds: float, repeats: int, model: str = "film", precision: Precision = "float32") -> list[Report]:
    """Time the command on the damaged demo clip, and decoding, network and encoding of as many frames by themselves.

    The index that BestSource makes of every new file once is in the figure of decoding, which comes first.
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_clip(folder, seconds)
        source, raw, index = folder / "damaged.mkv", folder / "damaged.y4m", str(cache_folder("index"))
        _call(ffmpeg.program(), "-loglevel", "error", "-i", source, "-an", "-pix_fmt", "yuv420p", raw)
        frames = round(seconds * FPS)
        moving = moving_clip(frames * 2 * repeats + LOADING, WIDTH, HEIGHT, vs.YUV420P8)
        film = vsrestore.film(moving, model=model, precision=precision)
        drain(film[:LOADING])
        network = successive(film[LOADING:], frames)
        taken = medians(
            {
                "decode": lambda: drain(vs.core.bs.VideoSource(str(source), cachepath=index)),
                "encode": lambda: _encode(raw, folder / "encoded.mkv"),
                BEFORE: network,
                COMMAND: lambda: _restore(source, folder / "restored.mkv", model, precision),
                AFTER: network,
            },
            repeats,
            warm_up=False,
        )
    ratio = taken[COMMAND] / max(taken["decode"], taken["encode"], mean((taken[BEFORE], taken[AFTER])))
    requirement = Requirement("command over its slowest part", ratio, most=MOST)
    settings: dict[str, object] = {"seconds": seconds, "repeats": repeats, "model": model, "precision": precision}
    rows = [(part, value, frames / value) for part, value in taken.items()]
    return [Report("command", ("part", "seconds", "fps"), rows, [requirement], settings)]


def _encode(raw: Path, output: Path) -> None:
    _call(ffmpeg.program(), "-y", "-loglevel", "error", "-i", raw, *encoder_options("x264", None, None), output)


def _restore(source: Path, output: Path, model: str, precision: str) -> None:
    film = f"film(model={model!r}, precision={precision!r})"
    _call(sys.executable, "-m", "vsrestore", "restore", source, "-o", output, "--filter", film, "--overwrite")


def _call(*command: str | Path) -> None:
    done = subprocess.run([*map(str, command)], check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"bench: {' '.join(map(str, command))} failed: {done.stderr.strip()}")
