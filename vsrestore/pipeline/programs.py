"""Where the programs of the pipeline are."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from fractions import Fraction
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from vsrestore import ffmpeg
from vsrestore.cache_folder import SHARED_MEASURES, CacheError, cache_folder

from .errors import PipelineError

# Times that a thread of libgomp looks whether the others are done before it sleeps: a millisecond, where its own number
# is 300,000. In that time the encoder's threads, which keep the others, do not get this thread's core either.
SPINS = "20000"
# What glibc keeps of memory that was freed, in bytes (mallopt(3); other C libraries take no notice). Tensors of a
# network exceed its own limit of 32 MiB: each would be taken from the system and given back again, and half of the time
# would go into clearing pages. Threads share one heap: one of their own could hold no block of more than 64 MiB.
ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": str(2**30),  # smaller blocks lie on the heap, where they are used again
    "MALLOC_TRIM_THRESHOLD_": str(2**30),  # free at the heap's end before any of it goes back
    "MALLOC_TOP_PAD_": str(2**27),  # by which the heap grows at least
    "MALLOC_ARENA_MAX": "1",
}
PACKAGE_PARENT = Path(__file__).resolve().parents[2]


@cache
def vspipe() -> str:
    """Return the path of the vspipe that belongs to the running Python, else of the one on PATH.

    The wheel's own program is called, not its launcher in the scripts folder, which would be one more process to end.

    Raises:
        PipelineError: there is none.

    """
    name = "vspipe.exe" if os.name == "nt" else "vspipe"
    package = find_spec("vapoursynth")
    places = [Path(sys.executable).with_name(name)]
    if package is not None and package.origin is not None:
        places.insert(0, Path(package.origin).with_name(name))
    place = next((str(place) for place in places if place.is_file()), None) or shutil.which("vspipe")
    if place is None:
        raise PipelineError(f"vspipe is neither beside {sys.executable} nor on PATH; pip install vapoursynth brings it")
    return place


@cache
def ffmpeg_encoders() -> frozenset[str]:
    """Return the names of the encoders that this ffmpeg was built with."""
    listing = subprocess.run(
        [ffmpeg.program(), "-hide_banner", "-encoders"], capture_output=True, text=True, errors="replace", check=False
    ).stdout
    rows = (line.split() for line in listing.splitlines())
    return frozenset(row[1] for row in rows if len(row) > 1)


def file_start(path: Path) -> Fraction:
    """Return where ffmpeg sees a file begin on the file's own clock, in seconds.

    Its versions differ in whether the priming of an audio encoder counts, so a library's answer will not do.
    """
    command = [ffmpeg.program(), "-hide_banner", *ffmpeg.input_options(path)]
    words = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False).stderr
    match = re.search(r"Duration: .*, start: (-?[\d.]+)", words)
    return Fraction(match[1]) if match else Fraction(0)


def environment(first_pass: Path | None = None) -> dict[str, str]:
    """Return the environment for vspipe, in which scripts run by the very Python and vsrestore that are running.

    A module of the current folder, which may be full of strangers' files, is never imported in place of Python's own.
    Threads of torch that have to wait for each other sleep sooner than usual: the encoder needs the processor. What the
    user's environment sets stays. ``first_pass`` is where a first pass is kept, None for the user's cache.
    """
    packages = [str(PACKAGE_PARENT), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    commands = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    joined = {"PYTHONPATH": packages, "PATH": commands}
    paths = {name: os.pathsep.join(filter(None, folders)) for name, folders in joined.items()}
    chosen = {"GOMP_SPINCOUNT": SPINS, **allocator(), **os.environ}
    shared = {} if first_pass is None else {SHARED_MEASURES: str(first_pass)}
    return {**chosen, **paths, **shared, "PYTHONSAFEPATH": "1", "SVT_LOG": "1"}


def allocator() -> dict[str, str]:
    """Return the settings of the C library's memory, which a program reads at its start, for programs with networks."""
    return dict(ALLOCATOR) if sys.platform.startswith("linux") else {}


def index_folder(source: Path) -> Path | None:
    """Return the folder for the index of a source as it is now, None where none can be kept.

    BestSource knows a file by name and size; one that was replaced by another of the same size would be read with the
    index of the old one. So each state of a file has a folder of its own, and those of older states are removed.
    """
    try:
        state, base = source.stat(), cache_folder("index")
        name = sha256(os.fsencode(source.absolute())).hexdigest()[:16]
        stamp = sha256(f"{state.st_size} {state.st_mtime_ns} {state.st_ino}".encode()).hexdigest()[:16]
        folder = base / f"{name}-{stamp}"
        for old in base.glob(f"{name}-*"):
            if old != folder:
                shutil.rmtree(old, ignore_errors=True)
        folder.mkdir(exist_ok=True)
    except (OSError, CacheError):
        return None
    return folder
