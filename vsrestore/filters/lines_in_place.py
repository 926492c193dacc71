"""Lines out of place: what a tape's time base does from line to line and from frame to frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import vapoursynth as vs

from ..networks.traits import Traits
from ..runtime.apply import Stage, prepare, through
from ..runtime.descriptor import Descriptor, Options
from ..runtime.plans.window import Window
from ..video.checks import constant_clip
from ..video.fields import fields_of, is_interlaced
from ..video.line_shift import lines_moved

if TYPE_CHECKING:
    from torch import nn

RADIUS = 3
TRAITS = Traits(
    channels="luma", frames=2 * RADIUS + 1, border="black", tiles=False, channels_last=False, float32_frames=True
)
PLAN = Window(chunk=16, before=RADIUS, after=RADIUS, border=TRAITS.border)


def lines_in_place(
    clip: vs.VideoNode,
    *,
    fields: bool | None = None,
    device: str | None = None,
    scene_changes: bool = True,
) -> vs.VideoNode:
    """Bring lines back to where they belong that a tape's time base, unlike in every frame, has moved to the side.

    Jitter, tearing and waving edges go, to parts of a pixel; a bend that stays as it is cannot be told from the picture
    and stays. Frames whose lines are in place come out as they went in, bit for bit. Give it the clip as it was
    captured, before ``deinterlace`` and ``tape``: once fields are joined, two lines' faults are mixed.

    Args:
        clip: any constant format, progressive or interlaced; at least 16 lines in a picture or field.
        fields: whether each field is treated by itself; None does so where the first frame is flagged as interlaced
            (``_FieldBased``).
        device: a torch device ("cpu", "cuda", "cuda:1", "mps"); None takes the best there is. A processor does.
        scene_changes: whether cuts are detected where the clip does not name them (see ``scenes``).

    Returns:
        The clip in the format it came in. What a line uncovers at a side is taken from the lines above and below that
        reach there.

    Raises:
        vs.Error: clip or device do not fit, or the lines do not make two fields.

    """
    constant_clip("lines_in_place", clip)
    options = Options(device=device, scene_changes=scene_changes)
    if is_interlaced(clip) if fields is None else fields:
        parts = fields_of("lines_in_place", clip)
        return lines_moved(clip, [_shifts(part, options)[1] for part in parts])
    source, shifts = _shifts(clip, options)
    return lines_moved(source, [shifts])


def _shifts(clip: vs.VideoNode, options: Options) -> tuple[vs.VideoNode, vs.VideoNode]:
    """Return a clip with its frames checked, and by how many px its lines lie too far to the right."""
    # A row of the network's output holds a number for every line.
    descriptor = Descriptor(name="lines_in_place", plan=PLAN, traits=TRAITS, output_size=(clip.height, 1), values=1)
    prepared = prepare(clip, [descriptor], options)
    return prepared.source, through(prepared.planes("luma"), Stage(descriptor=descriptor, build=_build), options)


def _build() -> nn.Module:
    from ..networks.line_shifts import LineShifts

    return LineShifts()
