"""TAPE: analogue tape restored with the help of clean frames of the same clip."""

from __future__ import annotations

import vapoursynth as vs

from ..networks.reference_selection import Selection
from ..runtime.apply import Stage, prepare, through
from ..runtime.descriptor import Descriptor, Options, Precision
from ..runtime.plans.references import ChosenReferences
from ..runtime.plans.window import Window
from .checkpoint import Model, entry_of, recognised
from .references import References, reference_table

# The filter's name of the published model -> that of the registry.
PUBLISHED = {"base": "tape-base"}
CHUNK = 4
COUNT = 5  # references of each frame, as published


def tape_reference(
    clip: vs.VideoNode,
    references: References = "clip",
    *,
    selection: Selection = "intended",
    model: Model = "base",
    device: str | None = None,
    precision: Precision | None = None,
    scene_changes: bool = True,
) -> vs.VideoNode:
    """Restore VHS with TAPE, which sees two frames before and after each and five clean frames of the same clip.

    It mends mistracking, waving edges, smeared or missing chroma and noise. The five frames, the references, may lie
    anywhere; they are fetched once for as long as neighbours share them. Beyond the ends of the clip and cuts the
    window holds black frames, as published (there were no cuts).

    "clip" and "sharpest" need a first pass over the whole clip. It runs when the script is evaluated, once for a clip:
    the result is kept in the folder ``first-pass`` beside the fetched checkpoints, and its progress stands in
    VapourSynth's log. A clip is known by its format, size, length, rate and 16 of its frames; if a filter before this
    one changes others only, delete the file.

    Args:
        clip: any constant format, progressive, at least 16 pixels each way; smaller frames than 64 are padded to that.
        references: which frames guide which:

            * "clip": those that look least like artefacts to CLIP and most like the frame, as published. Needs the
              package open_clip_torch (``pip install vsrestore[clip]``) and ``vsrestore weights fetch clip-rn50x4``.
            * "sharpest": the same choice by a measure of our own without any network: samples that stand out of their
              column, and lines that do more than others. It sees noise, drop-outs, mistracking and head switching, but
              no slow wander of lines. About 15 ms for a frame of 640x480. On a simulated tape 2 in 100 references had
              the band of mistracking that 20 in 100 frames have, all of them at its very edge.
            * frame numbers: a list of 1 to 5 for the whole clip; one such list for each frame; or a mapping from the
              first frame of a part to its list, such as ``{0: [12, 30], 500: [510]}``. The network guides a frame
              almost by the third alone; where there are fewer than five, the first is repeated.
        selection: "intended", the frames that are most alike; or "published", what the released script takes by a slip
            (ranks for frame numbers), to compare with it.
        model: "base", a name of the registry, or a path, whose tensors tell what it is.
        device: a torch device ("cpu", "cuda", "cuda:1", "mps"); None takes the best there is.
        precision: None ("float16" on CUDA, else "float32"), "float32", "float16" (as published on CUDA) or "bfloat16".
            With seeded weights the largest error is 0.18 % of the largest value in float16 and 1.3 % in bfloat16.
        scene_changes: whether cuts are detected where the clip does not name them (see ``scenes``).

    Returns:
        The clip in the format it came in. There are no tiles: the width of a frame decides what meets what in it.

    Raises:
        vs.Error: clip, references, checkpoint, device or numbers that do not fit, or a package that is missing.

    Source:
        Agnolucci, Galteri, Bertini, Del Bimbo, TAPE, WACV 2024, arXiv 2310.14926. Weights are for non-commercial use.

    """
    checkpoint = recognised("tape_reference", entry_of("tape_reference", model, PUBLISHED), "tape_reference")
    options = Options(device=device, precision=precision, scene_changes=scene_changes)
    radius, border = checkpoint.traits.frames // 2, checkpoint.traits.border
    window = Window(chunk=CHUNK, before=radius, after=radius, border=border)
    descriptor = Descriptor(name="tape_reference", plan=window, traits=checkpoint.traits)
    prepared = prepare(clip, [descriptor], options)
    frames = prepared.planes("rgb")
    table = reference_table("tape_reference", frames, references, COUNT, selection, device)
    plan = ChosenReferences(**vars(window), choose=table.__getitem__, count=COUNT)
    stage = Stage(descriptor=descriptor.changed(plan=plan), build=checkpoint.build)
    return prepared.finished(through(frames, stage, options))
