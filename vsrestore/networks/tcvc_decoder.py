"""The decoder of TCVC's second stage: colours fetched from the reference by likeness, and painted over the frames.

Source:
    As of ``tcvc_encoder``. Tensor names as published.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.layers.activation import relu
from vsrestore.networks.layers.instance_norm import instance_norm
from vsrestore.networks.layers.layout import channels_last
from vsrestore.networks.layers.normed_conv import PointwiseConv
from vsrestore.networks.layers.token_attention import TokenLayer, maps_of, tokens_of
from vsrestore.networks.state_dict import Shapes
from vsrestore.networks.tcvc_colour_net import ColourTrunk
from vsrestore.networks.tcvc_encoder import HEADS, Features, position_code
from vsrestore.networks.traits import Traits

LOOKS = 2  # at the reference, each by half of the channels
FETCHED = 3 * LOOKS  # channels: a and b of each look, then how alike
FRESH, KEPT = 0.2, 0.8  # of the second half of the channels
EPSILON = 2e-16  # of lengths
BLOCKS = (5, 6, 7)  # of the colour net that have a transformer layer
UNUSED = "warper.warp_layer.refine_net."


class FuseBlock(nn.Module):
    """Two convolutions, added to what came in.

    Args:
        channels: that come in and go out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.ModuleDict({step: nn.Conv2d(channels, channels, 3, padding=1) for step in ("0", "2")})

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape (N, channels, H, W)."""
        return x + instance_norm(relu.after(self.conv["2"], relu.after(self.conv["0"], x)))


class Likeness(nn.Module):
    """Find for every pixel of the frames the one of the reference that it is most like, twice, and fetch its colour.

    Args:
        channels: of a look.
        width: of the code of positions.
    """

    temperature = 0.0
    """Of the softmax over the reference; 0 fetches the one colour that fits best, as published (1e-10 is as good)."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.theta = nn.Linear(channels, channels)
        self.phi = nn.Linear(channels, channels)
        self.pos_embed = nn.Linear(width, channels)

    def forward(self, features: Tensor, reference: Tensor) -> Tensor:
        """Fetch colours.

        Args:
            features: (n, 2 * channels, h, w), those of the reference first.
            reference: its a and b over 128, (2, h, w), float32.

        Returns:
            (n, 6, h, w), float32: a and b of both looks, and how alike the pixels are, at most 1.
        """
        colours = reference.flatten(1).T
        queries, keys = self._queries_and_keys(features)
        looks = [self._fetched(query, key, colours) for query, key in zip(queries, keys, strict=True)]
        found = torch.cat([colour for colour, _ in looks] + [likeness for _, likeness in looks], dim=1)
        own = torch.cat([colours] * LOOKS + [torch.ones_like(colours)], dim=1)
        return maps_of(torch.cat((own, found)), features)

    def _queries_and_keys(self, features: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Return the vectors of the frames' and of the reference's pixels for each look, float32.

        The second look sees places, too. Near ties flip in half precision, so from here on it is float32 in all.
        """
        plain, placed = tokens_of(features).float().chunk(LOOKS, dim=1)
        position = _float32(self.pos_embed, position_code(features.float(), self.pos_embed.in_features))
        first = len(plain) // len(features)
        queries = [_directions(_float32(self.theta, x[first:])) for x in (plain, placed + position)]
        keys = [_directions(_float32(self.phi, x[:first])) for x in (plain, placed - position)]
        return queries, keys

    def _fetched(self, queries: Tensor, keys: Tensor, colours: Tensor) -> tuple[Tensor, Tensor]:
        """Return the colours (Q, 2) that queries (Q, C) fetch from keys (K, C), and how alike they are, (Q, 1)."""
        found, alike = [], []
        for part in queries.split(len(keys)):  # a frame at a time: the products of all fill a gigabyte
            cosines = part @ keys.T
            best, places = cosines.max(dim=1)
            alike.append(best)
            found.append((cosines / self.temperature).softmax(1) @ colours if self.temperature else colours[places])
        return torch.cat(found), torch.cat(alike)[:, None]


class Warper(nn.Module):
    """Features of the encoder at a quarter of the size, and the colours that they fetch.

    Args:
        stem: channels of the backbone's first convolution.
        width: channels of the tokens.
        channels: of the encoder's maps, a multiple of 4.
    """

    def __init__(self, stem: int, width: int, channels: int) -> None:
        super().__init__()
        self.Conv_up = nn.ModuleDict({"1": nn.Conv2d(channels, channels // 2, 3, padding=1), "2": nn.PReLU()})
        self.project_feature1 = PointwiseConv(8 * stem, channels // 4, 1)
        self.project_feature2 = PointwiseConv(4 * stem, channels // 4, 1)
        self.fuse_conv1_1, self.fuse_conv1_2, self.fuse_conv1_3 = (FuseBlock(channels) for _ in range(3))
        self.warp_layer = Likeness(channels // 2, width)

    def forward(self, features: Features, maps: Tensor, reference: Tensor) -> Tensor:
        """Fetch colours.

        Args:
            features: of n pictures, the reference first.
            maps: of the encoder, (n, channels, h / 8, w / 8).
            reference: a and b of the reference over 128, (2, h, w), float32.

        Returns:
            (n, 6, h / 4, w / 4), float32, as of :class:`Likeness`.
        """
        doubled = channels_last(F.interpolate(maps, scale_factor=2, mode="bilinear", align_corners=False))
        coarse = instance_norm(self.Conv_up["2"](self.Conv_up["1"](doubled)))
        middle = instance_norm(self.project_feature1(features.middle))
        fine = instance_norm(self.project_feature2(features.fine))[..., ::2, ::2]
        joined = x = channels_last(torch.cat((fine, middle, coarse), dim=1))
        for block in (self.fuse_conv1_1, self.fuse_conv1_2, self.fuse_conv1_3):
            x = block(x)
        half = x.shape[1] // 2
        mixed = torch.cat((x[:, :half], FRESH * x[:, half:] + KEPT * joined[:, half:]), dim=1)
        return self.warp_layer(mixed, reference[:, ::4, ::4])


class GuidedColourNet(ColourTrunk):
    """The colour net with a transformer layer beside each of its three middle blocks.

    Args:
        net_width: channels of the first convolution.
        width: channels of the tokens.
        hidden: channels between the linear layers.
    """

    def __init__(self, net_width: int, width: int, hidden: int) -> None:
        super().__init__(1 + FETCHED, net_width)
        channels = 16 * net_width
        for index in range(len(BLOCKS)):
            self.add_module(f"vc_layer{index}", TokenLayer(width, HEADS, hidden))
            self.add_module(f"fuse_cnn2trans{index + 1}", nn.Linear(channels + width, width))
            self.add_module(f"fuse_trans2cnn{index + 1}", PointwiseConv(channels + width, channels, 1))

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        """Find the colours of frames.

        Args:
            x: (n, 7, h, w), lightness over 50 and what was fetched, of the reference first.
            tokens: of the encoder, (n * h / 8 * w / 8, width).

        Returns:
            a and b of the n - 1 frames, (n - 1, 2, h, w).
        """
        dtype = self.conv10_ab.weight.dtype
        tokens = tokens.to(dtype)
        *skipped, x = self.contracted(channels_last(x.to(dtype)))
        for index, number in enumerate(BLOCKS):
            layer, to_tokens, to_maps = (
                self.get_submodule(name)
                for name in (f"vc_layer{index}", f"fuse_cnn2trans{index + 1}", f"fuse_trans2cnn{index + 1}")
            )
            mixed = to_tokens(torch.cat((tokens_of(x), tokens), dim=1))
            if number == BLOCKS[-1]:  # from here on nothing looks at the reference
                first = len(mixed) // len(x)
                tokens, x = layer(mixed, first=first), x[1:]
            else:
                tokens = layer(mixed)
            joined = torch.cat((self.passed(number, x), maps_of(tokens, x)), dim=1)
            x = instance_norm(to_maps(joined) + x)
        return self.expanded(x, [part[1:] for part in skipped])


class TCVCDecoder(nn.Module):
    """What the published file of the decoder holds: two networks, which ``tcvc.TCVC`` calls one after the other.

    Args:
        stem: channels of the backbone's first convolution.
        width: channels of the tokens.
        channels: of the encoder's maps, a multiple of 16.
        hidden: channels between the linear layers.
    """

    def __init__(self, stem: int = 64, width: int = 384, channels: int = 512, hidden: int = 2048) -> None:
        super().__init__()
        self.warper = Warper(stem, width, channels)
        self.decoder = GuidedColourNet(channels // 16, width, hidden)


def _float32(linear: nn.Linear, x: Tensor) -> Tensor:
    return F.linear(x, linear.weight.float(), linear.bias.float())


def _directions(vectors: Tensor) -> Tensor:
    """Return vectors (N, C) without their mean, each of length 1."""
    centred = vectors - vectors.mean(0)
    return centred / (centred.norm(dim=1, keepdim=True) + EPSILON)


def describe(_settings: Mapping[str, Any]) -> Traits:
    """Return what the network asks of its pictures."""
    return Traits(multiple=8, tiles=False, float32_frames=True)


def recognise(shapes: Shapes) -> dict[str, Any] | None:
    """Return constructor settings for a checkpoint of the decoder, None for other networks."""
    if "warper.Conv_up.1.weight" not in shapes or "decoder.conv_start.0.weight" not in shapes:
        return None
    return {
        "stem": shapes["warper.project_feature2.weight"][1] // 4,
        "width": shapes["warper.warp_layer.pos_embed.weight"][1],
        "channels": shapes["warper.Conv_up.1.weight"][1],
        "hidden": shapes["decoder.vc_layer0.linear1.weight"][0],
    }


def rename[Value](state_dict: Mapping[str, Value]) -> dict[str, Value]:
    """Return the tensors with the colour net's names of the first stage, without those that nothing uses."""
    return {
        name.replace("decoder.conv_start.", "decoder.conv1_1."): value
        for name, value in state_dict.items()
        if not name.startswith(UNUSED)
    }
