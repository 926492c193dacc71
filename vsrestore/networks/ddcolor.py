"""DDColor: a gray picture in, its colours out, found by queries that look at the picture at three scales.

Source:
    Kang et al., "DDColor: Towards Photo-Realistic Image Colorization via Dual Decoders", ICCV 2023,
    arXiv 2212.11613; encoder: Liu et al., "A ConvNet for the 2020s" (ConvNeXt), CVPR 2022. Tensor names as published.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.layers.imagenet import imagenet_statistics
from vsrestore.networks.layers.lightness import gray_of_same_lightness
from vsrestore.networks.layers.normed_conv import SpectralConv, complete_spectral, fold_norms
from vsrestore.networks.layers.painter import Painter
from vsrestore.networks.layers.position_code import sine_code
from vsrestore.networks.layers.shuffle_unet import DecoderBlock, ShuffleUp
from vsrestore.networks.state_dict import Shapes, count_numbered
from vsrestore.networks.traits import Traits

STAGES = 4
SCALES = 3
HEADS = 8
LAST_FACTOR = 4  # by which the last pixel shuffle enlarges
COLOURS = 2
DERIVED = ("num_batches_tracked",)
UNUSED = ("mean", "std", "encoder.arch.norm.weight", "encoder.arch.norm.bias")


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of pictures."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C, H, W) normed over C."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvNeXtBlock(nn.Module):
    """Depthwise 7x7 convolution, layer norm, two linear layers, and the input added.

    Args:
        channels: that come in and go out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.pwconv1 = nn.Linear(channels, 4 * channels)
        self.pwconv2 = nn.Linear(4 * channels, channels)
        self.gamma = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape (N, channels, H, W)."""
        y = self.norm(self.dwconv(x).permute(0, 2, 3, 1))
        y = self.gamma * self.pwconv2(F.gelu(self.pwconv1(y)))
        return x + y.permute(0, 3, 1, 2)


class ConvNeXt(nn.Module):
    """Features of a picture at a quarter, an eighth, a sixteenth and a 32nd of its size.

    Args:
        depths: blocks of each stage.
        widths: channels of each stage.
    """

    def __init__(self, depths: Sequence[int], widths: Sequence[int]) -> None:
        super().__init__()
        stem = nn.Sequential(nn.Conv2d(3, widths[0], 4, stride=4), ChannelNorm(widths[0]))
        smaller = [
            nn.Sequential(ChannelNorm(widths[i]), nn.Conv2d(widths[i], widths[i + 1], 2, stride=2))
            for i in range(STAGES - 1)
        ]
        self.downsample_layers = nn.ModuleList([stem, *smaller])
        self.stages = nn.ModuleList(
            nn.Sequential(*(ConvNeXtBlock(width) for _ in range(depth)))
            for depth, width in zip(depths, widths, strict=True)
        )
        for stage, width in enumerate(widths):
            self.add_module(f"norm{stage}", ChannelNorm(width))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Turn pictures (N, 3, H, W) into four normed features (N, widths[i], h, w), fine to coarse."""
        features = []
        for stage, blocks in enumerate(self.stages):
            x = blocks(self.downsample_layers[stage](x))
            features.append(self.get_submodule(f"norm{stage}")(x))
        return features


class CrossAttention(nn.Module):
    """The queries look at the picture.

    Args:
        hidden: channels of queries and features.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.multihead_attn = nn.MultiheadAttention(hidden, HEADS, batch_first=True)
        self.norm = nn.LayerNorm(hidden)

    def forward(self, content: Tensor, position: Tensor, source: Tensor, code: Tensor) -> Tensor:
        """Renew queries (N, Q, C) with their positions from a source (N, L, C) with its position code."""
        attended = self.multihead_attn(content + position, source + code, source, need_weights=False)[0]
        return self.norm(content + attended)


class QueryAttention(nn.Module):
    """The queries look at each other.

    Args:
        hidden: channels of the queries.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.self_attn = nn.MultiheadAttention(hidden, HEADS, batch_first=True)
        self.norm = nn.LayerNorm(hidden)

    def forward(self, content: Tensor, position: Tensor) -> Tensor:
        """Renew queries (N, Q, C) with their positions."""
        placed = content + position
        return self.norm(content + self.self_attn(placed, placed, content, need_weights=False)[0])


class FeedForward(nn.Module):
    """Two linear layers on every query.

    Args:
        hidden: channels of the queries.
        width: channels between the layers.
    """

    def __init__(self, hidden: int, width: int) -> None:
        super().__init__()
        self.linear1 = nn.Linear(hidden, width)
        self.linear2 = nn.Linear(width, hidden)
        self.norm = nn.LayerNorm(hidden)

    def forward(self, content: Tensor) -> Tensor:
        """Renew queries (N, Q, C)."""
        return self.norm(content + self.linear2(F.relu(self.linear1(content))))


