"""ProPainter as its paper writes it, with the weights of ours.

RAFT: each direction by itself with the features of both frames, all inputs of the recurrent unit convolved in every
step, the flow enlarged after every step. The generator: every frame of every window encoded again, PyTorch's default
layout, deformable convolutions by torchvision, patches cut and added up as such, attention by products and a softmax,
all frames through the last block, whole frames decoded.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import cast
from unittest.mock import patch

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks import raft
from vsrestore.networks.layers import soft_split
from vsrestore.networks.layers.part_decoder import PartDecoder
from vsrestore.networks.layers.soft_split import FusionFeedForward, SoftComposition, SoftSplit
from vsrestore.networks.layers.sparse_attention import SparseWindowAttention, join, split, surroundings, with_holes
from vsrestore.networks.propainter import ProPainter
from vsrestore.networks.raft import RAFT

from ..published import contiguous_layout, torchvision_sampling

LAID_OUT = ("propainter", "layers.deform_align")
FOLD = {"kernel_size": soft_split.PATCH, "stride": soft_split.STRIDE, "padding": soft_split.PADDING}


def flows(network: RAFT, frames: Tensor) -> Tensor:
    """Return the flows between neighbours of frames (1, T, 3, H, W), as RAFT of ours gives them."""
    images = frames[0] * 2 - 1
    pairs = list(zip(images[:-1].split(1), images[1:].split(1), strict=True))
    both = [torch.cat((flow_between(network, a, b), flow_between(network, b, a)), 1) for a, b in pairs]
    return torch.cat((*both, torch.zeros_like(both[0])))[None]


def flow_between(network: RAFT, first: Tensor, second: Tensor) -> Tensor:
    """Return the flow from an image (1, 3, H, W) in [-1, 1] to another, (1, 2, H, W)."""
    features, others = network.fnet(torch.cat((first, second))).chunk(2)
    state, context = network.cnet(first).chunk(2, 1)
    state, context = state.tanh(), context.relu()
    pyramid = correlation_pyramid(features, others)
    height, width = features.shape[-2:]
    grid = torch.stack(torch.meshgrid(torch.arange(width), torch.arange(height), indexing="xy"))[None].float()
    flow, block = torch.zeros_like(grid), network.update_block
    for _ in range(network.iterations):
        motion = block.encoder(flow, looked_up(pyramid, grid + flow))
        for number in (1, 2):
            state = gated(block.gru, number, state, torch.cat((context, motion), 1))
        flow = flow + block.flow_head(state)
        fine = raft.enlarged(flow, 0.25 * block.mask(state))
    return fine


def correlation_pyramid(features: Tensor, others: Tensor) -> list[Tensor]:
    """Return the correlation of all pairs of pixels of features (1, C, h, w) at four levels, (h * w, 1, ., .)."""
    count, height, width = features.shape[1:]
    products = features.flatten(2).transpose(1, 2) @ others.flatten(2) / count**0.5
    levels = [products.view(-1, 1, height, width)]
    for _ in range(3):
        levels.append(F.avg_pool2d(levels[-1], 2))
    return levels


def looked_up(pyramid: Sequence[Tensor], places: Tensor) -> Tensor:
    """Return the correlation around places (1, 2, h, w): (1, 324, h, w)."""
    steps = torch.arange(-4.0, 5)
    offsets = torch.stack(torch.meshgrid(steps, steps, indexing="ij"), -1)
    height, width = places.shape[-2:]
    found = []
    for level, volume in enumerate(pyramid):
        points = places.permute(0, 2, 3, 1).reshape(-1, 1, 1, 2) / 2**level + offsets
        size = points.new_tensor((volume.shape[-1] - 1, volume.shape[-2] - 1))
        sampled = F.grid_sample(volume, 2 * points / size - 1, align_corners=True)
        found.append(sampled.view(1, height, width, -1))
    return torch.cat(found, -1).permute(0, 3, 1, 2).contiguous()


def gated(gru: nn.Module, number: int, state: Tensor, seen: Tensor) -> Tensor:
    """Return the next state of one pass of the recurrent unit."""
    update, reset, candidate = (getattr(gru, f"conv{gate}{number}") for gate in "zrq")
    both = torch.cat((state, seen), 1)
    share = update(both).sigmoid()
    made = candidate(torch.cat((reset(both).sigmoid() * state, seen), 1)).tanh()
    return (1 - share) * state + share * made


def paint(network: Windows, frames: Tensor, mask: Tensor, filled: Tensor, flow: Tensor) -> Tensor:
    """Return what `Windows` gives, the naive way."""
    generator, painted = network.generator, []
    with ExitStack() as contexts:
        for context in NAIVE:
            contexts.enter_context(context())
        for local in network.windows:
            seen = [*local, *network.references]
            features = generator.encoder(mask[0, seen], filled[0, seen])
            beside = (x[:, local.start : local.stop] for x in (frames, mask, filled, flow))
            painted.append(generator(*beside, features[None, : len(local)], features[len(local) :]))
    return torch.cat(painted, 1)


class Windows(nn.Module):
    """The generator over two windows that share frames and references, as a filter calls it.

    Args:
        generator: ProPainter.
        windows: the frames of each.
        references: frames further on.

    """

    def __init__(self, generator: ProPainter, windows: Sequence[range], references: range) -> None:
        super().__init__()
        self.generator, self.windows, self.references = generator, windows, references

    def forward(self, frames: Tensor, mask: Tensor, filled: Tensor, flow: Tensor) -> Tensor:
        """Paint the frames of both windows, one after the other: (1, K, 3, H, W)."""
        encoded = [
            self.generator.encoder(holes, known)
            for holes, known in zip(mask[0, :, None], filled[0, :, None], strict=True)
        ]
        features = torch.cat(encoded)[None]
        afar = features[0, self.references.start : self.references.stop]
        painted = [
            self.generator(*(x[:, local.start : local.stop] for x in (frames, mask, filled, flow, features)), afar)
            for local in self.windows
        ]
        return torch.cat(painted, 1)


def attend(layer: SparseWindowAttention, tokens: Tensor, holed: Tensor, seen: range, wanted: int) -> Tensor:
    """Attend by products and a softmax, see `SparseWindowAttention.forward`."""
    rows, columns = tokens.shape[1:3]
    x = F.pad(tokens, (0, 0, 0, -columns % 9, 0, -rows % 5))
    query, key, value = layer.query(x), layer.key(x), layer.value(x)
    frames = slice(seen.start, seen.stop, seen.step)
    pooled = layer.pool_layer(x[frames].permute(0, 3, 1, 2)).flatten(2).transpose(1, 2)
    places = surroundings(*x.shape[1:3], x.device)
    windows, result = split(query), torch.zeros_like(split(query))
    for number, is_holed in enumerate(holed.flatten()):
        own = (split(y)[:, number] for y in (key, value))
        if not is_holed:
            result[:, number] = by_products(layer.heads, windows[:, number], *own)
            continue
        known = (
            torch.cat((y[frames].flatten(1, 2)[:, places[number]], few), 1).flatten(0, 1)[None]
            for y, few in ((key, layer.key(pooled)), (value, layer.value(pooled)))
        )
        queries = windows[:, number].flatten(0, 1)[None]
        result[:, number] = by_products(layer.heads, queries, *known)[0].unflatten(0, (len(tokens), -1))
    return layer.proj(join(result, x.shape[1:3])[:, :rows, :columns])[:wanted]


def by_products(heads: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Attend from (B, L, C) to (B, S, C)."""
    q, k, v = (x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (query, key, value))
    return ((q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).softmax(-1) @ v).transpose(1, 2).flatten(2)


