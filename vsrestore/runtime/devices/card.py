"""The thread of one network on a card; streams and pinned memory belong here, too."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor


class Card:
    """Runs the calls of one engine one after another, so that one engine uploads while another computes."""

    splits = False

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"vsrestore-{name}")

    def run[Result](self, call: Callable[[], Result]) -> Result:
        """Return what a call gives."""
        return self._thread.submit(call).result()

    def side_by_side[Result](self, calls: Sequence[Callable[[], Result]]) -> list[Result]:
        """Return what calls give; they run one after another."""
        return [self.run(call) for call in calls]


def empty_cache() -> None:
    """Give a card's memory that no network holds any more back to the system."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
