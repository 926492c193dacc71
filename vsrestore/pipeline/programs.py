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

from .errors import PipelineError

# The first one with -fps_mode.
OLDEST_FFMPEG = (5, 1)
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
CACHE_VARIABLE = "LOCALAPPDATA" if os.name == "nt" else "XDG_CACHE_HOME"
# Options of ffmpeg and its libraries for files: playlists among them may name other files, but no address.
LOCAL = {"protocol_whitelist": "file"}
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
    found = next((str(place) for place in places if place.is_file()), None) or shutil.which("vspipe")
    if found is None:
        raise PipelineError(f"vspipe is neither beside {sys.executable} nor on PATH; pip install vapoursynth brings it")
    return found


@cache
def ffmpeg() -> str:
    """Return the path of the ffmpeg on PATH if it is new enough, else of the one that imageio-ffmpeg carries.

    Raises:
        PipelineError: there is none.

    """
    found = shutil.which("ffmpeg")
    if found is not None and _ffmpeg_version(found) >= OLDEST_FFMPEG:
        return found
    import imageio_ffmpeg

    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError:
        oldest = ".".join(map(str, OLDEST_FFMPEG))
        raise PipelineError(f"no ffmpeg {oldest} or newer on PATH and none in imageio-ffmpeg; install one") from None


@cache
def ffmpeg_encoders() -> frozenset[str]:
    """Return the names of the encoders that this ffmpeg was built with."""
    listing = subprocess.run(
        [ffmpeg(), "-hide_banner", "-encoders"], capture_output=True, text=True, errors="replace", check=False
    ).stdout
    rows = (line.split() for line in listing.splitlines())
    return frozenset(row[1] for row in rows if len(row) > 1)


def file_url(path: Path) -> str:
    """Return how a file is named to ffmpeg and its libraries, to read or to write.

    A bare name is an address to them: what stands before a colon in it is taken for a protocol, so that the file
    ``http:host`` would be fetched from a host.

    Raises:
        PipelineError: the name is not UTF-8, as VapourSynth and PyAV need it.

    """
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise PipelineError(f"{path}: the name is not in UTF-8; rename the file") from None
    return f"file:{path.absolute()}"


def input_options(path: Path) -> list[str]:
    """Return the options with which ffmpeg reads a file of this machine and, whatever is in it, nothing else."""
    return [*(word for key, value in LOCAL.items() for word in (f"-{key}", value)), "-i", file_url(path)]


def file_start(path: Path) -> Fraction:
    """Return where ffmpeg sees a file begin on the file's own clock, in seconds.

    Its versions differ in whether the priming of an audio encoder counts, so a library's answer will not do.
    """
    told = subprocess.run(
        [ffmpeg(), "-hide_banner", *input_options(path)], capture_output=True, text=True, errors="replace", check=False
    ).stderr
    found = re.search(r"Duration: .*, start: (-?[\d.]+)", told)
    return Fraction(found[1]) if found else Fraction(0)


def _ffmpeg_version(program: str) -> tuple[int, int]:
    """Return major and minor version; builds from the development tree, which have no number, count as new."""
    told = subprocess.run([program, "-version"], capture_output=True, text=True, errors="replace", check=False).stdout
    found = re.match(r"ffmpeg version n?(\d+)\.(\d+)", told)
    return (int(found[1]), int(found[2])) if found else (sys.maxsize, 0)


def environment() -> dict[str, str]:
    """Return the environment for vspipe, in which scripts run by the very Python and vsrestore that are running.

    A module of the current folder, which may be full of strangers' files, is never imported in place of Python's own.
    Threads of torch that have to wait for each other sleep sooner than usual: the encoder needs the processor. What the
    user's environment sets stays.
    """
    packages = [str(PACKAGE_PARENT), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    commands = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    joined = {"PYTHONPATH": packages, "PATH": commands}
    paths = {name: os.pathsep.join(filter(None, folders)) for name, folders in joined.items()}
    chosen = {"GOMP_SPINCOUNT": SPINS, **allocator(), **os.environ}
    return {**chosen, **paths, "PYTHONSAFEPATH": "1", "SVT_LOG": "1"}


def allocator() -> dict[str, str]:
    """Return the settings of the C library's memory, which a program reads at its start, for programs with networks."""
    return dict(ALLOCATOR) if sys.platform.startswith("linux") else {}


def cache_folder(name: str) -> Path:
    """Return the folder ``name`` of vsrestore in the user's cache, made if need be.

    Raises:
        PipelineError: it cannot be made.

    """
    try:
        folder = _cache_base() / "vsrestore" / name
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError) as error:  # RuntimeError: the user has no home
        told = getattr(error, "strerror", None) or error
        raise PipelineError(
            f"the cache folder cannot be made ({told}); set {CACHE_VARIABLE} to a folder that can be written"
        ) from None
    return folder


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
    except (OSError, PipelineError):
        return None
    return folder


def _cache_base() -> Path:
    if os.name == "nt":
        return Path(os.environ.get(CACHE_VARIABLE) or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get(CACHE_VARIABLE) or Path.home() / ".cache")
