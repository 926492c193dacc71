"""The input: a file, or a URL that yt-dlp fetches first."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from vsrestore import ffmpeg

from . import programs
from .errors import PipelineError
from .run import Program, stopping, wait_for

LISTING = "fetched.txt"
BEST_QUALITY = "bv*+ba/b"


def is_url(text: str) -> bool:
    """Tell whether the input is to be fetched."""
    return re.match(r"https?://", text, re.IGNORECASE) is not None


def fetch(url: str, quality: str | None, folder: Path) -> Path:
    """Fetch a video with yt-dlp.

    Args:
        url: of the video or of the page that shows it.
        quality: yt-dlp's format choice (its ``-f``), best picture and best sound when None.
        folder: where the file is put.

    Raises:
        PipelineError: yt-dlp could not fetch it; the message ends in its last words.

    """
    # By relative names in the current folder: yt-dlp takes % and $ in others for its own.
    command = [
        *(sys.executable, "-P", "-m", "yt_dlp", "--no-playlist", "--no-progress", "--no-simulate"),
        *("--format", quality or BEST_QUALITY, "--merge-output-format", "mkv", "--ffmpeg-location", ffmpeg.program()),
        *("--output", "%(title).80B.%(ext)s", "--print-to-file", "after_move:filepath", LISTING, "--", url),
    ]
    program = Program(command, environment=programs.environment(), folder=folder)
    with stopping([program]):
        wait_for(lambda: False, [program])
    file = fetched(folder)
    if program.poll() or file is None:
        errors = [line for line in program.words().splitlines() if line.startswith("ERROR")]
        words = errors or ["ERROR: no file arrived"]
        raise PipelineError(f"{url}: {words[-1].removeprefix('ERROR: ')}")
    return file


def fetched(folder: Path) -> Path | None:
    """Return the file that was fetched into a folder, None where none has arrived whole."""
    listing = folder / LISTING
    lines = listing.read_text(encoding="utf-8").splitlines() if listing.exists() else []
    files = [folder / line for line in lines if (folder / line).is_file()]
    return files[-1] if files else None
