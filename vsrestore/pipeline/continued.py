"""Times of files in which clocks begin anew; without FFmpeg's libraries, which vspipe has of its own."""

from __future__ import annotations

from fractions import Fraction

# Seconds by which the time of a packet or frame may lie before that of an earlier one without a new beginning.
RESET = Fraction(1)


class Continued:
    """Times that go on where a file's own begin anew, as they do where two recordings were joined; in ticks.

    Args:
        base: seconds of one tick.

    """

    def __init__(self, base: Fraction) -> None:
        self._reset = RESET / base if base else Fraction(0)
        self._offset = 0
        self._step = 0
        self._latest: int | None = None

    def __call__(self, tick: int) -> int:
        """Return the time of the next one, moved behind the latest of those before it where it lies far before them."""
        moved = tick + self._offset
        if self._latest is None:
            self._latest = moved
        elif moved < self._latest - self._reset:
            self._offset += self._latest + self._step - moved
            moved = self._latest + self._step
        if moved > self._latest:
            self._step, self._latest = moved - self._latest, moved
        return moved