class Embedding(nn.Module):
    """Three linear layers that turn a query into a colour's feature.

    Args:
        hidden: channels of the queries.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(hidden, hidden) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        """Turn (N, Q, C) into the same shape."""
        first, second, last = self.layers
        return last(F.relu(second(F.relu(first(x)))))


class ColourDecoder(nn.Module):
    """Queries, each of which finds one colour's feature for a picture.

    Args:
        features: channels of the three sources.
        hidden: channels of the queries.
        queries: how many.
        layers: of the transformer.
        feedforward: channels inside its feed-forward part.
    """

    def __init__(self, features: Sequence[int], hidden: int, queries: int, layers: int, feedforward: int) -> None:
        super().__init__()
        self.query_feat = nn.Embedding(queries, hidden)
        self.query_embed = nn.Embedding(queries, hidden)
        self.level_embed = nn.Embedding(SCALES, hidden)
        self.input_proj = nn.ModuleList(nn.Conv2d(channels, hidden, 1) for channels in features)
        self.transformer_cross_attention_layers = nn.ModuleList(CrossAttention(hidden) for _ in range(layers))
        self.transformer_self_attention_layers = nn.ModuleList(QueryAttention(hidden) for _ in range(layers))
        self.transformer_ffn_layers = nn.ModuleList(FeedForward(hidden, feedforward) for _ in range(layers))
        self.decoder_norm = nn.LayerNorm(hidden)
        self.color_embed = Embedding(hidden)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Turn three features (N, C_i, h, w) of the picture into the colours' features (N, queries, hidden)."""
        sources, codes = [], []
        for level, x in enumerate(features):
            projected = self.input_proj[level](x).flatten(2).transpose(1, 2)
            sources.append(projected + self.level_embed.weight[level])
            codes.append(position_code(x, projected.shape[-1]))
        content = self.query_feat.weight.expand(len(features[0]), -1, -1)
        position = self.query_embed.weight
        layers = zip(
            self.transformer_cross_attention_layers,
            self.transformer_self_attention_layers,
            self.transformer_ffn_layers,
            strict=True,
        )
        for index, (cross, own, feed) in enumerate(layers):
            scale = index % SCALES
            content = feed(own(cross(content, position, sources[scale], codes[scale]), position))
        return self.color_embed(self.decoder_norm(content))


