"""The workers of a cluster that render a job: who takes part, and what they are asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from threading import Event
from typing import TYPE_CHECKING, Any

from vsrestore.errors import VsrestoreError
from vsrestore.interrupts import check

from ..errors import PipelineError, RunError

if TYPE_CHECKING:
    from distributed import Client, Future

Tell = Callable[[str], None]
# Takes addresses of workers; returns why each is refused, "" for one that may render; those not among it wait.
Admit = Callable[[Sequence[str]], Mapping[str, str]]
POLL_SECONDS = 1.0
FETCH_SECONDS = 10.0
TRIES = 3


class LostError(VsrestoreError, RuntimeError):
    """A worker has gone, and with it what it was asked."""


class Crew:
    """Those workers of a scheduler that may render.

    Args:
        client: connected to the scheduler.
        admit: decides on workers that have come.
        tell: takes one sentence that the user should read.
        resources: what each worker must have free when it is asked, by its address; may change meanwhile.

    """

    def __init__(self, client: Client, admit: Admit, tell: Tell, resources: Mapping[str, dict[str, float]]) -> None:
        self._client, self._admit, self._resources = client, admit, resources
        self.tell = tell
        """Takes one sentence that the user should read."""
        self.members: list[str] = []
        """Addresses of the workers that may render."""
        self.refused: dict[str, str] = {}
        """Addresses of the others, and why."""
        self._answered = Event()
        self._next, self._had_members = 0.0, False

    def update(self) -> None:
        """Take in workers that have come and leave out those that have gone, at most once in a second.

        Raises:
            RunError: the scheduler cannot be reached.

        """
        check()
        if time.monotonic() < self._next:
            return
        present = self._present()
        self.members = [address for address in self.members if address in present]
        self.refused = {address: reason for address, reason in self.refused.items() if address in present}
        coming = [address for address in present if address not in self.members and address not in self.refused]
        for address, reason in (self._admit(coming) if coming else {}).items():
            if reason:
                self.drop(address, reason)
            else:
                self.members.append(address)
                self._had_members = True
        self._next = time.monotonic() + POLL_SECONDS

    def drop(self, address: str, reason: str) -> None:
        """Ask a worker no more."""
        self.members = [member for member in self.members if member != address]
        self.refused[address] = reason
        self.tell(f"worker {address} is refused: {reason}")

    def submit(self, address: str, function: Callable[..., Any], *arguments: Any) -> Future:
        """Ask one worker, and no other, for something.

        Raises:
            RunError: the scheduler cannot be reached.

        """
        asked = {"workers": [address], "allow_other_workers": False, "pure": False}
        with self._reaching():
            future = self._client.submit(function, *arguments, resources=self._resources.get(address), **asked)
            future.add_done_callback(lambda done: self._answered.set())
        return future

    def check(self, address: str, future: Future) -> None:
        """Raise where a worker has failed at what it was asked.

        Raises:
            LostError: the worker or the scheduler was lost.
            VsrestoreError: what the worker says; other errors than ours as ``RunError``.

        """
        if future.status == "finished":
            return
        try:
            error = None if future.cancelled() else future.exception(timeout=FETCH_SECONDS)
        except (OSError, TimeoutError, CancelledError, AttributeError):
            error = None
        if error is None:
            raise LostError(f"worker {address} was lost")
        if isinstance(error, VsrestoreError):
            raise error
        raise RunError(f"{type(error).__name__}: {error}")

    def answer(self, address: str, future: Future) -> Any:
        """Return what a worker has answered.

        Dask leaves answers where they were given: when the worker is lost before its answer is fetched, so is that.

        Raises what :meth:`check` does.
        """
        self.check(address, future)
        try:
            return future.result(timeout=FETCH_SECONDS)
        except (OSError, TimeoutError, CancelledError, AttributeError):
            raise LostError(f"worker {address} was lost") from None

    def ask(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return what any worker answers; where one is lost meanwhile, another is asked.

        Raises:
            PipelineError: every worker is refused, or what the worker says.
            RunError: what the worker says, or several were lost one after the other.

        """
        for _ in range(TRIES):
            self.wait_for_members()
            address = self.members[0]
            future = self.submit(address, function, *arguments)
            while not future.done() and address in self.members:
                self.wait_for_one()
                self.update()
            if future.done():
                with suppress(LostError):
                    return self.answer(address, future)
            forget(future)
        raise RunError(f"{TRIES} workers were lost one after the other")

    def beside(self, address: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return what a worker answers beside what it is at; None where no answer comes."""
        with suppress(Exception):  # of a connection in whatever state
            return self._client.run(function, *arguments, workers=[address], on_error="ignore").get(address)
        return None

    def wait_for_members(self) -> None:
        """Wait until there is a worker that may render.

        Raises:
            PipelineError: all workers that there are have been refused, and never was there another.

        """
        waits = False
        self.update()
        while not self.members:
            if self.refused and not self._had_members:
                reasons = "; ".join(f"{address}: {reason}" for address, reason in self.refused.items())
                raise PipelineError(f"no worker may render ({reasons})")
            if not waits:
                self.tell("no worker is there that may render; waiting for one")
                waits = True
            time.sleep(POLL_SECONDS / 2)
            self.update()

    def wait_for_one(self) -> None:
        """Wait until something that was asked has an answer, at most a while."""
        self._answered.wait(POLL_SECONDS)
        self._answered.clear()

    def _present(self) -> list[str]:
        with self._reaching():
            return list(self._client.nthreads())

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        """Say that the scheduler cannot be reached where Dask says so in any of its many ways."""
        try:
            yield
        except Exception as error:
            if self._client.status == "running" and not isinstance(error, OSError | TimeoutError):
                raise
            raise RunError("the scheduler cannot be reached any more") from None


def forget(future: Future) -> None:
    """Let go of what a worker was asked, whatever has become of it and of the scheduler."""
    with suppress(Exception):
        future.cancel()
