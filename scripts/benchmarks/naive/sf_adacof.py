"""SF-AdaCoF written down as published: one frame after the other, every head alone, the samples tap after tap.

Takes the weights of our network and gives what it gives for one pair half-way.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from vsrestore.networks.sf_adacof import LEVELS, MEAN, AdaCoF

Weights = Mapping[str, Tensor]


def between(network: AdaCoF, earlier: Tensor, later: Tensor, _times: Tensor) -> Tensor:
    """Return the frame half-way between two (1, 3, H, W), H and W multiples of 32; SF-AdaCoF's final model."""
    w = network.state_dict()
    mean = torch.tensor(MEAN).view(3, 1, 1)
    x = features(w, earlier - mean, later - mean)
    samples = []
    for n, frame in ((1, earlier), (2, later)):
        weights = head(w, f"heads.weight{n}", x).softmax(1)
        samples.append(sampled(frame, weights, head(w, f"heads.down{n}", x), head(w, f"heads.across{n}", x)))
    share = head(w, "heads.visibility", x).sigmoid()
    return share * samples[0] + (1 - share) * samples[1]


def features(w: Weights, earlier: Tensor, later: Tensor) -> Tensor:
    p, q = earlier, later
    skips = []
    for level in range(LEVELS):
        p, q = (basic(w, f"coders.0.convs.{level}", x) for x in (p, q))
        apart = gate(w, f"gates.{level}.fd", (q - p).abs())
        added = [gate(w, f"gates.{level}.{name}", x) * apart for name, x in (("pr", p), ("ne", q))]
        p, q = (torch.cat((x, *added), dim=1) for x in (p, q))
        skips.append((p, q))
        pool = f"coders.0.pools.{level}"
        p, q = (F.conv2d(x, w[f"{pool}.weight"], w[f"{pool}.bias"], stride=2) for x in (p, q))
    decoded = []
    for x, side in ((p, 0), (q, 1)):
        for step in range(LEVELS - 1):
            x = larger(basic(w, f"coders.0.deconvs.{step}", x))
            x = F.relu(conv(w, f"coders.0.upsamples.{step}.1", x)) + skips[LEVELS - 1 - step][side]
        decoded.append(x)
    return torch.cat(decoded, dim=1)


def sampled(frames: Tensor, weights: Tensor, down: Tensor, across: Tensor, dilation: int = 1) -> Tensor:
    """Return the sum over all taps as it is defined, with four look-ups each; shapes as of our operator."""
    count, _, height, width = frames.shape
    side = round(weights.shape[1] ** 0.5)
    batch = torch.arange(count)[:, None, None]
    result = torch.zeros_like(frames)
    for tap in range(side * side):
        row, column = (place * dilation - (side - 1) * dilation // 2 for place in divmod(tap, side))
        whole = down[:, tap].trunc(), across[:, tap].trunc()
        a, b = (down[:, tap] - whole[0])[:, None], (across[:, tap] - whole[1])[:, None]
        top = torch.arange(height)[:, None] + row + whole[0].long()
        left = torch.arange(width) + column + whole[1].long()
        rows = [(top + step).clamp(0, height - 1) for step in (0, 1)]
        columns = [(left + step).clamp(0, width - 1) for step in (0, 1)]
        corners = [[frames[batch, :, y, x].permute(0, 3, 1, 2) for x in columns] for y in rows]
        upper, lower = ((1 - b) * one + b * other for one, other in corners)
        result += weights[:, tap, None] * ((1 - a) * upper + a * lower)
    return result


def head(w: Weights, name: str, x: Tensor) -> Tensor:
    for index in (0, 2, 4):
        x = F.relu(conv(w, f"{name}.{index}", x))
    return conv(w, f"{name}.7", larger(x))


def basic(w: Weights, name: str, x: Tensor) -> Tensor:
    for index in (0, 2, 4):
        x = F.relu(conv(w, f"{name}.{index}", x))
    return x


def gate(w: Weights, name: str, x: Tensor) -> Tensor:
    x = F.relu(conv(w, f"{name}.0", x))
    return F.relu(F.conv2d(x, w[f"{name}.2.weight"], w[f"{name}.2.bias"]))


def larger(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)


def conv(w: Weights, name: str, x: Tensor) -> Tensor:
    return F.conv2d(x, w[f"{name}.weight"], w[f"{name}.bias"], padding=1)


def taps(_network: object, frames: Tensor, weights: Tensor, down: Tensor, across: Tensor) -> Tensor:
    """Return what the operator alone gives, tap after tap."""
    return sampled(frames, weights, down, across)
