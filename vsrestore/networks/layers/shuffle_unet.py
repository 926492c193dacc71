"""fastai's U-Nets on a ResNet: pixel shuffles blurred against checkerboards, skips through batch norms.

Source:
    fastai 1 (Howard and others); Aitken et al., Checkerboard artifact free sub-pixel convolution, 2017; Zhang et al.,
    Self-Attention Generative Adversarial Networks, ICML 2019.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.layers.imagenet import imagenet_statistics
from vsrestore.networks.layers.normed_conv import SpectralConv, WeightNormConv, fold_norms
from vsrestore.networks.layers.resnet import EXPANSION, resnet_encoder
from vsrestore.networks.state_dict import Shapes, count_numbered

Norm = Literal["spectral", "weight"]
"""Of convolutions outside the encoder; under "spectral" a batch norm follows most of them."""

SKIPS = (6, 5, 4, 2)  # items of the encoder whose outputs the decoder blocks take
ATTENTION = 1  # the decoder block that may end in self-attention


class ShuffleUp(nn.Module):
    """Enlarge by a 1x1 convolution, a ReLU and a pixel shuffle, then blur over 2x2 pixels.

    Args:
        conv: the convolution, with its norm where there is one.
        factor: of the size.
        blur: False leaves out the last step.
    """

    def __init__(self, conv: nn.Sequential, factor: int = 2, blur: bool = True) -> None:
        super().__init__()
        self.conv = conv
        self.factor = factor
        self.blur = blur

    def forward(self, x: Tensor) -> Tensor:
        """Enlarge (N, inputs, H, W) to (N, outputs, factor * H, factor * W)."""
        return self.shuffled(self.phases(x))

    def phases(self, x: Tensor) -> Tensor:
        """The first half of it: (N, inputs, H, W) to (N, outputs * factor * factor, H, W)."""
        return F.relu(self.conv(x))

    def shuffled(self, phases: Tensor) -> Tensor:
        """The second half, which is linear: (N, C * factor * factor, H, W) to (N, C, factor * H, factor * W)."""
        x = F.pixel_shuffle(phases, self.factor)
        if not self.blur:
            return x
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
        norm: of the convolutions.
    """

    def __init__(
        self,
        inputs: int,
        up: int,
        skip: int,
        outputs: int,
        convs: int = 1,
        attention: bool = False,
        norm: Norm = "spectral",
    ) -> None:
        super().__init__()
        self.shuf = ShuffleUp(nn.Sequential(normed_conv(norm, inputs, 4 * up), *batch_norm(norm, 4 * up)))
        self.bn = nn.BatchNorm2d(skip)
        self.names = ("conv",) if convs == 1 else ("conv1", "conv2")
        for name in self.names:
            last = name == self.names[-1]
            first = up + skip if name == self.names[0] else outputs
            extra = [SelfAttention(outputs)] if attention and last else []
            setattr(self, name, nn.Sequential(*conv_relu_norm(norm, first, outputs), *extra))

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
        query, key, value = (part(flat).transpose(1, 2)[:, None] for part in (self.key, self.query, self.value))
        attended = F.scaled_dot_product_attention(query, key, value, scale=1.0)[:, 0]
        return x + self.gamma * attended.transpose(1, 2).reshape(x.shape)


