"""DeOldify: colours for black-and-white film."""

from __future__ import annotations

from typing import TYPE_CHECKING

import vapoursynth as vs

from ..runtime.descriptor import Descriptor, Options, Precision
from ..video.checks import whole
from ..video.colour import with_uv
from .checkpoint import Model, entry_of, recognised
from .colourise import Space, Wishes, colourise

if TYPE_CHECKING:
    from torch import nn

# The filter's names of the published models -> those of the registry.
PUBLISHED = {"video": "deoldify-video", "stable": "deoldify-stable", "artistic": "deoldify-artistic"}
UNIT = 16  # pixels of the square for each step of the render factor
LEAST_FACTOR = 2
SPACE = Space(join=with_uv, span=2.0, likeness=0.05)


def deoldify(
    clip: vs.VideoNode,
    model: Model = "video",
    *,
    render_factor: int = 21,
    stabilize: int = 2,
    saturation: float = 1.0,
    hue: float = 0.0,
    upscale: str = "bilinear",
    format: int | None = None,
    device: str | None = None,
    precision: Precision | None = None,
    scene_changes: bool = True,
) -> vs.VideoNode:
    """Paint black-and-white frames with DeOldify, and hold the colours still along the motion.

    The network sees each frame squeezed to a square and gives a colour picture, whose chroma (U and V of analogue YUV)
    is put on the luma of the clip. Where the output is YUV, its luma is that of the clip, sample by sample.

    Args:
        clip: any constant format, progressive. What colour it has is left out of account, which is told in the log.
        model: "video" (the steadiest), "stable", "artistic" (more detail and colour), a name of the registry, or a
            path, whose tensors tell what it is.
        render_factor: a sixteenth of the square's edge in pixels, at least 2. As published 21 for video and 35 for
            pictures, 5 to 40 in the official tool. Larger is slower, steadier and less saturated.
        stabilize: frames before and after, 0 to 10, with whose colours along the motion those of a frame are averaged;
            0 leaves each frame as the network painted it. Windows end at cuts.
        saturation: factor on the colours, 0 to 10.
        hue: degrees by which all colours turn, -360 to 360, from blue towards red.
        upscale: how colours come to the size of the clip: "bilinear" as published, or "nearest".
        format: of the output, e.g. vs.YUV420P8 or vs.RGB24. None keeps the clip's; for gray it is YUV 4:4:4 of the
            same depth.
        device: a torch device ("cpu", "cuda", "cuda:1", "mps"); None takes the best there is.
        precision: of the network: None ("float16" on CUDA, else "float32"), "float32", "bfloat16" or "float16".
        scene_changes: whether cuts are detected where the clip does not name them (see ``scenes``).

    Returns:
        The painted clip, of the same size and length.

    Raises:
        vs.Error: clip, checkpoint, device, format or numbers that do not fit.

    Source:
        Antic, DeOldify, 2018 to 2019; no paper.

    """
    whole("deoldify", "render_factor", render_factor, LEAST_FACTOR)
    checkpoint = recognised("deoldify", entry_of("deoldify", model, PUBLISHED), "deoldify")
    size = render_factor * UNIT

    def build() -> nn.Module:
        from ..networks.deoldify import DeOldifyPainter

        return DeOldifyPainter(checkpoint.build(), size, SPACE.span)

    descriptor = Descriptor(name="deoldify", traits=checkpoint.traits, output_size=(size, size))
    options = Options(device=device, precision=precision, scene_changes=scene_changes)
    wishes = Wishes(stabilize=stabilize, saturation=saturation, hue=hue, upscale=upscale, format=format)
    return colourise(clip, descriptor, build, options, SPACE, wishes)
