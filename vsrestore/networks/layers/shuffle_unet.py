"""The decoder of fastai's U-Nets: pixel shuffles blurred against checkerboards, skips through batch norms.

Source:
    fastai 1 (Howard and others); Aitken et al., Checkerboard artifact free sub-pixel convolution, 2017; Zhang et al.,
    Self-Attention Generative Adversarial Networks, ICML 2019.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.layers.normed_conv import SpectralConv


class ShuffleUp(nn.Module):
    """Enlarge by a 1x1 convolution, a ReLU and a pixel shuffle, then blur over 2x2 pixels.

    Args:
        conv: the convolution, with its norm where there is one.
        factor: of the size.
    """

    def __init__(self, conv: nn.Sequential, factor: int = 2) -> None:
        super().__init__()
        self.conv = conv
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        """Enlarge (N, inputs, H, W) to (N, outputs, factor * H, factor * W)."""
        x = F.pixel_shuffle(F.relu(self.conv(x)), self.factor)
        return F.avg_pool2d(F.pad(x, (1, 0, 1, 0), mode="replicate"), 2, stride=1)


class DecoderBlock(nn.Module):
    """Double the size of features, join them with those of the encoder, convolve.

    Its tensors are called ``conv`` with one convolution, ``conv1`` and ``conv2`` with two.

    Args:
        inputs: channels that come in.
        up: channels after the pixel shuffle.
        skip: channels from the encoder.
        outputs: channels that go out.
        convs: 1 or 2 convolutions.
        attention: whether self-attention follows them.
    """

    def __init__(self, inputs: int, up: int, skip: int, outputs: int, convs: int = 1, attention: bool = False) -> None:
        super().__init__()
        self.shuf = ShuffleUp(nn.Sequential(SpectralConv(inputs, 4 * up), nn.BatchNorm2d(4 * up)))
        self.bn = nn.BatchNorm2d(skip)
        self.names = ("conv",) if convs == 1 else ("conv1", "conv2")
        for name in self.names:
            last = name == self.names[-1]
            first = up + skip if name == self.names[0] else outputs
            extra = [SelfAttention(outputs)] if attention and last else []
            setattr(self, name, nn.Sequential(*conv_relu_norm(first, outputs), *extra))

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Turn (N, inputs, h, w) and a skip (N, skip, H, W) into (N, outputs, H, W); H is 2h or 2h - 1, W likewise."""
        up = self.shuf(x)[..., : skip.shape[-2], : skip.shape[-1]]
        x = F.relu(torch.cat((up, self.bn(skip)), dim=1))
        for name in self.names:
            x = getattr(self, name)(x)
        return x


class SelfAttention(nn.Module):
    """Every place looks at every other; what it finds there is added, ``gamma`` times.

    Args:
        channels: of the features.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query = SpectralConv(channels, channels // 8, dimensions=1)
        self.key = SpectralConv(channels, channels // 8, dimensions=1)
        self.value = SpectralConv(channels, channels, dimensions=1)
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape (N, channels, H, W)."""
        flat = x.flatten(2)
        # The published softmax runs over what is called the query there, so the two change their parts.
        looking, seen, value = (part(flat).transpose(1, 2)[:, None] for part in (self.key, self.query, self.value))
        found = F.scaled_dot_product_attention(looking, seen, value, scale=1.0)[:, 0]
        return x + self.gamma * found.transpose(1, 2).reshape(x.shape)


def conv_relu_norm(inputs: int, outputs: int) -> list[nn.Module]:
    """Return a 3x3 convolution under spectral norm, ReLU, and batch norm, in this order."""
    return [SpectralConv(inputs, outputs, 3), nn.ReLU(inplace=True), nn.BatchNorm2d(outputs)]
