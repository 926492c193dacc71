"""Analog Swin-UNet written down as published: every window whole, plain attention with a mask for every window.

Takes the weights of our network and gives what it gives. What its layers share with TAPE's is written there.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .tape_reference import Weights, channels_last, conv, expand, layer, merge, of, per_frame

CENTRE = 2
BLACK, ABSENT = -1, -2


def restore(network: nn.Module, frames: Tensor, windows: Tensor) -> Tensor:
    """Return frame 2 of each window, as ``AnalogSwinUNet.forward`` does; all other frames are restored in vain."""
    weights = network.state_dict()
    black = torch.zeros_like(frames[:, 0])
    centres = []
    for row in windows.tolist():
        window = torch.stack([black if p == BLACK else frames[:, p] for p in row if p != ABSENT], dim=1)
        centres.append(whole_window(weights, window)[:, CENTRE])
    return torch.stack(centres, dim=1)


def whole_window(w: Weights, frames: Tensor) -> Tensor:
    """Restore all frames (B, T, 3, H, W) of a window."""
    clip = frames.to(w["conv_input.weight"].dtype).transpose(1, 2)
    x = F.conv3d(clip, *of(w, "conv_input"), stride=(1, 2, 2), padding=1)
    skips = [channels_last(x.transpose(1, 2))]
    for level in range(3):
        name = f"encoding_layers.{level}"
        skips.append(merge(w, f"{name}.sampling_operation", layer(w, name, skips[-1])))
    x = layer(w, "encoding_layers.3", skips[-1])
    x = expand(w, "decoding_layers.0", x + skips.pop())
    for level in range(1, 4):
        name = f"decoding_layers.{level}"
        x = expand(w, f"{name}.sampling_operation", layer(w, name, x + skips.pop()))
    residual = per_frame(lambda x: conv(w, "conv_output", x), x)
    return frames + residual.permute(0, 1, 4, 2, 3).to(frames.dtype)
