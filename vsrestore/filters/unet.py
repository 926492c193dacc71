"""fastai's U-Net: repair of frames by a network that the user trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING

import vapoursynth as vs

from ..runtime.apply import Stage, apply
from ..runtime.descriptor import Descriptor, Options, Precision
from ..runtime.plans.single import Single
from ..video.checks import whole, within
from ..video.errors import fail
from .checkpoint import recognised

if TYPE_CHECKING:
    from torch import nn

UNIT = 16  # pixels of the square for each step of the render factor
MOST_BRIGHT = 10


def unet(
    clip: vs.VideoNode,
    path: str | PathLike[str],
    render_factor: int | None = None,
    *,
    brightness: float = 1.0,
    legacy_blur: bool = False,
    y_range: Sequence[float] | None = None,
    batch: int = 1,
    device: str | None = None,
    precision: Precision | None = None,
    tile: int | None = None,
) -> vs.VideoNode:
    """Repair frames with a U-Net that fastai trained, as in lesson 7 of its course, each frame alone.

    What the network repairs (small JPEGs that were enlarged, grain, specks) is what it was trained on; it does not
    enlarge, so a clip comes at its final size. Odd sizes are padded with copies of the last row and column.

    Args:
        clip: any constant format, progressive.
        path: what ``learn.save`` of fastai 1 wrote, or the same tensors as .safetensors. Exported learners are refused.
        render_factor: a sixteenth of the edge in pixels of a square to which frames are stretched for the network, at
            least 1; 40 as published for film. None takes frames at their own size, as the network was trained.
        brightness: factor on what the network gives, 0 to 10. 1.75 was published with weights that darken.
        legacy_blur: True for weights of fastai up to 1.0.55, which blurs the last layer too.
        y_range: low and high end, in standard deviations, between which a sigmoid keeps the output; () for no limits.
            None takes what was published: (-3, 3) with self-attention, no limits without.
        batch: frames that are given to the network in one call.
        device: a torch device ("cpu", "cuda", "cuda:1", "mps"); None takes the best there is.
        precision: None ("float16" on CUDA, else "float32"), "float32", "bfloat16" or "float16".
        tile: edge of square tiles in pixels, at least 256, for frames larger than memory; None takes whole frames. Not
            with a render factor or self-attention, which need the whole frame.

    Returns:
        The clip in the format it came in, of the same size.

    Raises:
        vs.Error: clip, checkpoint, device or numbers that do not fit.

    Source:
        fastai 1 (Howard and others), 2019; no paper.

    """
    if not isinstance(path, str | PathLike):
        fail("unet", f"path={path!r}; the path of a checkpoint is accepted")
    whole("unet", "batch", batch, 1)
    within("unet", "brightness", brightness, 0, MOST_BRIGHT)
    if render_factor is not None:
        whole("unet", "render_factor", render_factor, 1)
    settings = {"legacy_blur": bool(legacy_blur), **_limits(y_range)}
    checkpoint = recognised("unet", path, "fastai_unet", **settings)
    size = None if render_factor is None else render_factor * UNIT

    def build() -> nn.Module:
        from ..networks.fastai_unet import FrameRepair

        return FrameRepair(checkpoint.build(), size, brightness)

    # Stretched to a square, a frame of any size will do, and it is needed whole.
    traits = checkpoint.traits if size is None else replace(checkpoint.traits, multiple=1, tiles=False)
    stage = Stage(descriptor=Descriptor(name="unet", plan=Single(chunk=batch), traits=traits), build=build)
    return apply(clip, stage, Options(device=device, precision=precision, tile=tile))


def _limits(y_range: object) -> dict[str, tuple[float, ...]]:
    """Return the setting of the network that a user's ``y_range`` means."""
    if y_range is None:
        return {}
    ends = tuple(y_range) if isinstance(y_range, Sequence) else (y_range,)
    numbers = all(isinstance(end, int | float) and not isinstance(end, bool) for end in ends)
    if ends and not (numbers and len(ends) == 2 and ends[0] < ends[1]):
        fail("unet", f"y_range={y_range!r}; two rising numbers such as (-3, 3), () for no limits, or None are accepted")
    return {"y_range": ends}
