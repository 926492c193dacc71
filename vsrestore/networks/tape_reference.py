"""TAPE: a window of five frames of analogue tape in, its restored centre out, guided by five clean frames of the clip.

A U-Net of window attention over space and time; its decoder borrows from reference frames, whose features come from a
Swin-T. This is the published network; our own, which the filter ``tape`` runs, is `temporal_unet`.

Source:
    Agnolucci, Galteri, Bertini, Del Bimbo, "Reference-based Restoration of Digitized Analog Videotapes", WACV 2024,
    arXiv 2310.14926; Swin-T: Liu et al., ICCV 2021. Tensor names are the published ones.

What a caller has to know:
    Both sides must be multiples of `MULTIPLE` and at least `SMALLEST`; the published padding is zeros to the right and
    the bottom. Frames beyond the ends of a clip are black, not repeated: `BLACK` in a window.
    Tiles change the picture everywhere, not at their edges alone: windows are grouped in raster order, so what meets
    what depends on the width of the frame. Whole frames are published; with tiles, all should have one size.
    Weights in bfloat16 or float16 take float32 frames. With seeded weights, on real frames, the largest error is 0.18 %
    of the largest value in float16 and 1.3 % in bfloat16; the published script runs in float16 on CUDA.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.absent_frames import BLACK
from vsrestore.networks.layers.imagenet import imagenet_statistics
from vsrestore.networks.layers.swin import (
    ALL,
    RATIO,
    Axes,
    Expansion,
    FeedForward,
    PatchMerging,
    PositionBias,
    SwinBlock,
    SwinLayer,
    WindowAttention,
    WindowGrid,
    half_of,
    heads_of,
    pictures,
    tokens,
)
from vsrestore.networks.state_dict import Shapes, count_numbered

MULTIPLE = 16
SMALLEST = 64
WINDOW = 5
"""Frames of a published window."""
REFERENCES = 5
"""Reference frames of a window; with another number than that of its frames they guide other places of the picture."""

LEVELS = 3  # halvings between the first convolution and the bottleneck, and reference features
SPACE_TIME: Axes = (2, 8, 8)
SPACE: Axes = (1, 8, 8)
TOKENS = 64  # of a window of one frame
DERIVED = ("relative_position_index", "ref_feature_extractor.mean", "ref_feature_extractor.std")

SWIN_T_WIDTH, SWIN_T_HEAD, SWIN_T_DEPTHS = 96, 32, (2, 2, 6)
SWIN_T_WINDOW: Axes = (1, 7, 7)

Features = tuple[Tensor, ...]
"""Of reference frames: tokens (B, M, h, w, C) at 1/2, 1/4 and 1/8 of the frame's size, C doubling."""


