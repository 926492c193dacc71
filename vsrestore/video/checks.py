"""What every filter asks of its clip and its numbers when the script is evaluated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import vapoursynth as vs

from .cache import uncached
from .errors import fail, warn
from .first_frame import first_props

MOST_BITS = 16  # of integer samples that VapourSynth's resizer can convert
MOST_FRAMES = 2**31 - 2**16  # VapourSynth counts to 2^31 - 1, and filters repeat the ends of a clip
FIELD_ORDERS = {1: "bottom field first", 2: "top field first"}
HDR: Mapping[object, str] = {16: "PQ", 18: "HLG"}
HDR_ADVICE = "bring it to gamma before and back to HDR after, as docs/hdr.md shows"


def constant_clip(name: str, clip: object, argument: str = "clip") -> vs.VideoNode:
    """Return ``clip`` if it is a video of one constant, convertible format and size in ordinary memory, else raise."""
    if not isinstance(clip, vs.VideoNode):
        fail(name, f"{argument} is {type(clip).__name__}; a video clip (vs.VideoNode) is needed")
    if clip.format is None or clip.format.id == vs.NONE:
        fail(name, f"{argument} has a variable format; convert it to one format first, e.g. resize.Bicubic(format=...)")
    if not clip.width or not clip.height:
        fail(
            name, f"{argument} has a variable size; bring it to one size first, e.g. with resize.Bicubic(width, height)"
        )
    if clip.format.sample_type == vs.INTEGER and clip.format.bits_per_sample > MOST_BITS:
        excess = f"{argument} has integer samples of {clip.format.bits_per_sample} bits"
        fail(name, f"{excess}; at most {MOST_BITS} bits, or float samples, are accepted")
    if clip.num_frames > MOST_FRAMES:
        excess = f"{argument} has {clip.num_frames} frames, as std.Loop without times gives"
        fail(name, f"{excess}; at most {MOST_FRAMES} are accepted: cut it, e.g. with std.Trim")
    if getattr(clip, "gpu_resident", False):
        fail(name, f"{argument} lies in GPU memory; bring it back first with std.GPUDownload")
    return clip


def same_frames(name: str, clip: vs.VideoNode, other: vs.VideoNode, argument: str) -> None:
    """Raise ``vs.Error`` unless ``other`` has the size and length of ``clip``."""
    if (other.width, other.height) != (clip.width, clip.height):
        fail(
            name,
            f"{argument} is {other.width}x{other.height} but the clip is {clip.width}x{clip.height}; both must agree",
        )
    if other.num_frames != clip.num_frames:
        fail(name, f"{argument} has {other.num_frames} frames but the clip has {clip.num_frames}; both must agree")


def within(name: str, argument: str, value: object, low: float, high: float | None = None) -> None:
    """Raise ``vs.Error`` unless ``value`` is a number of [low, high] (no upper bound when ``high`` is None)."""
    accepted = f"from {low:g} to {high:g}" if high is not None else f"of at least {low:g}"
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= low:
        fail(name, f"{argument}={value!r}; a number {accepted} is accepted")
    if high is not None and value > high:
        fail(name, f"{argument}={value!r}; a number {accepted} is accepted")


def whole(name: str, argument: str, value: object, low: int) -> None:
    """Raise ``vs.Error`` unless ``value`` is an integer of at least ``low``."""
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        fail(name, f"{argument}={value!r}; a whole number of at least {low} is accepted")


def choice(name: str, argument: str, value: object, accepted: tuple[str, ...]) -> None:
    """Raise ``vs.Error`` unless ``value`` is one of the accepted words."""
    if value not in accepted:
        fail(name, f"{argument}={value!r}; accepted: {', '.join(map(repr, accepted))}")


def whole_sdr_frames(name: str, clip: vs.VideoNode) -> vs.VideoNode:
    """Return ``clip`` with a check on every frame that it is whole; that one is HDR is told once in the log.

    Whether a frame is interlaced or HDR stands in its properties. Those of the first frame are looked at here and now
    where that restores nothing, the others when the frames are asked for.

    Raises:
        vs.Error: the first frame is known to be interlaced or a single field.

    """
    warned = False

    def look(n: int, props: Mapping[str, object]) -> None:
        nonlocal warned
        _check_whole(name, n, props)
        transfer = props.get("_Transfer")
        if transfer in HDR and not warned:
            warned = True
            warn(name, f"frame {n} is HDR (_Transfer={transfer}, {HDR[transfer]}) and is taken for SDR; {HDR_ADVICE}")

    def check(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        look(n, f.props)
        return f

    look(0, first_props(clip))
    # Taken from in order by one other, the user's clip needs no cache of its own on our account.
    plain = uncached.RemoveFrameProps(clip, ["_vsrestore"])
    return clip.std.ModifyFrame(clips=plain, selector=check)


def _check_whole(name: str, n: int, props: Mapping[str, object]) -> None:
    order = int(cast("int", props.get("_FieldBased", 0)))
    if order:
        order_name = FIELD_ORDERS.get(order, "unknown field order")
        fail(
            name,
            f"frame {n} is interlaced (_FieldBased={order}, {order_name}); deinterlace the clip first, "
            "or clear a wrong flag with std.SetFieldBased(0)",
        )
    if "_Field" in props:
        fail(name, f"frame {n} is a single field (_Field); weave the fields and deinterlace first")