class Residual(nn.Module):
    """Two 3x3 convolutions with ReLUs, and their input added.

    Args:
        norm: of the convolutions.
        channels: that come in and go out.
    """

    def __init__(self, norm: Norm, channels: int) -> None:
        super().__init__()
        convs = [normed_conv(norm, channels, channels, 3, bias=True) for _ in range(2)]
        self.layers = nn.Sequential(*(nn.Sequential(conv, nn.ReLU(inplace=True)) for conv in convs))

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape (N, channels, H, W)."""
        return x + self.layers(x)


class ShuffleUNet(nn.Module):
    """A U-Net from pictures to pictures of the same size, in fastai's order of layers.

    Args:
        norm: of the convolutions outside the encoder.
        blocks: of the encoder's four groups.
        bottleneck: whether the encoder has bottlenecks (ResNet-50 and deeper).
        stem: channels of the encoder's first convolution.
        ups: channels after the pixel shuffle of each decoder block, and of the last one.
        widths: channels that each decoder block gives.
        convs: convolutions of a decoder block, 1 or 2.
        attention: whether the second decoder block ends in self-attention.
        blur_last: whether the last pixel shuffle is blurred, as all the others are.
        y_range: between which a sigmoid keeps the output, in standard deviations from the mean; empty for none.
    """

    def __init__(
        self,
        norm: Norm,
        blocks: Sequence[int],
        bottleneck: bool,
        stem: int,
        ups: Sequence[int],
        widths: Sequence[int],
        convs: int,
        attention: bool,
        blur_last: bool,
        y_range: Sequence[float],
    ) -> None:
        super().__init__()
        groups = [(stem << group) * (EXPANSION if bottleneck else 1) for group in range(4)]
        deepest, channels, skips = groups[-1], [groups[-1], *widths], (*groups[2::-1], stem)
        decoder = [
            DecoderBlock(channels[i], ups[i], skips[i], widths[i], convs, attention and i == ATTENTION, norm)
            for i in range(len(widths))
        ]
        middle = [(deepest, 2 * deepest), (2 * deepest, deepest)]
        joined = ups[-1] + 3
        self.layers = nn.ModuleList(
            [
                resnet_encoder(blocks, bottleneck, stem),
                nn.BatchNorm2d(deepest),
                nn.ReLU(inplace=True),
                nn.Sequential(*(nn.Sequential(*conv_relu_norm(norm, *pair)) for pair in middle)),
                *decoder,
                ShuffleUp(nn.Sequential(WeightNormConv(widths[-1], 4 * ups[-1])), blur=blur_last),
                nn.Identity(),  # where the picture is joined; counted in the tensor names
                Residual(norm, joined),
                nn.Sequential(normed_conv(norm, joined, 3, bias=True)),
            ]
        )
        self.y_range = tuple(y_range)
        mean, std = imagenet_statistics()
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", std, persistent=False)
        self.mean: Tensor
        self.std: Tensor

    def fold(self) -> None:
        """Fold all norms that can be into the convolutions beside them; the network is then for evaluation only."""
        fold_norms(self)

    def forward(self, image: Tensor) -> Tensor:
        """Turn pictures into pictures.

        Args:
            image: RGB (N, 3, H, W) in [0, 1], H and W even.

        Returns:
            RGB (N, 3, H, W); it may leave [0, 1] and is not clamped.
        """
        y = self.logits((image - self.mean) / self.std)
        if self.y_range:
            low, high = self.y_range
            y = (high - low) * torch.sigmoid(y) + low
        return y * self.std + self.mean

    def logits(self, x: Tensor) -> Tensor:
        """Return what the last convolution gives, (N, 3, H, W), for normalised pictures of that shape."""
        encoder, norm, relu, middle, *decoder, last, _, residual, final = self.layers
        features, skips = x, dict[int, Tensor]()
        for index, layer in enumerate(cast("nn.Sequential", encoder)):
            features = layer(features)
            if index in SKIPS:
                skips[index] = features
        features = middle(relu(norm(features)))
        for block, index in zip(decoder, SKIPS, strict=True):
            features = block(features, skips.pop(index))
        return final(residual(torch.cat((last(features), x), dim=1)))


def sizes_of(shapes: Shapes, weight: str, last: str) -> dict[str, Any]:
    """Return the sizes of a :class:`ShuffleUNet` that tensor names and shapes tell.

    Args:
        shapes: of all tensors.
        weight: what the weights of the decoder's convolutions are called, e.g. "weight_orig".
        last: what the last convolution of a decoder block is called.
    """
    blocks = range(4, 8)
    ups = [shapes[f"layers.{block}.shuf.conv.0.{weight}"][0] // 4 for block in blocks]
    return {
        "blocks": [count_numbered(shapes, f"layers.0.{group}.") for group in range(4, 8)],
        "bottleneck": "layers.0.4.0.conv3.weight" in shapes,
        "stem": shapes["layers.0.0.weight"][0],
        "ups": [*ups, shapes["layers.8.conv.0.weight_v"][0] // 4],
        "widths": [shapes[f"layers.{block}.{last}.0.{weight}"][0] for block in blocks],
    }


def normed_conv(norm: Norm, inputs: int, outputs: int, size: int = 1, bias: bool = False) -> nn.Module:
    """Return a convolution under the norm; under "weight" it has a bias whatever is asked."""
    if norm == "spectral":
        return SpectralConv(inputs, outputs, size, bias=bias)
    return WeightNormConv(inputs, outputs, size)


def batch_norm(norm: Norm, channels: int) -> list[nn.Module]:
    """Return the batch norm that follows a convolution under the norm, if one does."""
    return [nn.BatchNorm2d(channels)] if norm == "spectral" else []


def conv_relu_norm(norm: Norm, inputs: int, outputs: int) -> list[nn.Module]:
    """Return a 3x3 convolution under the norm, ReLU, and batch norm where one follows, in this order."""
    return [normed_conv(norm, inputs, outputs, 3), nn.ReLU(inplace=True), *batch_norm(norm, outputs)]
