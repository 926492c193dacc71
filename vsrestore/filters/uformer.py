"""Uformer: deblurring and denoising, one frame at a time."""

from __future__ import annotations

import vapoursynth as vs

from ..runtime.apply import Stage, apply
from ..runtime.descriptor import Descriptor, Options, Precision
from ..video.checks import choice
from .checkpoint import Model, recognised

# Task -> the published model, as the registry calls it.
PUBLISHED = {"deblur": "uformer-b-gopro", "denoise": "uformer-b-sidd"}


def uformer(
    clip: vs.VideoNode,
    task: str = "deblur",
    *,
    model: Model | None = None,
    square: bool = True,
    bottleneck_shift: bool = False,
    device: str | None = None,
    precision: Precision | None = None,
    tile: int | None = None,
) -> vs.VideoNode:
    """Remove motion blur or the noise of a small sensor with Uformer, which sees each frame alone.

    As in the published test scripts a frame lies in the middle of a black square whose side is a multiple of 128.

    Args:
        clip: any constant format, progressive.
        task: "deblur" (motion blur; trained on GoPro) or "denoise" (noise of phone cameras; trained on SIDD).
        model: a name of the registry or a path instead of the published weights of the task; size B, S or T is read
            off its tensors.
        square: False pads each side by itself to a multiple of 128: a third faster at 16:9, and a slightly different
            picture near the borders.
        bottleneck_shift: True shifts one layer's windows, as in the training of the weights for "deblur"; the
            published test scripts, with which results were measured, do not.
        device: a torch device ("cpu", "cuda", "cuda:1", "mps"); None takes the best there is.
        precision: None ("float16" on CUDA, else "float32"), "float32", "bfloat16" or "float16".
        tile: edge of square tiles in pixels, at least 128 and best a multiple of it, for frames larger than memory;
            None takes whole frames.

    Returns:
        The clip in the format it came in.

    Raises:
        vs.Error: clip, task, checkpoint, device or numbers that do not fit.

    Source:
        Wang, Cun, Bao, Zhou, Liu, Li, Uformer, CVPR 2022, arXiv 2106.03106.

    """
    choice("uformer", "task", task, tuple(PUBLISHED))
    settings = {"square": bool(square), "bottleneck_shift": bool(bottleneck_shift)}
    checkpoint = recognised("uformer", PUBLISHED[task] if model is None else model, "uformer", **settings)
    stage = Stage(descriptor=Descriptor(name="uformer", traits=checkpoint.traits), build=checkpoint.build)
    return apply(clip, stage, Options(device=device, precision=precision, tile=tile))
