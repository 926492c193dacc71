"""Fast neural style: frames painted in the style of a picture."""

from __future__ import annotations

import vapoursynth as vs

from ..runtime.apply import Stage, apply
from ..runtime.descriptor import Descriptor, Options, Precision
from .checkpoint import Model, entry_of, recognised

# The filter's names of the published styles -> those of the registry.
PUBLISHED = {name: f"fns-{name.replace('_', '-')}" for name in ("candy", "mosaic", "rain_princess", "udnie")}


def style(
    clip: vs.VideoNode,
    model: Model,
    *,
    device: str | None = None,
    precision: Precision | None = None,
) -> vs.VideoNode:
    """Paint frames in the style that a fast neural style network was trained for.

    Every frame is normalised over all of itself, so it is taken whole, and the style follows the brightness of a scene.

    Args:
        clip: any constant format, progressive, at least 8 pixels each way.
        model: "candy", "mosaic", "rain_princess", "udnie", a name of the registry or the path of a checkpoint.
        device: a torch device ("cpu", "cuda", "cuda:1", "mps"); None takes the best there is.
        precision: None ("float16" on CUDA, else "float32"), "float32", "bfloat16" or "float16"; norms are float32 in
            all of them.

    Returns:
        The clip in the format it came in, of the same size.

    Raises:
        vs.Error: clip, checkpoint or device that do not fit.

    Source:
        Johnson, Alahi, Fei-Fei, Perceptual Losses for Real-Time Style Transfer and Super-Resolution, ECCV 2016, arXiv
        1603.08155.

    """
    checkpoint = recognised("style", entry_of("style", model, PUBLISHED), "fast_neural_style")
    stage = Stage(descriptor=Descriptor(name="style", traits=checkpoint.traits), build=checkpoint.build)
    return apply(clip, stage, Options(device=device, precision=precision))
