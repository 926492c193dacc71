"""Film damage: dust, dirt, cue marks, hairs, scratches, blotches, bars and grain."""

from __future__ import annotations

import vapoursynth as vs

from ..runtime.descriptor import Options, Precision
from ..video.checks import within
from .checkpoint import Model
from .film_stages import DESCRIPTOR, Repair

__all__ = ["DESCRIPTOR", "film"]


def film(
    clip: vs.VideoNode,
    *,
    grain: float = 1.0,
    stains: bool = False,
    scratches: bool = False,
    marks: bool = False,
    model: Model = "film",
    device: str | None = None,
    precision: Precision | None = None,
    tile: int | None = None,
    scene_changes: bool = True,
) -> vs.VideoNode:
    """Remove film damage with our own network, which sees two frames before and two after each frame.

    What is in one frame only (dust, dirt, hairs, blotches) is filled from the neighbours along the motion; of what
    stays longer, bars and hairs in the gate go in part, see also ``stains``, ``scratches`` and ``marks``. The picture
    is otherwise left alone: flicker, unsteadiness and faded colours stay as they are. A frame that the transfer
    repeated is not its own neighbour.

    Args:
        clip: any constant format, progressive; colour or gray.
        grain: how much of the grain goes, from 0 (all of it stays) to 1 (all of it goes). Linear in between.
        stains: whether large stains that one can see through are looked for first, by a network of their own, and taken
            off by a smooth gain, which leaves all detail as it is: 3 dB more where they differ from frame to frame, a
            fifth slower at most. Those that lie still stay.
        scratches: whether scratches along the film are looked for first, by a network of their own, and what they add
            to the picture taken off: 4 to 6 dB more where there are some, two thirds slower. It may take upright lines
            before a plain sky for scratches while the camera pans, and the smear of bright lamps.
        marks: whether change-over marks, which last for three to five frames, are looked for first, by a network of
            their own, and filled along the motion from the frames before and after: 6 to 9 dB more where there are
            some. It may take small print that moves slowly for marks.
        model: a name of the registry or a path; weights that were trained with the recipe ``film``.
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
    within("film", "grain", grain, 0, 1)
    options = Options(device=device, precision=precision, tile=tile, scene_changes=scene_changes)
    repair = Repair(
        name="film", grain=grain, stains=stains, scratches=scratches, marks=marks, model=model, options=options
    )
    prepared, result = repair.of(clip)
    return prepared.finished(result)
