"""The text encoder of Stable Diffusion 2.1: OpenCLIP's ViT-H/14, all layers but the last, built by transformers.

Source:
    Radford et al., CLIP, ICML 2021, arXiv 2103.00020; Cherti et al., OpenCLIP, CVPR 2023, arXiv 2212.07143.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from vsrestore.networks.diffusion.library import library
from vsrestore.networks.diffusion.names import prefixed, text_tensors
from vsrestore.networks.state_dict import Shapes, count_numbered
from vsrestore.networks.traits import Traits

HEAD = 64  # features of an attention head, which no shape shows; a narrower network has one head
LENGTH = 77
"""Tokens of a prompt; longer ones are cut off."""
MODEL = "ViT-H-14"


class TextEncoder(nn.Module):
    """Turn tokens into states.

    Args:
        vocabulary: tokens that there are.
        width: features of a state.
        inner: features within a layer.
        layers: that are used.
        head: features of an attention head.
    """

    def __init__(self, vocabulary: int, width: int, inner: int, layers: int, head: int | None = None) -> None:
        super().__init__()
        transformers = library("transformers")
        config = transformers.CLIPTextConfig(
            vocab_size=vocabulary,
            hidden_size=width,
            intermediate_size=inner,
            num_hidden_layers=layers,
            num_attention_heads=width // (head or min(HEAD, width)),
            max_position_embeddings=LENGTH,
            hidden_act="gelu",
        )
        model = transformers.CLIPTextModel(config)
        self.network = getattr(model, "text_model", model)  # older releases wrap it once more

    def forward(self, tokens: Tensor) -> Tensor:
        """Return states (N, 77, width), normed, of tokens (N, 77) int64."""
        return self.network(input_ids=tokens, return_dict=True).last_hidden_state


def tokens_of(prompts: Sequence[str]) -> Tensor:
    """Return prompts as tokens (N, 77), int64, filled up with 0.

    Raises:
        NetworkError: open_clip_torch, which brings the vocabulary, is not installed.
    """
    tokens: Tensor = library("open_clip").get_tokenizer(MODEL)(list(prompts), LENGTH)
    return tokens


def states(encoder: nn.Module, prompts: Sequence[str]) -> Tensor:
    """Return the states of prompts, (N, 77, width), float32, on the CPU."""
    with torch.inference_mode():
        return encoder(tokens_of(prompts)).float()


def recognise(shapes: Shapes) -> dict[str, Any] | None:
    """Return the settings of a checkpoint, None for other networks."""
    if "token_embedding.weight" not in shapes or "transformer.resblocks.0.mlp.c_fc.weight" not in shapes:
        return None
    vocabulary, width = shapes["token_embedding.weight"]
    inner = shapes["transformer.resblocks.0.mlp.c_fc.weight"][0]
    return {"vocabulary": vocabulary, "width": width, "inner": inner, "layers": _used(shapes)}


def rename[Value](published: Mapping[str, Value]) -> dict[str, Value]:
    """Return tensors under our names, without what is not used: the last layer, and what compares with pictures."""
    return prefixed(text_tensors(published, _used(published)), "network.")


def _used(tensors: Mapping[str, object]) -> int:
    return count_numbered(tensors, "transformer.resblocks.") - 1


def describe(settings: Mapping[str, Any]) -> Traits:
    """Return nothing in particular: it sees no pictures."""
    return Traits()
