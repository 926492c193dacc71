"""The encoder of TCVC's second stage: what a group of frames and its reference hold, and a memory of earlier groups.

Source:
    "Temporal Consistent Automatic Video Colorization via Semantic Correspondence", CVPR Workshops (NTIRE) 2023; the
    network is that of "Exemplar-based Video Colorization with Long-term Spatiotemporal Dependency", arXiv 2303.15081.
    Tensor names as published.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Self, cast

import torch
from torch import Tensor, nn

from vsrestore.networks.layers.activation import relu
from vsrestore.networks.layers.instance_norm import instance_norm
from vsrestore.networks.layers.normed_conv import PointwiseConv, fold_norms
from vsrestore.networks.layers.position_code import sine_code
from vsrestore.networks.layers.resnet import EXPANSION, resnet_encoder
from vsrestore.networks.layers.token_attention import CrossLayer, TokenLayer, maps_of, tokens_of
from vsrestore.networks.state_dict import Shapes, count_numbered
from vsrestore.networks.traits import Traits

HEADS, MEMORY_HEADS = 8, 4
BLOCKS = (3, 4, 19)  # of ResNet-101, as far as they are used; it has four more in the third group, and a fourth
FINE, MIDDLE, COARSE = 1, 2, (2, 18)  # the blocks of each group whose outputs are taken
DERIVED = ("num_batches_tracked",)
BACKBONE, TRANSFORMER = "model.backbone.0.body.", "model.transformer.encoder."


class Features(NamedTuple):
    """What is known of pictures, each alone."""

    fine: Tensor
    """(n, C, h / 2, w / 2)."""
    middle: Tensor
    """(n, 2 * C, h / 4, w / 4)."""
    maps: Tensor
    """(n, channels, h / 8, w / 8)."""
    tokens: Tensor
    """(n, h / 8 * w / 8, width)."""

    def after(self, other: Self) -> Self:
        """Return those of other pictures followed by these."""
        return type(self)(*(torch.cat(pair) for pair in zip(other, self, strict=True)))


class EncoderLayer(TokenLayer):
    """Convolutions over maps and attention over tokens, each of which then sees the other.

    Channels come first: oneDNN then rounds its float32 sums a fifth as coarsely, in the same time, and the norms of
    small maps make much of rounding: with channels last, other pixels of the reference are found most alike.

    Args:
        width: channels of the tokens.
        channels: of the maps.
        hidden: channels between the linear layers.
    """

    def __init__(self, width: int, channels: int, hidden: int) -> None:
        super().__init__(width, HEADS, hidden)
        self.conv = nn.ModuleDict({"1": _conv(channels, 2), "5": _conv(channels, 1), "9": _conv(channels, 2)})
        self.fuse_cnn2trans = nn.Sequential(nn.Linear(width + channels, width))
        self.fuse_trans2cnn = nn.Sequential(PointwiseConv(channels + width, channels, 1))

    def renewed(self, maps: Tensor, tokens: Tensor, code: Tensor) -> Tensor:
        """Return tokens (N, width) that have seen each other and maps (n, channels, h, w); ``code`` as of both."""
        return self(self.fuse_cnn2trans(torch.cat((tokens, tokens_of(maps)), dim=1)), code)

    def convolved(self, maps: Tensor, tokens: Tensor) -> Tensor:
        """Return maps (n, channels, h, w) that have seen their surroundings and tokens (N, width)."""
        seen = maps
        for conv in self.conv.values():
            seen = instance_norm(relu(conv(seen.contiguous())))
        return instance_norm(maps + self.fuse_trans2cnn(torch.cat((seen, maps_of(tokens, maps)), dim=1)))


class TCVCEncoder(nn.Module):
    """See a reference and the frames of a group together, and what an earlier group left behind.

    Args:
        stem: channels of the backbone's first convolution.
        width: channels of the tokens, a multiple of 24.
        channels: of the maps.
        layers: how many.
        hidden: channels between the linear layers.
    """

    def __init__(
        self, stem: int = 64, width: int = 384, channels: int = 512, layers: int = 4, hidden: int = 2048
    ) -> None:
        super().__init__()
        self.backbone = resnet_encoder(BLOCKS, bottleneck=True, stem=stem)
        found = 2 * EXPANSION * (stem << 2)
        self.project2trans = nn.Linear(found, width)
        self.project2cnn = PointwiseConv(found, channels, 1)
        self.layers = nn.ModuleList(EncoderLayer(width, channels, hidden) for _ in range(layers))
        self.interlayer_request = CrossLayer(width, MEMORY_HEADS, hidden)
        self.inter_save = CrossLayer(width, MEMORY_HEADS, hidden)

    def fold(self) -> None:
        """Fold all norms that can be into the convolutions before them; the network is then for evaluation only."""
        fold_norms(self.backbone)

    def features(self, pictures: Tensor) -> Features:
        """Return what is known of pictures (n, 3, h, w) in [0, 1], each alone; h and w multiples of 8."""
        conv, norm, activation, _, *groups = self.backbone
        x = activation(norm(conv(pictures.contiguous())))
        taken = []
        for group, blocks in zip(cast("list[nn.Sequential]", groups), ((FINE,), (MIDDLE,), COARSE), strict=True):
            for index, block in enumerate(group):
                x = block(x)
                if index in blocks:
                    taken.append(x)
        fine, middle, earlier, later = taken
        source = torch.cat((later, earlier), dim=1)
        tokens = self.project2trans(source.permute(0, 2, 3, 1).flatten(1, 2))
        return Features(fine, middle, self.project2cnn(source), tokens)

    def forward(self, features: Features, memory: Tensor | None, wants_maps: bool = True) -> tuple[Tensor, Tensor]:
        """Have pictures see each other and the memory.

        Args:
            features: of n pictures, the reference first.
            memory: (M, width), None where there is none yet.
            wants_maps: whether maps are given; otherwise they are those of the layer before the last.

        Returns:
            Maps (n, channels, h / 8, w / 8) and tokens (n * h / 8 * w / 8, width).
        """
        maps, tokens = features.maps, features.tokens.flatten(0, 1)
        if memory is not None:
            tokens = self.interlayer_request(tokens, memory)
        code = position_code(maps, tokens.shape[1])
        for index, layer in enumerate(cast("Iterable[EncoderLayer]", self.layers)):
            tokens = layer.renewed(maps, tokens, code)
            if wants_maps or index + 1 < len(self.layers):
                maps = layer.convolved(maps, tokens)
        return maps, tokens

    def remembered(self, memory: Tensor | None, tokens: Tensor) -> Tensor:
        """Return the memory after a group with these tokens; that of the first group are its tokens."""
        return tokens if memory is None else self.inter_save(memory, tokens)


def position_code(maps: Tensor, channels: int) -> Tensor:
    """Return the code (n * h * w, channels) of maps (n, C, h, w): a third tells the frame, one the row, one the column.

    ``channels`` is a multiple of 6.
    """
    lengths = (len(maps), *maps.shape[-2:])
    frames, rows, columns = (sine_code(length, channels // 3, maps.device) for length in lengths)
    parts = (frames[:, None, None], rows[None, :, None], columns[None, None])
    code = torch.cat([part.expand(*lengths, -1) for part in parts], dim=-1)
    return code.flatten(0, 2).to(maps.dtype)


def _conv(channels: int, dilation: int) -> nn.Conv2d:
    return nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation, padding_mode="replicate")


def describe(_settings: Mapping[str, Any]) -> Traits:
    """Return what the network asks of its pictures."""
    return Traits(multiple=8, tiles=False, float32_frames=True)


def recognise(shapes: Shapes) -> dict[str, Any] | None:
    """Return constructor settings for a checkpoint of the encoder, None for other networks."""
    if f"{TRANSFORMER}project2cnn.weight" not in shapes or "inter_save.norm1.weight" not in shapes:
        return None
    first = f"{TRANSFORMER}layers.0"
    return {
        "stem": shapes[f"{BACKBONE}conv1.weight"][0],
        "width": shapes[f"{TRANSFORMER}project2trans.weight"][0],
        "channels": shapes[f"{TRANSFORMER}project2cnn.weight"][0],
        "layers": count_numbered(shapes, f"{TRANSFORMER}layers."),
        "hidden": shapes[f"{first}.linear1.weight"][0],
    }


def rename[Value](state_dict: Mapping[str, Value]) -> dict[str, Value]:
    """Return the tensors under our names, without what the network does not use (the end of its backbone)."""
    renamed = {}
    for name, value in state_dict.items():
        if name.startswith("inter_save."):
            renamed[name] = value
        elif name.startswith(BACKBONE):
            ours = _backbone_name(name.removeprefix(BACKBONE))
            renamed |= {} if ours is None else {f"backbone.{ours}": value}
        elif name.startswith("model."):
            renamed[name.removeprefix(TRANSFORMER)] = value
    return renamed


def _backbone_name(name: str) -> str | None:
    """Return what a tensor of torchvision's ResNet-101 is called here, None where it is not used."""
    block = re.match(r"layer([1-4])\.(\d+)\.", name)
    if name.startswith("fc.") or (block and (block[1] == "4" or int(block[2]) >= BLOCKS[int(block[1]) - 1])):
        return None
    if block:
        return f"{int(block[1]) + 3}{name.removeprefix(f'layer{block[1]}')}"
    first, _, rest = name.partition(".")
    return f"{ {'conv1': 0, 'bn1': 1}.get(first, first) }.{rest}"
