"""Networks that see a window of frames around each one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...networks.inputs import Inputs
from ...networks.traits import BlackBorder, Border
from ...networks.windows import reach, window
from ...video.repeats import repeated
from ..call import Call
from ..run import Run, Shot
from .plan import Network, Plan

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Window(Plan):
    """``network(frames (1, T, C, H, W), windows (K, W), companion=(1, T, c, H, W)...) -> (1, K, C', s*H, s*W)``.

    Row k of ``windows`` holds the positions in T of the window of the k-th wanted frame, borders resolved; where a rule
    says so, what stands for a frame that is not there (``networks.absent_frames``). Companions "wanted" are (K, ...).
    What windows share the network may compute once.
    """

    before: int = 0
    after: int = 0
    border: Border | BlackBorder = "repeat"
    """What stands for those beyond a clip's end or a cut."""
    skips_repeats: bool = False
    """Whether a frame that a transfer repeated is no neighbour of itself."""
    halves: bool = False
    """Whether half a chunk costs about half as much, so that the CPU does well to compute both halves side by side."""

    @property
    def reach(self) -> tuple[int, int]:
        """The radius, or more where frames of the other side stand in."""
        return reach(self.before, self.after, self.border)

    def calls(self, run: Run) -> Iterator[Call]:
        """Return one call for each shot."""
        repeats = repeated(run.frames, run.inside) if self.skips_repeats else frozenset()
        for shot in run.shots:
            yield _call(shot.wanted, [self._window(shot, centre, repeats) for centre in shot.wanted])

    def ask(self, network: Network, call: Call, inputs: Inputs) -> Tensor:
        """Give the network the frames of all windows once, and the windows as a table."""
        import torch

        frames, companions = inputs.as_batch()
        windows = torch.tensor(call.tables["windows"], dtype=torch.int64)
        return network(frames, windows, **companions)[0]

    def halved(self, call: Call) -> Sequence[Call]:
        """Share the windows between two calls."""
        middle = len(call.wanted) // 2
        if not self.halves or not middle or call.slots:
            return ()
        rows = [_moved(row, call.frames.__getitem__) for row in call.tables["windows"]]
        return _call(call.wanted[:middle], rows[:middle]), _call(call.wanted[middle:], rows[middle:])

    def _window(self, shot: Shot, centre: int, repeats: frozenset[int]) -> list[int]:
        """Return the positions of the run around ``centre``."""
        around = _neighbours(shot, centre, repeats)
        rule = (self.before, self.after, self.border)
        return _moved(window(around.index(centre), len(around), *rule), around.__getitem__)


def _moved(row: Sequence[float], where: Callable[[int], int]) -> list[int]:
    """Return the positions of a window as others; what stands for absent frames has no position and stays."""
    return [where(int(position)) if position >= 0 else int(position) for position in row]


def _call(wanted: Sequence[int], rows: list[list[int]]) -> Call:
    """Return the call that gives the centres of windows, which are given as positions in the run."""
    there = [position for row in rows for position in row if position >= 0]
    frames = range(min(there), max(there) + 1)
    return Call(frames, wanted, {"windows": [_moved(row, lambda position: position - frames.start) for row in rows]})


def _neighbours(shot: Shot, centre: int, repeats: frozenset[int]) -> list[int]:
    """Return the positions of the shot without those whose frame is that of ``centre`` again."""
    first = last = centre
    while first in repeats and first > shot.first:
        first -= 1
    while last + 1 in repeats and last + 1 < shot.end:
        last += 1
    return [*range(shot.first, first), centre, *range(last + 1, shot.end)]
