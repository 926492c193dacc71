"""The VAE of Stable Diffusion: from pictures to latents of an eighth of their size and back.

Source:
    Rombach et al., CVPR 2022, arXiv 2112.10752; github.com/Stability-AI/stablediffusion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from vsrestore.networks.diffusion.bands import in_bands
from vsrestore.networks.diffusion.library import library
from vsrestore.networks.diffusion.names import prefixed, vae_tensors
from vsrestore.networks.state_dict import Shapes
from vsrestore.networks.traits import Traits

SCALE = 0.18215
"""Factor on latents that gives them about the variance of noise."""
LATENT = 4
FACTOR = 8
"""Pixels of a picture / pixels of its latent."""


class Encode(nn.Module):
    """The way from pictures to latents."""

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        vae = library("diffusers.models.autoencoders.vae")
        kinds = ("DownEncoderBlock2D",) * len(channels)
        encoder = vae.Encoder(out_channels=LATENT, down_block_types=kinds, block_out_channels=tuple(channels))
        self.encoder = in_bands(encoder)
        self.quant_conv = nn.Conv2d(2 * LATENT, 2 * LATENT, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the mean latents (N, 4, H / 8, W / 8), scaled, of pictures (N, 3, H, W) in [-1, 1]."""
        mean, _ = self.quant_conv(self.encoder(pictures.to(self.quant_conv.weight.dtype))).chunk(2, dim=1)
        return mean.float() * SCALE


class Decode(nn.Module):
    """The way from latents to pictures."""

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        vae = library("diffusers.models.autoencoders.vae")
        kinds = ("UpDecoderBlock2D",) * len(channels)
        self.post_quant_conv = nn.Conv2d(LATENT, LATENT, 1)
        decoder = vae.Decoder(
            in_channels=LATENT,
            out_channels=3,
            up_block_types=kinds,
            block_out_channels=tuple(channels),
            layers_per_block=2,
        )
        self.decoder = in_bands(decoder)

    def forward(self, latents: Tensor) -> Tensor:
        """Return pictures (N, 3, 8 h, 8 w), about in [-1, 1], of scaled latents (N, 4, h, w)."""
        dtype = self.post_quant_conv.weight.dtype
        return self.decoder(self.post_quant_conv((latents / SCALE).to(dtype))).float()


class VAE(nn.Module):
    """Both ways.

    Args:
        channels: of every level, from that of pictures on.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.encode = Encode(channels)
        self.decode = Decode(channels)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return pictures (N, 3, H, W) in [-1, 1] as their latents hold them; H and W are multiples of 8."""
        return self.decode(self.encode(pictures))


def recognise(shapes: Shapes) -> dict[str, Any] | None:
    """Return the settings of a checkpoint, None for other networks."""
    if "encoder.down.0.block.0.conv1.weight" not in shapes or "post_quant_conv.weight" not in shapes:
        return None
    levels = _levels(shapes)
    return {"channels": tuple(shapes[f"encoder.down.{level}.block.0.conv1.weight"][0] for level in range(levels))}


def rename[Value](published: Mapping[str, Value]) -> dict[str, Value]:
    """Return tensors under our names."""
    renamed = vae_tensors(published, _levels(published))
    return prefixed(renamed, lambda name: "encode." if name.startswith(("encoder.", "quant_conv.")) else "decode.")


def _levels(tensors: Mapping[str, object]) -> int:
    return len({name.split(".")[2] for name in tensors if name.startswith("encoder.down.")})


def describe(settings: Mapping[str, Any]) -> Traits:
    """Return what it asks of its pictures."""
    return Traits(multiple=2 ** (len(settings["channels"]) - 1), float32_frames=True)


def standardised(pictures: Tensor) -> Tensor:
    """Return pictures of [0, 1] as the encoder takes them."""
    return 2 * pictures - 1


def pictures_of(decoded: Tensor) -> Tensor:
    """Return decoded pictures in [0, 1], not limited to it."""
    return torch.add(decoded, 1).div_(2)
