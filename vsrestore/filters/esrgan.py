"""ESRGAN and Real-ESRGAN: super-resolution of single frames."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import vapoursynth as vs

from ..checkpoints import CheckpointError, peek
from ..networks.state_dict import NetworkError
from ..runtime.descriptor import Precision
from ..video import checks
from ..video.errors import fail, told_by
from .checkpoint import Model, entry_of, located
from .image_checkpoint import ImageCheckpoint, image_checkpoint, restored

if TYPE_CHECKING:
    from torch import nn

# The filter's names of the published models -> those of the registry.
PUBLISHED = {
    "general": "realesr-general-x4v3",
    "animevideo": "realesr-animevideov3",
    "x4plus": "realesrgan-x4plus",
    "x4plus_net": "realesrnet-x4plus",
    "x2plus": "realesrgan-x2plus",
    "anime_6b": "realesrgan-x4plus-anime-6b",
    "esrgan_x4": "esrgan-x4",
    "esrgan_psnr_x4": "esrgan-psnr-x4",
}
# The checkpoint that "general" is mixed with, which leaves more noise, and the published share of the former.
WEAK = "realesr-general-wdn-x4v3"
DENOISE = 0.5


def esrgan(
    clip: vs.VideoNode,
    model: Model = "general",
    *,
    denoise: float | None = None,
    batch: int = 1,
    device: str | None = None,
    precision: Precision | None = None,
    tile: int | None = None,
) -> vs.VideoNode:
    """Enlarge frames with ESRGAN, Real-ESRGAN or its compact networks, which sharpen and invent texture.

    As published, frames are reflected at the right and the bottom to even sizes (x2) or multiples of 4 (same size),
    and cropped again.

    Args:
        clip: any constant format, progressive.
        model: "general" (compact, x4), "animevideo" (compact, x4, drawn pictures), "x4plus" (fifteen times the work of
            "general"), "x4plus_net" (smoother), "x2plus" (x2), "anime_6b" (x4, drawn pictures), "esrgan_x4",
            "esrgan_psnr_x4" (clean pictures), a name of the registry or a path, whose tensors tell what it is.
        denoise: how much "general" denoises, from 0 to 1; None takes 0.5 as published. Below 1 the checkpoint
            realesr-general-wdn-x4v3 is needed too, of which it takes the rest.
        batch: frames that are given to the network in one call.
        device: a torch device ("cpu", "cuda", "cuda:1", "mps"); None takes the best there is.
        precision: None ("float16" on CUDA, else "float32"), "float32", "bfloat16" or "float16".
        tile: edge of square tiles in pixels, at least 64, for frames larger than memory; None takes whole frames.

    Returns:
        The clip in the format it came in, enlarged by what the model says.

    Raises:
        vs.Error: clip, checkpoint, device or numbers that do not fit.

    Source:
        Wang, Yu, Wu, Gu, Liu, Dong, Qiao, Loy, ESRGAN, ECCV Workshops 2018, arXiv 1809.00219; Wang, Xie, Dong, Shan,
        Real-ESRGAN, ICCV Workshops 2021, arXiv 2107.10833.

    """
    entry = entry_of("esrgan", model, PUBLISHED)
    share = _share(entry, denoise)
    checkpoint = image_checkpoint("esrgan", entry, ("ESRGAN", "Compact"))
    if share < 1:
        checkpoint = _mixed(checkpoint, share)
    return restored("esrgan", clip, checkpoint, batch=batch, device=device, precision=precision, tile=tile)


@dataclass(frozen=True)
class Mixed(ImageCheckpoint):
    """Two checkpoints of one network, mixed tensor by tensor."""

    other: Path
    share: float
    """Of the first; the other has the rest."""

    def build(self) -> nn.Module:
        """Return the network with the mixed weights, in evaluation mode, on the CPU."""
        from ..checkpoints import read
        from ..networks import image_models

        return image_models.load(image_models.mixed(read(self.path), read(self.other), self.share))


def _share(entry: Model, denoise: float | None) -> float:
    if entry != PUBLISHED["general"]:
        if denoise is not None:
            fail("esrgan", f"denoise={denoise!r} mixes the checkpoints of model='general'; leave denoise out")
        return 1.0
    if denoise is None:
        return DENOISE
    checks.within("esrgan", "denoise", denoise, 0, 1)
    return float(denoise)


def _mixed(checkpoint: ImageCheckpoint, share: float) -> Mixed:
    other = located("esrgan", WEAK)
    with told_by("esrgan", CheckpointError, NetworkError):
        if sorted(peek(other).values()) != sorted(peek(checkpoint.path).values()):
            fail("esrgan", f"{other} holds other tensors than {checkpoint.path}; fetch {WEAK} again")
    return Mixed(checkpoint.path, checkpoint.model, other, share)
