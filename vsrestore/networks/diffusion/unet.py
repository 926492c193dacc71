"""The UNet of Stable Diffusion 2.1, built by diffusers under the published names.

Source:
    Rombach, Blattmann, Lorenz, Esser, Ommer, "High-Resolution Image Synthesis with Latent Diffusion Models", CVPR 2022,
    arXiv 2112.10752; github.com/Stability-AI/stablediffusion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from vsrestore.networks.diffusion.library import library
from vsrestore.networks.diffusion.names import PER_LEVEL, prefixed, unet_name
from vsrestore.networks.diffusion.norms import with_float32_norms
from vsrestore.networks.diffusion.remembered import with_remembered_prompts
from vsrestore.networks.state_dict import Shapes
from vsrestore.networks.traits import Traits

HEAD = 64  # features of an attention head, which no shape shows; a narrower network has one head at its first level


class UNet(nn.Module):
    """Tell noise (or v) of latents.

    Args:
        channels: of every level.
        attends: whether a level has attention.
        context: features of a text state.
        head: features of an attention head.
    """

    def __init__(self, channels: Sequence[int], attends: Sequence[bool], context: int, head: int | None = None) -> None:
        super().__init__()
        model = library("diffusers.models.unets.unet_2d_condition").UNet2DConditionModel
        ups = ("CrossAttnUpBlock2D" if attend else "UpBlock2D" for attend in reversed(attends))
        network = model(**settings_of(channels, attends, context, head), out_channels=4, up_block_types=tuple(ups))
        self.network = with_remembered_prompts(with_float32_norms(network))

    def forward(self, x: Tensor, time: Tensor, text: Tensor, controls: Sequence[Tensor] = ()) -> Tensor:
        """Predict.

        Args:
            x: latents (N, 4, h, w), h and w multiples of 8.
            time: steps of training, (N,), perhaps fractions.
            text: states (N, 77, context).
            controls: of :class:`Control`: those of the skip connections, the last that of the middle.

        Returns:
            (N, 4, h, w).
        """
        added: dict[str, Any] = {}
        if controls:
            added["down_block_additional_residuals"] = tuple(controls[:-1])
            added["mid_block_additional_residual"] = controls[-1]
        return self.network(x, time, encoder_hidden_states=text, return_dict=False, **added)[0]


def settings_of(channels: Sequence[int], attends: Sequence[bool], context: int, head: int | None) -> dict[str, Any]:
    """Return what diffusers calls the settings of a UNet or control branch."""
    downs = ("CrossAttnDownBlock2D" if attend else "DownBlock2D" for attend in attends)
    return {
        "in_channels": 4,
        "block_out_channels": tuple(channels),
        "down_block_types": tuple(downs),
        "layers_per_block": PER_LEVEL - 1,
        "cross_attention_dim": context,
        # Called so for historical reasons: it is the number of heads.
        "attention_head_dim": [count // (head or min(HEAD, channels[0])) for count in channels],
        "use_linear_projection": True,
    }


def recognise(shapes: Shapes) -> dict[str, Any] | None:
    """Return the settings of a checkpoint, None for other networks."""
    if "zero_convs.0.0.weight" in shapes or "output_blocks.0.0.in_layers.0.weight" not in shapes:
        return None
    return encoder_settings(shapes)


def encoder_settings(shapes: Shapes) -> dict[str, Any] | None:
    """Return what the way down of a UNet tells, None for other networks."""
    if "input_blocks.1.0.in_layers.2.weight" not in shapes:
        return None
    blocks = len({name.split(".")[1] for name in shapes if name.startswith("input_blocks.")})
    firsts = range(1, blocks, PER_LEVEL)
    attends = tuple(f"input_blocks.{first}.1.norm.weight" in shapes for first in firsts)
    text = shapes["middle_block.1.transformer_blocks.0.attn2.to_k.weight"]
    channels = tuple(shapes[f"input_blocks.{first}.0.in_layers.2.weight"][0] for first in firsts)
    return {"channels": channels, "attends": attends, "context": text[1]}


def rename[Value](published: Mapping[str, Value]) -> dict[str, Value]:
    """Return tensors under our names."""
    return prefixed({unet_name(name): value for name, value in published.items()}, "network.")


def describe(settings: Mapping[str, Any]) -> Traits:
    """Return what it asks of its latents."""
    return Traits(multiple=2 ** (len(settings["channels"]) - 1), tiles=False)
