"""RIFE 4.0 written down as published: PyTorch's default layout, a sampling grid from the corners for every warp.

Takes the weights of our network and gives what it gives for one pair, refined.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from vsrestore.networks.rife import FAR, RIFE

Weights = Mapping[str, Tensor]


def between(network: RIFE, earlier: Tensor, later: Tensor, times: Tensor) -> Tensor:
    """Return the frame at a time (1,) between two (1, 3, H, W)."""
    w, sizes = network.state_dict(), list(network.reductions)
    time = torch.ones_like(earlier[:, :1]) * times
    flow, mask = block(w, "block0", torch.cat((earlier, later, time), dim=1), None, sizes[0])
    step = corrected(w, 1, earlier, later, time, flow, mask, sizes)
    if step[0][:, :2].abs().max() > FAR and step[0][:, 2:].abs().max() > FAR:
        sizes = [2 * size for size in sizes]
        flow, mask = block(w, "block0", torch.cat((earlier, later, time), dim=1), None, sizes[0])
        step = corrected(w, 1, earlier, later, time, flow, mask, sizes)
    flow, mask = flow + step[0], mask + step[1]
    for index in (2, 3):
        step = corrected(w, index, earlier, later, time, flow, mask, sizes)
        flow, mask = flow + step[0], mask + step[1]
    first, second = warped(earlier, flow[:, :2]), warped(later, flow[:, 2:])
    share = mask.sigmoid()
    blended = first * share + second * (1 - share)
    contexts = [context(w, earlier, flow[:, :2]), context(w, later, flow[:, 2:])]
    added = refinement(w, torch.cat((earlier, later, first, second, mask, flow), dim=1), contexts)
    return torch.clamp(blended + added, 0, 1)


def corrected(
    w: Weights, index: int, earlier: Tensor, later: Tensor, time: Tensor, flow: Tensor, mask: Tensor, sizes: list[float]
) -> tuple[Tensor, Tensor]:
    seen = torch.cat((warped(earlier, flow[:, :2]), warped(later, flow[:, 2:]), time, mask), dim=1)
    return block(w, f"block{index}", seen, flow, sizes[index])


def block(w: Weights, name: str, x: Tensor, flow: Tensor | None, size: float) -> tuple[Tensor, Tensor]:
    x = resized(x, 1 / size)
    if flow is not None:
        x = torch.cat((x, resized(flow, 1 / size) / size), dim=1)
    x = activated(w, f"{name}.conv0.1", activated(w, f"{name}.conv0.0", x, 2), 2)
    y = x
    for layer in range(len({key.split(".")[2] for key in w if key.startswith(f"{name}.convblock.")})):
        y = activated(w, f"{name}.convblock.{layer}", y)
    y = F.conv_transpose2d(x + y, w[f"{name}.lastconv.weight"], w[f"{name}.lastconv.bias"], 2, 1)
    y = resized(y, 2 * size)
    return y[:, :4] * 2 * size, y[:, 4:5]


def context(w: Weights, frame: Tensor, flow: Tensor) -> list[Tensor]:
    moved = []
    for level in range(1, 5):
        frame = double(w, f"contextnet.conv{level}", frame)
        flow = resized(flow, 0.5) * 0.5
        moved.append(warped(frame, flow))
    return moved


def refinement(w: Weights, x: Tensor, contexts: Sequence[Sequence[Tensor]]) -> Tensor:
    first, second = contexts
    skips = []
    for level in range(4):
        skips.append(double(w, f"unet.down{level}", x))
        x = torch.cat((skips[level], first[level], second[level]), dim=1)
    for level, skip in enumerate([None, *skips[2::-1]]):
        x = x if skip is None else torch.cat((x, skip), dim=1)
        x = F.conv_transpose2d(x, w[f"unet.up{level}.0.weight"], w[f"unet.up{level}.0.bias"], 2, 1)
        x = F.prelu(x, w[f"unet.up{level}.1.weight"])
    return F.conv2d(x, w["unet.conv.weight"], w["unet.conv.bias"], padding=1).sigmoid() * 2 - 1


def double(w: Weights, name: str, x: Tensor) -> Tensor:
    return activated(w, f"{name}.conv2", activated(w, f"{name}.conv1", x, 2))


def activated(w: Weights, name: str, x: Tensor, stride: int = 1) -> Tensor:
    x = F.conv2d(x, w[f"{name}.0.weight"], w[f"{name}.0.bias"], stride, 1)
    return F.prelu(x, w[f"{name}.1.weight"])


def resized(x: Tensor, factor: float) -> Tensor:
    return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


def warped(x: Tensor, flow: Tensor) -> Tensor:
    height, width = x.shape[-2:]
    across = torch.linspace(-1, 1, width).view(1, 1, 1, width).expand(1, -1, height, -1)
    down = torch.linspace(-1, 1, height).view(1, 1, height, 1).expand(1, -1, -1, width)
    step = torch.cat((flow[:, :1] / ((width - 1) / 2), flow[:, 1:2] / ((height - 1) / 2)), dim=1)
    grid = (torch.cat((across, down), dim=1) + step).permute(0, 2, 3, 1)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=True)
