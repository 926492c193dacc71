"""The input: a file, or a URL that yt-dlp fetches first."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from . import programs
from .errors import PipelineError

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
    command = [
        *(sys.executable, "-m", "yt_dlp", "--no-playlist", "--no-progress", "--no-simulate"),
        *("--format", quality or BEST_QUALITY, "--merge-output-format", "mkv", "--ffmpeg-location", programs.ffmpeg()),
        *("--paths", str(folder), "--output", "%(title).80B.%(ext)s", "--print", "after_move:filepath", url),
    ]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    files = [Path(line) for line in done.stdout.splitlines() if Path(line).is_file()]
    if done.returncode or not files:
        words = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["ERROR: no file arrived"]
        raise PipelineError(f"{url}: {words[-1].removeprefix('ERROR: ')}")
    return files[-1]
