"""Detail that holds still: what a painter adds to a frame, averaged with what it adds to neighbours along the motion.

The motion is found in the faithful pictures beneath, which do not flicker as the detail does.
"""

from __future__ import annotations

from torch import Tensor, nn

from vsrestore.networks.layers.luma import luma
from vsrestore.networks.layers.motion_mean import MotionMean

MATCHED = 1024  # longest edge of what motion is found in
LIKENESS = 0.25  # of the range: a neighbour whose detail differs so much counts half


class SteadyDetail(nn.Module):
    """Average the detail of a window of frames along the motion."""

    def __init__(self) -> None:
        super().__init__()
        self._averaged = MotionMean(LIKENESS, MATCHED)

    def forward(self, frames: Tensor, windows: Tensor, faithful: Tensor) -> Tensor:
        """Steady the centre frame of each window.

        Args:
            frames: painted, (1, T, 3, H, W) in [0, 1], float32.
            windows: (K, 2 * radius + 1), int64: positions in T, centre in the middle; positions that stand twice in a
                window (beyond a cut) count once.
            faithful: what was painted on, (1, T, 3, H, W) in [0, 1].

        Returns:
            (1, K, 3, H, W).
        """
        centres = windows[:, windows.shape[1] // 2].to(frames.device, non_blocking=True)
        detail = self._averaged(luma(faithful[0]), frames[0] - faithful[0], windows)
        return (faithful[0, centres] + detail)[None]
