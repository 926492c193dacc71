"""Segments are given to workers: to each some that follow each other, for they come of one program."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from vsrestore.errors import VsrestoreError

from ..errors import PipelineError, RunError
from ..segments.cuts import Segment, runs_of
from .crew import Crew, LostError, forget

if TYPE_CHECKING:
    from distributed import Future

MOST_FAILURES = 3  # of a segment, wherever it was rendered
MOST_IN_A_ROW = 2  # of a worker, before it is asked no more
Asked = tuple[Any, ...]  # a function and its arguments


@dataclass
class Turn:
    """Segments that a worker renders.

    Attributes:
        worker: its address.
        first: number of the first.
        left: those that are not known to be finished, in order.
        finished: frames of the others.

    """

    worker: str
    first: int
    left: list[Segment]
    finished: int = 0


class Work(Protocol):
    """What is done with segments. What workers answer is not fetched: what they have made lies on disk."""

    def rendering(self, first: int, end: int) -> Asked:
        """Return what a worker is asked that is to render the segments from ``first`` to before ``end``."""

    def shortening(self, first: int, parts: int) -> Asked:
        """Return what a worker is asked that is to keep one of so many parts of its turn; it answers with its end."""

    def is_finished(self, segment: Segment) -> bool:
        """Tell whether a segment is finished."""

    def wait_for(self, segment: Segment, worker: str) -> None:
        """Wait until a segment is seen to be finished, which a worker says it is."""

    def report(self, turns: Collection[Turn]) -> None:
        """Take notice of how far the workers are; called once in a second or so."""


class Turns:
    """Has segments rendered by a crew.

    A worker that has nothing to do takes over the later part of what another has before it.

    Args:
        crew: the workers.
        work: what they do.

    """

    def __init__(self, crew: Crew, work: Work) -> None:
        self._crew, self._work = crew, work
        self._running: dict[Future, Turn] = {}
        self._waiting: list[Segment] = []
        self._failures: Counter[int] = Counter()
        self._in_a_row: Counter[str] = Counter()

    def take(self, segments: Iterable[Segment]) -> None:
        """Have all of some segments rendered.

        Raises:
            PipelineError: something that is the same on every worker does not fit.
            RunError: a segment failed again and again, or the scheduler is gone.

        """
        self._wait(segments)
        try:
            while self._waiting or self._running:
                self._crew.update()
                self._take_back()
                self._advance()
                self._give()
                self._work.report(self._running.values())
                if self._running:
                    self._crew.wait_for_one()
                else:
                    self._crew.wait_for_members()
                self._settle()
        finally:
            for future in self._running:
                forget(future)

    def _wait(self, segments: Iterable[Segment]) -> None:
        self._waiting = sorted([*self._waiting, *segments], key=lambda segment: segment.number)

    def _give(self) -> None:
        busy = {turn.worker for turn in self._running.values()}
        free = [worker for worker in self._crew.members if worker not in busy]
        if free and not self._waiting:
            self._take_over(len(free))
        while free and self._waiting:
            block, worker = self._block(len(free)), free.pop(0)
            future = self._crew.submit(worker, *self._work.rendering(block[0].number, block[-1].number + 1))
            self._running[future] = Turn(worker, block[0].number, block)

    def _block(self, free: int) -> list[Segment]:
        """Take the share of one of so many workers from what is waiting; what has failed is tried again first."""
        run = max(runs_of(self._waiting), key=lambda run: (self._failures[run[0].number], len(run)))
        block = run[: -(-len(self._waiting) // free)]
        self._waiting = [segment for segment in self._waiting if segment not in block]
        return block

    def _take_over(self, free: int) -> None:
        """Have the turn that has most before it shared with so many workers that have nothing to do."""
        future, turn = max(self._running.items(), key=lambda pair: len(pair[1].left), default=(None, None))
        if future is None or turn is None or len(turn.left) < 2:
            return
        end = self._crew.beside(turn.worker, *self._work.shortening(turn.first, free + 1))
        if end is None:
            del self._running[future]
            forget(future)
            self._lost(turn)
            return
        self._wait(segment for segment in turn.left if segment.number >= end)
        turn.left = [segment for segment in turn.left if segment.number < end]

    def _take_back(self) -> None:
        """Take from workers that are lost what they were rendering."""
        for future, turn in list(self._running.items()):
            if turn.worker not in self._crew.members and not future.done():
                del self._running[future]
                forget(future)
                self._lost(turn)

    def _advance(self) -> None:
        for turn in self._running.values():
            self._note_finished(turn)

    def _note_finished(self, turn: Turn) -> None:
        while turn.left and self._work.is_finished(turn.left[0]):
            turn.finished += turn.left.pop(0).frames
            self._in_a_row[turn.worker] = 0

    def _settle(self) -> None:
        """Close what is done; whoever has not failed gets its next segments first."""
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
            self._note_finished(turn)
            self._in_a_row[turn.worker] += 1
            if self._in_a_row[turn.worker] >= MOST_IN_A_ROW:
                self._crew.drop(turn.worker, f"it has failed {MOST_IN_A_ROW} times in a row ({error})")
            self._failed(turn, str(error))
            return
        self._in_a_row[turn.worker] = 0
        for segment in turn.left:
            self._work.wait_for(segment, turn.worker)

    def _lost(self, turn: Turn) -> None:
        self._note_finished(turn)
        lost = f"worker {turn.worker} was lost"
        self._crew.tell(f"{lost}; segment {turn.left[0].number} goes to another" if turn.left else lost)
        self._failed(turn, lost)

    def _failed(self, turn: Turn, reason: str) -> None:
        """Have others render what is left of a turn; of its first segment it is known that it has failed."""
        if not turn.left:
            return
        number = turn.left[0].number
        self._failures[number] += 1
        if self._failures[number] >= MOST_FAILURES:
            raise RunError(f"segment {number} has failed {MOST_FAILURES} times: {reason}")
        self._wait(turn.left)
