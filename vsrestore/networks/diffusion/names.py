"""From the published names of the parts of Stable Diffusion to those of diffusers and transformers.

Values are tensors or their shapes, as everywhere where checkpoints are recognised before they are read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from torch import Tensor

PER_LEVEL = 3
"""Blocks of a level of the UNet: two of layers, and the one that resizes (down), or three of layers (up)."""
RESIDUAL = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}
MIDDLE = {"0": "resnets.0", "1": "attentions.0", "2": "resnets.1"}
WHOLE = {
    "time_embed.0": "time_embedding.linear_1",
    "time_embed.2": "time_embedding.linear_2",
    "input_blocks.0.0": "conv_in",
    "out.0": "conv_norm_out",
    "out.2": "conv_out",
    "middle_block_out.0": "controlnet_mid_block",
}
ATTENTION_OF_VAE = {
    "norm": "group_norm",
    "q": "to_q",
    "k": "to_k",
    "v": "to_v",
    "proj_out": "to_out.0",
}
LAYER_OF_TEXT = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "attn.out_proj": "self_attn.out_proj",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}
OF_TEXT = {
    "token_embedding.weight": "embeddings.token_embedding.weight",
    "positional_embedding": "embeddings.position_embedding.weight",
    "ln_final.weight": "final_layer_norm.weight",
    "ln_final.bias": "final_layer_norm.bias",
}


def unet_name(name: str) -> str:
    """Return what diffusers calls a tensor of the UNet or of the control branch."""
    module, _, leaf = name.rpartition(".")
    if module in WHOLE:
        return f"{WHOLE[module]}.{leaf}"
    block, _, rest = name.partition(".")
    number, _, rest = rest.partition(".")
    if block == "zero_convs":
        return f"controlnet_down_blocks.{number}.{rest.removeprefix('0.')}"
    if block == "middle_block":
        return f"mid_block.{MIDDLE.get(number, number)}.{_residual(rest)}"
    part, _, rest = rest.partition(".")
    if block == "input_blocks" and number.isdigit():
        return _down(int(number) - 1, part, rest)
    if block == "output_blocks" and number.isdigit():
        return _up(int(number), part, rest)
    return name


def _down(index: int, part: str, rest: str) -> str:
    level, place = divmod(index, PER_LEVEL)
    if rest.startswith("op."):
        return f"down_blocks.{level}.downsamplers.0.conv.{rest.removeprefix('op.')}"
    kind = "resnets" if part == "0" else "attentions"
    return f"down_blocks.{level}.{kind}.{place}.{_residual(rest)}"


def _up(index: int, part: str, rest: str) -> str:
    level, place = divmod(index, PER_LEVEL)
    if rest.startswith("conv."):
        return f"up_blocks.{level}.upsamplers.0.{rest}"
    kind = "resnets" if part == "0" else "attentions"
    return f"up_blocks.{level}.{kind}.{place}.{_residual(rest)}"


def _residual(rest: str) -> str:
    module, _, leaf = rest.rpartition(".")
    return f"{RESIDUAL.get(module, module)}.{leaf}"


def vae_tensors[Value](published: Mapping[str, Value], levels: int) -> dict[str, Value]:
    """Return the tensors of a VAE under the names of diffusers; attention by 1x1 convolutions becomes linear."""
    renamed = {}
    for name, value in published.items():
        new = _vae_name(name, levels)
        is_kernel = ".attentions." in new and len(_shape(value)) == 4
        renamed[new] = _reshaped(value, _shape(value)[:2]) if is_kernel else value
    return renamed


def _vae_name(name: str, levels: int) -> str:
    name = name.replace("nin_shortcut", "conv_shortcut").replace(".norm_out.", ".conv_norm_out.")
    name = re.sub(r"\.mid\.block_(\d)\.", lambda match: f".mid_block.resnets.{int(match[1]) - 1}.", name)
    attention = re.fullmatch(r"(\w+)\.mid\.attn_1\.(\w+)\.(\w+)", name)
    if attention:
        half, part, leaf = attention.groups()
        return f"{half}.mid_block.attentions.0.{ATTENTION_OF_VAE.get(part, part)}.{leaf}"
    level = re.match(r"(encoder\.down|decoder\.up)\.(\d+)\.(block\.|downsample\.|upsample\.)", name)
    if not level:
        return name
    number = int(level[2]) if level[1].endswith("down") else levels - 1 - int(level[2])
    part = {"block.": "resnets.", "downsample.": "downsamplers.0.", "upsample.": "upsamplers.0."}[level[3]]
    return f"{level[1]}_blocks.{number}.{part}{name[level.end() :]}"


def text_tensors[Value](published: Mapping[str, Value], used: int) -> dict[str, Value]:
    """Return the tensors of the text encoder under the names of transformers, those of unused layers left out."""
    renamed: dict[str, Value] = {}
    for name, value in published.items():
        layer = re.fullmatch(r"transformer\.resblocks\.(\d+)\.(.+)\.(?:in_proj_)?(weight|bias)", name)
        joined = re.fullmatch(r"transformer\.resblocks\.(\d+)\.attn\.in_proj_(weight|bias)", name)
        if joined and int(joined[1]) < used:
            for letter, part in zip("qkv", _thirds(value), strict=True):
                renamed[f"encoder.layers.{joined[1]}.self_attn.{letter}_proj.{joined[2]}"] = part
        elif layer and not joined and int(layer[1]) < used:
            module = LAYER_OF_TEXT.get(layer[2], layer[2])
            renamed[f"encoder.layers.{layer[1]}.{module}.{layer[3]}"] = value
        elif not layer and name not in UNUSED_OF_TEXT:
            renamed[OF_TEXT.get(name, name)] = value
    return renamed


UNUSED_OF_TEXT = ("text_projection", "logit_scale", "attn_mask")
"""Of the text encoder: what compares texts with pictures, and a mask that follows from the length."""


def _shape(value: object) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else tuple(cast("Tensor", value).shape)


def _reshaped[Value](value: Value, shape: tuple[int, ...]) -> Value:
    if isinstance(value, tuple):
        return cast("Value", shape)
    return cast("Value", cast("Tensor", value).reshape(shape))


def _thirds[Value](value: Value) -> tuple[Value, ...]:
    if isinstance(value, tuple):
        return (cast("Value", (value[0] // 3, *value[1:])),) * 3
    return cast("tuple[Value, ...]", cast("Tensor", value).chunk(3))


def prefixed[Value](tensors: Mapping[str, Value], prefix: Callable[[str], str] | str) -> dict[str, Value]:
    """Return tensors under names that begin with a prefix, or with what a function of the name tells."""
    begin = prefix if callable(prefix) else lambda _name: prefix
    return {f"{begin(name)}{name}": value for name, value in tensors.items()}
