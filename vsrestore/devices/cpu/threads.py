"""The threads in which networks run on the CPU."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock, Semaphore, Thread


class Threads:
    """Runs one call after another with all of torch's threads, or two calls side by side with half of them each.

    torch's own threads belong to the thread that calls it. A second set of them would make more threads than cores, and
    OpenMP lets all of them sleep then instead of waiting awake: two filters in one script ran at 0.6 of their speed.

    Threads of one set wait for each other many times a frame. While an encoder has one core, the whole set waits; of
    two halves only one does.
    """

    def __init__(self) -> None:
        self._whole = ThreadPoolExecutor(1, "vsrestore-cpu")
        self._half = ThreadPoolExecutor(2, "vsrestore-cpu-half", initializer=self._take_half)
        self._halves_free = Semaphore(2)
        self._lock = Lock()
        self._threads = 0

    @property
    def split(self) -> bool:
        """Whether they make two equal halves."""
        return self._count() % 2 == 0

    def run[Result](self, call: Callable[[], Result]) -> Result:
        """Return what a call gives that has all threads."""
        return self._whole.submit(self._alone, call).result()

    def side_by_side[Result](self, calls: Sequence[Callable[[], Result]]) -> list[Result]:
        """Return what calls give that have half of the threads each, at most two at a time."""
        return list(self._half.map(self._beside, calls))

    def _alone[Result](self, call: Callable[[], Result]) -> Result:
        with self._halves_free, self._halves_free:
            return call()

    def _beside[Result](self, call: Callable[[], Result]) -> Result:
        with self._halves_free:
            return call()

    def _count(self) -> int:
        """Return how many threads torch has, as first seen: while halves are taken, there seem to be fewer."""
        import torch

        with self._lock:
            self._threads = self._threads or torch.get_num_threads()
            return self._threads

    def _take_half(self) -> None:
        """Give the calling thread half of torch's threads."""
        import torch

        whole = self._count()
        with self._lock:
            torch.set_num_threads(whole // 2)
            torch.get_num_threads()  # from now on it stays so in this thread, whatever others set
            # But it is also the number for all threads that come to torch later, those of other plugins too.
            later = Thread(target=torch.set_num_threads, args=(whole,))
            later.start()
            later.join()


THREADS = Threads()
"""All networks of the process share it."""
