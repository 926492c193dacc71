"""TCVC: colours for black-and-white film that follow one picture through a shot."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import vapoursynth as vs

from ..checkpoints import entries, first_pass_folder
from ..devices.parts import Part, Parts
from ..networks.traits import Traits
from ..runtime.apply import Stage, prepare, through
from ..runtime.call import Companion
from ..runtime.descriptor import Descriptor, Options, Precision
from ..runtime.graph import frames_in_flight
from ..runtime.plans.groups import REFERENCE, Groups
from ..video import checks
from ..video.cache import keep
from ..video.colour import colour_format, told_if_coloured, with_lab
from ..video.errors import fail
from ..video.prepared import Prepared
from ..video.reorder import reordered
from ..video.shots import Shot, of_each_frame, shots_of
from .checkpoint import Checkpoint, Model, recognised
from .colour_reference import Painter, Reference, pictures
from .colourise import Space, Wishes, check_wishes, joined
from .ddcolor import ddcolor
from .deoldify import deoldify

if TYPE_CHECKING:
    from torch import nn

NAME = "tcvc"
# Part -> its network.
PARTS = {"first": "tcvc_colour_net", "encoder": "tcvc_encoder", "decoder": "tcvc_decoder"}
# The filter's names of the published models -> the entries of the registry, by part.
SECOND_STAGE = {"encoder": "tcvc-stage2-encoder", "decoder": "tcvc-stage2-decoder"}
PUBLISHED: Mapping[str, Mapping[str, Model]] = {
    "paper": {"first": "tcvc-stage1-paper", **SECOND_STAGE},
    "challenge": {"first": "tcvc-stage1-ntire", **SECOND_STAGE},
}
FITTING = ("stem", "width", "channels", "hidden")  # what an encoder and its decoder have in common
GROUP = 3  # frames that the network colours together
MULTIPLE, LEAST = 8, 32
SPACE = Space(join=partial(with_lab, least_root=0.0), span=256.0, likeness=12.0)
PAINTERS: Mapping[str, Callable[..., vs.VideoNode]] = {"ddcolor": ddcolor, "deoldify": deoldify}
AS_FOUND = Wishes(stabilize=0, saturation=1.0, hue=0.0, upscale="bilinear", format=None)
KEPT = 2  # reference pictures: those of the shots on both sides of a cut


def tcvc(
    clip: vs.VideoNode,
    reference: Reference = "tcvc",
    *,
    model: Model | Mapping[str, Model] = "paper",
    only_gray: bool = False,
    render_size: int | tuple[int, int] = 216,
    chunk: int = 30,
    memory: int = 15,
    saturation: float = 1.0,
    hue: float = 0.0,
    upscale: str = "bilinear",
    format: int | None = None,
    device: str | None = None,
    precision: Precision | None = None,
    scene_changes: bool = True,
) -> vs.VideoNode:
    """Paint black-and-white shots after one picture in colour each with TCVC, so that colours hold through a shot.

    A shot is walked along in groups of three frames, as published; each group sees the picture, and a memory of the
    groups before it. Chunks begin at multiples of ``chunk``. The memory begins with the shot or, where the shot began
    more than ``memory`` frames before the chunk, so many frames before it. So a shot is coloured as published in the
    chunk that it begins in, and in the next where it began at most ``memory`` frames before that; from there on the
    memory holds the last ``memory`` frames and more, not the whole shot. Frames that only fill it cost about a third
    of what others do.

    References that are chosen shot by shot, and ``only_gray``, need a first pass over the whole clip. It runs when the
    script is evaluated, once for a clip: the result is kept in the folder ``first-pass`` beside the fetched
    checkpoints. A clip is known by its format, length, rate and 16 of its frames; if a filter before this one changes
    others only, or their cuts, delete the file.

    Args:
        clip: any constant format, progressive. What colour it has is left out of account, which is told in the log.
        reference: the picture after which a shot is coloured:

            * "tcvc": the first clear frame of each shot (neither blurred nor faded beside the others), as the first
              stage of TCVC paints it; as published, but for the choice of the frame.
            * "ddcolor" or "deoldify": the same frame, as that filter paints it.
            * the path of a PNG file, or a clip of one frame: for all shots.
            * a clip as long as this one: that frame of it which is the first clear one of each shot here.

            Pictures of another size are scaled to cover the frame, and their middle is taken.
        model: "paper", "challenge" (another first stage, fine-tuned for NTIRE 2023), a folder that holds the published
            files, or a mapping from the parts "first", "encoder" and "decoder" to names of the registry or paths;
            parts that it leaves out are those of "paper".
        only_gray: whether shots that have colour stay as they are, sample by sample if the format stays; a tint or a
            tone is no colour. Measured for each shot as a whole.
        render_size: height in pixels at which colours are found, a multiple of 8 from 32 on; the width follows from the
            clip. Or both: (width, height). As published (384, 216).
        chunk: frames that are coloured at once, a multiple of 3.
        memory: frames before a chunk that are seen again to fill the memory, a multiple of 3. How fast trained weights
            forget is not known yet.
        saturation: factor on the colours, 0 to 10.
        hue: degrees by which all colours turn, -360 to 360, from green-red towards blue-yellow.
        upscale: how colours come to the size of the clip: "bilinear" as published, or "nearest".
        format: of the output, e.g. vs.YUV420P8 or vs.RGB24. None keeps the clip's; for gray it is YUV 4:4:4 of the
            same depth.
        device: a torch device ("cpu", "cuda", "cuda:1", "mps"); None takes the best there is.
        precision: of the net that paints: None ("float16" on CUDA, else "float32"), "float32", "bfloat16" (with seeded
            weights the colours a and b differ by 0.8 on average and 6 at most, where the largest are 49) or "float16"
            (not measured). The networks that see frames beside the reference are float32 in all of them: in bfloat16
            nine of ten pixels were found to be most alike to another one of it.
        scene_changes: whether cuts are detected where the clip does not name them (see ``scenes``).

    Returns:
        The painted clip, of the same size and length. Where it is YUV, its luma is that of the clip, sample by sample.

    Raises:
        vs.Error: clip, reference, checkpoints, device, format or numbers that do not fit.

    Source:
        Temporal Consistent Automatic Video Colorization via Semantic Correspondence, CVPR Workshops (NTIRE) 2023. No
        licence is stated for the weights: take them for research only.

    """
    checks.constant_clip(NAME, clip)
    target = colour_format(NAME, clip, format)
    wishes = Wishes(stabilize=0, saturation=saturation, hue=hue, upscale=upscale, format=format)
    check_wishes(NAME, wishes)
    size, models = _size(clip, render_size), _models(model)
    parts, traits = _second_stage(models)
    plan = Groups(chunk=chunk, group=GROUP, before=memory)
    descriptor = Descriptor(name=NAME, plan=plan, traits=traits, output_size=size)
    options = Options(device=device, precision=precision, scene_changes=scene_changes)
    prepared = prepare(clip if only_gray else told_if_coloured(NAME, clip), [descriptor], options)
    frames = prepared.planes("rgb")
    references = pictures(NAME, clip, reference, _painters(clip, frames, models, size, options))
    shots = [Shot(0, clip.num_frames, coloured=False, clear=0)]
    if only_gray or references.num_frames > 1:
        shots = shots_of(NAME, frames, first_pass_folder())
    stays = of_each_frame(shots, [only_gray and shot.coloured for shot in shots])
    guides = of_each_frame(shots, [None if only_gray and shot.coloured else shot.clear for shot in shots])
    companion = Companion([_of_each_frame(small_lab(references, size, options), guides)], at="wanted")
    stage = Stage(
        descriptor=descriptor.changed(plan=replace(plan, acts=lambda number: not stays[number])),
        build=parts,
        companions={REFERENCE: companion},
    )
    small = keep(small_lab(frames, size, options), frames_in_flight(plan, options.device))
    colours = through(small, stage, options).std.CopyFrameProps(frames)
    painted = prepared.painted(joined(NAME, frames, colours, SPACE, wishes), target)
    return _with_unpainted(prepared, painted, stays) if any(stays) else painted


def small_lab(frames: vs.VideoNode, size: tuple[int, int], options: Options) -> vs.VideoNode:
    """Return RGBS frames as Lab in a size (width, height), as the networks of TCVC take it: RGBS in name only."""

    def build() -> nn.Module:
        from ..networks.tcvc_lab import SmallLab

        return SmallLab(size[::-1])

    traits = Traits(tiles=False, channels_last=False, float32_frames=True)
    descriptor = Descriptor(name=NAME, traits=traits, output_size=size)
    return through(frames, Stage(descriptor=descriptor, build=build), options).std.CopyFrameProps(frames)


def first_stage(frames: vs.VideoNode, checkpoint: Checkpoint, size: tuple[int, int], options: Options) -> vs.VideoNode:
    """Return RGBS frames in the colours that the first stage finds, each alone: RGB24, cut off to 8 bits as published.

    Args:
        frames: RGBS.
        checkpoint: of the first stage.
        size: width and height at which colours are found.
        options: device and precision.

    """
    descriptor = Descriptor(name=NAME, traits=checkpoint.traits, output_size=size)
    painted = through(small_lab(frames, size, options), Stage(descriptor=descriptor, build=checkpoint.build), options)
    rgb = joined(NAME, frames, painted, SPACE, AS_FOUND)
    return rgb.std.Expr("x 255 * 0.5 -", format=vs.RGB24)


def _size(clip: vs.VideoNode, wanted: int | tuple[int, int]) -> tuple[int, int]:
    """Return the width and height at which colours are found."""
    if isinstance(wanted, int):
        width = round(wanted * clip.width / clip.height / MULTIPLE) * MULTIPLE
        size = (max(width, LEAST), wanted)
    else:
        size = wanted
    for length in size if isinstance(size, tuple) and len(size) == 2 else (size,):
        checks.whole(NAME, "render_size", length, LEAST)
        if length % MULTIPLE:
            fail(NAME, f"render_size={wanted!r}; multiples of {MULTIPLE} are accepted, e.g. 216, or (384, 216)")
    return size


def _models(model: Model | Mapping[str, Model]) -> Mapping[str, Model]:
    """Return what the user calls each part."""
    if isinstance(model, Mapping):
        unknown = [part for part in model if part not in PARTS]
        if unknown:
            fail(NAME, f"model names the part {unknown[0]!r}; its parts are {', '.join(map(repr, PARTS))}")
        return {**PUBLISHED["paper"], **model}
    if isinstance(model, str) and model in PUBLISHED:
        return PUBLISHED[model]
    if not isinstance(model, str | PathLike) or not Path(model).is_dir():
        names = ", ".join(map(repr, PUBLISHED))
        mismatch = f"model={model!r}; accepted: {names}, a folder that holds the published files"
        fail(NAME, f"{mismatch}, or a mapping from the parts {', '.join(map(repr, PARTS))} to names or paths")
    return {part: Path(model) / entries()[str(entry)].file for part, entry in PUBLISHED["paper"].items()}


def _second_stage(models: Mapping[str, Model]) -> tuple[Parts, Traits]:
    """Return the networks of the second stage, and what they ask of pictures."""
    encoder, decoder = (recognised(NAME, models[part], PARTS[part]) for part in ("encoder", "decoder"))
    if any(encoder.settings[setting] != decoder.settings[setting] for setting in FITTING):
        mismatch = f"{encoder.path} and {decoder.path} are parts of networks of different sizes"
        fail(NAME, f"{mismatch}; give an encoder and a decoder that belong together")

    def join(networks: Mapping[str, nn.Module]) -> nn.Module:
        from ..networks.tcvc import TCVC

        return TCVC(**networks)  # type: ignore[arg-type]

    parts = {
        "encoder": Part(encoder.build, precision="float32", channels_last=False),
        "warper": Part(lambda: decoder.build().get_submodule("warper"), precision="float32"),
        "painter": Part(lambda: decoder.build().get_submodule("decoder")),
    }
    return Parts(parts, join), encoder.traits


def _painters(
    clip: vs.VideoNode, frames: vs.VideoNode, models: Mapping[str, Model], size: tuple[int, int], options: Options
) -> dict[str, Painter]:
    """Return what paints frames alone, by the names that a user gives."""

    def paint_first() -> vs.VideoNode:
        checkpoint = recognised(NAME, models["first"], PARTS["first"])
        return first_stage(frames, checkpoint, size, options).resize.Point(format=vs.RGBS)

    settings = {"device": options.device, "precision": options.precision, "scene_changes": False}
    others = {name: partial(paint, clip, stabilize=0, format=vs.RGBS, **settings) for name, paint in PAINTERS.items()}
    return {NAME: paint_first, **others}


def _of_each_frame(references: vs.VideoNode, guides: Sequence[int | None]) -> vs.VideoNode:
    """Return a clip whose frame n is the picture after which frame n is coloured, black where it stays as it is."""
    keep(references, KEPT)
    return reordered(references if references.num_frames > 1 else references.std.Loop(len(guides)), guides.__getitem__)


def _with_unpainted(prepared: Prepared, painted: vs.VideoNode, stays: Sequence[bool]) -> vs.VideoNode:
    """Return a painted clip, but with the source's own frames where those stay as they are."""
    same = painted.format.id == prepared.source.format.id
    source = prepared.source if same else prepared.painted(prepared.planes("rgb"), painted.format)
    return painted.std.FrameEval(lambda n: source if stays[n] else painted)
