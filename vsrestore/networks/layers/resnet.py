"""The encoder part of a ResNet, with torchvision's tensor names."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

EXPANSION = 4  # of a bottleneck's outputs over its width


class Basic(nn.Module):
    """Residual block of two 3x3 convolutions.

    Args:
        inputs: channels that come in.
        width: channels that go out.
        stride: 1, or 2 to halve the size.
    """

    FOLLOWED_BY_NORM = (("conv1", "bn1"), ("conv2", "bn2"))

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _shortcut(inputs, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Turn (N, inputs, H, W) into (N, width, H / stride, W / stride), rounded up."""
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.downsample(x))


class Bottleneck(nn.Module):
    """Residual block of 1x1, 3x3 and 1x1 convolutions.

    Args:
        inputs: channels that come in.
        width: of the 3x3 convolution; four times as many channels go out.
        stride: 1, or 2 to halve the size.
    """

    FOLLOWED_BY_NORM = (("conv1", "bn1"), ("conv2", "bn2"), ("conv3", "bn3"))

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, EXPANSION * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(EXPANSION * width)
        self.downsample = _shortcut(inputs, EXPANSION * width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Turn (N, inputs, H, W) into (N, 4 * width, H / stride, W / stride), rounded up."""
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        return F.relu(self.bn3(self.conv3(y)) + self.downsample(x))


def resnet_encoder(blocks: Sequence[int], bottleneck: bool, stem: int = 64) -> nn.Sequential:
    """Return a ResNet without its classifier: 0 to 3 the stem (its ReLU is 2), 4 to 7 the four groups of blocks.

    Args:
        blocks: in each group.
        bottleneck: whether the blocks are bottlenecks (ResNet-50 and deeper).
        stem: channels of the first convolution; each group is twice as wide as the one before.

    Source:
        He, Zhang, Ren, Sun, Deep Residual Learning, CVPR 2016.
    """
    kind, expansion = (Bottleneck, EXPANSION) if bottleneck else (Basic, 1)
    first = nn.Conv2d(3, stem, 7, stride=2, padding=3, bias=False)
    layers: list[nn.Module] = [first, nn.BatchNorm2d(stem), nn.ReLU(), nn.MaxPool2d(3, stride=2, padding=1)]
    channels = stem
    for group, count in enumerate(blocks):
        width = stem << group
        stack = []
        for index in range(count):
            stack.append(kind(channels, width, 2 if group and not index else 1))
            channels = width * expansion
        layers.append(nn.Sequential(*stack))
    return nn.Sequential(*layers)


def _shortcut(inputs: int, outputs: int, stride: int) -> nn.Module:
    if inputs == outputs and stride == 1:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
