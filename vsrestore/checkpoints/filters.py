"""Which filters run the checkpoints of the registry."""

from __future__ import annotations

from vsrestore import FILTERS
from vsrestore.checkpoints.registry import Entry

# Architecture -> the filters that take its checkpoints, where that is not the filter of the same name.
_FILTERS_OF = {
    "clip": ("tape_reference",),
    "fast_neural_style": ("style",),
    "frame_interpolator": ("interpolate",),
    "propainter": ("propainter", "outpaint"),
    "propainter_flow_completion": ("propainter", "outpaint"),
    "raft": ("propainter", "outpaint"),
    "rrdbnet": ("esrgan", "bsrnet", "image_model", "diffbir"),
    "sf_adacof": ("adacof",),
    "mark_finder": ("film", "film_mask"),
    "scratch_repair": ("film", "film_mask"),
    "stain_repair": ("film", "film_mask"),
    "scunet": ("scunet", "image_model", "diffbir"),
    "srvgg": ("esrgan", "image_model"),
    "stable_diffusion": ("diffbir",),
    "swinir": ("swinir", "image_model", "diffbir"),
    **dict.fromkeys(("tcvc_colour_net", "tcvc_decoder", "tcvc_encoder"), ("tcvc",)),
    "temporal_unet": (),  # ours: each is called like its filter
    "temporal_upscaler": ("upscale",),
}


def filters_of(entry: Entry) -> tuple[str, ...]:
    """Return the filters that run a checkpoint, the one that is made for it first; none where this version has none."""
    if not entry.runs:
        return ()
    names = dict.fromkeys((entry.name, *_FILTERS_OF.get(entry.architecture, (entry.architecture,))))
    return tuple(name for name in names if name in FILTERS)


def told_filters(entry: Entry) -> str:
    """Return what runs a checkpoint, in words."""
    names = [f"vsrestore.{name}" for name in filters_of(entry)]
    return f"{' or '.join(names)} runs it" if names else "no filter of this version can run it"
