"""The second stage of TCVC, put together: frames coloured after a reference, group by group, with a memory.

Source:
    As of ``tcvc_encoder``.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.tcvc_colour_net import COLOURS
from vsrestore.networks.tcvc_decoder import GuidedColourNet, Warper
from vsrestore.networks.tcvc_encoder import TCVCEncoder
from vsrestore.networks.tcvc_lab import MIDDLE, decoded, encoded, rgb_of

GROUP = 3
"""Frames that are coloured together."""


class TCVC(nn.Module):
    """Colour the frames of a shot after one reference.

    Args:
        encoder: with its weights, float32.
        warper: likewise, made for the encoder. What half precision does to either has other pixels be found alike.
        painter: with its weights, in any precision.
    """

    def __init__(self, encoder: TCVCEncoder, warper: Warper, painter: GuidedColourNet) -> None:
        super().__init__()
        self.encoder = encoder
        self.warper = warper
        self.painter = painter

    def forward(self, frames: Tensor, reference: Tensor, keep: range) -> Tensor:
        """Colour frames; groups that end before ``keep`` only leave their mark in the memory.

        Args:
            frames: (1, T, 3, H, W), Lab as ``tcvc_lab.encoded`` gives it, of which L counts; H and W multiples of 8.
                The first frame begins a group.
            reference: (1, 3, H, W), Lab likewise.
            keep: the frames in T that are given.

        Returns:
            (1, K, 3, H, W): Lab likewise, with the colours that were found.
        """
        shown = decoded(reference)
        known = self.encoder.features(rgb_of(shown))
        memory: Tensor | None = None
        given = []
        for first in range(0, keep.stop, GROUP):
            group = decoded(frames[0, first : first + GROUP])
            grey = ((group[:, :1] + MIDDLE) / 100).expand(-1, 3, -1, -1)
            features = self.encoder.features(grey).after(known)
            wanted = first + len(group) > keep.start
            maps, tokens = self.encoder(features, memory, wants_maps=wanted)
            memory = self.encoder.remembered(memory, tokens)
            if wanted:
                fetched = self.warper(features, maps, shown[0, 1:] / COLOURS)
                lightness = torch.cat((shown, group))[:, :1] / MIDDLE
                seen = torch.cat((lightness, F.interpolate(fetched, scale_factor=4, mode="nearest")), dim=1)
                ab = self.painter(seen, tokens).to(group.dtype)
                given.append(encoded(torch.cat((group[:, :1], ab), dim=1)))
        start = keep.start - keep.start % GROUP
        return torch.cat(given)[keep.start - start : keep.stop - start][None]
