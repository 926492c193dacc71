"""A job's segments, rendered by the workers of a cluster."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from vsrestore.interrupts import check

from ..commands import Shown, Task
from ..errors import RunError
from ..segments.cuts import Segment
from ..segments.folder import Clip, JobFolder
from ..segments.records import rebuilt
from . import on_worker
from .admission import Admission
from .connect import connected
from .crew import Crew
from .turns import Asked, Turn, Turns
from .wish import Cluster

if TYPE_CHECKING:
    from distributed import Client

Tell = Callable[[str], None]
Count = Callable[[int, int], None]
Cut = Callable[[Shown], Clip]
Arguments = tuple[str, on_worker.Maps]
# Within which a file that a worker has written must show up here: NFS looks for new names once in a minute.
ARRIVAL_SECONDS = 90
LOOK_SECONDS = 0.5


def render_on(wish: Cluster, task: Task, cut: Cut, tell: Tell, count: Count) -> None:
    """Have the workers of a cluster render all segments of a job that are not finished.

    The job's folder is the truth: what is finished in it is not rendered again, whoever has rendered it.

    Args:
        wish: which cluster.
        task: of the job, written down in its folder.
        cut: returns the segments of a clip.
        tell: takes one sentence that the user should read.
        count: takes frames done and frames in all.

    Raises:
        PipelineError: no scheduler answers, no worker may render, or the job does not fit.
        RunError: a segment failed again and again, or the scheduler is gone.

    """
    tell = _once(tell)
    with connected(wish) as client:
        admission = Admission(client, wish, task, tell)
        _abandon(client, admission)  # what a command that was killed has left at work
        frames: dict[int, int] = {}
        hear = _hearing(tell, frames)
        client.subscribe_topic(on_worker.topic_of(admission.arguments[0]), lambda event: hear(event[1]))
        crew = Crew(client, admission, tell, admission.resources)
        try:
            clip = JobFolder(task.work).clip() or _looked(crew, admission, task, cut)
            Rendering(task, clip, admission.arguments, count, frames).run(crew)
        finally:
            _abandon(client, admission)


class Rendering:
    """The segments of a clip on their way into the job's folder (:class:`.turns.Work`).

    Args:
        task: of the job.
        clip: its segments.
        arguments: the first two of whatever workers are asked.
        count: takes frames done and frames in all.
        frames: that turns have done, by the number of their first segment, as workers tell.

    """

    def __init__(self, task: Task, clip: Clip, arguments: Arguments, count: Count, frames: dict[int, int]) -> None:
        self._folder, self._clip = JobFolder(task.work), clip
        self._arguments, self._count, self._frames = arguments, count, frames
        self._missing = {segment.number: segment for segment in self._folder.missing(clip)}

    def run(self, crew: Crew) -> None:
        """Have all rendered that is missing."""
        Turns(crew, self).take([*self._missing.values()])
        self.report(())

    def rendering(self, first: int, end: int) -> Asked:
        """Return what a worker is asked that is to render the segments from ``first`` to before ``end``."""
        self._frames[first] = 0
        return (on_worker.render, *self._arguments, first, end)

    def shortening(self, first: int, parts: int) -> Asked:
        """Return what a worker is asked that is to keep one of so many parts of its turn."""
        return (on_worker.shortened, self._arguments[0], first, parts)

    def is_finished(self, segment: Segment) -> bool:
        """Tell whether a segment is finished; the user's own options may have shortened the only one."""
        if len(self._clip.segments) == 1:
            segment = (self._folder.clip() or self._clip).segments[0]
        if self._folder.record(segment) is None:
            return False
        self._missing.pop(segment.number, None)
        return True

    def wait_for(self, segment: Segment, worker: str) -> None:
        """Wait until a finished segment can be seen here; shared storage takes its time."""
        limit = time.monotonic() + ARRIVAL_SECONDS
        while not self.is_finished(segment):
            check()
            if time.monotonic() > limit:
                problem = f"worker {worker} has finished segment {segment.number}, and it is not in {self._folder.path}"
                raise RunError(f"{problem}; do both see the same storage?")
            time.sleep(LOOK_SECONDS)
            with suppress(OSError):
                os.scandir(self._folder.picture(segment).parent).close()  # has an NFS client look again

    def report(self, turns: Collection[Turn]) -> None:
        """Count what is finished, and what workers say they have done beyond that."""
        begun = (
            min(max(self._frames[turn.first] - turn.finished, 0), sum(segment.frames for segment in turn.left))
            for turn in turns
        )
        missing = sum(segment.frames for segment in self._missing.values())
        self._count(self._clip.frames - missing + sum(begun), self._clip.frames)


def _looked(crew: Crew, admission: Admission, task: Task, cut: Cut) -> Clip:
    """Have a worker render frame 0, and write down the clip and its segments."""
    facts = crew.ask(on_worker.shown, *admission.arguments)
    clip = cut(rebuilt(Shown, facts))
    JobFolder(task.work).keep_clip(clip)
    return clip


def _abandon(client: Client, admission: Admission) -> None:
    """Have workers end what they render of this job, for nobody waits for it."""
    with suppress(Exception):  # of a connection in whatever state, and of workers without vsrestore
        if client.status == "running":
            client.run(on_worker.abandon, admission.arguments[0], on_error="ignore")


def _hearing(tell: Tell, frames: dict[int, int]) -> Callable[[Any], None]:
    """Return what takes the news of workers: sentences, and how far each turn is."""

    def hear(news: Any) -> None:
        if isinstance(news, str):
            tell(news)
        else:
            first, done = news
            frames[first] = done

    return hear


def _once(tell: Tell) -> Tell:
    """Return what tells a sentence once, however many workers say it."""
    sentences: set[str] = set()

    def first(sentence: str) -> None:
        if sentence not in sentences:
            sentences.add(sentence)
            tell(sentence)

    return first
