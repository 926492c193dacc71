"""Real runs of ``vsrestore restore`` that something is done to, and what may be left of them."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import av

ROOT = Path(__file__).resolve().parents[2]
FRAMES = 48
EARLIEST = 0.2  # seconds after the start
SEGMENT = "0.5"  # seconds: ten frames or so
# Slow enough that a run can be met in each of its stages, quick enough for many.
SCRIPT = (
    "import time\nimport vapoursynth as vs\nclip = vs.core.bs.VideoSource(source, cachemode=0)\n"
    "clip.std.ModifyFrame(clip, lambda n, f: time.sleep(0.04) or f).set_output()\n"
)
QUICK = "import vapoursynth as vs\nvs.core.bs.VideoSource(source, cachemode=0).set_output()\n"


@dataclass(frozen=True)
class Place:
    """A folder with a source, a script, and room for outputs."""

    folder: Path
    source: Path
    script: Path

    def start(
        self,
        output: str,
        *words: str,
        environment: dict[str, str] | None = None,
        largest: int | None = None,
        program: tuple[str, ...] = ("-m", "vsrestore"),
    ) -> subprocess.Popen[str]:
        """Start a run that may write files of ``largest`` KiB; its words of more than a line are for whoever reads."""
        limit = () if largest is None else ("bash", "-c", f'ulimit -f {largest}; exec "$@"', "bash")
        command = [
            *limit,
            sys.executable,
            "-P",
            *program,
            "restore",
            str(self.source),
            "-o",
            str(self.folder / output),
        ]
        command += ["--script", str(self.script), "--preset", "ultrafast", "--segment", SEGMENT, *words]
        known = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **(environment or {})}
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=known)

    def outputs(self) -> set[str]:
        """Return the names of everything in the folder."""
        return {path.name for path in self.folder.iterdir()}


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for a run; return its exit code and what it said."""
    _, told = process.communicate(timeout=120)
    return process.returncode, told


def frames_of(path: Path) -> int:
    """Return how many frames of a file can be decoded; that is the proof that it is whole."""
    with av.open(f"file:{path}") as container:
        return sum(1 for _ in container.decode(video=0))


def content_of(path: Path) -> str:
    """Return a hash of all that a decoder gives, with the times."""
    digest = hashlib.sha256()
    with av.open(f"file:{path}") as container:
        for frame in container.decode():
            digest.update(f"{frame.pts} {frame.time_base}".encode() + frame.to_ndarray().tobytes())
    return digest.hexdigest()


def descendants(pid: int) -> set[int]:
    """Return the processes that a process has started, and those that they have (Linux)."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = status.read_text().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        parents[int(status.parent.name)] = int(words[1])
    found, grown = set(), {pid}
    while grown:
        grown = {child for child, parent in parents.items() if parent in grown}
        found |= grown
    return found


def alive(pid: int) -> bool:
    """Tell whether a process runs (Linux)."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def alive_after(pids: set[int], seconds: float) -> set[int]:
    """Return those of the processes that still run when the time has passed."""
    limit = time.monotonic() + seconds
    left = set(filter(alive, pids))
    while left and time.monotonic() < limit:
        time.sleep(0.05)
        left = set(filter(alive, left))
    return left
