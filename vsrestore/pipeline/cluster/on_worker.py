"""What workers are asked to do. Arguments and results are plain, so that any version of this file can refuse.

``folder`` is the job's folder as the worker sees it, ``maps`` as :class:`.wish.Cluster` has them.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from vsrestore.errors import VsrestoreError

from .. import programs
from ..commands import Task
from ..encode import encoder_named
from ..errors import PipelineError
from ..job import checked_calls, fitting_calls
from ..run import Program
from ..script import FilterCall, script_text
from ..segments.cuts import Segment
from ..segments.folder import JobFolder
from ..segments.identity import CARDS, checkpoints_of, content_of, machine_identity
from ..segments.records import plain
from ..segments.render import Watch, first_shown, render_segments, trial_run
from ..segments.whole import unfinished_of
from .wish import mapped

Maps = Sequence[tuple[Path, Path]]
CARD, PROBLEM = "the card", "problem"
# Two kinds of what is compared: what must be the same, and what the very bytes of frames depend on.
CONTENT, CLASS = ("the job's folder", "the source", "the script", "the checkpoints"), ("the versions", "the devices")

FIRST = -1  # in the place of the number of a segment: frame 0 alone
FRAMES_EVERY = 1.0  # seconds between two notes of frames done


class Turn:
    """The segments that a worker is to render, of which later ones can be taken from it.

    Args:
        first: number of the first.
        end: that after the last.

    """

    def __init__(self, first: int, end: int) -> None:
        self.running: list[Program] = []
        self._lock, self._at, self._end = threading.Lock(), first, end

    def may_begin(self, segment: Segment) -> bool:
        """Tell whether a segment is still the worker's; it is then at work."""
        with self._lock:
            if segment.number < self._end:
                self._at = segment.number
            return segment.number < self._end

    def shortened(self, parts: int) -> int:
        """Keep one of so many parts of what is left, the segment at work included; return the number after the last."""
        with self._lock:
            self._end = self._at + -(-(self._end - self._at) // parts)
            return self._end


_at_work: dict[str, Turn] = {}  # by job folder and number of the first segment


async def describe(folder: str, maps: Maps, dask_worker: Any = None) -> dict[str, str]:
    """Return what there is to know of this worker before it renders, and keep its card to one segment at a time.

    Where ``problem`` is among it, it cannot render the job at all.
    """
    known = await asyncio.to_thread(description, folder, maps)
    if known.get(CARD) and "GPU" not in dask_worker.state.total_resources:
        await dask_worker.set_resources(GPU=1)
    return known


def description(folder: str, maps: Maps) -> dict[str, str]:
    """Return what a machine has for a job, by what it is called in messages."""
    try:
        task, calls = task_here(Path(folder), maps)
        encoder_named(task.job.encoder, programs.ffmpeg_encoders())
        programs.vspipe()
        return {CARD: _card(calls), **_content(task, calls), **machine_identity(calls)}
    except (VsrestoreError, OSError) as error:
        return {PROBLEM: str(error)}


def shown(folder: str, maps: Maps) -> Any:
    """Return what frame 0 tells of the clip, as JSON has it."""
    with _scripted(Path(folder), maps) as task, _turn(folder, FIRST, FIRST) as turn:
        return plain(first_shown(task, Watch(_telling(folder), running=turn.running)))


def render(folder: str, maps: Maps, first: int, end: int) -> None:
    """Render segments into the job's folder, those of them that are not there, as long as they are this worker's."""
    tell = _telling(folder)
    with _scripted(Path(folder), maps) as task, _turn(folder, first, end) as turn:
        watch = Watch(tell, _now_and_then(lambda done: tell((first, done))), turn.may_begin, turn.running)
        render_segments(Path(folder), range(first, end), watch, task)


def shortened(folder: str, first: int, parts: int) -> int:
    """Keep one of so many parts of what the turn that begins with ``first`` has left; return the number after it."""
    turn = _at_work.get(_key(folder, first))
    return first if turn is None else turn.shortened(parts)


def trial(folder: str, maps: Maps, number: int) -> str:
    """Render a segment that is finished once more, and return the name of its file in the job's folder."""
    clip = JobFolder(Path(folder)).clip()
    if clip is None:
        raise PipelineError(f"{folder}: holds no job whose segments are known")
    with _scripted(Path(folder), maps) as task, _turn(folder, number, number + 1) as turn:
        return trial_run(task, clip, clip.segments[number], turn.running).name


def abandon(folder: str) -> None:
    """End the programs that render segments of a job here: nobody waits for them any more."""
    for key, turn in list(_at_work.items()):
        if key.startswith(_key(folder, "")):
            for program in list(turn.running):
                program.stop()


def task_here(folder: Path, maps: Maps) -> tuple[Task, list[FilterCall]]:
    """Return the task of a job and its filter calls, with paths as they are on this machine.

    Raises:
        PipelineError: the job's folder or its source is not here, or its filters are not.

    """
    task = JobFolder(folder).task()
    if task is None or not os.access(folder, os.W_OK):
        way = "lay it on storage that all machines share, and where its path is another on workers, give --map"
        raise PipelineError(f"the job's folder {folder} is not there or cannot be written; {way}")
    source, script = mapped(task.media.path, maps), mapped(task.script, maps)
    if not source.is_file():
        raise PipelineError(f"the source {source} is not there; where its path is another on workers, give --map")
    own = None if task.job.script is None else script
    job = replace(task.job, script=own)
    calls = [_call_here(call, task.folder, maps) for call in checked_calls(job)]
    media = replace(task.media, path=source)
    place = folder if own is None else script.parent
    return Task(job, media, script, place, folder), calls


def topic_of(folder: str) -> str:
    """Return under which name the scheduler passes on what workers have to say of a job.

    That is a sentence for the user, or the number of a turn's first segment with the frames that it has done.
    """
    return f"vsrestore {folder}"


def _telling(folder: str) -> Callable[[str | tuple[int, int]], None]:
    """Return what sends something to the command."""
    from distributed import get_worker

    worker = get_worker()
    return lambda news: worker.log_event(topic_of(folder), news)


def _now_and_then(tell: Callable[[int], None]) -> Callable[[int, int], None]:
    """Return what counts frames and tells of them once in a while."""
    last = 0.0

    def count(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last > FRAMES_EVERY:
            last = time.monotonic()
            tell(done)

    return count


@contextmanager
def _scripted(folder: Path, maps: Maps) -> Iterator[Task]:
    """Give the task of a job, with a script of its own where it is one of filters."""
    task, calls = task_here(folder, maps)
    if task.job.script is not None:
        yield task
        return
    job_folder, script = JobFolder(folder), unfinished_of(folder / "restore.vpy")
    source, opening = job_folder.source(), job_folder.opening()
    if source is None or opening is None:
        raise PipelineError(f"{folder}: does not say how the source is opened")
    opening = replace(opening, source=mapped(opening.source, maps), index_folder=opening.index_folder and folder)
    calls = fitting_calls(calls, source.media, source.survey, lambda note: None)
    script.write_text(script_text(opening, calls), encoding="utf-8")
    try:
        yield replace(task, script=script)
    finally:
        with suppress(OSError):
            script.unlink(missing_ok=True)


@contextmanager
def _turn(folder: str, first: int, end: int) -> Iterator[Turn]:
    """Give a turn, which :func:`shortened` and :func:`abandon` find."""
    key, turn = _key(folder, first), Turn(first, end)
    _at_work[key] = turn
    try:
        yield turn
    finally:
        _at_work.pop(key, None)


def _key(folder: str, first: object) -> str:
    return f"{folder}\n{first}"


def _call_here(call: FilterCall, folder: Path, maps: Maps) -> FilterCall:
    """Return a call whose arguments that are paths, from ``folder`` on, are those of this machine."""
    return FilterCall(call.name, {key: _argument(value, folder, maps) for key, value in call.arguments.items()})


def _argument(value: object, folder: Path, maps: Maps) -> object:
    if not isinstance(value, str) or not re.search(r"[./\\]", value):
        return value
    path = mapped(folder / value, maps)
    return str(path) if path.is_file() else value


def _content(task: Task, calls: list[FilterCall]) -> dict[str, str]:
    digests = ", ".join(sorted(digest for _, digest in checkpoints_of(calls)))
    script = "" if task.job.script is None else content_of(task.script)
    content = (content_of(task.work / "task.json"), content_of(task.media.path), script, digests)
    return dict(zip(CONTENT, content, strict=True))


def _card(calls: list[FilterCall]) -> str:
    """Return what the card is known by on which this worker renders, empty where it needs none."""
    devices = {call.arguments.get("device") for call in calls}
    if devices == {"cpu"} or not list(Path("/dev").glob(CARDS)):
        return ""
    return f"{socket.gethostname()}, CUDA_VISIBLE_DEVICES={os.environ.get('CUDA_VISIBLE_DEVICES', '')}"
