"""PSRT-recurrent written down as published: plain attention with a mask for every window, default layout, all frames.

Takes the weights of our network and gives what it gives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from vsrestore.networks.layers.warp import flow_warp
from vsrestore.networks.psrt import PSRT

FRAMES, WINDOW, SHIFT, PATCH = 3, 8, 4, 8
SLOPE = 0.1
LAST_ROWS = (slice(0, -WINDOW), slice(-WINDOW, -SHIFT), slice(-SHIFT, None))

Weights = Mapping[str, Tensor]


def enlarge(network: PSRT, frames: Tensor) -> Tensor:
    """Return frames (1, T, 3, H, W) four times as large, as ``PSRT.forward`` does; every branch's features are kept."""
    w = network.state_dict()
    onward = network.spynet(frames[0, :-1], frames[0, 1:])
    back = network.spynet(frames[0, 1:], frames[0, :-1])
    images = frames.transpose(0, 1).to(w["conv_first.weight"].dtype)
    sequences = [[conv(w, "conv_first", image) for image in images]]
    for branch in ("backward_1", "forward_1", "backward_2", "forward_2"):
        before = sequences[-1]
        if branch.startswith("backward"):
            sequences.append(propagate(w, f"patch_align.{branch}", before[::-1], onward.flip(0))[::-1])
        else:
            sequences.append(propagate(w, f"patch_align.{branch}", before, back))
    pictures = [to_pixels(w, x) for x in sequences[-1]]
    larger = F.interpolate(frames[0], scale_factor=4.0, mode="bilinear", align_corners=False)
    return (larger + torch.cat(pictures).to(larger.dtype))[None]


def propagate(w: Weights, branch: str, features: Sequence[Tensor], flows: Tensor) -> list[Tensor]:
    """Return the features (1, C, H, W) of every frame after a branch; flows lead from each frame to that before it."""
    states: list[Tensor] = []
    for p, x in enumerate(features):
        first = second = x
        if p > 0:
            flow = flows[p - 1 : p]
            first, second = align(states[-1], flow), torch.zeros_like(x)
        if p > 1:
            second = align(states[-2], flow + flow_warp(flows[p - 2 : p - 1], flow))
        states.append(trunk(w, branch, torch.cat((first, x, second))))
    return states


def align(x: Tensor, flow: Tensor) -> Tensor:
    """Sample features (1, C, H, W) at the nearest pixel, along a flow that is the same all over a block."""
    height, width = x.shape[-2:]
    whole = F.pad(flow, (0, -width % PATCH, 0, -height % PATCH), mode="reflect")
    means = F.avg_pool2d(whole, PATCH)
    blocks = means.repeat_interleave(PATCH, -2).repeat_interleave(PATCH, -1)
    return flow_warp(x, blocks[..., :height, :width], mode="nearest")


def trunk(w: Weights, name: str, stack: Tensor) -> Tensor:
    """Turn three frames' features (3, C, H, W) into those of the middle one, (1, C, H, W)."""
    x = norm(w, f"{name}.patch_embed.norm", stack.permute(0, 2, 3, 1))
    mask = shift_mask(x)
    for group in range(count(w, f"{name}.layers.")):
        y, layers = x, f"{name}.layers.{group}.residual_group.blocks."
        for layer in range(count(w, layers)):
            y = swin_layer(w, f"{layers}{layer}", y, SHIFT if layer % 2 else 0, mask)
        x = x + conv(w, f"{name}.layers.{group}.conv", y.permute(0, 3, 1, 2).contiguous()).permute(0, 2, 3, 1)
    y = norm(w, f"{name}.norm", x).permute(0, 3, 1, 2).contiguous()
    return conv(w, f"{name}.conv_after_body", y[1:2]) + stack[1:2]


def swin_layer(w: Weights, name: str, x: Tensor, shift: int, mask: Tensor) -> Tensor:
    _, height, width, _ = x.shape
    y = F.pad(norm(w, f"{name}.norm1", x), (0, 0, 0, -width % WINDOW, 0, -height % WINDOW))
    padded = y.shape
    y = attention(w, f"{name}.attn", split(y.roll((-shift, -shift), dims=(1, 2))), mask if shift else None)
    y = join(y, padded).roll((shift, shift), dims=(1, 2))
    x = x + y[:, :height, :width]
    return x + linear(w, f"{name}.mlp.fc2", F.gelu(linear(w, f"{name}.mlp.fc1", norm(w, f"{name}.norm2", x))))


