"""DeOldify: a U-Net on a ResNet that paints a gray picture.

Source:
    Antic, DeOldify, 2018 to 2019, no paper. Tensor names are those of the published fastai checkpoints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from vsrestore.networks.layers.imagenet import imagenet_statistics
from vsrestore.networks.layers.normed_conv import SpectralConv, WeightNormConv, complete_spectral, fold_norms
from vsrestore.networks.layers.painter import Painter
from vsrestore.networks.layers.resnet import EXPANSION, resnet_encoder
from vsrestore.networks.layers.shuffle_unet import DecoderBlock, ShuffleUp, conv_relu_norm
from vsrestore.networks.state_dict import Shapes, count_numbered

SKIPS = (6, 5, 4, 2)  # items of the encoder whose outputs the decoder blocks take
ATTENTION = 1  # the decoder block that ends in self-attention
LUMA = (0.299, 0.587, 0.114)  # of RGB as it is, BT.601
U_OF_BLUE, V_OF_RED = 0.492, 0.877  # analogue YUV: U = 0.492 (B - Y), V = 0.877 (R - Y)
REACH = 3.0  # the output lies between -3 and 3 standard deviations
DERIVED = ("num_batches_tracked",)


class Residual(nn.Module):
    """Two 3x3 convolutions with ReLUs, and their input added.

    Args:
        channels: that come in and go out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(nn.Sequential(SpectralConv(channels, channels, 3, bias=True), nn.ReLU(inplace=True)) for _ in range(2))
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape (N, channels, H, W)."""
        return x + self.layers(x)


class DeOldify(nn.Module):
    """Paint gray pictures.

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
        super().__init__()
        groups = [(stem << group) * (EXPANSION if bottleneck else 1) for group in range(4)]
        deepest, channels = groups[-1], [groups[-1], *widths]
        decoder = [
            DecoderBlock(channels[i], ups[i], (*groups[2::-1], stem)[i], widths[i], convs, attention=i == ATTENTION)
            for i in range(len(widths))
        ]
        middle = [(deepest, 2 * deepest), (2 * deepest, deepest)]
        joined = ups[-1] + 3
        self.layers = nn.ModuleList(
            [
                resnet_encoder(blocks, bottleneck, stem),
                nn.BatchNorm2d(deepest),
                nn.ReLU(inplace=True),
                nn.Sequential(*(nn.Sequential(*conv_relu_norm(*pair)) for pair in middle)),
                *decoder,
                ShuffleUp(nn.Sequential(WeightNormConv(widths[-1], 4 * ups[-1]))),
                nn.Identity(),  # where the picture is joined; counted in the tensor names
                Residual(joined),
                nn.Sequential(SpectralConv(joined, 3, bias=True)),
            ]
        )
        mean, std = imagenet_statistics()
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", std, persistent=False)
        self.mean: Tensor
        self.std: Tensor

    def fold(self) -> None:
        """Fold all norms that can be into the convolutions beside them; the network is then for evaluation only."""
        fold_norms(self)

    def forward(self, image: Tensor) -> Tensor:
        """Paint pictures.

        Args:
            image: (N, 3, H, W) in [0, 1], gray (three equal channels), H and W even. The published networks are fed
                squares of 16 times a "render factor".

        Returns:
            RGB (N, 3, H, W); it may leave [0, 1] a little and is not clamped.
        """
        x = (image - self.mean) / self.std
        return (2 * REACH * torch.sigmoid(self.logits(x)) - REACH) * self.std + self.mean

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


class DeOldifyPainter(Painter):
    """DeOldify with the published preparation of a frame: U and V of analogue YUV, in squares of an even size."""

    ANTIALIAS = True

    def gray(self, frames: Tensor) -> Tensor:
        """Return the luma, (N, 1, H, W)."""
        return luma_of(frames)

    def colours(self, painted: Tensor) -> Tensor:
        """Return U and V of the painted picture."""
        painted = painted.clamp(0, 1)
        red, _, blue = painted.split(1, dim=1)
        luma = luma_of(painted)
        return torch.cat((U_OF_BLUE * (blue - luma), V_OF_RED * (red - luma)), dim=1)


def luma_of(rgb: Tensor) -> Tensor:
    """Return the luma (N, 1, H, W) of pictures (N, 3, H, W)."""
    weights = torch.tensor(LUMA, device=rgb.device).view(1, 3, 1, 1)
    return (rgb * weights).sum(1, keepdim=True)


def recognise(shapes: Shapes) -> dict[str, Any] | None:
    """Return constructor settings for a checkpoint of DeOldify, None for other networks."""
    if "layers.0.4.0.conv1.weight" not in shapes or "layers.4.shuf.conv.0.weight_orig" not in shapes:
        return None
    names = ("conv1", "conv2") if "layers.4.conv1.0.weight_orig" in shapes else ("conv",)
    ups = [shapes[f"layers.{layer}.shuf.conv.0.weight_orig"][0] // 4 for layer in range(4, 8)]
    return {
        "blocks": [count_numbered(shapes, f"layers.0.{group}.") for group in range(4, 8)],
        "bottleneck": "layers.0.4.0.conv3.weight" in shapes,
        "stem": shapes["layers.0.0.weight"][0],
        "ups": [*ups, shapes["layers.8.conv.0.weight_v"][0] // 4],
        "widths": [shapes[f"layers.{layer}.{names[-1]}.0.weight_orig"][0] for layer in range(4, 8)],
        "convs": len(names),
    }


def rename[Value](state_dict: Mapping[str, Value]) -> dict[str, Value]:
    """Return the tensors with those that files of very old PyTorch versions lack."""
    return complete_spectral(state_dict)
