"""SCUNet: blind denoising of single frames."""

from __future__ import annotations

import vapoursynth as vs

from ..runtime.descriptor import Precision
from .checkpoint import Model, entry_of
from .image_checkpoint import image_checkpoint, restored

# The filter's names of the published models -> those of the registry.
PUBLISHED = {"real_psnr": "scunet-color-real-psnr", "real_gan": "scunet-color-real-gan"}


def scunet(
    clip: vs.VideoNode,
    model: Model = "real_psnr",
    *,
    batch: int = 1,
    device: str | None = None,
    precision: Precision | None = None,
    tile: int | None = None,
) -> vs.VideoNode:
    """Clean frames of noise and compression artefacts of unknown kind and strength with SCUNet.

    As published, the last pixels are repeated at the right and the bottom up to multiples of 64, and cropped again.

    Args:
        clip: any constant format, progressive.
        model: "real_psnr" (smooth, faithful), "real_gan" (sharper, invents texture), a name of the registry or a path.
        batch: frames that are given to the network in one call.
        device: a torch device ("cpu", "cuda", "cuda:1", "mps"); None takes the best there is.
        precision: None ("float16" on CUDA, else "float32"), "float32", "bfloat16" or "float16".
        tile: edge of square tiles in pixels, at least 64, for frames larger than memory; None takes whole frames.

    Returns:
        The clip in the format it came in, of the same size.

    Raises:
        vs.Error: clip, checkpoint, device or numbers that do not fit.

    Source:
        Zhang, Li, Liang, Cao, Zhang, Tang, Fan, Timofte, Van Gool, Practical Blind Image Denoising via Swin-Conv-UNet
        and Data Synthesis, Machine Intelligence Research 2023, arXiv 2203.13278.

    """
    checkpoint = image_checkpoint("scunet", entry_of("scunet", model, PUBLISHED), ("SCUNet",))
    return restored("scunet", clip, checkpoint, batch=batch, device=device, precision=precision, tile=tile)
