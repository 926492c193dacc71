"""Frames between frames, by our own network."""

from __future__ import annotations

import vapoursynth as vs

from ..networks.temporal_traits import BETWEEN
from ..runtime.apply import Stage
from ..runtime.descriptor import Descriptor, Options, Precision
from ..runtime.plans.pair import Pair
from .checkpoint import Model, network_of
from .interpolation import Factor, FrameRate, interpolated

DESCRIPTOR = Descriptor(name="interpolate", plan=Pair(), traits=BETWEEN)


def interpolate(
    clip: vs.VideoNode,
    factor: Factor | None = None,
    *,
    fps: FrameRate | None = None,
    replace_duplicates: bool = False,
    model: Model = "interpolate",
    device: str | None = None,
    precision: Precision | None = None,
    tile: int | None = None,
    scene_changes: bool = True,
) -> vs.VideoNode:
    """Make the frames between those of a clip with our own network, for any frame rate.

    Motion is found by block matching along lines through the frame that is to be made; a small network blends and
    mends. Frames of the clip stay as they are where the new rate meets them. No frame lies across a cut: there the
    nearer one is repeated. Times are those of the source, also where its frames last unevenly long.

    Args:
        clip: any constant format, progressive; colour or gray.
        factor: frames given / frames taken, a number such as 2, 2.5 or Fraction(12, 5). Without it and ``fps`` 2, or 1
            where duplicates are replaced.
        fps: the wanted frame rate instead: 60, 59.94, (60000, 1001) or "60000/1001".
        replace_duplicates: whether frames that a transfer repeated are made anew.
        model: a name of the registry or a path; weights that were trained with the recipe ``interpolate``.
        device: a torch device ("cpu", "cuda", "cuda:1", "mps"); None takes the best there is.
        precision: None ("float16" on CUDA, else "float32"), "float32", "bfloat16" (a third faster on processors that
            have it, which means those with AVX512-BF16) or "float16"; of the network's weights, motion and blend are
            float32 in all of them.
        tile: edge of square tiles in pixels, at least 128, for frames larger than memory; None takes whole frames.
            Motion that is longer than half of a tile is not found.
        scene_changes: whether cuts are detected where the clip does not name them (see ``scenes``).

    Returns:
        The clip in the format it came in, at the new rate.

    Raises:
        vs.Error: clip, rate, weights, device or numbers that do not fit.

    """
    build = network_of("interpolate", model, "frame_interpolator")
    options = Options(device=device, precision=precision, tile=tile, scene_changes=scene_changes)
    stage = Stage(descriptor=DESCRIPTOR, build=build)
    return interpolated(clip, stage, options, factor=factor, fps=fps, replace_duplicates=replace_duplicates)