class Decoder(nn.Module):
    """The two decoders: of the picture's features to its full size, and of its colours.

    Args:
        widths: channels of the encoder's stages.
        features: channels that the three blocks of the pixel decoder give.
        hidden: channels of the full-size features and of the queries.
        colours: further arguments of :class:`ColourDecoder`.
    """

    def __init__(self, widths: Sequence[int], features: Sequence[int], hidden: int, **colours: int) -> None:
        super().__init__()
        inputs = (widths[-1], *features)
        skips = widths[-2::-1]
        self.layers = nn.ModuleList(DecoderBlock(inputs[i], features[i], skips[i], features[i]) for i in range(SCALES))
        last = SpectralConv(features[-1], hidden * LAST_FACTOR**2, bias=True)
        self.last_shuf = ShuffleUp(nn.Sequential(last), LAST_FACTOR)
        self.color_decoder = ColourDecoder(features, hidden, **colours)

    def forward(self, stages: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Turn the encoder's features into those of pixels and of colours (N, queries, hidden).

        Those of pixels are not shuffled yet: (N, hidden * 16, H / 4, W / 4).
        """
        *skips, x = stages
        sources = []
        for block, skip in zip(self.layers, reversed(skips), strict=True):
            x = block(x, skip)
            sources.append(x)
        return self.last_shuf.phases(x), self.color_decoder(sources)


class DDColor(nn.Module):
    """Find the colours of gray pictures.

    Args:
        depths: blocks of the encoder's stages; (3, 3, 9, 3) in the tiny network.
        widths: channels of the encoder's stages; (96, 192, 384, 768) in the tiny network.
        features: channels that the three blocks of the pixel decoder give.
        hidden: channels of the full-size features and of the queries, a multiple of 8.
        queries: colours that are looked for.
        layers: of the transformer.
        feedforward: channels inside its feed-forward part.
    """

    def __init__(
        self,
        depths: Sequence[int] = (3, 3, 27, 3),
        widths: Sequence[int] = (192, 384, 768, 1536),
        features: Sequence[int] = (512, 512, 256),
        hidden: int = 256,
        queries: int = 100,
        layers: int = 9,
        feedforward: int = 2048,
    ) -> None:
        super().__init__()
        self.encoder = nn.ModuleDict({"arch": ConvNeXt(depths, widths)})
        self.decoder = Decoder(widths, features, hidden, queries=queries, layers=layers, feedforward=feedforward)
        self.refine_net = nn.Sequential(nn.Sequential(SpectralConv(queries + 3, COLOURS, bias=True)))
        mean, std = imagenet_statistics()
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", std, persistent=False)
        self.mean: Tensor
        self.std: Tensor

    def fold(self) -> None:
        """Fold all norms that can be into the convolutions beside them; the network is then for evaluation only."""
        fold_norms(self)

    def forward(self, image: Tensor) -> Tensor:
        """Find the colours of pictures.

        Args:
            image: (N, 3, H, W) in [0, 1], gray (three equal channels), H and W multiples of 32. The published
                networks are fed squares of 512.

        Returns:
            a and b of CIELAB, (N, 2, H, W), about -128 to 128.
        """
        x = (image - self.mean) / self.std
        pixels, colours = self.decoder(self.encoder["arch"](x))
        refine = cast("SpectralConv", cast("nn.Sequential", self.refine_net[0])[0])  # or what it was folded to
        of_colours, of_picture = refine.weight.split((colours.shape[1], 3), dim=1)
        # As published, pixels are shuffled to full size, every colour's map of the picture is made and refined. All of
        # that is linear: the colours come together first and the maps (100 of full size) are never made, and what is
        # left of 256 channels, which is two, is shuffled.
        mixed = of_colours.flatten(1) @ colours
        return self.decoder.last_shuf.shuffled(blended(pixels, mixed)) + F.conv2d(x, of_picture, refine.bias)


def blended(phases: Tensor, weights: Tensor) -> Tensor:
    """Blend channels whose phases (N, C * P, H, W) are to be shuffled by weights (N, O, C): (N, O * P, H, W)."""
    count = phases.shape[1] // weights.shape[2]
    same = torch.eye(count, dtype=weights.dtype, device=weights.device)
    matrix = torch.einsum("noc,pq->ncpoq", weights, same).flatten(3).flatten(1, 2)  # (N, C * P, O * P)
    channels_last = phases.permute(0, 2, 3, 1)
    return (channels_last.flatten(1, 2) @ matrix).unflatten(1, channels_last.shape[1:3]).permute(0, 3, 1, 2)


class DDColorPainter(Painter):
    """DDColor with the published preparation of a frame: a and b of CIELAB, in squares of a multiple of 32."""

    ANTIALIAS = False

    def gray(self, frames: Tensor) -> Tensor:
        """Return the gray of the same lightness L, (N, 1, H, W)."""
        return gray_of_same_lightness(frames)

    def colours(self, painted: Tensor) -> Tensor:
        """Return a and b, which the network gives itself."""
        return painted


def position_code(x: Tensor, channels: int) -> Tensor:
    """Return the sine position code (1, H * W, channels) of a picture (N, C, H, W), rows in the first half."""
    height, width = x.shape[-2:]
    rows, columns = (sine_code(length, channels // 2, x.device) for length in (height, width))
    code = torch.cat((rows[:, None].expand(-1, width, -1), columns.expand(height, -1, -1)), dim=-1)
    return code.flatten(0, 1)[None].to(x.dtype)


def describe(_settings: Mapping[str, Any]) -> Traits:
    """Return what the network asks of its pictures."""
    return Traits(tiles=False, channels_last=False, float32_frames=True)


def recognise(shapes: Shapes) -> dict[str, Any] | None:
    """Return constructor settings for a checkpoint of DDColor, None for other networks."""
    if "decoder.color_decoder.query_feat.weight" not in shapes:
        return None
    queries, hidden = shapes["decoder.color_decoder.query_feat.weight"]
    stages, arch = range(STAGES), "encoder.arch"
    return {
        "depths": [count_numbered(shapes, f"{arch}.stages.{stage}.") for stage in stages],
        "widths": [shapes[f"{arch}.norm{stage}.weight"][0] for stage in stages],
        "features": [shapes[f"decoder.layers.{scale}.conv.0.weight_orig"][0] for scale in range(SCALES)],
        "hidden": hidden,
        "queries": queries,
        "layers": count_numbered(shapes, "decoder.color_decoder.transformer_ffn_layers."),
        "feedforward": shapes["decoder.color_decoder.transformer_ffn_layers.0.linear1.weight"][0],
    }


def rename[Value](state_dict: Mapping[str, Value]) -> dict[str, Value]:
    """Return the tensors without those that no network uses (a classifier, a last norm, constants)."""
    used = {
        name: value
        for name, value in state_dict.items()
        if name not in UNUSED and not name.startswith("encoder.arch.head_cls.")
    }
    return complete_spectral(used)
