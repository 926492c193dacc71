"""DeOldify: a U-Net on a ResNet that paints a gray picture.

Source:
    Antic, DeOldify, 2018 to 2019, no paper. Tensor names are those of the published fastai checkpoints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from vsrestore.networks.layers.luma import luma
from vsrestore.networks.layers.normed_conv import complete_spectral
from vsrestore.networks.layers.painter import Painter
from vsrestore.networks.layers.shuffle_unet import ShuffleUNet, sizes_of
from vsrestore.networks.state_dict import Shapes
from vsrestore.networks.traits import Traits

U_OF_BLUE, V_OF_RED = 0.492, 0.877  # analogue YUV: U = 0.492 (B - Y), V = 0.877 (R - Y)
Y_RANGE = (-3.0, 3.0)  # of the output, in standard deviations
DERIVED = ("num_batches_tracked",)


class DeOldify(ShuffleUNet):
    """Paint gray pictures: RGB of three equal channels, for the published networks squares of 16 times a render factor.

    Args:
        blocks: of the encoder's four groups.
        bottleneck: whether the encoder has bottlenecks (ResNet-101; "stable" and "video").
        stem: channels of the encoder's first convolution.
        ups: channels after the pixel shuffle of each decoder block, and of the last one.
        widths: channels that each decoder block gives.
        convs: convolutions of a decoder block: 2 ("artistic") or 1.
    """

    def __init__(
        self,
        blocks: Sequence[int] = (3, 4, 6, 3),
        bottleneck: bool = False,
        stem: int = 64,
        ups: Sequence[int] = (256, 384, 384, 336, 300),
        widths: Sequence[int] = (768, 768, 672, 300),
        convs: int = 2,
    ) -> None:
        super().__init__(
            "spectral", blocks, bottleneck, stem, ups, widths, convs, attention=True, blur_last=True, y_range=Y_RANGE
        )


class DeOldifyPainter(Painter):
    """DeOldify with the published preparation of a frame: U and V of analogue YUV, in squares of an even size."""

    ANTIALIAS = True

    def gray(self, frames: Tensor) -> Tensor:
        """Return the luma, (N, 1, H, W)."""
        return luma(frames)

    def colours(self, painted: Tensor) -> Tensor:
        """Return U and V of the painted picture."""
        painted = painted.clamp(0, 1)
        red, _, blue = painted.split(1, dim=1)
        gray = luma(painted)
        return torch.cat((U_OF_BLUE * (blue - gray), V_OF_RED * (red - gray)), dim=1)


def describe(_settings: Mapping[str, Any]) -> Traits:
    """Return what the network asks of its pictures."""
    return Traits(tiles=False, channels_last=False, float32_frames=True)


def recognise(shapes: Shapes) -> dict[str, Any] | None:
    """Return constructor settings for a checkpoint of DeOldify, None for other networks."""
    if "layers.0.4.0.conv1.weight" not in shapes or "layers.4.shuf.conv.0.weight_orig" not in shapes:
        return None
    convs = 2 if "layers.4.conv1.0.weight_orig" in shapes else 1
    return {**sizes_of(shapes, "weight_orig", "conv2" if convs == 2 else "conv"), "convs": convs}


def rename[Value](state_dict: Mapping[str, Value]) -> dict[str, Value]:
    """Return the tensors with those that files of very old PyTorch versions lack."""
    return complete_spectral(state_dict)
