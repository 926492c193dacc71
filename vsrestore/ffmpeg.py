"""ffmpeg and its libraries: where the program is, and how they are given files of this machine and nothing else."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from .errors import VsrestoreError

# The first one with -fps_mode.
OLDEST = (5, 1)
# Options for files: playlists among them may name other files, but no address.
LOCAL = {"protocol_whitelist": "file"}


class FFmpegError(VsrestoreError, ValueError):
    """There is no ffmpeg, or a file has a name that cannot be given to it."""


@cache
def program() -> str:
    """Return the path of the ffmpeg on PATH if it is new enough, else of the one that imageio-ffmpeg carries.

    Raises:
        FFmpegError: there is none.

    """
    path = shutil.which("ffmpeg")
    return path if path is not None and _version(path) >= OLDEST else packaged_program()


def packaged_program() -> str:
    """Return the path of the ffmpeg that imageio-ffmpeg carries: the same build, so the same pictures, everywhere.

    Raises:
        FFmpegError: it carries none for this machine, and there is none elsewhere.

    """
    import imageio_ffmpeg

    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError:
        oldest = ".".join(map(str, OLDEST))
        raise FFmpegError(f"no ffmpeg {oldest} or newer on PATH and none in imageio-ffmpeg; install one") from None


@cache
def version_text() -> str:
    """Return what the program says of its version."""
    return _version_text(program()).split("Copyright")[0].strip()


def file_url(path: Path, *, utf8: bool = True) -> str:
    """Return how a file is named to ffmpeg and its libraries, to read or to write.

    A bare name is an address to them: what stands before a colon in it is taken for a protocol, so that the file
    ``http:host`` would be fetched from a host.

    Args:
        path: of a file on this machine.
        utf8: whether its name must be UTF-8, as VapourSynth needs it.

    Raises:
        FFmpegError: the name is not UTF-8.

    """
    try:
        str(path).encode()
    except UnicodeEncodeError:
        if utf8:
            raise FFmpegError(f"{path}: the name is not in UTF-8; rename the file") from None
    return f"file:{path.absolute()}"


def input_options(path: Path) -> list[str]:
    """Return the options with which ffmpeg reads a file of this machine and, whatever is in it, nothing else."""
    return [*(word for key, value in LOCAL.items() for word in (f"-{key}", value)), "-i", file_url(path)]


def open_media(path: Path, *, utf8: bool = True) -> Any:
    """Return an open file of this machine, whatever its name looks like; it may draw in no address of the network.

    Raises:
        av.error.FFmpegError: it cannot be opened.
        FFmpegError: its name is not UTF-8.

    """
    import av

    return av.open(file_url(path, utf8=utf8), options=dict(LOCAL))


def _version(path: str) -> tuple[int, int]:
    """Return major and minor version; builds from the development tree, which have no number, count as new."""
    number = re.match(r"ffmpeg version n?(\d+)\.(\d+)", _version_text(path))
    return (int(number[1]), int(number[2])) if number else (sys.maxsize, 0)


def _version_text(path: str) -> str:
    return subprocess.run([path, "-version"], capture_output=True, text=True, errors="replace", check=False).stdout
