"""Guided deformable attention: every pixel attends to points that flows and learned offsets choose in other frames.

It works on groups of two frames. A pixel of a frame sees 3 x 3 points in each of the two frames of the group before.

Source:
    Liang et al., "Recurrent Video Restoration Transformer with Guided Deformable Attention", NeurIPS 2022,
    arXiv 2206.02146.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.layers.activation import SLOPE, lrelu
from vsrestore.networks.layers.constant import constant
from vsrestore.networks.layers.layout import channels_last
from vsrestore.networks.layers.swin_groups import MLP_RATIO, Mlp
from vsrestore.networks.layers.warp import flow_warp

FRAMES = 2  # of a group
SIDE = 3  # of the square of points
TAPS = SIDE**2
MARGIN = 2  # rows and columns of zeros around a picture, where every point outside it is sent
BYTES_AT_ONCE = 2**24  # of the points that are sampled together on the CPU
HIDDEN = 64  # channels of the layers that predict offsets


class GuidedDeformAlign(nn.Module):
    """Alignment of the features of a group of frames with the next group, by guided deformable attention.

    Args:
        channels: of the features.
        heads: of attention, a multiple of half of ``groups``.
        groups: of channels with offsets of their own; one half is for the keys, the other for the values.
        max_residue: largest correction of the flows, pixels.
    """

    def __init__(self, channels: int, heads: int = 12, groups: int = 12, max_residue: float = 10.0) -> None:
        super().__init__()
        self.heads, self.groups, self.max_residue = heads, groups, max_residue
        self.proj_q = nn.Linear(channels, 2 * channels)
        self.proj_k = nn.Linear(channels, 2 * channels)
        self.proj_v = nn.Linear(channels, 2 * channels)
        self.proj = nn.Linear(2 * channels, channels)
        self.mlp = Mlp(channels, MLP_RATIO * channels)
        layers: list[nn.Module] = [nn.Conv2d(3 * channels + 2 * FRAMES, HIDDEN, 1), nn.LeakyReLU(SLOPE)]
        for _ in range(4):
            layers += [nn.Conv2d(HIDDEN, HIDDEN, 3, padding=1), nn.LeakyReLU(SLOPE)]
        self.conv_offset = nn.Sequential(*layers, nn.Conv2d(HIDDEN, FRAMES * groups * TAPS * 2, 1))

    def forward(self, query: Tensor, key: Tensor, value: Tensor, flows: Tensor) -> tuple[Tensor, Tensor]:
        """Align ``value`` with the group that ``query`` belongs to.

        Args:
            query: features of the present group, (N, 2, C, H, W).
            key: the same of the group before.
            value: what is aligned, of the group before, (N, 2, C, H, W).
            flows: pixels, float32, (2, N, 2, 2, H, W): first from each frame to the frame two before it, then to the
                other frame of the group before; last channel 0 to the right, channel 1 down.

        Returns:
            The aligned features, (N, 2, C, H, W), and the flows corrected, as the mean of all points.
        """
        offsets = self._offsets(query, value, flows)
        attended = guided_attention(
            self.proj_q(_tokens(query)), self.proj_k(_tokens(key)), self.proj_v(_tokens(value)), offsets, self.heads
        )
        aligned = self.proj(attended)
        aligned = self.mlp(aligned).add_(aligned)
        corrected = offsets.mean(dim=(3, 4)).flip(3).permute(2, 0, 1, 3, 4, 5)
        return aligned.permute(0, 1, 4, 2, 3), corrected

    def _offsets(self, query: Tensor, value: Tensor, flows: Tensor) -> Tensor:
        """Return the displacement of every point, see `guided_attention`."""
        flat = flows.flatten(1, 2)
        sides = (value, value.flip(1))
        warped = [flow_warp(side.flatten(0, 1), flow) for side, flow in zip(sides, flat, strict=True)]
        x = torch.cat((query.flatten(0, 1), *warped, *flat.to(query.dtype)), dim=1)
        for conv in self.conv_offset[:-1:2]:
            x = lrelu.after(cast("nn.Conv2d", conv), channels_last(x))
        residue = self.conv_offset[-1](x).float().tanh_().mul_(self.max_residue)
        split = residue.unflatten(0, query.shape[:2]).unflatten(2, (FRAMES, self.groups, TAPS, 2))
        base = flows.flip(3).permute(1, 2, 0, 3, 4, 5)
        return split.add_(base[:, :, :, None, None])


def _tokens(x: Tensor) -> Tensor:
    """View features (N, 2, C, H, W) as tokens (N, 2, H, W, C)."""
    return x.permute(0, 1, 3, 4, 2)


def guided_attention(query: Tensor, key: Tensor, value: Tensor, offsets: Tensor, heads: int) -> Tensor:
    """Let every pixel of two frames attend to 3 x 3 displaced points in each of two other frames.

    Frame t sees in slot m the frame (m + t) mod 2. Keys and values of one head are sampled at different points; what
    lies outside a frame is zero and takes part. Sampling is always in float32.

    Args:
        query: tokens (N, 2, H, W, E).
        key: tokens (N, 2, H, W, E).
        value: tokens (N, 2, H, W, E).
        offsets: displacements in pixels, down and right, added to a regular 3 x 3 square; float32,
            (N, 2 frames t, 2 slots m, G groups, 9, 2, H, W); the first half of the groups for the keys.
        heads: of attention; consecutive ones share a group.

    Returns:
        Tokens (N, 2, H, W, E), in the dtype of ``query``.
    """
    run = gather_attention if query.device.type == "cpu" else grid_attention
    return run(query.float(), key.float(), value.float(), offsets, heads).to(query.dtype)


def grid_attention(query: Tensor, key: Tensor, value: Tensor, offsets: Tensor, heads: int) -> Tensor:
    """Run `guided_attention` point by point with ``grid_sample``; all arguments float32."""
    half = offsets.shape[3] // 2
    shared = heads // half
    queries, keys, values = (
        x.permute(0, 1, 4, 2, 3).unflatten(2, (half, shared, -1)).contiguous() for x in (query, key, value)
    )  # (N, 2, half, shared, e, H, W)
    points = [(slot, tap) for slot in range(FRAMES) for tap in range(TAPS)]
    samples = (_sample(keys, offsets[:, :, slot, :half, tap], slot, tap) for slot, tap in points)
    logits = torch.stack([(queries * sample).sum(dim=4) for sample in samples])
    attention = (logits * queries.shape[4] ** -0.5).softmax(dim=0)
    attended = torch.zeros_like(values)
    for (slot, tap), weight in zip(points, attention, strict=True):
        attended += weight.unsqueeze(4) * _sample(values, offsets[:, :, slot, half:, tap], slot, tap)
    return attended.flatten(2, 4).permute(0, 1, 3, 4, 2)


def _sample(x: Tensor, offset: Tensor, slot: int, tap: int) -> Tensor:
    """Return ``x`` (N, 2, half, shared, e, H, W) at one of the points of a slot, offset (N, 2, half, 2, H, W)."""
    frames = x.flip(1) if slot else x
    centred = offset.flip(3).flatten(0, 2)
    step = constant((tap % SIDE - 1, tap // SIDE - 1), centred).view(2, 1, 1)
    return flow_warp(frames.flatten(3, 4).flatten(0, 2), centred + step).view(x.shape)


def gather_attention(query: Tensor, key: Tensor, value: Tensor, offsets: Tensor, heads: int) -> Tensor:
    """Run `guided_attention` on the CPU, more than twice as fast; all arguments float32.

    A sample is the sum of four neighbouring pixels with bilinear weights, and what a head gives is a weighted sum of
    samples. Both are what an embedding bag computes: bags of rows of a table whose rows are the channels of one group,
    or one head, at one pixel.
    """
    n, _, height, width, channels = query.shape
    tables = [F.pad(x, (0, 0, *(MARGIN,) * 4)) for x in (key, value)]
    attended = torch.empty_like(query, memory_format=torch.contiguous_format)
    at_once = max(1, BYTES_AT_ONCE // (4 * FRAMES * TAPS * channels))
    for image in range(n):
        keys, values = (table[image].flatten(0, 2) for table in tables)
        for frame in range(FRAMES):
            # (H * W, 2 for keys and values, G / 2, slots, 9, 2)
            displaced = offsets[image, frame].permute(4, 5, 1, 0, 2, 3).flatten(0, 1).unflatten(1, (2, -1))
            rows, result = query[image, frame].flatten(0, 1), attended[image, frame].flatten(0, 1)
            for first in range(0, height * width, at_once):
                part = slice(first, first + at_once)
                points = [locate(x.contiguous(), frame, first, height, width) for x in displaced[part].unbind(1)]
                result[part] = _attend(rows[part], keys, values, points, heads)
    return attended


class Points(NamedTuple):
    """Points between the pixels of two frames with their margins."""

    corner: Tensor
    """The number of the pixel above and left of every point, int32, (P, G, 18)."""

    weights: Tensor
    """Of the four pixels around it, (P, G, 18, 4)."""

    steps: Tensor
    """From that pixel to all four, int32, (4,)."""

    def rows(self, columns: Tensor, count: int) -> Tensor:
        """Return the rows of the four pixels in a table that has ``count`` rows for every pixel.

        Args:
            columns: which of the rows of a pixel are meant, int32, (G, ..., 1).
            count: of the rows of a pixel.

        Returns:
            int32, (P, G, ..., 18, 4).
        """
        corner = self.corner.view(len(self.corner), len(columns), *[1] * (columns.ndim - 2), -1)
        return (corner * count + columns).unsqueeze(-1) + self.steps * count


def locate(displaced: Tensor, frame: int, first: int, height: int, width: int) -> Points:
    """Find the pixels around every point that a run of pixels sees.

    Args:
        displaced: by how much the points are, down and right, (P, G, slots, 9, 2).
        frame: that the pixels are of.
        first: the number of the first pixel of the run.
        height: of the frames.
        width: likewise.
    """
    stride, rows = width + 2 * MARGIN, height + 2 * MARGIN
    pixel = torch.arange(first, first + len(displaced))[:, None, None, None]
    tap, source = torch.arange(TAPS), (torch.arange(FRAMES, dtype=torch.int32)[:, None] + frame) % FRAMES
    y = displaced[..., 0] + (pixel // width + tap // SIDE - 1)
    x = displaced[..., 1] + (pixel % width + tap % SIDE - 1)
    top, left = y.floor(), x.floor()
    down, right = y - top, x - left
    up, back = 1 - down, 1 - right
    weights = torch.stack((up * back, up * right, down * back, down * right), dim=-1)
    # Clamping comes after the weights are known: from two pixels outside on, all four pixels are zeros.
    row = top.clamp_(-MARGIN, height).int() + (source * rows + MARGIN)
    corner = row * stride + (left.clamp_(-MARGIN, width).int() + MARGIN)
    return Points(corner.flatten(2), weights.flatten(2, 3), torch.tensor((0, 1, stride, stride + 1), dtype=torch.int32))


def _attend(query: Tensor, keys: Tensor, values: Tensor, points: Sequence[Points], heads: int) -> Tensor:
    """Attend from a run of pixels to points between the keys and to points between the values.

    Args:
        query: (P, E).
        keys: pixels of both frames with their margins, (Q, E).
        values: likewise.
        points: first those of the keys, then those of the values.
        heads: of attention.

    Returns:
        (P, E).
    """
    to_keys, to_values = points
    count, half, around = to_keys.corner.shape
    shared = heads // half
    rows = to_keys.rows(torch.arange(half, dtype=torch.int32)[:, None], half)
    samples = _weighted_sums(keys.view(len(keys) * half, -1), rows, to_keys.weights)
    samples = samples.view(count, half, around, shared, -1)
    logits = (samples * query.view(count, half, 1, shared, -1)).sum(dim=4).transpose(2, 3)
    attention = (logits * samples.shape[4] ** -0.5).softmax(dim=3)
    rows = to_values.rows(torch.arange(heads, dtype=torch.int32).view(half, shared, 1), heads)
    weights = to_values.weights.unsqueeze(2) * attention.unsqueeze(4)
    table = values.view(len(values) * heads, -1)
    return _weighted_sums(table, rows.flatten(3), weights.flatten(3)).view(query.shape)


def _weighted_sums(table: Tensor, rows: Tensor, weights: Tensor) -> Tensor:
    """Return weighted sums of rows of ``table`` (R, e), those of the last axis of ``rows``: (all others, e)."""
    bag = rows.shape[-1]
    return F.embedding_bag(rows.view(-1, bag), table, mode="sum", per_sample_weights=weights.reshape(-1, bag))
