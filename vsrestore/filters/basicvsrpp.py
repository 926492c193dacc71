"""BasicVSR++: x4 super-resolution, deblurring, denoising and decompression of whole sequences."""

from __future__ import annotations

from dataclasses import dataclass

import vapoursynth as vs

from ..runtime.apply import Stage, apply
from ..runtime.descriptor import Descriptor, Options, Precision
from ..runtime.plans.sequence import Sequence
from ..video.errors import fail
from .checkpoint import Model, entry_of, recognised
from .recurrent import cached_from


@dataclass(frozen=True)
class Variant:
    """A published model: its entry in the registry and whether frames keep their size."""

    entry: str
    same_size: bool


VARIANTS = {
    "reds4": Variant("basicvsrpp-reds4", same_size=False),
    "vimeo90k_bi": Variant("basicvsrpp-vimeo-bi", same_size=False),
    "vimeo90k_bd": Variant("basicvsrpp-vimeo-bd", same_size=False),
    "ntire_vsr": Variant("basicvsrpp-ntire-vsr", same_size=False),
    "ntire_decompress_1": Variant("basicvsrpp-decompress-1", same_size=True),
    "ntire_decompress_2": Variant("basicvsrpp-decompress-2", same_size=True),
    "ntire_decompress_3": Variant("basicvsrpp-decompress-3", same_size=True),
    "deblur_dvd": Variant("basicvsrpp-deblur-dvd", same_size=True),
    "deblur_gopro": Variant("basicvsrpp-deblur-gopro", same_size=True),
    "denoise": Variant("basicvsrpp-denoise", same_size=True),
}


def basicvsrpp(
    clip: vs.VideoNode,
    model: Model = "reds4",
    *,
    chunk: int = 16,
    overlap: int = 2,
    cpu_cache: bool | None = None,
    device: str | None = None,
    precision: Precision | None = None,
    tile: int | None = None,
    scene_changes: bool = True,
) -> vs.VideoNode:
    """Enlarge fourfold, deblur, denoise or decompress with BasicVSR++, which sees a whole chunk of frames at once.

    Chunks begin at multiples of ``chunk`` and end at cuts, so a frame never depends on what was asked before. A frame
    sees its chunk and ``overlap`` frames on both sides, which are computed for that alone and not reconstructed; they
    cost 2 * overlap / chunk more memory and work, less the reconstruction (a tenth to a quarter of the work).

    What they buy, as PSNR in dB against the whole clip at once, for chunks of 16 frames:

    =========  ====  ====  ====  ====  ====
    overlap    0     1     2     4     8
    mean       39.8  43.6  49.6  57.2  72.4
    worst      31.9  31.9  40.6  48.5  61.7
    =========  ====  ====  ====  ====  ====

    Measured on seeded weights, which exaggerate the level; what carries over to trained ones is the decay of 2 to 4 dB
    with each frame of overlap. Alignment looks two frames back, so an overlap of 1 does nothing for the frame at the
    edge. The worst frame depends on the overlap alone; a longer chunk raises the mean and lowers the cost.

    Args:
        clip: any constant format, progressive, at least 32 pixels each way. The published networks were run on 64
            pixels and more (x4) or 256 and more (same size) only.
        model: "reds4", "vimeo90k_bi", "vimeo90k_bd", "ntire_vsr" (x4); "ntire_decompress_1", "ntire_decompress_2",
            "ntire_decompress_3", "deblur_dvd", "deblur_gopro", "denoise" (same size); a name of the registry, or a
            path, whose tensors tell what it is.
        chunk: frames that are restored at once, at least 1. Memory grows with it.
        overlap: frames before and after a chunk that it sees too, from 0 to ``chunk``.
        cpu_cache: whether features, flows and restored frames of a chunk rest in the machine's memory and not on the
            GPU, which saves most of the memory that grows with the chunk and costs transfers; the picture is the same.
            None does so for chunks that are longer than 100 frames with their overlap, as published.
        device: a torch device ("cpu", "cuda", "cuda:1", "mps"); None takes the best there is.
        precision: None ("float16" on CUDA, else "float32"), "float32", "bfloat16" or "float16"; flows and sampling are
            float32 in all of them.
        tile: edge of square tiles in pixels, at least 128, for frames larger than memory; None takes whole frames.
            What each size takes: docs/tiles.md.
        scene_changes: whether cuts are detected where the clip does not name them (see ``scenes``).

    Returns:
        The clip in the format it came in, four times as large or of the same size.

    Raises:
        vs.Error: clip, checkpoint, device or numbers that do not fit.

    Source:
        Chan, Zhou, Xu, Loy, BasicVSR++, CVPR 2022, arXiv 2104.13371; the same, arXiv 2204.05308 (same size).

    """
    cached = cached_from("basicvsrpp", cpu_cache)
    published = {name: row.entry for name, row in VARIANTS.items()}
    entry = entry_of("basicvsrpp", model, published)
    checkpoint = recognised("basicvsrpp", entry, "basicvsrpp", cpu_cache=cached)
    variant = VARIANTS.get(model) if isinstance(model, str) else None
    if variant and checkpoint.settings["same_size"] != variant.same_size:
        fail(
            "basicvsrpp", f"{checkpoint.path} is a checkpoint of another task than {model}; fetch {variant.entry} again"
        )
    plan = Sequence(chunk=chunk, overlap=overlap, keeps=True)
    stage = Stage(descriptor=Descriptor(name="basicvsrpp", plan=plan, traits=checkpoint.traits), build=checkpoint.build)
    options = Options(device=device, precision=precision, tile=tile, scene_changes=scene_changes)
    return apply(clip, stage, options)
