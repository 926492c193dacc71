"""Alignment of features by deformable convolution: its taps go where offsets, predicted per pixel, send them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vsrestore.networks.layers.activation import SLOPE
from vsrestore.networks.layers.deform_conv import TAPS, DeformConv2d
from vsrestore.networks.layers.layout import channels_last


class DeformAlign(DeformConv2d):
    """Deformable convolution whose offsets and mask come from one convolution of other features.

    Args:
        channels: of features in, features out and what the offsets are predicted from.
        groups: groups of channels with offsets of their own.

    Source:
        Wang et al., EDVR, CVPR Workshops 2019, section 3.2.
    """

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__(channels, channels, groups)
        self.conv_offset = nn.Conv2d(channels, 3 * TAPS * groups, 3, padding=1)

    def forward(self, x: Tensor, guide: Tensor) -> Tensor:
        """Align ``x`` by what ``guide`` tells, both (N, C, H, W); the same shape comes back."""
        return self.sample(x, *self.split(self.conv_offset(guide)))


class BoundedDeformAlign(DeformConv2d):
    """Deformable convolution of states, along bounded offsets that four convolutions predict, or around a flow.

    Args:
        states: channels of what is aligned.
        guides: channels of what the offsets are predicted from.
        channels: of the output.
        groups: groups of channels of the states with offsets of their own.
        max_residue: largest offset, in pixels.
    """

    def __init__(self, states: int, guides: int, channels: int, groups: int, max_residue: float) -> None:
        super().__init__(states, channels, groups)
        self.max_residue = max_residue
        layers: list[nn.Module] = []
        for count in (guides, channels, channels):
            layers += [nn.Conv2d(count, channels, 3, padding=1), nn.LeakyReLU(SLOPE, inplace=True)]
        self.conv_offset = nn.Sequential(*layers, nn.Conv2d(channels, 3 * TAPS * groups, 3, padding=1))

    def forward(self, states: Tensor, guides: Sequence[Tensor], flows: Sequence[Tensor] = ()) -> Tensor:
        """Align states with the present frame.

        Args:
            states: what is aligned, not warped, (N, states, H, W).
            guides: what the offsets are predicted from, (N, ..., H, W) each.
            flows: from the present frame to each of equal parts of the states, (N, 2, H, W), float32, pixels, channel 0
                to the right; none where nothing moves but by the offsets.

        Returns:
            (N, channels, H, W).
        """
        dtype = states.dtype
        guidance = channels_last(torch.cat([guide.to(dtype) for guide in guides], dim=1))
        offset, mask = self.split(self.conv_offset(guidance))
        offset = offset.tanh() * self.max_residue
        if flows:
            # (N, groups * 9 * 2, H, W) to (N, parts, groups * 9 / parts, 2, H, W), where a flow fits, channels swapped
            base = torch.stack([flow.flip(1) for flow in flows], dim=1).unsqueeze(2)
            offset = (offset.unflatten(1, (len(flows), -1, 2)) + base).flatten(1, 3)
        return self.sample(states, offset, mask)


class FlowGuidedDeformAlign(BoundedDeformAlign):
    """Deformable convolution of two states, along two optical flows and bounded offsets that correct them.

    Args:
        channels: of each state and of the output.
        groups: groups of channels with offsets of their own; the first half of them belongs to the first state.
        max_residue: largest correction of the flows, in pixels.

    Source:
        Chan et al., BasicVSR++, CVPR 2022, section 3.2.
    """

    def __init__(self, channels: int, groups: int = 16, max_residue: float = 10.0) -> None:
        super().__init__(2 * channels, 3 * channels + 4, channels, groups, max_residue)

    def forward(self, states: Tensor, guides: Sequence[Tensor], flows: Sequence[Tensor] = ()) -> Tensor:
        """Align two states with the present frame.

        Args:
            states: both states, not warped, (N, 2C, H, W).
            guides: what the corrections are predicted from besides the flows: first state warped, features of the
                present frame, second state warped, each (N, C, H, W).
            flows: two, from the present frame to each state, (N, 2, H, W), float32, pixels, channel 0 to the right.

        Returns:
            (N, C, H, W).
        """
        return super().forward(states, [*guides, *flows], flows)
