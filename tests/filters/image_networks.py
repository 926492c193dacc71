"""Checkpoints of networks that spandrel knows: small ones with seeded weights, and the golden records."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch
from spandrel.architectures.Compact import Compact
from spandrel.architectures.DnCNN import DnCNN
from spandrel.architectures.ESRGAN import ESRGAN
from spandrel.architectures.SCUNet import SCUNet
from spandrel.architectures.SwinIR import SwinIR
from spandrel.architectures.Uformer import Uformer
from torch import Tensor, nn

from tests.golden import records

SWINIR = {"patch_size": 1, "window_size": 8, "mlp_ratio": 2, "resi_connection": "1conv"}
SMALL = {
    "compact": lambda: Compact(num_feat=8, num_conv=1, upscale=2),
    "dncnn": lambda: DnCNN(in_nc=2, out_nc=1, nc=8, nb=8, act_mode="R", mode="FDnCNN"),  # with a map of the noise level
    "rrdbnet": lambda: ESRGAN(num_filters=8, num_blocks=1, scale=2),
    "rrdbnet-x1": lambda: ESRGAN(in_nc=48, num_filters=8, num_blocks=1, scale=4, shuffle_factor=4),
    "scunet": lambda: SCUNet(config=[1] * 7),
    "swinir": lambda: SwinIR(img_size=16, embed_dim=12, depths=[2], num_heads=[2], upsampler="", **SWINIR),
    "swinir-gray": lambda: SwinIR(
        img_size=16, embed_dim=12, depths=[2], num_heads=[2], upsampler="", in_chans=1, **SWINIR
    ),
    "swinir-unshuffle": lambda: SwinIR(
        img_size=16,
        embed_dim=12,
        depths=[2],
        num_heads=[2],
        upsampler="nearest+conv",
        upscale=8,
        start_unshuffle=8,
        **SWINIR,
    ),
    "uformer": lambda: Uformer(embed_dim=8, depths=[1] * 9, num_heads=[1, 1, 1, 1, 2, 2, 1, 1, 1]),
}


def checkpoint(path: Path, kind: str, **wrapped: object) -> Path:
    """Save a small network whose output stays near its input where it adds to it; return the path."""
    torch.save({"params": _state(kind), **wrapped}, path)
    return path


@cache
def _state(kind: str) -> dict[str, Tensor]:
    first = "conv_first.1." if kind == "swinir-unshuffle" else "conv_first."  # as DiffBIR's files call it
    made = {name: _value(name, value) for name, value in SMALL[kind]().state_dict().items()}
    return {name.replace("conv_first.", first): value for name, value in made.items()}


def saved(name: str, path: Path) -> Path:
    """Save the tensors of a golden record as published; return the path."""
    torch.save({"params": published(name)}, path)
    return path


def published(name: str) -> dict[str, Tensor]:
    """The tensors of a golden record, with the buffers that published files hold too."""
    tensors, config = records.read(name).tensors, records.layout(name)[0]["config"]
    if "window" not in config or "embed" not in config:
        return tensors
    network: nn.Module = SwinIR(
        img_size=64,
        embed_dim=config["embed"],
        depths=config["depths"],
        num_heads=config["heads"],
        upscale=4,
        upsampler=config["upsampler"],
        **SWINIR,
    )
    buffers = {key: value for key, value in network.named_buffers() if key in network.state_dict()}
    return {**buffers, **tensors}


def _value(name: str, value: Tensor) -> Tensor:
    if not value.is_floating_point() or name.endswith("attn_mask"):
        return value
    made = records.tensor(name, {"shape": value.shape, "dtype": "float32"}, gain=0.9)
    last = name.startswith(("conv_last", "m_tail", "body.4", "model.7", "output_proj"))
    return made * 0.2 if last else made
