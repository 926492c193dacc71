"""MMP-RNN as its paper writes it: default layout, norms apart, every chunk from scratch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

Weights = Mapping[str, Tensor]


def deblur(weights: Weights, frames: Tensor, chunks: Sequence[Sequence[int]], attention: bool = True) -> Tensor:
    """Return the sharp frames (N, K * (L - 4), 3, H, W) of K chunks of L frames (N, T, 3, H, W) in [0, 1]."""
    sharp = [_chunk(weights, [frames[:, position] - 0.5 for position in row], attention) for row in chunks]
    return torch.cat(sharp, dim=1) + 0.5


def magnitude(weights: Weights, x: Tensor, prefix: str = "") -> Tensor:
    """Return the prior's map (N, 1, H, W) of a frame (N, 3, H, W) in [-0.5, 0.5]."""
    sizes = [_double(weights, f"{prefix}inc.double_conv", _conv(weights, f"{prefix}conv9x9", x))]
    for level in range(1, 5):
        name = f"{prefix}down{level}.maxpool_conv.1.double_conv"
        sizes.append(_double(weights, name, F.max_pool2d(sizes[-1], 2)))
    x = sizes.pop()
    for level in range(1, 5):
        skipped = sizes.pop()
        x = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=True)
        below, right = (skipped.shape[axis] - x.shape[axis] for axis in (-2, -1))
        x = F.pad(x, (right // 2, right - right // 2, below // 2, below - below // 2))
        x = _double(weights, f"{prefix}up{level}.conv.double_conv", torch.cat((skipped, x), dim=1))
    return torch.sigmoid(_conv(weights, f"{prefix}outc.conv", _dense_block(weights, f"{prefix}refine", x)))


def _chunk(weights: Weights, frames: Sequence[Tensor], attention: bool) -> Tensor:
    hidden, middle, memory = [], None, None
    for frame in frames:
        output, middle, memory = _cell(weights, frame, middle, memory)
        hidden.append(output)
    sharp = []
    for i in range(2, len(frames) - 2):
        decoded = _decode(weights, _fuse(weights, hidden[i - 2 : i + 3], attention))
        sharp.append(decoded + _conv(weights, "skip", frames[i]))
    return torch.stack(sharp, dim=1)


def _cell(weights: Weights, frame: Tensor, before: Tensor | None, memory: Tensor | None) -> tuple[Tensor, ...]:
    """Return what the decoder sees of a frame and both states; those of the frame before are None at the start."""
    x = _conv(weights, "cell.F_B0", frame)
    factors = F.leaky_relu(_conv(weights, "cell.MMAM1.MMAM_conv0", magnitude(weights, frame, "cell.prior.")), 0.1)
    x = x * (1 + _conv(weights, "cell.MMAM1.MMAM_conv1", factors))
    for part in ("cell.F_B1", "cell.F_B2"):
        x = _conv(weights, f"{part}.down_sampling", _dense_block(weights, f"{part}.rdb", x), stride=2)
    if before is None or memory is None:
        before, memory = torch.zeros_like(x), torch.zeros_like(x[:, : x.shape[1] // 2])
    hidden = _dense_net(weights, "cell.F_R", torch.cat((x, before, memory), dim=1))
    after = _dense_block(weights, "cell.F_h.1", _conv(weights, "cell.F_h.0", hidden))
    return hidden, x, _conv(weights, "cell.F_h.2", after)


def _fuse(weights: Weights, hidden: Sequence[Tensor], attention: bool) -> Tensor:
    joined = torch.cat(list(hidden), dim=1)
    if attention:
        squeezed = F.relu(_conv(weights, "fusion.ca.conv_du.0", joined.mean((2, 3), keepdim=True)))
        joined = joined * torch.sigmoid(_conv(weights, "fusion.ca.conv_du.2", squeezed))
    return _conv(weights, "fusion.fusion", joined)


def _decode(weights: Weights, x: Tensor) -> Tensor:
    x = _dense_net(weights, "recons.D_Net", x)
    for name in ("recons.model.0", "recons.model.1"):
        weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
        x = F.conv_transpose2d(x, weight, bias, stride=2, padding=1, output_padding=1)
    return _conv(weights, "recons.model.2", x)


def _dense_net(weights: Weights, name: str, x: Tensor) -> Tensor:
    refined: list[Tensor] = []
    while f"{name}.RDBs.{len(refined)}.conv1x1.weight" in weights:
        x = _dense_block(weights, f"{name}.RDBs.{len(refined)}", x)
        refined.append(x)
    return _conv(weights, f"{name}.conv3x3", _conv(weights, f"{name}.conv1x1", torch.cat(refined, dim=1)))


def _dense_block(weights: Weights, name: str, x: Tensor) -> Tensor:
    dense = x
    for k in range(3):
        grown = F.gelu(_conv(weights, f"{name}.dense_layers.{k}.conv", dense))
        dense = torch.cat((dense, grown), dim=1)
    return x + _conv(weights, f"{name}.conv1x1", dense)


def _double(weights: Weights, name: str, x: Tensor) -> Tensor:
    """Twice convolution, batch norm and ReLU."""
    for conv, norm in ((0, 1), (3, 4)):
        x = _conv(weights, f"{name}.{conv}", x)
        mean, variance = weights[f"{name}.{norm}.running_mean"], weights[f"{name}.{norm}.running_var"]
        x = F.batch_norm(x, mean, variance, weights[f"{name}.{norm}.weight"], weights[f"{name}.{norm}.bias"])
        x = F.relu(x)
    return x


def _conv(weights: Weights, name: str, x: Tensor, stride: int = 1) -> Tensor:
    weight = weights[f"{name}.weight"]
    return F.conv2d(x, weight, weights[f"{name}.bias"], stride, padding=weight.shape[-1] // 2)
