"""ProPainter: holes in a moving picture filled, from other frames where they know, else by a transformer."""

from __future__ import annotations

import vapoursynth as vs

from ..runtime.apply import prepare
from ..runtime.descriptor import Options, Precision
from ..video.checks import constant_clip, whole
from ..video.dilation import dilated
from ..video.masks import Mask, mask_clip, patched
from .checkpoint import Model
from .inpainting import Holes, Span, painter


def propainter(
    clip: vs.VideoNode,
    mask: Mask,
    *,
    model: Model = "propainter",
    flow_model: Model = "raft-things",
    completion_model: Model = "propainter-flowcomp",
    mask_dilation: int = 4,
    neighbor_length: int = 10,
    ref_stride: int = 10,
    references: int = 8,
    subvideo_length: int = 80,
    flow_iterations: int = 20,
    device: str | None = None,
    precision: Precision | None = None,
    scene_changes: bool = True,
) -> vs.VideoNode:
    """Remove what a mask covers (a logo, a date, a scratch, an object) with ProPainter.

    The optical flow is completed in the holes, pixels that other frames know are carried along it, and a transformer
    paints what is left. Nothing but the holes changes, to the bit, and frames without a hole cost nothing.

    Args:
        clip: any constant format, progressive. Frames are grown to multiples of 8, and to 128 pixels each way, by
            repeating their edges, and cropped again.
        mask: where the holes are: a gray clip of the same size, with one frame for the whole clip or one for each, or
            the path of a PNG file (holes are white, from half the range up); or a rectangle, (left, top, width,
            height) in pixels. ``static_overlay`` makes one. Chroma samples that a hole touches count as holes.
        model: "propainter", a name of the registry or a path: the generator. Or "flow", which needs no weights: holes
            are filled along the motion that block matching finds, then from what surrounds them; the arguments from
            ``flow_model`` to ``flow_iterations``, but for ``mask_dilation``, then mean nothing.
        flow_model: likewise, RAFT.
        completion_model: likewise, the flow completion.
        mask_dilation: pixels by which holes are grown, 0 or more: what is left of a logo's edge would be taken for
            content and spread.
        neighbor_length: frames of a window, half of them on each side of its middle, which lies on every
            ``neighbor_length // 2``-th frame.
        ref_stride: from one frame further away that a window sees to the next.
        references: how many such frames a window sees at most, in reach of it. In clips of at most ``subvideo_length``
            frames they are all multiples of ``ref_stride``.
        subvideo_length: frames of a chunk in which flow is completed and pixels are carried (at most 100). Memory
            grows with it.
        flow_iterations: steps of the search for the flow; fewer are faster and less exact.
        device: a torch device ("cpu", "cuda", "cuda:1", "mps"); None takes the best there is.
        precision: of the generator: None ("float16" on CUDA, else "float32"), "float32", "float16" (67 dB in holes,
            seeded weights on real frames) or "bfloat16" (50 dB). Flows, and what is carried along them, are float32
            whatever it is.
        scene_changes: whether cuts are detected where the clip does not name them (see ``scenes``).

    Returns:
        The clip in the format it came in.

    Raises:
        vs.Error: clip, mask, checkpoints, device or numbers that do not fit.

    Source:
        Zhou, Li, Chan, Loy, ProPainter, ICCV 2023, arXiv 2309.03897; Teed, Deng, RAFT, ECCV 2020, arXiv 2003.12039.
        Weights of ProPainter are for non-commercial use only (S-Lab License 1.0).

    """
    constant_clip("propainter", clip)
    whole("propainter", "mask_dilation", mask_dilation, 0)
    holes = dilated(mask_clip("propainter", clip, mask), mask_dilation)
    span = Span(
        neighbor_length=neighbor_length, ref_stride=ref_stride, references=references, subvideo_length=subvideo_length
    )
    way = painter("propainter", clip, (model, flow_model, completion_model), flow_iterations, span)
    options = Options(device=device, precision=precision, scene_changes=scene_changes)
    prepared = prepare(clip, way.descriptors("propainter"), options)
    return patched(clip, way.painted(prepared, prepared.planes("rgb"), Holes(holes, holes), options), holes)
