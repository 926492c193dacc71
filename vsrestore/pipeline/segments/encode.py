"""ffmpeg at work: the frames of one segment become a file."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NoReturn

from ..commands import Shown, Task, encoding
from ..errors import PipelineError, RunError
from ..job import shortened
from ..run import FULL, Program, check_exit, disk_full, last_words, wait_for
from .sender import Sender

# In the words of ffmpeg 6 and later, and of older ones, of which the first is for the first stream, the picture.
ENCODER_REFUSES = re.compile(r"vost#0:0.*while opening encoder|while opening encoder for output stream #0:0\b")


@dataclass(frozen=True)
class Frames:
    """The next frames that vspipe sends.

    Attributes:
        sender: vspipe.
        header: the line with which its y4m began.
        count: how many.

    """

    sender: Sender
    header: bytes
    count: int


def encode(task: Task, shown: Shown, frames: Frames, file: Path, running: list[Program]) -> None:
    """Encode frames into a file.

    Args:
        task: of the job.
        shown: what the first frame of the clip tells.
        frames: to be encoded.
        file: is written.
        running: the programs at work, among which ffmpeg is while it is.

    Raises:
        PipelineError: the picture does not suit the encoder, or the disk is full.
        RunError: vspipe or ffmpeg failed, or ended too early.

    """
    taker = Program(encoding(task, shown, file), stdin=subprocess.PIPE)
    running.append(taker)
    assert taker.process.stdin is not None
    try:
        missing = _feed(frames, taker.process.stdin, frames.count * shown.frame_bytes)
        complete = True
    except BrokenPipeError:
        missing, complete = 0, False
    if missing:
        frames.sender.end()
        raise RunError(f"vspipe ended early: {frames.sender.program.words()}")
    wait_for(lambda: False, [taker])
    _check(task, shown, taker)
    if not complete and not shortened(task.job):
        raise RunError(f"ffmpeg ended early: {last_words(taker.words())}")
    taker.stop()
    running.remove(taker)


def _feed(frames: Frames, pipe: IO[bytes], size: int) -> int:
    """Pass y4m on; return how many bytes of it did not come."""
    pipe.write(frames.header)
    for block in frames.sender.blocks(size):
        pipe.write(block)
        size -= len(block)
    if not size:
        pipe.close()
    return size


def _check(task: Task, shown: Shown, taker: Program) -> None:
    words = taker.words()
    if taker.poll() and not task.job.ffmpeg_args and ENCODER_REFUSES.search(words):
        _refused(task, shown, words)
    check_exit("ffmpeg", taker)
    if disk_full(words):  # not every ffmpeg ends with an error then
        raise PipelineError(f"{FULL} ({last_words(words)})")


def _refused(task: Task, shown: Shown, words: str) -> NoReturn:
    """The limits of an encoder are not those of its other versions, so it is asked and not a table."""
    width, height = shown.size
    raise PipelineError(
        f"--encoder {task.job.encoder}: does not take a picture of {width}x{height}; choose another encoder, "
        f"or enlarge or pad the clip ({last_words(words)})"
    )
