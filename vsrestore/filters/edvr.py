"""EDVR: x4 super-resolution, deblurring and decompression from a sliding window of frames."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike

import vapoursynth as vs

from ..runtime.apply import Stage, apply_stages
from ..runtime.descriptor import Descriptor, Options, Precision
from ..runtime.plans.window import Window
from ..video.errors import fail
from .checkpoint import Checkpoint, Model, entry_of, recognised


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A published model: its entries in the registry, and what its checkpoint has to be."""

    entry: str
    second: str | None
    scale: int
    predeblur: bool


VARIANTS = {
    "vimeo90k_sr": Variant(entry="edvr-l-sr-vimeo", second=None, scale=4, predeblur=False),
    "reds_sr": Variant(entry="edvr-l-sr-reds", second="edvr-old-sr-stage2", scale=4, predeblur=False),
    "reds_srblur": Variant(entry="edvr-l-srblur-reds", second="edvr-old-srblur-stage2", scale=4, predeblur=True),
    "reds_deblur": Variant(entry="edvr-l-deblur-reds", second="edvr-old-deblur-stage2", scale=1, predeblur=True),
    "reds_deblurcomp": Variant(
        entry="edvr-l-deblurcomp-reds", second="edvr-old-deblurcomp-stage2", scale=1, predeblur=True
    ),
}

# Scale -> frames that are restored at once.
CHUNKS = {4: 4, 1: 8}


def edvr(
    clip: vs.VideoNode,
    model: Model = "reds_sr",
    *,
    second_stage: bool | Model = False,
    device: str | None = None,
    precision: Precision | None = None,
    tile: int | None = None,
    scene_changes: bool = True,
) -> vs.VideoNode:
    """Enlarge fourfold, deblur or decompress with EDVR, which sees two or three frames before and after each frame.

    Where the window reaches over an end of the clip or a cut, frames stand in as published: models for sharp frames
    take those from the other side of the window, models for blurred ones repeat the last. Frames are padded by
    reflection to multiples of 4 (x4) or 16 (same size) and cropped again.

    Args:
        clip: any constant format, progressive, at least 16 pixels each way.
        model: "vimeo90k_sr" (x4, 7 frames), "reds_sr" (x4), "reds_srblur" (x4 of blurred frames), "reds_deblur",
            "reds_deblurcomp" (blurred and compressed; both same size), a name of the registry, or a path, whose
            tensors tell what it is.
        second_stage: True runs the model's published second stage over the frames that the first gave, at their size
            (for x4 sixteen times the pixels of the clip); a path does so with that checkpoint. There is none for
            "vimeo90k_sr".
        device: a torch device ("cpu", "cuda", "cuda:1", "mps"); None takes the best there is.
        precision: None ("float16" on CUDA, else "float32"), "float32", "bfloat16" or "float16"; deformable convolutions
            sample in float32 in all of them.
        tile: edge of square tiles in pixels, at least 128, for frames larger than memory; None takes whole frames.
            What each size takes: docs/tiles.md.
        scene_changes: whether cuts are detected where the clip does not name them (see ``scenes``).

    Returns:
        The clip in the format it came in, four times as large or of the same size.

    Raises:
        vs.Error: clip, checkpoints, device or numbers that do not fit.

    Source:
        Wang, Chan, Yu, Dong, Loy, EDVR, CVPR Workshops 2019, arXiv 1905.02716.

    """
    options = Options(device=device, precision=precision, tile=tile, scene_changes=scene_changes)
    checkpoints = [_first(model)]
    if second_stage is not False:
        checkpoints.append(_second(model, second_stage))
    stages = [Stage(descriptor=_descriptor(checkpoint), build=checkpoint.build) for checkpoint in checkpoints]
    return apply_stages(clip, stages, options)


def _descriptor(checkpoint: Checkpoint) -> Descriptor:
    traits = checkpoint.traits
    radius = traits.frames // 2
    plan = Window(chunk=CHUNKS[traits.scale], before=radius, after=radius, border=traits.border)
    return Descriptor(name="edvr", plan=plan, traits=traits)


def _first(model: Model) -> Checkpoint:
    checkpoint = recognised(
        "edvr", entry_of("edvr", model, {name: row.entry for name, row in VARIANTS.items()}), "edvr"
    )
    variant = _variant(model)
    if variant and (checkpoint.traits.scale, checkpoint.settings["predeblur"]) != (variant.scale, variant.predeblur):
        fail("edvr", f"{checkpoint.path} is a checkpoint of another task than {model}; fetch {variant.entry} again")
    return checkpoint


def _second(model: Model, second_stage: bool | Model) -> Checkpoint:
    if second_stage is True:
        return _published_second(model)
    if not isinstance(second_stage, str | PathLike):
        fail("edvr", f"second_stage={second_stage!r}; True, False or a checkpoint is accepted")
    checkpoint = recognised("edvr", second_stage, "edvr")
    if checkpoint.traits.scale != 1:
        fail(
            "edvr", f"{checkpoint.path} enlarges fourfold; a second stage is a checkpoint that leaves the size as it is"
        )
    return checkpoint


def _published_second(model: Model) -> Checkpoint:
    variant = _variant(model)
    if variant is None:
        fail("edvr", f"second_stage=True, but {model} is no published model; give the second stage's checkpoint")
    if variant.second is None:
        fail("edvr", f"no second stage was published for {model}; leave second_stage out")
    checkpoint = recognised("edvr", variant.second, "edvr")
    if (checkpoint.traits.scale, checkpoint.settings["predeblur"]) != (1, variant.predeblur):
        fail("edvr", f"{checkpoint.path} is not the second stage of {model}; fetch {variant.second} again")
    return checkpoint


def _variant(model: Model) -> Variant | None:
    return VARIANTS.get(model) if isinstance(model, str) else None
