"""The command in segments beside the same in one piece, and how soon a job that was killed renders again."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from demo_clip import write_clip

from vsrestore import ffmpeg

from .report import Report, Requirement

MOST, SOONEST, MOST_MEMORY = 1.03, 5.0, 1.03
ONE_PIECE = 1e6  # seconds, longer than any clip
FEW = 8  # frames
ONCE = 5.0  # seconds of the demo clip
KIB = 1024


def run(seconds: float, segment: float, repeats: int, chain: str, width: int) -> list[Report]:
    """Time the command on the damaged demo clip, in one piece and in segments in turn, then kill and resume one.

    Processor seconds are those of all programs together, the encoder's included; memory is that of the largest.
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        words = (damaged_clip(folder, seconds, width), "--filter", chain, "--overwrite")
        call(*words, "-o", folder / "first.mkv", "--end", FEW)  # the index of a new file is made once
        taken: dict[str, list[tuple[float, float, float]]] = {"one piece": [], "segments": []}
        for _ in range(repeats):
            for way, length in (("one piece", ONE_PIECE), ("segments", segment)):
                taken[way].append(call(*words, "-o", folder / "out.mkv", "--segment", length))
        resumed = _resumed(folder, *words, "-o", folder / "out.mkv", "--segment", segment)
    rows = [(way, *(median(figures) for figures in zip(*runs, strict=True))) for way, runs in taken.items()]
    one, cut = rows
    requirements = [
        Requirement("wall time of segments over one piece", cut[1] / one[1], most=MOST),
        Requirement("processor time of segments over one piece", cut[2] / one[2], most=MOST),
        Requirement("memory of segments over one piece", cut[3] / one[3], most=MOST_MEMORY),
        Requirement("seconds until a resumed job renders", resumed, most=SOONEST),
    ]
    settings: dict[str, object] = {"seconds": seconds, "segment": segment, "filter": chain, "width": width}
    columns = ("way", "seconds", "processor seconds", "MiB of the largest program")
    return [Report("segments", columns, rows, requirements, {**settings, "repeats": repeats})]


def damaged_clip(folder: Path, seconds: float, width: int) -> Path:
    """Return a clip of that length: the damaged demo clip again and again, for damaging takes long."""
    write_clip(folder, min(seconds, ONCE), width, width * 3 // 4)
    source, clip = folder / "damaged.mkv", folder / "clip.mkv"
    loop = [ffmpeg.program(), "-v", "error", "-stream_loop", "-1", "-i", str(source), "-t", f"{seconds:g}"]
    subprocess.run([*loop, "-c", "copy", str(clip)], check=True)
    return clip


def _command(*words: object) -> list[str]:
    return [sys.executable, "-m", "vsrestore", "restore", *map(str, words)]


def call(*words: object) -> tuple[float, float, float]:
    """Return seconds, processor seconds and the MiB of the largest program of one run."""
    # In a process of its own, whose children are those of this run alone.
    code = (
        "import resource, subprocess, sys, time\nbegun = time.monotonic()\n"
        "done = subprocess.run(sys.argv[1:], capture_output=True, text=True)\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(time.monotonic() - begun, used.ru_utime + used.ru_stime, used.ru_maxrss)\n"
        "sys.exit(done.stderr if done.returncode else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code, *_command(*words)], check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"bench: {' '.join(map(str, words))} failed: {done.stderr.strip()}")
    wall, processor, largest = map(float, done.stdout.split())
    return wall, processor, largest / KIB


def _resumed(folder: Path, *words: object) -> float:
    """Kill a run when its first segment is finished; return the seconds from the next start to its first new frame."""
    process = subprocess.Popen(_command(*words), stderr=subprocess.DEVNULL, text=True)
    while not list(folder.glob("out.mkv.vsrestore/segments/*.json")):
        if process.poll() is not None:
            raise SystemExit("bench: the clip is too short for a second segment")
        time.sleep(0.05)
    process.kill()
    process.wait()
    begun = time.monotonic()
    process = subprocess.Popen([*_command(*words), "--progress", "json"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    # The first count is that of the moment in which the script is evaluated and frames are asked for.
    next(line for line in process.stdout if '"event": "progress"' in line)
    resumed = time.monotonic() - begun
    process.kill()
    process.wait()
    return resumed
