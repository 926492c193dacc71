"""MAT: holes filled in, one frame at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import vapoursynth as vs

from ..runtime.apply import Stage, apply
from ..runtime.call import Companion
from ..runtime.descriptor import Descriptor, Options, Precision
from ..video import checks
from ..video.errors import fail
from ..video.masks import Mask, holes_of, patched
from .checkpoint import Model, entry_of, recognised

if TYPE_CHECKING:
    from torch import nn

# The filter's names of the published models -> those of the registry.
PUBLISHED = {
    "places": "mat-places512-full",
    "places_standard": "mat-places512",
    "celebahq": "mat-celebahq512",
    "celebahq256": "mat-celebahq256",
    "ffhq": "mat-ffhq512",
}
MOST_SEEDS = 2**32


def mat(
    clip: vs.VideoNode,
    mask: Mask | None = None,
    *,
    border: int = 0,
    model: Model = "places",
    seed: int = 240,
    device: str | None = None,
    precision: Precision | None = None,
) -> vs.VideoNode:
    """Fill the holes that a mask marks, or a rim around the frame, with MAT, which sees each frame alone.

    Nothing but the holes changes, to the bit. Holes are filled in windows of 512 pixels (256 for "celebahq256") that
    lie around them; larger holes get several, blended. Smaller frames are mirrored to that size.

    Args:
        clip: any constant format, progressive.
        mask: where the holes are: a gray clip of the same size, with one frame for the whole clip or one for each, or
            the path of a PNG file (holes are white, from half the range up); or a rectangle, (left, top, width,
            height) in pixels. ``static_overlay`` makes one. Chroma samples that a hole touches count as holes.
        border: width in pixels of a rim on every side that is filled too, for frames with worn or black edges.
        model: "places" (anything; trained on 8 million pictures), "places_standard", "celebahq", "celebahq256", "ffhq"
            (faces), a name of the registry or a path. The published pickles are read as they are, without running
            their code.
        seed: of the random numbers that the fill starts from, 0 to 2**32 - 1. They are the same for all frames, so
            that the fill does not boil; with another seed it looks different.
        device: a torch device ("cpu", "cuda", "cuda:1", "mps"); None takes the best there is.
        precision: None and "float32", or "bfloat16".

    Returns:
        The clip in the format it came in.

    Raises:
        vs.Error: clip, mask, border, checkpoint, device or numbers that do not fit.

    Source:
        Li, Lin, Zhou, Qi, Wang, Jia, MAT, CVPR 2022, arXiv 2203.15270. Weights are for research only.

    """
    checks.constant_clip("mat", clip)
    holes = holes_of("mat", clip, mask, border)
    checks.whole("mat", "seed", seed, 0)
    if seed >= MOST_SEEDS:
        fail("mat", f"seed={seed}; a whole number below 2**32 is accepted")
    checkpoint = recognised("mat", entry_of("mat", model, PUBLISHED), "mat", seed=seed)

    def build() -> nn.Module:
        from ..networks.layers.holes import AroundHoles

        return AroundHoles(checkpoint.build(), int(checkpoint.settings["size"]))

    descriptor = Descriptor(name="mat", traits=checkpoint.traits, only_where="mask")
    stage = Stage(descriptor=descriptor, build=build, companions={"mask": Companion([holes])})
    result = apply(clip, stage, Options(device=device, precision=precision))
    return patched(clip, result, holes)
