"""BSRNet: x4 super-resolution of single damaged frames."""

from __future__ import annotations

import vapoursynth as vs

from ..runtime.descriptor import Precision
from .checkpoint import Model, entry_of
from .image_checkpoint import image_checkpoint, restored

# The filter's names of the published models -> those of the registry.
PUBLISHED = {"x4": "bsrnet"}


def bsrnet(
    clip: vs.VideoNode,
    model: Model = "x4",
    *,
    batch: int = 1,
    device: str | None = None,
    precision: Precision | None = None,
    tile: int | None = None,
) -> vs.VideoNode:
    """Enlarge damaged frames fourfold with BSRNet, which was trained for fidelity and invents no texture.

    Args:
        clip: any constant format, progressive.
        model: "x4", a name of the registry or a path, whose tensors tell the scale.
        batch: frames that are given to the network in one call.
        device: a torch device ("cpu", "cuda", "cuda:1", "mps"); None takes the best there is.
        precision: None ("float16" on CUDA, else "float32"), "float32", "bfloat16" or "float16".
        tile: edge of square tiles in pixels, at least 64, for frames larger than memory; None takes whole frames.

    Returns:
        The clip in the format it came in, four times as large, or what the checkpoint says.

    Raises:
        vs.Error: clip, checkpoint, device or numbers that do not fit.

    Source:
        Zhang, Liang, Van Gool, Timofte, Designing a Practical Degradation Model for Deep Blind Image Super-Resolution,
        ICCV 2021, arXiv 2103.14006.

    """
    checkpoint = image_checkpoint("bsrnet", entry_of("bsrnet", model, PUBLISHED), ("ESRGAN",))
    return restored("bsrnet", clip, checkpoint, batch=batch, device=device, precision=precision, tile=tile)
