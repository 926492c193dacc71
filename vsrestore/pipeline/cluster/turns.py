"""Segments are given to workers, one at a time to each, and to another where one is lost."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vsrestore.errors import VsrestoreError

from ..errors import PipelineError, RunError
from ..segments.cuts import Segment
from .crew import Crew, LostError, forget

if TYPE_CHECKING:
    from distributed import Future

MOST_FAILURES = 3  # of a segment, wherever it was rendered
MOST_IN_A_ROW = 2  # of a worker, before it is asked no more


@dataclass(frozen=True)
class Turn:
    """A segment that a worker is rendering."""

    segment: Segment
    worker: str


class Turns:
    """Has segments rendered by a crew.

    Args:
        crew: the workers.
        work: returns what a worker is asked for a segment: a function and its arguments.
        finish: takes a finished segment and the address of the worker. What workers answer is not fetched: what
            they have made lies on disk.

    """

    def __init__(
        self, crew: Crew, work: Callable[[Segment], tuple[Any, ...]], finish: Callable[[Segment, str], None]
    ) -> None:
        self._crew, self._work, self._finish = crew, work, finish
        self._running: dict[Future, Turn] = {}
        self._waiting: deque[Segment] = deque()
        self._failures: Counter[int] = Counter()
        self._in_a_row: Counter[str] = Counter()

    def take(self, segments: Iterable[Segment]) -> None:
        """Have all of some segments rendered.

        Raises:
            PipelineError: something that is the same on every worker does not fit.
            RunError: a segment failed again and again, or the scheduler is gone.

        """
        self._waiting.extend(segments)
        try:
            while self._waiting or self._running:
                self._crew.update()
                self._take_back()
                self._give()
                if self._running:
                    self._crew.wait_for_one()
                else:
                    self._crew.wait_for_members()
                self._settle()
        finally:
            for future in self._running:
                forget(future)

    def _give(self) -> None:
        busy = {turn.worker for turn in self._running.values()}
        for worker in self._crew.members:
            if worker not in busy and self._waiting:
                segment = self._waiting.popleft()
                self._running[self._crew.submit(worker, *self._work(segment))] = Turn(segment, worker)

    def _take_back(self) -> None:
        """Take from workers that are lost what they were rendering."""
        for future, turn in list(self._running.items()):
            if turn.worker not in self._crew.members and not future.done():
                del self._running[future]
                forget(future)
                self._lost(turn)

    def _settle(self) -> None:
        """Close what is done; whoever has not failed gets its next segment first."""
        for future in [future for future in self._running if future.status == "error"]:
            self._close(future, self._running.pop(future))
        done = {future: self._running.pop(future) for future in list(self._running) if future.done()}
        self._give()
        for future, turn in done.items():
            self._close(future, turn)

    def _close(self, future: Future, turn: Turn) -> None:
        try:
            self._crew.check(turn.worker, future)
        except PipelineError:
            raise
        except LostError:
            self._lost(turn)
            return
        except VsrestoreError as error:
            self._in_a_row[turn.worker] += 1
            if self._in_a_row[turn.worker] >= MOST_IN_A_ROW:
                self._crew.drop(turn.worker, f"it has failed {MOST_IN_A_ROW} times in a row ({error})")
            self._failed(turn.segment, str(error))
            return
        self._in_a_row[turn.worker] = 0
        self._finish(turn.segment, turn.worker)

    def _lost(self, turn: Turn) -> None:
        self._crew.tell(f"worker {turn.worker} was lost; segment {turn.segment.number} goes to another")
        self._failed(turn.segment, f"worker {turn.worker} was lost")

    def _failed(self, segment: Segment, reason: str) -> None:
        self._failures[segment.number] += 1
        if self._failures[segment.number] >= MOST_FAILURES:
            raise RunError(f"segment {segment.number} has failed {MOST_FAILURES} times: {reason}")
        self._waiting.appendleft(segment)