class SwinT(nn.Module):
    """The first three stages of Swin-T, as torchvision numbers their tensors."""

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        mean, deviation = imagenet_statistics()
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", deviation, persistent=False)
        first = {"0": nn.Conv2d(3, SWIN_T_WIDTH, 4, stride=4), "2": nn.LayerNorm(SWIN_T_WIDTH)}
        parts: list[nn.Module] = [nn.ModuleDict(first)]
        for level, depth in enumerate(SWIN_T_DEPTHS):
            width = SWIN_T_WIDTH * 2**level
            parts += [PatchMerging(width // 2)] if level else []
            parts.append(nn.Sequential(*(_swin_t_block(width, i % 2 == 1) for i in range(depth))))
        self.swin_net = nn.ModuleList(parts)

    def forward(self, frames: Tensor) -> list[Tensor]:
        """Turn frames (S, 3, H, W) in [0, 1] into tokens (1, S, h, w, C) at 1/4, 1/8 and 1/16 of their size."""
        first = cast("nn.ModuleDict", self.swin_net[0])
        x = first["2"](tokens(first["0"]((frames - self.mean) / self.std), 1))
        taps = []
        for index, part in enumerate(self.swin_net[1:], 1):
            x = part(x)
            taps += [x] if index % 2 else []
        return taps


def _swin_t_block(width: int, shifted: bool) -> SwinBlock:
    attention = WindowAttention(width, width // SWIN_T_HEAD, SWIN_T_WINDOW, shifted, reduces=False)
    # The third place was dropout's.
    layers = nn.Linear(width, RATIO * width), nn.GELU(), nn.Identity(), nn.Linear(RATIO * width, width)
    return SwinBlock(width, attention, nn.Sequential(*layers))


class AttentionPooling(nn.Module):
    """Several windows of tokens become one: the mean of them attends to all of them and to itself.

    Args:
        width: channels of a token.
        heads: of attention.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.pos_embedding = nn.Parameter(torch.zeros(TOKENS, width))
        self.q_proj = nn.Linear(width, width)
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, items: Tensor) -> Tensor:
        """Turn items (N, M, tokens, C) into one, (N, tokens, C)."""
        items = torch.cat((items.mean(1, keepdim=True), items), dim=1) + self.pos_embedding
        mean, everything = items[:, 0], items.flatten(1, 2)
        query, key, value = self.q_proj(mean), self.k_proj(everything), self.v_proj(everything)
        query, key, value = (heads_of(x, self.heads) for x in (query, key, value))
        pooled = F.scaled_dot_product_attention(query, key, value)
        return cast("Tensor", self.out_proj(pooled.transpose(1, 2).flatten(2)))


class ReferenceAttention(PositionBias):
    """Windows of the frames attend to windows of the references (MRAttn of the paper), in the published grouping.

    The windows of all frames, counted in raster order, form groups of as many as there are frames, and those of all
    references groups of as many as there are references; each of a group's windows meets each of its references.

    Args:
        width: channels of a token.
        heads: of attention.
        shifted: windows lie half a window further down and right.
    """

    def __init__(self, width: int, heads: int, shifted: bool) -> None:
        super().__init__(SPACE, heads)
        self.heads = heads
        self.shift = half_of(SPACE) if shifted else (0, 0, 0)
        self.q = nn.Linear(width, width)
        self.kv = nn.Linear(width, 2 * width)
        self.dim_reduction = AttentionPooling(width, heads)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor, references: Tensor) -> Tensor:
        """Guide frames (B, T, h, w, C) by references (B, M, h, w, C); the shape of the frames."""
        batch, frames, rows, columns, _ = x.shape
        grid = WindowGrid.fitted((frames, rows, columns), SPACE, self.shift)
        reference_grid = WindowGrid.fitted((references.shape[1], rows, columns), SPACE, self.shift)
        windows = self.q(grid.split(x))
        query = windows.reshape(batch, *grid.counts[1:], frames, TOKENS, -1)
        key_value = self.kv(reference_grid.split(references)).reshape(*query.shape[:3], -1, TOKENS, 2 * x.shape[-1])
        guided = torch.empty_like(query)
        bias = self.bias(TOKENS)
        for (_, *area), mask in grid.areas(bias):
            # Row by row, because what all of a group's pairs give is five times as large as the frames.
            for row in range(grid.counts[1])[area[0]]:
                at = (ALL, row, area[1])
                guided[at] = self._guided(query[at], key_value[at], bias + mask)
        return grid.join(self.proj(F.gelu(guided)).reshape(windows.shape))

    def _guided(self, query: Tensor, key_value: Tensor, bias: Tensor) -> Tensor:
        """Guide groups of windows (B, G, T, tokens, C), given (B, G, M, tokens, 2C) of the references' windows."""
        slots, items = query.shape[2], key_value.shape[2]
        q = heads_of(query.flatten(0, 1).flatten(1, 2), self.heads)
        bias = bias.repeat(1, slots, 1)[None]
        pairs = q.new_empty((len(q), items, slots, self.heads, TOKENS, q.shape[-1]))
        for item, window in enumerate(key_value.flatten(0, 1).unbind(1)):
            k, v = (heads_of(part, self.heads) for part in window.chunk(2, dim=-1))
            attended = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
            pairs[:, item] = attended.unflatten(2, (slots, TOKENS)).transpose(1, 2)
        # Published code reads this memory as slot, item, token, channel, though it is item, slot, head, token, part of
        # the channels. The weights were trained so.
        return self.dim_reduction(pairs.view(-1, items, TOKENS, query.shape[-1])).view(query.shape)


class FusionBlock(nn.Module):
    """Attention to the references and a feed-forward layer, each after norms and around it a skip."""

    def __init__(self, width: int, heads: int, shifted: bool) -> None:
        super().__init__()
        self.norm_q = nn.LayerNorm(width)
        self.norm_kv = nn.LayerNorm(width)
        self.attn = ReferenceAttention(width, heads, shifted)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = FeedForward(width)

    def forward(self, x: Tensor, references: Tensor) -> Tensor:
        """Turn tokens (B, T, h, w, C) into as many, given references (B, M, h, w, C)."""
        x = x + self.attn(self.norm_q(x), self.norm_kv(references))
        return x + cast("Tensor", self.mlp(self.norm2(x)))


class FusionLayer(nn.Module):
    """Fusion blocks of one level, every second one shifted, and a convolution with a skip around all (MRSFF).

    Args:
        width: channels of a token.
        depth: number of blocks.
        heads: of attention.
    """

    def __init__(self, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(FusionBlock(width, heads, i % 2 == 1) for i in range(depth))
        self.last_conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor, references: Tensor) -> Tensor:
        """Turn tokens (B, T, h, w, C) into as many, given references (B, M, h, w, C)."""
        deep = x
        for block in self.blocks:
            deep = block(deep, references)
        return x + tokens(self.last_conv(pictures(deep)), len(x))


class TapeReference(nn.Module):
    """The whole network.

    Args:
        width: channels at half the size of the frame; every further level has twice as many.
        depths: blocks of the three levels of the encoder and of the bottleneck; the decoder mirrors them.
        heads: of attention, on every level.
    """

    def __init__(self, width: int = 96, depths: Sequence[int] = (2, 2, 6, 2), heads: int = 8) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(LEVELS + 1)]
        encoder, decoder = list(zip(widths, depths, strict=True))[:LEVELS], list(zip(widths, depths, strict=True))[::-1]
        self.conv_input = nn.Conv2d(3, width, 3, stride=2, padding=1)
        self.encoding_layers = nn.ModuleList(SwinLayer(c, n, heads, SPACE_TIME, PatchMerging(c)) for c, n in encoder)
        self.decoding_layers = nn.ModuleList(SwinLayer(c, n, heads, SPACE_TIME, Expansion(c)) for c, n in decoder)
        # The depths of these go the other way than their widths.
        fusion = zip(widths[:LEVELS], depths[:0:-1], strict=True)
        self.mrsff_layers = nn.ModuleList(FusionLayer(c, n, heads) for c, n in fusion)
        self.ref_feature_extractor = SwinT()
        self.ref_feature_extractor_conv = nn.ModuleList(
            nn.Sequential(nn.Conv2d(SWIN_T_WIDTH * 2**k, 4 * widths[k], 3, padding=1), nn.PixelShuffle(2))
            for k in range(LEVELS)
        )
        self.conv_output = nn.Conv2d(width // 2, 3, 3, padding=1)

    def forward(
        self,
        frames: Tensor,
        windows: Tensor,
        references: Tensor,
        reference_frames: Tensor | None = None,
        keep: range | None = None,
    ) -> Tensor:
        """Restore the centre of each window.

        The features of a reference frame are computed once, when the first window needs them, and dropped after the
        last one that does.

        Args:
            frames: (N, T, 3, H, W) in [0, 1], RGB, float32 whatever the dtype of the weights; H and W multiples of
                `MULTIPLE`, at least `SMALLEST`.
            windows: (K, W), int64: the positions in T that form each window, `BLACK` for frames beyond the clip.
            references: (K, M), int64: the positions of each window's reference frames, best first.
            reference_frames: (N, S, 3, H, W), what ``references`` counts; by default the frames.
            keep: frames of each window to give (default: the one in its middle); those beside the middle saw less.

        Returns:
            (N, K * len(keep), 3, H, W), not clamped, dtype of the frames.

        Raises:
            ValueError: a size that the network cannot take, or windows and references of different numbers.
        """
        source = frames if reference_frames is None else reference_frames
        rows: list[list[int]] = references.tolist()
        _check(frames, windows, references, source)
        middle = windows.shape[1] // 2
        kept = slice(middle, middle + 1) if keep is None else slice(keep.start, keep.stop)
        last_row = {position: k for k, row in enumerate(rows) for position in row}
        known: dict[int, Features] = {}
        restored = []
        for k, (window, row) in enumerate(zip(windows.tolist(), rows, strict=True)):
            for position in row:
                if position not in known:
                    known[position] = self.reference_features(source[:, position])
            guides = tuple(torch.cat(level, dim=1) for level in zip(*(known[p] for p in row), strict=True))
            restored.append(self._restored(_window(frames, window), guides, kept))
            known = {position: features for position, features in known.items() if last_row[position] > k}
        return torch.cat(restored, dim=1)

    def reference_features(self, frames: Tensor) -> Features:
        """Compute what depends on reference frames (B, 3, H, W) alone, one for each item of the batch (M is 1)."""
        taps = self.ref_feature_extractor(frames.to(self.conv_input.weight.dtype))
        levels = zip(self.ref_feature_extractor_conv, taps, strict=True)
        return tuple(tokens(conv(pictures(tap)), len(frames)) for conv, tap in levels)

    def _restored(self, window: Tensor, references: Features, keep: slice) -> Tensor:
        """Restore the frames ``keep`` of a window (B, T, 3, H, W)."""
        images = window.flatten(0, 1).to(self.conv_input.weight.dtype, memory_format=torch.channels_last)
        skips = [tokens(self.conv_input(images), len(window))]
        for layer in self.encoding_layers:
            skips.append(layer(skips[-1]))
        first, *others = self.decoding_layers
        x = first(skips.pop())
        for level, layer in zip(reversed(range(LEVELS)), others, strict=True):
            x = x + skips.pop()
            x = x + self.mrsff_layers[level](x, references[level])
            # Nothing after the last blocks mixes frames.
            x = layer(x, keep if level == 0 else ALL)
        residual = self.conv_output(pictures(x)).unflatten(0, (len(window), -1))
        return window[:, keep] + residual.to(window.dtype)


def _window(frames: Tensor, positions: Sequence[int]) -> Tensor:
    """Return the frames (N, W, 3, H, W) of a window."""
    black = torch.zeros_like(frames[:, 0])
    return torch.stack([black if position == BLACK else frames[:, position] for position in positions], dim=1)


def _check(frames: Tensor, windows: Tensor, references: Tensor, source: Tensor) -> None:
    height, width = frames.shape[-2:]
    if height % MULTIPLE or width % MULTIPLE or min(height, width) < SMALLEST:
        accepted = f"multiples of {MULTIPLE} from {SMALLEST} up are accepted: pad them with zeros"
        raise ValueError(f"frames are {width}x{height}; {accepted}")
    if source.shape[-2:] != frames.shape[-2:]:
        raise ValueError(f"reference frames are {source.shape[-1]}x{source.shape[-2]}, frames {width}x{height}")
    if len(windows) != len(references):
        raise ValueError(f"{len(windows)} windows have {len(references)} rows of references; one each is needed")


def recognise(shapes: Shapes) -> dict[str, Any] | None:
    """Return constructor settings read off published names and shapes; None if it is no TAPE."""
    first, table = "conv_input.weight", "encoding_layers.0.blocks.0.attn.relative_position_bias_table"
    if any(name not in shapes for name in (first, table, "mrsff_layers.0.last_conv.weight")):
        return None
    layers = [f"encoding_layers.{level}" for level in range(LEVELS)] + ["decoding_layers.0"]
    depths = tuple(count_numbered(shapes, f"{layer}.blocks.") for layer in layers)
    return {"width": shapes[first][0], "depths": depths, "heads": shapes[table][1]}
