"""Guided deformable attention: every pixel attends to points that flows and learned offsets choose in other frames.

It works on groups of two frames. A pixel of a frame sees 3 x 3 points in each of the two frames of the group before.

Source:
    Liang et al., "Recurrent Video Restoration Transformer with Guided Deformable Attention", NeurIPS 2022,
    arXiv 2206.02146.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.layers.activation import SLOPE, lrelu
from vsrestore.networks.layers.layout import channels_last
from vsrestore.networks.layers.split_conv import conv_share
from vsrestore.networks.layers.swin import MLP_RATIO, Mlp
from vsrestore.networks.layers.warp import flow_warp

FRAMES = 2  # of a group
SIDE = 3  # of the square of points
TAPS = SIDE**2
MARGIN = 2  # rows and columns of zeros around a picture, where every point outside it is sent
BYTES_AT_ONCE = 2**22  # of the points gathered together on the CPU: so they stay in its cache
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
        aligned = aligned + self.mlp(aligned)
        corrected = offsets.mean(dim=(3, 4)).flip(3).permute(2, 0, 1, 3, 4, 5)
        return aligned.permute(0, 1, 4, 2, 3), corrected

    def _offsets(self, query: Tensor, value: Tensor, flows: Tensor) -> Tensor:
        """Return the displacement of every point, see `guided_attention`."""
        raw = self._first(query, value, flows)
        for conv in self.conv_offset[2:-1:2]:
            raw = lrelu.after(conv, raw)
        residue = self.conv_offset[-1](raw).float().tanh() * self.max_residue
        split = residue.unflatten(0, query.shape[:2]).unflatten(2, (FRAMES, self.groups, TAPS, 2))
        base = flows.flip(3).permute(1, 2, 0, 3, 4, 5)
        return split + base[:, :, :, None, None]

    def _first(self, query: Tensor, value: Tensor, flows: Tensor) -> Tensor:
        """Return what the first convolution gives for query, value warped by both flows, and flows; activated.

        It has one tap, so what it makes of ``value`` can be warped instead, which has fewer channels.
        """
        conv, channels = self.conv_offset[0], query.shape[2]
        first = conv_share(conv, query.flatten(0, 1))
        flat = flows.flatten(1, 2)
        for slot, frames in enumerate((value, value.flip(1))):
            share = conv_share(conv, frames.flatten(0, 1), (slot + 1) * channels)
            first = first + flow_warp(share, flat[slot])
        both = torch.cat(tuple(flat), dim=1).to(query.dtype)
        first = first + conv_share(conv, both, 3 * channels, bias=True)
        return lrelu(channels_last(first))


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
    step = centred.new_tensor((tap % SIDE - 1, tap // SIDE - 1)).view(2, 1, 1)
    return flow_warp(frames.flatten(3, 4).flatten(0, 2), centred + step).view(x.shape)


def gather_attention(query: Tensor, key: Tensor, value: Tensor, offsets: Tensor, heads: int) -> Tensor:
    """Run `guided_attention` on the CPU, twice as fast; all arguments float32.

    A sample is the sum of four neighbouring pixels with bilinear weights, and what a head gives is a weighted sum of
    samples. Both are what an embedding bag computes: bags of rows of a table whose rows are the channels of one group,
    or one head, at one pixel.
    """
    n, _, height, width, _ = query.shape
    tables = [F.pad(x, (0, 0, *(MARGIN,) * 4)) for x in (key, value)]
    attended = torch.empty_like(query, memory_format=torch.contiguous_format)
    for image in range(n):
        for frame in range(FRAMES):
            keys, values = (_slots(table[image], frame) for table in tables)
            points = offsets[image, frame].permute(4, 5, 1, 0, 2, 3).flatten(0, 1)  # (H * W, G, slots, 9, 2)
            rows, result = query[image, frame].flatten(0, 1), attended[image, frame].flatten(0, 1)
            at_once = max(1, BYTES_AT_ONCE // (4 * FRAMES * TAPS * rows.shape[1]))
            for first in range(0, height * width, at_once):
                part = slice(first, first + at_once)
                corners, weights = _corners(points[part], first, height, width)
                result[part] = _attend(rows[part], keys, values, corners, weights, heads)
    return attended


def _slots(table: Tensor, frame: int) -> Tensor:
    """Return the pixels (P, E) of frames (2, H, W, E), in the order of the slots of a frame."""
    return (table.flip(0) if frame else table).flatten(0, 2)


def _corners(points: Tensor, first: int, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Return the pixels around every point of a run of pixels, and their bilinear weights.

    Args:
        points: displacements (P, G, slots, 9, 2).
        first: the number of the first pixel of the run.
        height: of the frames.
        width: likewise.

    Returns:
        Numbers of pixels in the frames of all slots with their margins, int32, and weights: (P, G, slots, 9, 4).
    """
    stride, rows = width + 2 * MARGIN, height + 2 * MARGIN
    pixel = torch.arange(first, first + len(points))[:, None, None, None]
    tap, slot = torch.arange(TAPS), torch.arange(FRAMES, dtype=torch.int32)[:, None]
    y = points[..., 0] + (pixel // width + tap // SIDE - 1)
    x = points[..., 1] + (pixel % width + tap % SIDE - 1)
    top, left = y.floor(), x.floor()
    down, right = y - top, x - left
    up, back = 1 - down, 1 - right
    weights = torch.stack((up * back, up * right, down * back, down * right), dim=-1)
    # Clamping comes after the weights are known: from two pixels outside on, all four corners are zeros.
    top = top.clamp_(-MARGIN, height).int() + (slot * rows + MARGIN)
    corner = top * stride + (left.clamp_(-MARGIN, width).int() + MARGIN)
    return corner[..., None] + torch.tensor((0, 1, stride, stride + 1), dtype=torch.int32), weights


def _attend(query: Tensor, keys: Tensor, values: Tensor, corners: Tensor, weights: Tensor, heads: int) -> Tensor:
    """Attend from a run of pixels, (P, E).

    Args:
        query: (P, E).
        keys: pixels (Q, E).
        values: likewise.
        corners: numbers in Q, (P, G, slots, 9, 4); the first half of G for the keys.
        weights: of the corners, likewise.
        heads: of attention.
    """
    count, half = len(query), corners.shape[1] // 2
    shared, points = heads // half, corners.shape[2] * corners.shape[3]
    group = torch.arange(half, dtype=torch.int32).view(-1, 1, 1, 1)
    bags = (corners[:, :half] * half + group).reshape(-1, 4)
    samples = _weighted_sums(keys.view(len(keys) * half, -1), bags, weights[:, :half].reshape(-1, 4))
    samples = samples.view(count * half, points, shared, -1).transpose(1, 2)
    logits = samples @ query.reshape(count * half, shared, -1, 1)
    attention = (logits.squeeze(3) * samples.shape[3] ** -0.5).softmax(dim=2).view(count, half, shared, points, 1)
    head = torch.arange(heads, dtype=torch.int32).view(half, shared, 1)
    rows = corners[:, half:].reshape(count, half, 1, -1) * heads + head
    shares = weights[:, half:].reshape(count, half, 1, points, 4) * attention
    bags, bag_weights = rows.view(-1, 4 * points), shares.view(-1, 4 * points)
    return _weighted_sums(values.view(len(values) * heads, -1), bags, bag_weights).view(query.shape)


def _weighted_sums(table: Tensor, bags: Tensor, weights: Tensor) -> Tensor:
    """Return the weighted sum of the rows of ``table`` in every bag, (bags, columns); ``bags`` holds their numbers."""
    return F.embedding_bag(bags, table, mode="sum", per_sample_weights=weights)
