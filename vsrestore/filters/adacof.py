"""AdaCoF and SF-AdaCoF: the frame half-way between two, from freely displaced samples of both."""

from __future__ import annotations

import vapoursynth as vs

from ..runtime.apply import Stage
from ..runtime.descriptor import Descriptor, Options, Precision
from ..runtime.plans.pair import Pair
from ..video.checks import whole
from .checkpoint import Model, entry_of, recognised
from .interpolation import Factor, FrameRate, interpolated

# The filter's names of the published models -> those of the registry.
PUBLISHED = {
    "adacof": "adacof-k5",
    "adacof_large": "adacof-k11",
    "sf_adacof": "sf-adacof-60",
    "sf_adacof_noshare": "sf-adacof-noshare-50",
    "sf_adacof_rwtd": "sf-adacof-rwtd-50",
    "sf_adacof_rwtdcp": "sf-adacof-rwtdcp-50",
    "adacof_cp": "sf-adacof-cp-50",
}


def adacof(
    clip: vs.VideoNode,
    model: Model = "adacof",
    *,
    factor: Factor | None = None,
    fps: FrameRate | None = None,
    replace_duplicates: bool = False,
    dilation: int = 1,
    device: str | None = None,
    precision: Precision | None = None,
    tile: int | None = None,
    scene_changes: bool = True,
) -> vs.VideoNode:
    """Make the frames between those of a clip with AdaCoF or SF-AdaCoF, for any frame rate.

    The networks know the frame half-way alone. A factor of 4 halves twice, as published; other times are rounded to
    eighths of the way, each of them up to three calls of the network. ``rife`` knows any time in one call.

    Frames of the clip that the new rate meets stay as they are, bit for bit. Across a cut nothing is blended: the
    nearer frame is shown again. Frames of unequal length stay so: twice the rate halves each of them.

    Args:
        clip: any constant format, progressive, at least 17 pixels each way. Frames are mirrored to multiples of 32, as
            published, and cropped again.
        model: "adacof" or "adacof_large" (MIT), "sf_adacof" or one of its variants (which carry no licence: their use
            needs the permission of their authors), a name of the registry or the path of a checkpoint.
        factor: frames given / frames taken, from 1/8 to 64; 2.5 say, or Fraction(12, 5). Without it and ``fps`` it is
            2, or 1 where duplicates are replaced.
        fps: the wanted frame rate instead: 60, (60000, 1001) or "60000/1001"; 59.94 means that, too. Of a clip whose
            frames last unequally it is the mean.
        replace_duplicates: whether frames that a transfer repeated (film of 16 or 18 frames per second at 24 or 25) are
            made anew, between the ones before and after.
        dilation: pixels between neighbouring samples, which no checkpoint tells: 1, or 2 for the large model of the
            paper. Which of them "adacof_large" was trained with is not published.
        device: a torch device ("cpu", "cuda", "cuda:1", "mps"); None takes the best there is.
        precision: None ("float16" on CUDA, else "float32"), "float32", "float16" (51 to 77 dB from it) or "bfloat16"
            (44 to 60 dB; twice as fast as the published way on processors that have it; on cards not measured), on
            seeded weights. Displacements and sampling are float32 in all of them, but where one that is rounded
            otherwise passes a whole number, single pixels may differ by a fifth of the range.
        tile: edge of square tiles in pixels, at least 128, for frames larger than memory; None takes whole frames.
        scene_changes: whether cuts are detected where the clip does not name them (see ``scenes``).

    Returns:
        The clip in the format it came in, at the new frame rate.

    Raises:
        vs.Error: clip, rate, checkpoint, device or numbers that do not fit.

    Source:
        Lee, Kim, Chung, Pak, Ban, Lee, AdaCoF, CVPR 2020, arXiv 1907.10244; SF-AdaCoF, Go-MinSeong/VFI-with-AdaCoF,
        2023, without a paper.

    """
    whole("adacof", "dilation", dilation, 1)
    checkpoint = recognised("adacof", entry_of("adacof", model, PUBLISHED), "sf_adacof", dilation=dilation)
    stage = Stage(descriptor=Descriptor(name="adacof", plan=Pair(), traits=checkpoint.traits), build=checkpoint.build)
    options = Options(device=device, precision=precision, tile=tile, scene_changes=scene_changes)
    return interpolated(clip, stage, options, factor=factor, fps=fps, replace_duplicates=replace_duplicates)
