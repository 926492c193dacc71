"""DiffBIR's first stage: a network that cleans, with the sizes that the second one wants.

Source: as of ``diffbir.py``, whose networks of the first stage are SwinIR, BSRNet and SCUNet.
"""

from __future__ import annotations

from torch import Tensor, nn

from vsrestore.networks.diffusion.diffbir import resized
from vsrestore.networks.diffusion.tiling import Tiles, blended
from vsrestore.networks.padding import padded
from vsrestore.networks.traits import Traits

SHORTEST = 512
"""Pixels of the shorter side that the second stage was made for; smaller pictures are enlarged to it."""


class FirstStage(nn.Module):
    """Enlarge pictures as asked for, clean them, and bring them to at least 512 pixels.

    Args:
        network: pictures (N, 3, h, w) in [0, 1] to (N, 3, scale * h, scale * w).
        traits: how pictures are padded for it.
        size: height and width that are asked for.
        enlarges: whether the network itself enlarges the pictures as they come; else they are resized before.
        sees_working_size: whether pictures are brought to 512 pixels before the network, not after it.
        tiles: of the network, in pixels of what it sees; pictures smaller than one are seen whole.
    """

    def __init__(
        self,
        network: nn.Module,
        traits: Traits,
        size: tuple[int, int],
        *,
        enlarges: bool,
        sees_working_size: bool,
        tiles: Tiles | None = None,
    ) -> None:
        super().__init__()
        self.network, self.traits, self.size, self.tiles = network, traits, size, tiles
        self.enlarges, self.sees_working_size = enlarges, sees_working_size

    def forward(self, frames: Tensor) -> Tensor:
        """Return pictures (N, 3, *working_size(size)), about in [0, 1], of frames (N, 3, h, w), float32."""
        target = working_size(self.size)
        if not self.enlarges:
            frames = resized(frames, self.size).clamp(0, 1)
        if self.sees_working_size:
            frames = resized(frames, target)
        return resized(self._cleaned(frames), target)

    def _cleaned(self, frames: Tensor) -> Tensor:
        height, width = frames.shape[-2:]
        if self.tiles is not None and self.tiles.edge < max(height, width) and self.tiles.edge <= min(height, width):
            run = lambda rows, columns: self._asked(frames[..., rows, columns])  # noqa: E731
            return blended(run, (height, width), self.tiles, self.traits.scale)
        whole = self._asked(padded(frames, self.traits))
        return whole[..., : height * self.traits.scale, : width * self.traits.scale]

    def _asked(self, frames: Tensor) -> Tensor:
        return self.network(frames.to(next(self.network.parameters()).dtype)).float()


def working_size(size: tuple[int, int]) -> tuple[int, int]:
    """Return the height and width that the second stage works at for an output of ``size``."""
    shorter = min(size)
    if shorter >= SHORTEST:
        return size
    height, width = (max(edge * SHORTEST // shorter, SHORTEST) for edge in size)
    return height, width
