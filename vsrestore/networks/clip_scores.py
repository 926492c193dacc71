"""How much frames look like artefacts of tape in the eyes of CLIP, as published with TAPE; needs open_clip_torch.

Nothing here was run with the published weights; the arithmetic around the model was.

Source:
    Radford et al., "Learning Transferable Visual Models From Natural Language Supervision" (CLIP), ICML 2021,
    arXiv 2103.00020; prompts: Agnolucci, Galteri, Bertini, Del Bimbo, "Reference-based Restoration of Digitized Analog
    Videotapes", WACV 2024, arXiv 2310.14926.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vsrestore.networks.layers.constant import constant
from vsrestore.networks.reference_selection import similarity
from vsrestore.networks.state_dict import NetworkError

MODEL = "RN50x4"
SIDE = 288  # of the square that the model looks at, in pixels
BATCH = 8  # frames that it looks at together
MEAN = (0.48145466, 0.4578275, 0.40821073)
DEVIATION = (0.26862954, 0.26130258, 0.27577711)

QUALITIES = ("jpeg corrupted", "pixelated", "blurry")
PROGRAM_CONSTANTS = ("input_resolution", "context_length", "vocab_size")  # of the published file, beside its weights

PROMPTS = (
    *(f"an image of a {quality} photo" for quality in ("degraded", "noisy", "bad")),
    *(f"a {quality} image of a photo" for quality in QUALITIES),
    *(f"a {quality} photo" for quality in QUALITIES),
    *(f"an image with {artefacts}" for artefacts in ("interlacing artifacts", "color artifacts along rows")),
    "a photo with distortions",
)
"""What artefacts are called; they belong to the published network like its weights."""


class Clip(NamedTuple):
    """A model of CLIP."""

    model: Any
    """Has ``encode_image`` for (N, 3, 288, 288) and ``encode_text`` for tokens, both giving (N, K)."""
    tokenize: Callable[[Sequence[str]], Tensor]


def load_clip(path: str | PathLike[str], device: torch.device | str = "cpu") -> Clip:
    """Return the published model in evaluation mode, float32.

    Args:
        path: of the published file, a TorchScript program, of which the weights alone are taken.
        device: where it computes.

    Raises:
        NetworkError: open_clip_torch is missing, or the file is another one.
    """
    try:
        import open_clip
    except ImportError as error:
        cure = "pip install open_clip_torch, measure the frames without it (tape_faults) or name the references"
        raise NetworkError(
            f"scores of CLIP need the package open_clip_torch, which is not installed: {cure}"
        ) from error
    # The published weights were trained with an approximate GELU.
    model = open_clip.create_model(MODEL, force_quick_gelu=True)
    try:
        weights = torch.jit.load(path, map_location="cpu").state_dict()
        model.load_state_dict({name: value for name, value in weights.items() if name not in PROGRAM_CONSTANTS})
    except RuntimeError as error:
        raise NetworkError(f"{path} is not the published file of CLIP {MODEL}: {error}") from error
    return Clip(model.to(device).eval().requires_grad_(False), open_clip.get_tokenizer(MODEL))


def embedded(clip: Clip, prompts: Sequence[str] = PROMPTS, device: torch.device | str = "cpu") -> np.ndarray:
    """Return what words for artefacts are to the model, (P, K); ``device`` is that of the model."""
    with torch.inference_mode():
        texts: Tensor = clip.model.encode_text(clip.tokenize(prompts).to(device))
    return texts.float().cpu().numpy()


def score(clip: Clip, frames: Tensor, texts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Score whole frames, before any of them is cut to a piece.

    Args:
        clip: from ``load_clip``.
        frames: (N, 3, H, W), RGB in [0, 1], on the model's device.
        texts: (P, K), from ``embedded``.

    Returns:
        Scores (N,), low where a frame is clean, and vectors (N, K) of length 1, for ``select_references``.
    """
    with torch.inference_mode():
        pictures = torch.cat([clip.model.encode_image(prepared(part)) for part in frames.split(BATCH)])
    return similarity(texts, pictures.float().cpu().numpy())


def prepared(frames: Tensor) -> Tensor:
    """Return the middle of frames (N, 3, H, W) as the model takes them: the shorter side 288 pixels, normalised."""
    height, width = frames.shape[-2:]
    size = [SIDE * length // min(height, width) for length in (height, width)]
    small = F.interpolate(frames, size, mode="bicubic", antialias=True).clamp(0, 1)
    top, left = (round((length - SIDE) / 2) for length in size)
    middle = small[..., top : top + SIDE, left : left + SIDE]
    return (middle - constant(MEAN, middle).view(3, 1, 1)) / constant(DEVIATION, middle).view(3, 1, 1)
