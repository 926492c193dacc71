"""DiffBIR's first stage: a network that cleans, with the sizes that the second one wants.

Source: as of ``diffbir.py``, whose networks of the first stage are SwinIR, BSRNet and SCUNet.
"""

from __future__ import annotations

from torch import Tensor, nn

from vsrestore.networks.diffusion.diffbir import resized
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
    """

    def __init__(self, network: nn.Module, traits: Traits, size: tuple[int, int], *, enlarges: bool) -> None:
        super().__init__()
        self.network, self.traits, self.size, self.enlarges = network, traits, size, enlarges

    def forward(self, frames: Tensor) -> Tensor:
        """Return pictures (N, 3, *working_size(size)), about in [0, 1], of frames (N, 3, h, w)."""
        target = working_size(self.size)
        if not self.enlarges:
            frames = resized(frames, self.size).clamp(0, 1)
            if self.traits.multiple == MULTIPLE_OF_SWINIR:
                frames = resized(frames, target)
        height, width = frames.shape[-2:]
        dtype = next(self.network.parameters()).dtype
        cleaned = self.network(padded(frames, self.traits).to(dtype)).float()
        cleaned = cleaned[..., : height * self.traits.scale, : width * self.traits.scale]
        return resized(resized(cleaned, self.size) if min(self.size) >= SHORTEST else cleaned, target)


def working_size(size: tuple[int, int]) -> tuple[int, int]:
    """Return the height and width that the second stage works at for an output of ``size``."""
    shorter = min(size)
    if shorter >= SHORTEST:
        return size
    height, width = (max(int(edge * SHORTEST / shorter), SHORTEST) for edge in size)
    return height, width