def attention(w: Weights, name: str, windows: Tensor, mask: Tensor | None) -> Tensor:
    """Attend within windows (K, L, C), with a mask (K, L, L)."""
    table = w[f"{name}.relative_position_bias_table"]
    length, heads = windows.shape[1], table.shape[1]
    q, k, v = linear(w, f"{name}.qkv", windows).unflatten(-1, (3, heads, -1)).permute(2, 0, 3, 1, 4)
    logits = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
    logits = logits + table[places(table.device).flatten()].view(length, length, heads).permute(2, 0, 1)
    if mask is not None:
        logits = logits + mask[:, None].to(logits.dtype)
    return linear(w, f"{name}.proj", (logits.softmax(-1) @ v).transpose(1, 2).flatten(2))


def shift_mask(x: Tensor) -> Tensor:
    """Return what is added to the logits of every shifted window of pictures (3, H, W, C): (K, L, L)."""
    tall, wide = (side + -side % WINDOW for side in x.shape[1:3])
    labels = torch.zeros(FRAMES, tall, wide, 1, device=x.device)
    for i, rows in enumerate(LAST_ROWS):
        for j, columns in enumerate(LAST_ROWS):
            labels[:, rows, columns] = len(LAST_ROWS) * i + j
    labels = split(labels)[..., 0]
    return (labels[:, :, None] != labels[:, None, :]) * -100.0


def places(device: torch.device) -> Tensor:
    """Return the row of the table of biases for every pair of tokens of a window, (L, L)."""
    axes = torch.meshgrid(*(torch.arange(side, device=device) for side in (FRAMES, WINDOW, WINDOW)), indexing="ij")
    t, r, c = (x.flatten()[:, None] - x.flatten() for x in axes)
    side = 2 * WINDOW - 1
    return (t + FRAMES - 1) * side**2 + (r + WINDOW - 1) * side + c + WINDOW - 1


def split(x: Tensor) -> Tensor:
    """Cut (3, H, W, C) into windows (K, L, C)."""
    blocks = x.unflatten(2, (-1, WINDOW)).unflatten(1, (-1, WINDOW))
    return blocks.permute(1, 3, 0, 2, 4, 5).flatten(0, 1).flatten(1, 3)


def join(windows: Tensor, shape: Sequence[int]) -> Tensor:
    """Put windows (K, L, C) together to (3, H, W, C)."""
    frames, height, width, channels = shape
    blocks = windows.view(height // WINDOW, width // WINDOW, frames, WINDOW, WINDOW, channels)
    return blocks.permute(2, 0, 3, 1, 4, 5).reshape(shape)


def to_pixels(w: Weights, x: Tensor) -> Tensor:
    """Turn features (1, C, H, W) into what is added to the picture, (1, 3, 4H, 4W)."""
    x = conv(w, "conv_before_upsample", x)
    for step in ("upsample1", "upsample2"):
        x = F.leaky_relu(F.pixel_shuffle(conv(w, f"{step}.upsample_conv", x), 2), SLOPE)
    return conv(w, "conv_last", F.leaky_relu(conv(w, "conv_hr", x), SLOPE))


def conv(w: Weights, name: str, x: Tensor) -> Tensor:
    return F.conv2d(x, w[f"{name}.weight"], w[f"{name}.bias"], padding=1)


def linear(w: Weights, name: str, x: Tensor) -> Tensor:
    return F.linear(x, w[f"{name}.weight"], w[f"{name}.bias"])


def norm(w: Weights, name: str, x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], w[f"{name}.weight"], w[f"{name}.bias"])


def count(w: Weights, prefix: str) -> int:
    """Return how many members a list of modules has."""
    return len({name.removeprefix(prefix).partition(".")[0] for name in w if name.startswith(prefix)})
