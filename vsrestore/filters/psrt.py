"""PSRT-recurrent: x4 super-resolution of whole sequences."""

from __future__ import annotations

import vapoursynth as vs

from ..runtime.apply import Stage, apply
from ..runtime.descriptor import Descriptor, Options, Precision
from ..runtime.plans.sequence import Sequence
from .checkpoint import Model, entry_of, recognised
from .recurrent import cached_from

# The filter's names of the published models -> those of the registry.
PUBLISHED = {"reds": "psrt-reds", "vimeo": "psrt-vimeo"}


def psrt(
    clip: vs.VideoNode,
    model: Model = "reds",
    *,
    chunk: int = 16,
    overlap: int = 8,
    cpu_cache: bool | None = None,
    device: str | None = None,
    precision: Precision | None = None,
    tile: int | None = None,
    scene_changes: bool = True,
) -> vs.VideoNode:
    """Enlarge fourfold with PSRT-recurrent, a transformer that sees a whole chunk of frames at once.

    It is for clean, small frames (made small by bicubic interpolation) and takes some four times as long as ``rvrt``.

    Chunks begin at multiples of ``chunk`` and end at cuts, so a frame never depends on what was asked before. A frame
    sees its chunk and ``overlap`` frames on both sides, which are computed for that alone and not enlarged; they cost
    2 * overlap / chunk more work, because enlarging is but a thirtieth of it.

    What an overlap buys, as PSNR in dB of the frame next to a cut between chunks against the whole clip at once:

    =======  ====  ====  ====  ====  ====
    overlap  0     1     2     3     4
    PSNR     26.5  29.0  34.9  40.4  42.0
    =======  ====  ====  ====  ====  ====

    Measured on seeded weights; what carries over to trained ones is that two frames do next to nothing and each further
    one brings about 5 dB.

    Args:
        clip: any constant format, progressive. Frames of less than 33 pixels are mirrored to that and cropped again;
            the published network was run on 64 pixels and more only.
        model: "reds", "vimeo" (both x4, bicubic), a name of the registry or a path.
        chunk: frames that are enlarged at once, at least 1. Memory grows with it.
        overlap: frames before and after a chunk that it sees too, from 0 to ``chunk``.
        cpu_cache: whether features, flows and enlarged frames of a chunk rest in the machine's memory and not on the
            GPU, which saves the memory that grows with the chunk and costs transfers; the picture is the same. None
            does so for chunks that are longer than 100 frames with their overlap, as published.
        device: a torch device ("cpu", "cuda", "cuda:1", "mps"); None takes the best there is.
        precision: None ("float16" on CUDA, else "float32"), "float32", "float16" (largest error 0.001 of the largest
            value, 73 dB) or "bfloat16" (0.007, 55 dB), on real frames with seeded weights; flows are float32 in all of
            them, because one that is rounded otherwise moves whole blocks.
        tile: edge of square tiles in pixels, at least 64, for frames larger than memory; None takes whole frames. Tiles
            begin at multiples of 8 pixels and share 32, of which a margin of 16 is 50 dB from the whole frame on seeded
            weights; they see less of fast motion.
        scene_changes: whether cuts are detected where the clip does not name them (see ``scenes``).

    Returns:
        The clip in the format it came in, four times as large.

    Raises:
        vs.Error: clip, checkpoint, device or numbers that do not fit.

    Source:
        Shi, Gu, Xie, Wang, Yang, Dong, Rethinking Alignment in Video Super-Resolution Transformers, NeurIPS 2022, arXiv
        2207.08494. Its weights carry no licence.

    """
    entry = entry_of("psrt", model, PUBLISHED)
    checkpoint = recognised("psrt", entry, "psrt", cpu_cache=cached_from("psrt", cpu_cache))
    plan = Sequence(chunk=chunk, overlap=overlap, keeps=True)
    stage = Stage(descriptor=Descriptor(name="psrt", plan=plan, traits=checkpoint.traits), build=checkpoint.build)
    options = Options(device=device, precision=precision, tile=tile, scene_changes=scene_changes)
    return apply(clip, stage, options)