def split_patches(layer: SoftSplit, features: Tensor) -> Tensor:
    """Cut patches and multiply each, see `SoftSplit`."""
    return multiplied(layer, F.unfold(features.contiguous(), **FOLD), features.shape[-2:])


def compose_patches(layer: SoftComposition, tokens: Tensor, size: tuple[int, int]) -> Tensor:
    """Make patches of tokens and add them up, see `SoftComposition`."""
    return F.fold(spread(layer, tokens), size, **FOLD)


def feed_forward(layer: FusionFeedForward, tokens: Tensor, size: tuple[int, int]) -> Tensor:
    """Let patches agree between two layers, see `FusionFeedForward`."""
    patches = spread(cast("SoftComposition", layer.fc1[0]), tokens)
    agreed = F.fold(patches, size, **FOLD) / F.fold(torch.ones_like(patches), size, **FOLD)
    return multiplied(cast("SoftSplit", layer.fc2[1]), F.gelu(F.unfold(agreed, **FOLD)), size)


def spread(layer: SoftComposition, tokens: Tensor) -> Tensor:
    """Return the patches of tokens (N, D, fh, fw), (N, C * 49, fh * fw)."""
    flat = tokens.flatten(2).transpose(1, 2)
    return F.linear(flat, layer.weight.flatten(1).t(), layer.bias.flatten()).transpose(1, 2)


def multiplied(layer: SoftSplit, patches: Tensor, size: Sequence[int]) -> Tensor:
    """Return the tokens of patches (N, C * 49, fh * fw) of features of a size (H, W)."""
    tokens = F.linear(patches.transpose(1, 2), layer.weight.flatten(1), layer.bias).transpose(1, 2)
    return tokens.unflatten(2, [(length - 1) // soft_split.STRIDE + 1 for length in size])


def decode_whole(layer: PartDecoder, features: Tensor, rows: range, columns: range) -> Tensor:
    """Decode the whole picture for a part of it, see `PartDecoder`."""
    for part in layer:
        features = part(features)
    return features[..., rows.start : rows.stop, columns.start : columns.stop]


def transform(network: ProPainter, local: Tensor, references: Tensor, holes: Tensor) -> Tensor:
    """Let all frames through all blocks, see `ProPainter.transformed`."""
    size = (local.shape[-2], local.shape[-1])
    tokens = network.ss["embedding"](torch.cat((local, references))).permute(0, 2, 3, 1)
    holed = with_holes(F.max_pool2d(holes, soft_split.PATCH, soft_split.STRIDE, soft_split.PADDING))
    for number, block in enumerate(cast("nn.ModuleList", network.transformers["transformer"])):
        tokens = block(tokens, size, holed, range(number % 2, len(tokens), 2), len(tokens))
    composed = network.sc["bias_conv"](network.sc["embedding"](tokens.permute(0, 3, 1, 2), size))
    return local + composed[: len(local)]


NAIVE = (
    lambda: contiguous_layout(LAID_OUT),
    torchvision_sampling,
    lambda: patch.object(SparseWindowAttention, "forward", attend),
    lambda: patch.object(SoftSplit, "forward", split_patches),
    lambda: patch.object(SoftComposition, "forward", compose_patches),
    lambda: patch.object(FusionFeedForward, "forward", feed_forward),
    lambda: patch.object(PartDecoder, "forward", decode_whole),
    lambda: patch.object(ProPainter, "transformed", transform),
)
"""What takes our ways back while it lasts."""
