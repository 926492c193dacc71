"""Networks for single pictures, called like those that see windows of frames."""

from __future__ import annotations

from torch import Tensor


class FrameByFrame:
    """What a network for single pictures, an ``nn.Module``, inherits besides to take windows of one frame."""

    radius = 0

    def restore(self, frames: Tensor, windows: Tensor) -> tuple[Tensor, ...]:
        """Return what the network makes of the centres of windows.

        Args:
            frames: (N, T, 3, H, W) in [0, 1].
            windows: (K, 1), int64: positions in T.

        Returns:
            One head, (N, K, 3, s * H, s * W), not clamped.
        """
        centres = frames[:, windows[:, 0].to(frames.device, non_blocking=True)]
        return (self(centres.flatten(0, 1)).unflatten(0, centres.shape[:2]),)  # type: ignore[operator]
