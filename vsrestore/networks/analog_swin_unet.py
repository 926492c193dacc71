"""Analog Swin-UNet: a window of five frames of digitised analogue tape in, its restored centre out.

A U-Net of window attention over space and time, the forerunner of TAPE without its references.

Source:
    Agnolucci, Galteri, Bertini, Del Bimbo, "Restoration of Analog Videos Using Swin-UNet", ACM Multimedia 2022,
    arXiv 2311.04261. Tensor names are the published ones but for those of the resamplers.

What a caller has to know:
    Published scripts see one square of 512 or 768 pixels. Any size from 16 pixels on is accepted; below 128 the windows
    of attention shrink.
    Windows of frames share nothing, so half a chunk costs half.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from vsrestore.networks.absent_frames import ABSENT, BLACK
from vsrestore.networks.layers.swin import Axes, Expansion, PatchMerging, SwinLayer, pictures, tokens
from vsrestore.networks.state_dict import Shapes, count_numbered
from vsrestore.networks.traits import Traits

MULTIPLE = 16
WINDOW = 5
"""Frames of a window."""
CENTRE = 2
"""Place in a window of the frame that is wanted, in short windows too."""

TILE_GRID = 128  # pixels of a window of attention at the bottleneck

LEVELS = 3  # halvings between the first convolution and the bottleneck
SPACE_TIME: Axes = (2, 8, 8)
DERIVED = ("relative_position_index",)


class AnalogSwinUNet(nn.Module):
    """The whole network.

    Args:
        width: channels at half the size of the frame; every further level has twice as many.
        depths: blocks of the encoder, the last two levels of which have the same size.
        decoder_depths: blocks of the decoder, whose first level is an enlargement alone.
        heads: of attention, on every level.
    """

    def __init__(
        self,
        width: int = 96,
        depths: Sequence[int] = (2, 2, 6, 2),
        decoder_depths: Sequence[int] = (2, 6, 2),
        heads: int = 8,
    ) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(LEVELS + 1)]
        resamplers = [*(PatchMerging(c) for c in widths[:LEVELS]), nn.Identity()]
        encoder = zip(widths, depths, resamplers, strict=True)
        decoder = zip(widths[LEVELS - 1 :: -1], decoder_depths, strict=True)
        # Space and time at once, so that frames mix from the first layer on.
        self.conv_input = nn.Conv3d(3, width, 3, stride=(1, 2, 2), padding=1)
        self.encoding_layers = nn.ModuleList(SwinLayer(c, n, heads, SPACE_TIME, last) for c, n, last in encoder)
        self.decoding_layers = nn.ModuleList([Expansion(widths[LEVELS])])
        self.decoding_layers.extend(SwinLayer(c, n, heads, SPACE_TIME, Expansion(c)) for c, n in decoder)
        self.conv_output = nn.Conv2d(width // 2, 3, 3, padding=1)

    def forward(self, frames: Tensor, windows: Tensor, keep: range | None = None) -> Tensor:
        """Restore the wanted frame of each window.

        Args:
            frames: (N, T, 3, H, W) in [0, 1], RGB, float32 whatever the dtype of the weights; H and W multiples of
                `MULTIPLE`.
            windows: (K, W), int64: the positions in T that form each window, `BLACK` and `ABSENT` where there are none.
            keep: frames of each window to give (default: the one at `CENTRE`); those beside it saw less of what
                surrounds them.

        Returns:
            (N, K * len(keep), 3, H, W), not clamped, dtype of the frames.

        Raises:
            ValueError: a size that is no multiple, or a window too short for the frames to keep.
        """
        _check(frames)
        kept = range(CENTRE, CENTRE + 1) if keep is None else keep
        restored = [self._restored(_window(frames, row, kept), kept) for row in windows.tolist()]
        return torch.cat(restored, dim=1)

    def _restored(self, window: Tensor, keep: range) -> Tensor:
        """Restore the frames ``keep`` of a window (N, T, 3, H, W)."""
        first = self.conv_input(window.transpose(1, 2).to(self.conv_input.weight.dtype))
        skips = [first.permute(0, 2, 3, 4, 1).contiguous()]
        for layer in self.encoding_layers:
            skips.append(layer(skips[-1]))
        x = skips.pop()
        *decoding, last = self.decoding_layers
        for layer in decoding:
            x = layer(x + skips.pop())
        x = _last_layer(cast("SwinLayer", last), x + skips.pop(), keep)
        residual = self.conv_output(pictures(x)).unflatten(0, (len(window), -1))
        return window[:, keep.start : keep.stop] + residual.to(window.dtype)


def _last_layer(layer: SwinLayer, x: Tensor, keep: range) -> Tensor:
    """Run the last layer on tokens (N, T, h, w, C) for the frames ``keep``, whose neighbours nothing needs any more.

    Its two blocks pair frames 0 1, 2 3 and then 1 2, 3 4: for frame 2 alone, frames 1 and 2 go through the second one
    and frames 0 to 3 through the first.
    """
    if (keep.start, keep.stop, len(layer.blocks)) != (2, 3, 2):
        return cast("Tensor", layer(x, slice(keep.start, keep.stop)))
    first, second = layer.blocks
    deep = second(first(x[:, :4])[:, 1:3])[:, 1:]
    convolved = tokens(layer.last_conv(pictures(deep)), len(x))
    return cast("Tensor", layer.sampling_operation(x[:, 2:3] + convolved))


def _window(frames: Tensor, row: Sequence[int], keep: range) -> Tensor:
    """Return the frames (N, T, 3, H, W) of a window."""
    there = [position for position in row if position != ABSENT]
    if not 0 <= keep.start < keep.stop <= len(there):
        raise ValueError(f"a window holds {len(there)} frames; {keep.start} to {keep.stop - 1} are to be kept")
    black = torch.zeros_like(frames[:, 0])
    return torch.stack([black if position == BLACK else frames[:, position] for position in there], dim=1)


def _check(frames: Tensor) -> None:
    height, width = frames.shape[-2:]
    if height % MULTIPLE or width % MULTIPLE:
        accepted = f"multiples of {MULTIPLE} are accepted: pad them with zeros"
        raise ValueError(f"frames are {width}x{height}; {accepted}")


def describe(_settings: Mapping[str, Any]) -> Traits:
    """Return what the network asks of its pictures.

    Zeros are the padding that does least harm (the published one only works for multiples). Windows of attention lie on
    a grid of 128 pixels, shifted by 64 in every second block. The published script runs in float16 on CUDA; with seeded
    weights on real frames the largest error, of the largest value, is 0.011 in bfloat16 and 0.0014 in float16.
    """
    return Traits(
        multiple=MULTIPLE,
        padding="constant",
        tile_overlap=TILE_GRID,
        tile_grid=TILE_GRID,
        float32_frames=True,
        frames=WINDOW,
        border="black_short",
    )


def rename[Value](state_dict: Mapping[str, Value]) -> dict[str, Value]:
    """Return the published entries under our names: resamplers have one name everywhere.

    Args:
        state_dict: tensors, or their shapes, by published name, without wrappers such as ``net_g.``.
    """
    resampler = re.compile(r"^((?:en|de)coding_layers\.\d+)\.(?:down|up)sample\.")
    return {resampler.sub(r"\1.sampling_operation.", name): value for name, value in state_dict.items()}


def recognise(shapes: Shapes) -> dict[str, Any] | None:
    """Return constructor settings read off published names and shapes; None if it is no Analog Swin-UNet."""
    first, table = "conv_input.weight", "encoding_layers.0.blocks.0.attn.relative_position_bias_table"
    if any(name not in shapes for name in (first, table, "decoding_layers.0.before_conv.weight")):
        return None
    blocks = [count_numbered(shapes, f"{part}.blocks.") for part in _parts("encoding", range(LEVELS + 1))]
    decoder = [count_numbered(shapes, f"{part}.blocks.") for part in _parts("decoding", range(1, LEVELS + 1))]
    return {
        "width": shapes[first][0],
        "depths": tuple(blocks),
        "decoder_depths": tuple(decoder),
        "heads": shapes[table][1],
    }


def _parts(side: str, levels: range) -> list[str]:
    return [f"{side}_layers.{level}" for level in levels]
