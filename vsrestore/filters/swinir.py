"""SwinIR: enlarging, denoising and JPEG repair of single frames."""

from __future__ import annotations

import vapoursynth as vs

from ..runtime.descriptor import Precision
from .checkpoint import Model, entry_of
from .image_checkpoint import image_checkpoint, restored

# The filter's names of the published models: those of the registry, without "swinir-" and with _ for -.
PUBLISHED = {
    name.replace("-", "_"): f"swinir-{name}"
    for name in (
        *("real-m-x4", "real-m-x2", "real-m-x4-psnr", "real-l-x4", "real-l-x4-psnr"),
        *("classical-df2k-x2", "classical-df2k-x3", "classical-df2k-x4", "classical-df2k-x8"),
        *("classical-div2k-x2", "classical-div2k-x3", "classical-div2k-x4", "classical-div2k-x8"),
        *("light-x2", "light-x3", "light-x4"),
        *("denoise-gray-15", "denoise-gray-25", "denoise-gray-50"),
        *("denoise-color-15", "denoise-color-25", "denoise-color-50"),
        *("jpeg-gray-10", "jpeg-gray-20", "jpeg-gray-30", "jpeg-gray-40"),
        *("jpeg-color-10", "jpeg-color-20", "jpeg-color-30", "jpeg-color-40"),
    )
}


def swinir(
    clip: vs.VideoNode,
    model: Model = "real_m_x4",
    *,
    batch: int = 1,
    device: str | None = None,
    precision: Precision | None = None,
    tile: int | None = None,
) -> vs.VideoNode:
    """Enlarge frames, or clean them of noise or JPEG artefacts, with SwinIR.

    As published, frames are mirrored at the right and the bottom to the next multiple of the attention window (8
    pixels, 7 for JPEG), by a whole one where they are a multiple already, and cropped again.

    Args:
        clip: any constant format, progressive.
        model: "real_m_x4" (damaged pictures, x4; also "real_m_x2", "real_l_x4" and, smoother, "real_m_x4_psnr" and
            "real_l_x4_psnr"), "classical_df2k_x2", "_x3", "_x4", "_x8" (clean pictures; also "classical_div2k_..."),
            "light_x2", "_x3", "_x4", "denoise_color_15", "_25", "_50" (sigma of white noise of 255), "jpeg_color_10",
            "_20", "_30", "_40" (JPEG quality); with "gray" for "color" the last two see luma alone. A name of the
            registry or a path too.
        batch: frames that are given to the network in one call.
        device: a torch device ("cpu", "cuda", "cuda:1", "mps"); None takes the best there is.
        precision: None ("float16" on CUDA, else "float32"), "float32", "bfloat16" or "float16".
        tile: edge of square tiles in pixels, at least 64, for frames larger than memory; None takes whole frames.

    Returns:
        The clip in the format it came in, enlarged by what the model says.

    Raises:
        vs.Error: clip, checkpoint, device or numbers that do not fit.

    Source:
        Liang, Cao, Sun, Zhang, Van Gool, Timofte, SwinIR, ICCV Workshops 2021, arXiv 2108.10257.

    """
    checkpoint = image_checkpoint("swinir", entry_of("swinir", model, PUBLISHED), ("SwinIR",))
    return restored("swinir", clip, checkpoint, batch=batch, device=device, precision=precision, tile=tile)
