"""The user's own options for ffmpeg: which of them are for the picture, and which for the finished file."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

from .errors import PipelineError

OPTION = re.compile(r"-[A-Za-z]")
# Options of ffmpeg, without a stream's name, after which fewer frames or less sound are what was asked for.
SHORTENING = {
    *("-t", "-to", "-fs", "-shortest", "-frames", "-vframes", "-aframes", "-an", "-vn", "-map", "-r"),
    *("-vf", "-af", "-filter", "-filter_complex", "-fpsmax", "-fps_mode", "-vsync"),
}
# Those that a picture which is copied, not encoded, does not take.
ENCODING = {"-vf", "-filter", "-filter_complex", "-fpsmax", "-fps_mode", "-vsync", "-r", "-pix_fmt", "-enc_time_base"}
# Those that have no meaning before the other streams have come to the picture.
FINISHING = {"-map", "-map_metadata", "-map_chapters", "-attach", "-shortest", "-an", "-vn", "-af", "-aframes"}
BEGINNING = {"-ss", "-itsoffset", "-itsscale"}


def ffmpeg_words(text: str) -> tuple[str, ...]:
    """Return the options that one string holds, quoted as in a shell.

    Raises:
        PipelineError: a quotation mark has no other, or an option moves the beginning.

    """
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise PipelineError(f"--ffmpeg-args {text!r}: cannot be read ({str(error).lower()})") from None
    for option, _ in _options(words):
        if option in BEGINNING:
            raise PipelineError(f"--ffmpeg-args {text!r}: {option} moves the beginning; give --start, which is exact")
    return words


def shortens(words: Sequence[str]) -> bool:
    """Tell whether options may leave out frames or sound."""
    return any(option in SHORTENING for option, _ in _options(words))


def sets_times(words: Sequence[str]) -> bool:
    """Tell whether options may give the frames other times."""
    return any(_encodes(option, group[0]) for option, group in _options(words))


def for_picture(words: Sequence[str]) -> list[str]:
    """Return the options with which the picture is encoded."""
    return [word for option, group in _options(words) if option not in FINISHING for word in group]


def for_file(words: Sequence[str]) -> list[str]:
    """Return the options with which the encoded picture and the other streams are put into one file."""
    return [word for option, group in _options(words) if not _encodes(option, group[0]) for word in group]


def _encodes(option: str, whole: str) -> bool:
    """Filters and rates may be those of sound, which are for the file."""
    return option in ENCODING and ":a" not in whole


def _options(words: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield each option without a stream's name, and its words."""
    group: list[str] = []
    for word in words:
        if OPTION.match(word) and group:
            yield group[0].split(":")[0], group
            group = []
        group.append(word)
    if group:
        yield group[0].split(":")[0], group
