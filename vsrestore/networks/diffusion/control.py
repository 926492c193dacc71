"""IRControlNet: a copy of the UNet's way down that sees the picture to be restored beside the noisy latent.

Source:
    Lin, He, Chen, Lyu, Dai, Yu, Qiao, Ouyang, Dong, "DiffBIR: Toward Blind Image Restoration with Generative Diffusion
    Prior", ECCV 2024, arXiv 2308.15070; github.com/XPixelGroup/DiffBIR.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from vsrestore.networks.diffusion.library import library
from vsrestore.networks.diffusion.names import prefixed, unet_name
from vsrestore.networks.diffusion.norms import with_float32_norms
from vsrestore.networks.diffusion.remembered import with_remembered_prompts
from vsrestore.networks.diffusion.unet import describe, encoder_settings, settings_of
from vsrestore.networks.state_dict import Shapes

__all__ = ["Control", "describe", "recognise", "rename"]


class Control(nn.Module):
    """Tell the UNet what the picture holds.

    Args:
        channels: of every level.
        attends: whether a level has attention.
        context: features of a text state.
        head: features of an attention head.
    """

    def __init__(self, channels: Sequence[int], attends: Sequence[bool], context: int, head: int | None = None) -> None:
        super().__init__()
        model = library("diffusers.models.controlnets.controlnet").ControlNetModel
        settings = settings_of(channels, attends, context, head)
        network = model(**{**settings, "in_channels": 8})
        network.controlnet_cond_embedding = _Nothing()
        self.network = with_remembered_prompts(with_float32_norms(network))

    def forward(self, x: Tensor, condition: Tensor, time: Tensor, text: Tensor) -> list[Tensor]:
        """Return what is added to the skip connections of the UNet, and last to its middle.

        Args:
            x: latents (N, 4, h, w).
            condition: latents of the picture, (N, 4, h, w).
            time: steps of training, (N,).
            text: states (N, 77, context).
        """
        both = torch.cat((x, condition), dim=1)
        downs, middle = self.network(both, time, encoder_hidden_states=text, controlnet_cond=x, return_dict=False)
        return [*downs, middle]


class _Nothing(nn.Module):
    """Stands for the network by which others add a picture."""

    def forward(self, picture: Tensor) -> Tensor:
        return picture.new_zeros(())


def recognise(shapes: Shapes) -> dict[str, Any] | None:
    """Return the settings of a checkpoint, None for other networks."""
    return encoder_settings(shapes) if "zero_convs.0.0.weight" in shapes else None


def rename[Value](published: Mapping[str, Value]) -> dict[str, Value]:
    """Return tensors under our names."""
    return prefixed({unet_name(name): value for name, value in published.items()}, "network.")
