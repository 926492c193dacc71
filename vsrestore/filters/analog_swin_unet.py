"""Analog Swin-UNet: the faults of digitised analogue tape."""

from __future__ import annotations

from typing import Literal

import vapoursynth as vs

from ..networks.traits import BlackBorder, Border
from ..runtime.apply import Stage, apply
from ..runtime.descriptor import Descriptor, Options, Precision
from ..runtime.plans.window import Window
from ..video.checks import choice
from .checkpoint import Model, entry_of, recognised

# The filter's names of the published models -> those of the registry.
PUBLISHED = {"base": "analog-swin-unet"}

# The filter's names of what stands beyond the ends -> the rules of windows.
BORDERS: dict[str, Border | BlackBorder] = {"published": "black_short", "black": "black", "mirror": "reflect"}

CHUNK = 4


def analog_swin_unet(
    clip: vs.VideoNode,
    model: Model = "base",
    *,
    border: Literal["published", "black", "mirror"] = "published",
    device: str | None = None,
    precision: Precision | None = None,
    tile: int | None = None,
    scene_changes: bool = True,
) -> vs.VideoNode:
    """Undo the faults of digitised analogue tape with Analog Swin-UNet, which sees two frames before and after.

    It was trained on mistracking, scrambled lines and chroma faults that were added to clean video; it is the
    forerunner of TAPE, without reference frames. Nothing can be shared between neighbouring frames: each costs a whole
    window of five, 1.8 T multiplications at 640x480.

    Args:
        clip: any constant format, progressive. Zeros are added at the right and the bottom to multiples of 16 and
            cropped again.
        model: "base", a name of the registry or a path, whose tensors tell its size.
        border: what stands for frames beyond the clip's ends and cuts. "published": black frames, but none at the last
            place of a window, which the authors' script leaves out; "black": black frames, as in training; "mirror":
            the frames of the other side.
        device: a torch device ("cpu", "cuda", "cuda:1", "mps"); None takes the best there is.
        precision: None ("float16" on CUDA, else "float32"), "float32", "float16" (as the published script on CUDA;
            largest error 0.0014 of the largest value) or "bfloat16" (0.011), on real frames with seeded weights.
        tile: edge of square tiles in pixels, at least 256, for frames larger than memory; None takes whole frames.
            Tiles begin at multiples of 128, as windows of attention do, and share 128; on a real frame with seeded
            weights that is 57 dB from the whole frame, 51 dB where it is worst. The published script saw squares of 512
            or 768 pixels.
        scene_changes: whether cuts are detected where the clip does not name them (see ``scenes``).

    Returns:
        The clip in the format it came in.

    Raises:
        vs.Error: clip, checkpoint, device or numbers that do not fit.

    Source:
        Agnolucci, Galteri, Bertini, Del Bimbo, Restoration of Analog Videos Using Swin-UNet, ACM Multimedia 2022, arXiv
        2311.04261. It was trained on data for non-commercial use.

    """
    choice("analog_swin_unet", "border", border, tuple(BORDERS))
    checkpoint = recognised("analog_swin_unet", entry_of("analog_swin_unet", model, PUBLISHED), "analog_swin_unet")
    radius = checkpoint.traits.frames // 2
    plan = Window(chunk=CHUNK, before=radius, after=radius, border=BORDERS[border], halves=True)
    descriptor = Descriptor(name="analog_swin_unet", plan=plan, traits=checkpoint.traits)
    options = Options(device=device, precision=precision, tile=tile, scene_changes=scene_changes)
    return apply(clip, Stage(descriptor=descriptor, build=checkpoint.build), options)
