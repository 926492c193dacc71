"""Fast neural style: one small network that paints a picture in one style.

Source:
    Johnson, Alahi, Fei-Fei, "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", ECCV 2016;
    Ulyanov, Vedaldi, Lempitsky, "Instance Normalization: The Missing Ingredient for Fast Stylization", 2016.
    Tensor names are those of pytorch/examples.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from vsrestore.networks.traits import Traits

# Statistics that early files hold beside the tensors; the network takes those of the picture.
LEFTOVER = re.compile(r"in\d\.(running_mean|running_var|num_batches_tracked)$")


class TransformerNet(nn.Module):
    """Paint a picture in the style that the weights were trained for.

    Args:
        width: channels at full size; twice and four times as many at half and quarter size.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.conv1, self.in1 = Convolution(3, width, 9), InstanceNorm(width)
        self.conv2, self.in2 = Convolution(width, 2 * width, 3, stride=2), InstanceNorm(2 * width)
        self.conv3, self.in3 = Convolution(2 * width, 4 * width, 3, stride=2), InstanceNorm(4 * width)
        self.res1, self.res2, self.res3, self.res4, self.res5 = (Residual(4 * width) for _ in range(5))
        self.deconv1, self.in4 = Convolution(4 * width, 2 * width, 3), InstanceNorm(2 * width)
        self.deconv2, self.in5 = Convolution(2 * width, width, 3), InstanceNorm(width)
        self.deconv3 = Convolution(width, 3, 9)

    def forward(self, image: Tensor) -> Tensor:
        """Paint pictures (N, 3, H, W) in [0, 1], RGB, at least 8 pixels each way.

        Returns:
            (N, 3, H', W'), not clamped; H' and W' are H and W rounded up to multiples of 4, what is more lies at the
            bottom and the right.
        """
        x = (image * 255).to(self.conv1.conv2d.weight.dtype)
        x = F.relu(self.in1(self.conv1(x)))
        x = F.relu(self.in2(self.conv2(x)))
        x = F.relu(self.in3(self.conv3(x)))
        for block in (self.res1, self.res2, self.res3, self.res4, self.res5):
            x = block(x)
        x = F.relu(self.in4(self.deconv1(_doubled(x))))
        x = F.relu(self.in5(self.deconv2(_doubled(x))))
        return self.deconv3(x).to(image.dtype) / 255


class Convolution(nn.Module):
    """A convolution of a picture (N, C, H, W) that is reflected at its borders."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.border = kernel // 2
        self.conv2d = nn.Conv2d(channels_in, channels_out, kernel, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C', ceil(H / stride), ceil(W / stride))."""
        return self.conv2d(F.pad(x, (self.border,) * 4, mode="reflect"))


class InstanceNorm(nn.InstanceNorm2d):
    """Instance norm with learned scale and shift, whose statistics are taken in float32."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, affine=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return features (N, C, H, W) normalised over H and W."""
        normalised = F.instance_norm(x.float(), weight=self.weight.float(), bias=self.bias.float(), eps=self.eps)
        return normalised.to(x.dtype)


class Residual(nn.Module):
    """Two convolutions whose result is added to what they were given."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1, self.in1 = Convolution(channels, channels, 3), InstanceNorm(channels)
        self.conv2, self.in2 = Convolution(channels, channels, 3), InstanceNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the shape of ``x``, (N, C, H, W)."""
        return x + self.in2(self.conv2(F.relu(self.in1(self.conv1(x)))))


def describe(_settings: Mapping[str, Any]) -> Traits:
    """Return what the network asks of its pictures.

    Below 8 pixels a reflection needs more than there are at quarter size; instance norm looks at the whole frame.
    """
    return Traits(minimum=8, tiles=False, float32_frames=True)


def recognise(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any] | None:
    """Return constructor settings read off published names and shapes; None if it is no such network."""
    first = shapes.get("conv1.conv2d.weight")
    if first is None or "deconv3.conv2d.weight" not in shapes:
        return None
    return {"width": first[0]}


def rename[Value](state_dict: Mapping[str, Value]) -> dict[str, Value]:
    """Return the tensors without the running statistics that early files hold and the network does not use."""
    return {name: value for name, value in state_dict.items() if not LEFTOVER.search(name)}


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="nearest")
