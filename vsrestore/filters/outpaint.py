"""Outpainting: noisy edges cut off, and the picture grown back or beyond."""

from __future__ import annotations

from collections.abc import Sequence

import vapoursynth as vs

from ..runtime.apply import prepare
from ..runtime.descriptor import Options, Precision
from ..video.checks import constant_clip, whole
from ..video.edges import edges_repeated
from ..video.errors import fail
from ..video.masks import mask_clip, patched
from .checkpoint import Model
from .inpainting import Holes, Span, painter

SIDES = ("left", "right", "top", "bottom")
# Pixels inside the old picture whose flow is not believed either, and by how much a side grows then, as published.
RIM, RIM_BEYOND = 4, 10


def outpaint(
    clip: vs.VideoNode,
    *,
    left: int | None = None,
    right: int | None = None,
    top: int | None = None,
    bottom: int | None = None,
    trim: int | Sequence[int] = 0,
    model: Model = "propainter",
    flow_model: Model = "raft-things",
    completion_model: Model = "propainter-flowcomp",
    neighbor_length: int = 10,
    ref_stride: int = 10,
    references: int = 8,
    subvideo_length: int = 80,
    flow_iterations: int = 20,
    device: str | None = None,
    precision: Precision | None = None,
    scene_changes: bool = True,
) -> vs.VideoNode:
    """Cut noisy edges off and grow the picture back to its size, or beyond, with ProPainter.

    Where the camera moves, what lies beyond an edge is taken from frames that saw it; else it is painted. What is left
    of the old picture does not change, to the bit.

    Args:
        clip: any constant format, progressive.
        left: pixels that the picture grows by on the left; None grows it by what is cut off there.
        right: likewise.
        top: likewise.
        bottom: likewise.
        trim: pixels that are cut off first: one number for all sides, or four: left, right, top, bottom.
        model: "propainter", a name of the registry or a path: the generator. Or what needs no weights: "mirror", the
            picture mirrored at its edges, the softer the further away; "flow", the motion followed to frames that saw
            what lies there. The arguments from ``flow_model`` to ``flow_iterations`` then mean nothing.
        flow_model: likewise, RAFT.
        completion_model: likewise, the flow completion.
        neighbor_length: see ``propainter``; and so are the next four.
        ref_stride: from one frame further away that a window sees to the next.
        references: how many such frames a window sees at most.
        subvideo_length: frames of a chunk in which flow is completed and pixels are carried.
        flow_iterations: steps of the search for the flow.
        device: a torch device ("cpu", "cuda", "cuda:1", "mps"); None takes the best there is.
        precision: of the generator: None ("float16" on CUDA, else "float32"), "float32", "float16" (67 dB in holes,
            seeded weights on real frames) or "bfloat16" (50 dB). Flows, and what is carried along them, are float32
            whatever it is.
        scene_changes: whether cuts are detected where the clip does not name them (see ``scenes``).

    Returns:
        The clip in the format it came in, as much larger or smaller as it was grown and cut.

    Raises:
        vs.Error: clip, sides, checkpoints, device or numbers that do not fit.

    Source:
        Zhou, Li, Chan, Loy, ProPainter, ICCV 2023, arXiv 2309.03897; Teed, Deng, RAFT, ECCV 2020, arXiv 2003.12039.
        Weights of ProPainter are for non-commercial use only (S-Lab License 1.0).

    """
    constant_clip("outpaint", clip)
    cut = _cut_off(clip, trim)
    grown = _grown_by(clip, cut, (left, right, top, bottom))
    span = Span(
        neighbor_length=neighbor_length, ref_stride=ref_stride, references=references, subvideo_length=subvideo_length
    )
    options = Options(device=device, precision=precision, scene_changes=scene_changes)
    canvas = edges_repeated(clip.std.Crop(**cut), **grown)
    way = painter("outpaint", canvas, (model, flow_model, completion_model), flow_iterations, span)
    prepared = prepare(canvas, way.descriptors("outpaint"), options)
    holes = _holes(canvas, grown)
    # Networks see black, but that and the picture's chroma must not mix where it is subsampled: hence repeated edges.
    black = vs.core.std.Expr([prepared.planes("rgb"), _on_three_planes(holes.frames)], "y 0 > 0 x ?")
    return patched(canvas, way.painted(prepared, black, holes, options), holes.frames)


def _cut_off(clip: vs.VideoNode, trim: int | Sequence[int]) -> dict[str, int]:
    """Return what is cut off each side; raises ``vs.Error`` unless something of the picture is left."""
    numbers = [trim] * len(SIDES) if isinstance(trim, int) else trim
    if not isinstance(numbers, Sequence) or len(numbers) != len(SIDES):
        fail("outpaint", f"trim={trim!r}; a number of pixels, or one for each of {', '.join(SIDES)}, is accepted")
    cut = dict(zip(SIDES, numbers, strict=True))
    for side, pixels in cut.items():
        _check_side(clip, side, "trim", pixels)
    if cut["left"] + cut["right"] >= clip.width or cut["top"] + cut["bottom"] >= clip.height:
        fail("outpaint", f"trim={trim!r} leaves nothing of a clip of {clip.width}x{clip.height}; less is accepted")
    return cut


def _grown_by(clip: vs.VideoNode, cut: dict[str, int], pixels_of: Sequence[int | None]) -> dict[str, int]:
    """Return by how much each side grows; raises ``vs.Error`` where none does, or by parts of a sample of chroma."""
    grown = {side: cut[side] if pixels is None else pixels for side, pixels in zip(SIDES, pixels_of, strict=True)}
    for side, pixels in grown.items():
        _check_side(clip, side, side, pixels)
    if not any(grown.values()):
        fail("outpaint", "no side grows; give left, right, top or bottom, or trim, which is grown back")
    return grown


def _check_side(clip: vs.VideoNode, side: str, argument: str, pixels: object) -> None:
    whole("outpaint", argument, pixels, 0)
    fmt = clip.format
    unit = 1 << (fmt.subsampling_w if side in ("left", "right") else fmt.subsampling_h)
    if int(pixels) % unit:  # type: ignore[call-overload]
        mismatch = f"{argument}={pixels} of the {side} side, but {fmt.name} has a sample of chroma for {unit} pixels"
        fail(
            "outpaint", f"{mismatch}; a multiple of {unit} is accepted, or convert the clip to a format like YUV444P16"
        )


def _holes(canvas: vs.VideoNode, grown: dict[str, int]) -> Holes:
    """Return all but the old picture, and for the flow all but what lies well inside of it."""
    rims = {side: pixels + (RIM if pixels > RIM_BEYOND else 0) for side, pixels in grown.items()}
    return Holes(_outside(canvas, grown), _outside(canvas, rims))


def _outside(canvas: vs.VideoNode, borders: dict[str, int]) -> vs.VideoNode:
    width = canvas.width - borders["left"] - borders["right"]
    height = canvas.height - borders["top"] - borders["bottom"]
    inside = mask_clip("outpaint", canvas, (borders["left"], borders["top"], max(width, 1), max(height, 1)))
    return vs.core.std.Expr(inside, "1 x -")


def _on_three_planes(mask: vs.VideoNode) -> vs.VideoNode:
    return vs.core.std.ShufflePlanes(mask, [0, 0, 0], vs.RGB)
