"""Faults of tape: noise, smeared and shifted chroma, ringing, drop-outs, lines out of place."""

from __future__ import annotations

import vapoursynth as vs

from ..runtime.apply import Stage, apply
from ..runtime.descriptor import Options, Precision
from .checkpoint import Model, network_of
from .temporal import temporal

DESCRIPTOR = temporal("tape")


def tape(
    clip: vs.VideoNode,
    *,
    model: Model = "tape",
    device: str | None = None,
    precision: Precision | None = None,
    tile: int | None = None,
    scene_changes: bool = True,
) -> vs.VideoNode:
    """Undo the faults of VHS and Hi8 with our own network, which sees two frames before and two after each frame.

    It takes noise out of luma and chroma, brings chroma back to where it belongs, sharpens what the tape has smeared,
    takes off ringing, and fills drop-outs and the lines at the bottom where the heads switch.

    Args:
        clip: any constant format, colour or gray. Deinterlace it first (with ``deinterlace``, or QTempGaussMC to the
            full field rate): lines of two times in one picture are not what the network has learnt.
        model: a name of the registry or a path; weights that were trained with the recipe ``tape``.
        device: a torch device ("cpu", "cuda", "cuda:1", "mps"); None takes the best there is.
        precision: None ("float16" on CUDA, else "float32"), "float32", "bfloat16" (about twice as fast on processors
            that have it, which means those with AVX512-BF16; on cards not measured) or "float16".
        tile: edge of square tiles in pixels, at least 128, for frames larger than memory; None takes whole frames.
        scene_changes: whether cuts are detected where the clip does not name them (see ``scenes``).

    Returns:
        The clip in the format it came in.

    Raises:
        vs.Error: clip, weights, device or numbers that do not fit.

    """
    build = network_of("tape", model, "temporal_unet")
    options = Options(device=device, precision=precision, tile=tile, scene_changes=scene_changes)
    return apply(clip, Stage(descriptor=DESCRIPTOR, build=build), options)
