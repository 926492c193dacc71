"""RealBasicVSR: x4 super-resolution of damaged video."""

from __future__ import annotations

import vapoursynth as vs

from ..runtime.apply import Stage, apply
from ..runtime.descriptor import Descriptor, Options, Precision
from ..runtime.plans.sequence import Sequence
from ..video.checks import whole
from ..video.errors import fail
from .checkpoint import Model, entry_of, recognised

# The filter's names of the published models -> those of the registry.
PUBLISHED = {"x4": "realbasicvsr-x4", "x4_wogan": "realbasicvsr-x4-wogan"}
MOST_PASSES = 3


def realbasicvsr(
    clip: vs.VideoNode,
    model: Model = "x4",
    *,
    passes: int = 1,
    chunk: int = 16,
    overlap: int = 2,
    device: str | None = None,
    precision: Precision | None = None,
    tile: int | None = None,
    scene_changes: bool = True,
) -> vs.VideoNode:
    """Clean frames of noise and artefacts and enlarge them fourfold with RealBasicVSR, a whole chunk at once.

    Chunks begin at multiples of ``chunk`` and end at cuts, so a frame never depends on what was asked before. A frame
    sees its chunk and ``overlap`` frames on both sides, which are computed for that alone and not reconstructed.

    Args:
        clip: any constant format, progressive, at least 32 pixels each way. The published network was run on 64
            pixels and more only.
        model: "x4" (trained with a discriminator: sharper), "x4_wogan" (without), a name of the registry or a path.
        passes: how often frames are cleaned, 1 to 3. As published it is 1 unless a threshold is set, by which a
            sequence decides for itself; then frames would depend on how the clip is cut into chunks.
        chunk: frames that are restored at once, at least 1. Memory grows with it.
        overlap: frames before and after a chunk that it sees too, from 0 to ``chunk``.
        device: a torch device ("cpu", "cuda", "cuda:1", "mps"); None takes the best there is.
        precision: None ("float16" on CUDA, else "float32"), "float32", "bfloat16" or "float16"; flows and warps are
            float32 in all of them.
        tile: edge of square tiles in pixels, at least 128, for frames larger than memory; None takes whole frames.
        scene_changes: whether cuts are detected where the clip does not name them (see ``scenes``).

    Returns:
        The clip in the format it came in, four times as large.

    Raises:
        vs.Error: clip, checkpoint, device or numbers that do not fit.

    Source:
        Chan, Zhou, Xu, Loy, RealBasicVSR, CVPR 2022, arXiv 2111.12704.

    """
    whole("realbasicvsr", "passes", passes, 1)
    if passes > MOST_PASSES:
        fail("realbasicvsr", f"passes={passes}; 1 to {MOST_PASSES} are accepted")
    checkpoint = recognised("realbasicvsr", entry_of("realbasicvsr", model, PUBLISHED), "realbasicvsr", passes=passes)
    plan = Sequence(chunk=chunk, overlap=overlap, keeps=True)
    stage = Stage(
        descriptor=Descriptor(name="realbasicvsr", plan=plan, traits=checkpoint.traits), build=checkpoint.build
    )
    options = Options(device=device, precision=precision, tile=tile, scene_changes=scene_changes)
    return apply(clip, stage, options)
