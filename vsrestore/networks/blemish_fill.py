"""BlemishFill: takes off the stains that BlemishFinder found, and fills the cue marks along the motion."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.motion_fill import MotionFill

COLOURS = 3
SURE = 0.5  # share of a cue mark from which a place is filled
BESIDE = 3  # px around it that are filled too


class BlemishFill(nn.Module):
    """Repair a sequence of frames by what was found in each. Nothing is learnt."""

    def __init__(self) -> None:
        super().__init__()
        self.fill = MotionFill()

    def forward(self, frames: Tensor, found: Tensor) -> Tensor:
        """Repair frames where something was found; all else comes back as it was.

        Args:
            frames: (N, T, 3, H, W) in [0, 1].
            found: (N, T, 4, H, W), as ``BlemishFinder`` gives it.

        Returns:
            (N, T, 3, H, W) in [0, 1].
        """
        added, marks = found.split((COLOURS, 1), dim=2)
        unstained = torch.where(added == 0, frames, (frames + added).clamp(0, 1))
        wide = F.max_pool2d((marks > SURE).float().flatten(0, 1), 2 * BESIDE + 1, 1, BESIDE)
        return self.fill(unstained, wide.unflatten(0, marks.shape[:2]))
