"""DDColor: colours for black-and-white film."""

from __future__ import annotations

from typing import TYPE_CHECKING

import vapoursynth as vs

from ..runtime.descriptor import Descriptor, Options, Precision
from ..video.checks import whole
from ..video.colour import with_lab
from ..video.errors import fail
from .checkpoint import Model, entry_of, recognised
from .colourise import Space, Wishes, colourise

if TYPE_CHECKING:
    from torch import nn

# The filter's names of the published models -> those of the registry.
PUBLISHED = {
    "modelscope": "ddcolor-modelscope",
    "artistic": "ddcolor-artistic",
    "paper": "ddcolor-paper",
    "paper_tiny": "ddcolor-paper-tiny",
}
MULTIPLE = 32
SPACE = Space(join=with_lab, span=512.0, likeness=12.0)


def ddcolor(
    clip: vs.VideoNode,
    model: Model = "modelscope",
    *,
    render_size: int = 512,
    stabilize: int = 2,
    saturation: float = 1.0,
    hue: float = 0.0,
    upscale: str = "bilinear",
    format: int | None = None,
    device: str | None = None,
    precision: Precision | None = None,
    scene_changes: bool = True,
) -> vs.VideoNode:
    """Paint black-and-white frames with DDColor, and hold the colours still along the motion.

    The network sees each frame squeezed to a square and gives a and b of CIELAB. Where the output is YUV, its luma is
    that of the clip, sample by sample; where it is RGB, the lightness L is kept, and colours that RGB does not have
    are cut off.

    Args:
        clip: any constant format, progressive. What colour it has is left out of account, which is told in the log.
        model: "modelscope", "artistic" (richer colours), "paper", "paper_tiny" (a fourth of the parameters), a name of
            the registry, or a path, whose tensors tell what it is.
        render_size: edge of the square in pixels, a multiple of 32. Smaller is faster and colours larger areas alike.
        stabilize: frames before and after, 0 to 10, with whose colours along the motion those of a frame are averaged;
            0 leaves each frame as the network painted it. Windows end at cuts.
        saturation: factor on the colours, 0 to 10.
        hue: degrees by which all colours turn, -360 to 360, from green-red towards blue-yellow.
        upscale: how colours come to the size of the clip: "bilinear", or "nearest" as published, which leaves steps.
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
        Kang et al., DDColor, ICCV 2023, arXiv 2212.11613.

    """
    whole("ddcolor", "render_size", render_size, MULTIPLE)
    if render_size % MULTIPLE:
        fail("ddcolor", f"render_size={render_size}; a multiple of {MULTIPLE} is accepted, e.g. 512")
    checkpoint = recognised("ddcolor", entry_of("ddcolor", model, PUBLISHED), "ddcolor")

    def build() -> nn.Module:
        from ..networks.ddcolor import DDColorPainter

        return DDColorPainter(checkpoint.build(), render_size, SPACE.span)

    descriptor = Descriptor(name="ddcolor", traits=checkpoint.traits, output_size=(render_size, render_size))
    options = Options(device=device, precision=precision, scene_changes=scene_changes)
    wishes = Wishes(stabilize=stabilize, saturation=saturation, hue=hue, upscale=upscale, format=format)
    return colourise(clip, descriptor, build, options, SPACE, wishes)
