"""Networks that see a window of frames around each one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...networks.absent_frames import BLACK
from ...networks.traits import Border
from ...networks.windows import window
from ...video.repeats import repeated
from ..call import Call, Given
from ..run import Run, Shot
from .plan import Network, Plan

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Window(Plan):
    """``network(frames (1, T, C, H, W), windows (K, W), companion=(1, T, c, H, W)...) -> (1, K, C', s*H, s*W)``.

    Row k of ``windows`` holds the positions in T of the window of the k-th wanted frame, borders resolved, and
    ``BLACK`` for black frames. Companions "wanted" are (K, ...). What windows share the network may compute once.
    """

    before: int = 0
    after: int = 0
    border: Border = "repeat"
    """Which frames stand for those beyond a clip's end or a cut."""
    skips_repeats: bool = False
    """Whether a frame that a transfer repeated is no neighbour of itself."""
    halves: bool = False
    """Whether half a chunk costs about half as much, so that the CPU does well to compute both halves side by side."""

    @property
    def reach(self) -> tuple[int, int]:
        """The radius, or twice as much where frames of the other side stand in."""
        if self.border in ("repeat", "black"):
            return self.before, self.after
        both = self.before + self.after
        return both, both

    @property
    def compares(self) -> bool:
        """Repeats are told by comparing neighbours."""
        return self.skips_repeats

    def calls(self, run: Run) -> Iterator[Call]:
        """Return one call for each shot."""
        repeats = repeated(run.frames, run.inside) if self.skips_repeats else frozenset()
        for shot in run.shots:
            yield _call(shot.wanted, [self._window(shot, centre, repeats) for centre in shot.wanted])

    def ask(self, network: Network, call: Call, given: Given) -> Tensor:
        """Give the network the frames of all windows once, and the windows as a table."""
        import torch

        frames, companions = given.as_batch()
        windows = torch.tensor(call.tables["windows"], dtype=torch.int64, device=frames.device)
        return network(frames, windows, **companions)[0]

    def halved(self, call: Call) -> tuple[Call, Call] | None:
        """Share the windows between two calls."""
        middle = len(call.wanted) // 2
        if not self.halves or not middle or call.slots:
            return None
        rows = [_renumbered(row, call.frames) for row in call.tables["windows"]]
        return _call(call.wanted[:middle], rows[:middle]), _call(call.wanted[middle:], rows[middle:])

    def _window(self, shot: Shot, centre: int, repeats: frozenset[int]) -> list[int]:
        """Return the positions of the run around ``centre``."""
        around = _neighbours(shot, centre, repeats)
        rule = (self.before, self.after, self.border)
        return _renumbered(window(around.index(centre), len(around), *rule), around)


def _renumbered(row: Sequence[float], numbers: Sequence[int]) -> list[int]:
    """Return the number that each position of a window stands for; black frames have none."""
    return [BLACK if position == BLACK else numbers[int(position)] for position in row]


def _call(wanted: Sequence[int], rows: list[list[int]]) -> Call:
    """Return the call that gives the centres of windows, which are given as positions in the run."""
    seen = [position for row in rows for position in row if position != BLACK]
    frames = range(min(seen), max(seen) + 1)
    windows = [[BLACK if position == BLACK else frames.index(position) for position in row] for row in rows]
    return Call(frames, wanted, {"windows": windows})


def _neighbours(shot: Shot, centre: int, repeats: frozenset[int]) -> list[int]:
    """Return the positions of the shot without those whose frame is that of ``centre`` again."""
    first = last = centre
    while first in repeats and first > shot.first:
        first -= 1
    while last + 1 in repeats and last + 1 < shot.end:
        last += 1
    return [*range(shot.first, first), centre, *range(last + 1, shot.end)]
