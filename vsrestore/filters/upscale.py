"""Enlarging by 2 or 4, of clean and of compressed video."""

from __future__ import annotations

from dataclasses import replace

import vapoursynth as vs

from ..networks.temporal_traits import ENLARGING_OVERLAP, TEMPORAL
from ..runtime.apply import Stage, apply
from ..runtime.descriptor import Options, Precision
from ..video.errors import fail
from .checkpoint import Model, network_of, recognised
from .temporal import temporal

# Scale -> the name of our weights in the registry.
OURS = {2: "upscale-x2", 4: "upscale-x4"}

TRAITS = replace(TEMPORAL, tile_overlap=ENLARGING_OVERLAP)


def upscale(
    clip: vs.VideoNode,
    scale: int = 2,
    *,
    model: Model | None = None,
    device: str | None = None,
    precision: Precision | None = None,
    tile: int | None = None,
    scene_changes: bool = True,
) -> vs.VideoNode:
    """Enlarge with our own network, which sees two frames before and two after each frame.

    It was trained on clean video and on what H.264, H.265 and MPEG-2 leave of it: blocks and ringing are taken off
    while the picture is enlarged.

    Args:
        clip: any constant format, progressive; colour or gray.
        scale: 2 or 4.
        model: a path of weights that were trained with a recipe ``upscale`` or by ``vsrestore finetune``, or a name of
            the registry; None takes those that come with the package.
        device: a torch device ("cpu", "cuda", "cuda:1", "mps"); None takes the best there is.
        precision: None ("float16" on CUDA, else "float32"), "float32", "bfloat16" (about twice as fast on processors
            that have it, which means those with AVX512-BF16; on cards not measured) or "float16".
        tile: edge of square tiles in pixels, at least 96, for frames larger than memory; None takes whole frames.
        scene_changes: whether cuts are detected where the clip does not name them (see ``scenes``).

    Returns:
        The clip in the format it came in, ``scale`` times as large.

    Raises:
        vs.Error: clip, weights, device or numbers that do not fit.

    """
    if not isinstance(scale, int) or scale not in OURS:
        fail("upscale", f"scale={scale!r}; {' or '.join(map(str, OURS))} are accepted")
    if model is None:
        build = network_of("upscale", OURS[scale], "temporal_upscaler")
    else:
        checkpoint = recognised("upscale", model, "temporal_upscaler")
        if checkpoint.settings["scale"] != scale:
            fail(
                "upscale",
                f"{checkpoint.path.name} enlarges by {checkpoint.settings['scale']} but scale={scale}; give its own",
            )
        build = checkpoint.build
    options = Options(device=device, precision=precision, tile=tile, scene_changes=scene_changes)
    descriptor = temporal("upscale", replace(TRAITS, scale=scale))
    return apply(clip, Stage(descriptor=descriptor, build=build), options)
