"""How far vspipe has come, read from its stderr."""

from __future__ import annotations

import re
from collections.abc import Callable

FRAME = re.compile(r"Frame: (\d+)/(\d+)")
TOLD = re.compile(r"(?:Warning|Information): ")
EVALUATED = "Script evaluation done"
# The last is what BestSource lets VapourSynth say whenever it is asked for its times, which it gives.
CHATTER = re.compile(
    r"Information: VideoSource track|Output \d+ frames|Warning: VideoSource: no return value\(s\) named timebase"
)


class FrameCounter:
    """Takes the lines of vspipe's stderr and passes on how many frames are done.

    Args:
        count: takes frames done and frames in all; 0 and 0 when the first one is begun.
        tell: takes what filters say: warnings, and what the user should know.

    """

    def __init__(self, count: Callable[[int, int], None], tell: Callable[[str], None]) -> None:
        self._count = count
        self._tell = tell

    def __call__(self, line: str) -> bool:
        """Return whether the line was progress or chatter, so that nobody need keep it."""
        match = FRAME.match(line)
        if match:
            self._count(int(match[1]), int(match[2]))
            # The progress line has no end of its own, so an error may follow on it.
            return match.end() == len(line) or line[match.end()] == " "
        if line.startswith(EVALUATED):
            self._count(0, 0)
            return True
        if CHATTER.match(line):
            return True
        match = TOLD.match(line)
        if match:
            self._tell(line[match.end() :])
        return match is not None
