"""Ways to enlarge features and frames, and to shrink frames."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.layers.activation import lrelu


class PixelShuffleUpsample(nn.Module):
    """Double the size with a 3x3 convolution, a leaky ReLU and a pixel shuffle.

    Args:
        inputs: channels that come in.
        outputs: channels that go out.

    Source:
        Shi et al., ESPCN, CVPR 2016.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.upsample_conv = nn.Conv2d(inputs, 4 * outputs, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Enlarge (N, inputs, H, W) to (N, outputs, 2H, 2W)."""
        return F.pixel_shuffle(lrelu.after(self.upsample_conv, x), 2)


class FourfoldTail(nn.Module):
    """Base of networks that end in a fourfold enlargement by pixel shuffles; holds its tensors at the top level.

    Args:
        channels: of the features that are enlarged.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.upsample1 = PixelShuffleUpsample(channels, channels)
        self.upsample2 = PixelShuffleUpsample(channels, 64)
        self.conv_hr = nn.Conv2d(64, 64, 3, padding=1)
        self.conv_last = nn.Conv2d(64, 3, 3, padding=1)

    def to_pixels(self, x: Tensor) -> Tensor:
        """Turn features (N, channels, H, W) into what is added to the picture, (N, 3, 4H, 4W)."""
        x = self.upsample2(self.upsample1(x))
        return self.conv_last(lrelu.after(self.conv_hr, x))


class DoublingConv(nn.Module):
    """A 3x3 convolution at twice the size, after a bilinear enlargement with aligned corners.

    Args:
        inputs: channels that come in.
        outputs: channels that go out.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Enlarge (N, inputs, H, W) to (N, outputs, 2H, 2W)."""
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=True))


def enlarge(x: Tensor, factor: int) -> Tensor:
    """Enlarge (N, C, H, W) bilinearly to ``factor`` times its size, pixel centres kept (align_corners false)."""
    return F.interpolate(x, scale_factor=float(factor), mode="bilinear", align_corners=False)


def quarter_size_images(frames: Tensor) -> Tensor:
    """Shrink frames (N, T, 3, H, W) bicubically to a quarter, without antialiasing, in float32."""
    images = frames.flatten(0, 1).float()
    small = F.interpolate(images, scale_factor=0.25, mode="bicubic", align_corners=False)
    return small.unflatten(0, frames.shape[:2])
