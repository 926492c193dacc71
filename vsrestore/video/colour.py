"""Colours of a network put on the picture of the source."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import vapoursynth as vs

from .cache import keep_shared
from .checks import choice
from .errors import fail, warn
from .frames import plane_views

Join = Callable[[vs.VideoNode, vs.VideoNode, vs.VideoNode], vs.VideoNode]

UPSCALES = ("bilinear", "nearest")
# Of the whole range: chroma that is nearer to gray than this on average is noise, not colour.
HARDLY_COLOURED = 0.02

LUMINANCE = (0.212671, 0.715160, 0.072169)
TO_XYZ = ((0.412453, 0.357580, 0.180423), LUMINANCE, (0.019334, 0.119193, 0.950227))
WHITE = (0.950456, 1.0, 1.088754)
# The curve of sRGB and the cube root of CIELAB, each with its straight part near black, as expressions of one value.
LINEAR = "dup 0.04045 > swap dup 0.055 + 1.055 / 0 max 2.4 pow swap 12.92 / ?"
GAMMA = "0 max 1 min dup 0.0031308 > swap dup 1 2.4 / pow 1.055 * 0.055 - swap 12.92 * ?"
ROOT = "dup 0.008856 > swap dup 0 max 1 3 / pow swap 7.787 * 16 116 / + ?"
CUBE = f"dup {7.787 * 0.008856 + 16 / 116} > swap dup dup dup * * swap 16 116 / - 7.787 / ?"


def colour_format(name: str, clip: vs.VideoNode, wanted: int | None) -> vs.VideoFormat:
    """Return the format of a painted clip: the wanted one, else its own, or YUV 4:4:4 of its depth where it is gray.

    Raises:
        vs.Error: not a format, one without colour, or one whose chroma the size cannot have.

    """
    if wanted is None:
        own = clip.format
        return own if own.color_family != vs.GRAY else own.replace(color_family=vs.YUV)
    target = _format(wanted)
    if target is None or target.color_family not in (vs.GRAY, vs.YUV, vs.RGB):
        fail(name, f"format={wanted!r}; a format such as vs.YUV420P8 or vs.RGB24 is accepted")
    if target.color_family == vs.GRAY:
        fail(name, f"format={target.name} has no colour; a YUV or RGB format is accepted")
    if clip.width % (1 << target.subsampling_w) or clip.height % (1 << target.subsampling_h):
        size = f"{clip.width}x{clip.height}"
        fail(name, f"a clip of {size} cannot be {target.name}; choose a 4:4:4 format or crop the clip")
    return target


def told_if_coloured(name: str, clip: vs.VideoNode) -> vs.VideoNode:
    """Return the clip; when a frame of it turns out to have colour, that is told once in the log."""
    if clip.format.color_family == vs.GRAY:
        return clip
    warned = False

    def look(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        nonlocal warned
        if not warned and _colourfulness(f) > HARDLY_COLOURED:
            warned = True
            warn(name, f"frame {n} has colour already; it is painted anew from its brightness alone")
        return f

    return clip.std.ModifyFrame(clips=clip, selector=look)


def enlarged(name: str, painted: vs.VideoNode, clip: vs.VideoNode, upscale: str) -> list[vs.VideoNode]:
    """Return the two planes of colour of a painted clip (planes 1 and 2) in the size of ``clip``.

    Args:
        name: the filter, for messages.
        painted: RGBS in name only: luma and two planes of colour.
        clip: whose size counts.
        upscale: "bilinear", or "nearest" with the pixel that PyTorch's interpolation takes.

    """
    choice(name, "upscale", upscale, UPSCALES)
    plain = keep_shared(painted.std.RemoveFrameProps(["_Matrix", "_ChromaLocation", "_FieldBased"]))
    planes = [plain.std.ShufflePlanes(plane, vs.GRAY) for plane in (1, 2)]
    if upscale == "bilinear":
        return [plane.resize.Bilinear(clip.width, clip.height) for plane in planes]
    across, down = (_nearest(*edges) for edges in ((painted.width, clip.width), (painted.height, clip.height)))
    template = planes[0].std.BlankClip(width=clip.width, height=clip.height, keep=True)
    return [_sampled(plane, template, across, down) for plane in planes]


def turned(planes: list[vs.VideoNode], span: float, saturation: float, hue: float) -> list[vs.VideoNode]:
    """Return two planes of colour, from stored (c / span + 0.5) to true values, stretched and turned.

    Args:
        planes: GRAYS.
        span: by which they were divided.
        saturation: factor on the distance from gray.
        hue: degrees by which colours turn, from the first axis to the second.

    """
    cos, sin = (span * saturation * part(math.radians(hue)) for part in (math.cos, math.sin))
    turns = (f"x 0.5 - {cos} * y 0.5 - {sin} * -", f"x 0.5 - {sin} * y 0.5 - {cos} * +")
    return [vs.core.std.Expr(planes, turn) for turn in turns]


def with_lab(rgb: vs.VideoNode, a: vs.VideoNode, b: vs.VideoNode, least_root: float = -1.0) -> vs.VideoNode:
    """Return RGBS with the lightness L of ``rgb`` (RGBS, sRGB) and the a and b of CIELAB given as GRAYS.

    Args:
        rgb: whose lightness counts.
        a: from green to red, about -128 to 128.
        b: from blue to yellow.
        least_root: of Z over that of white; dark and very yellow colours would have less. As scikit-image has it 0.

    """
    expr = vs.core.std.Expr
    red, green, blue = LUMINANCE
    sums = f"x {LINEAR} {red} * y {LINEAR} {green} * + z {LINEAR} {blue} * +"
    luminance = expr(_channels(rgb), sums)
    xyz = [
        expr([luminance, a], f"x {ROOT} y 500 / + {CUBE} {WHITE[0]} *"),
        luminance,
        expr([luminance, b], f"x {ROOT} y 200 / - {least_root} max {CUBE} {WHITE[2]} *"),
    ]
    rows = np.linalg.inv(TO_XYZ)
    return _rgb([expr(xyz, f"x {x} * y {y} * + z {z} * + {GAMMA}") for x, y, z in rows], rgb)


def with_uv(rgb: vs.VideoNode, u: vs.VideoNode, v: vs.VideoNode) -> vs.VideoNode:
    """Return RGBS with the luma Y of ``rgb`` (RGBS) and the U and V of analogue YUV given as GRAYS."""
    luma = vs.core.std.Expr(_channels(rgb), "x 0.299 * y 0.587 * + z 0.114 * +")
    sums = ("x z 1.140 * +", "x y -0.395 * + z -0.581 * +", "x y 2.032 * +")
    return _rgb([vs.core.std.Expr([luma, u, v], f"{s} 0 max 1 min") for s in sums], rgb)


def _format(wanted: int) -> vs.VideoFormat | None:
    try:
        return vs.core.get_video_format(int(wanted))
    except (TypeError, ValueError, vs.Error):
        return None


def _channels(rgb: vs.VideoNode) -> list[vs.VideoNode]:
    return [rgb.std.ShufflePlanes(plane, vs.GRAY) for plane in range(3)]


def _rgb(planes: list[vs.VideoNode], source: vs.VideoNode) -> vs.VideoNode:
    return vs.core.std.ShufflePlanes(planes, [0, 0, 0], vs.RGB).std.CopyFrameProps(source)


def _nearest(source: int, target: int) -> np.ndarray:
    """Return which of ``source`` pixels stands at each of ``target``: that at or before its place."""
    return np.arange(target) * source // target


def _sampled(plane: vs.VideoNode, template: vs.VideoNode, across: np.ndarray, down: np.ndarray) -> vs.VideoNode:
    place = np.ix_(down, across)

    def sample(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
        frame = f[0].copy()
        np.copyto(np.asarray(frame[0]), np.asarray(f[1][0])[place])
        return frame

    return template.std.ModifyFrame(clips=[template, plane], selector=sample)


def _colourfulness(frame: vs.VideoFrame) -> float:
    """Return how far the chroma of a frame is from gray on average, of the whole range."""
    planes = [plane.astype(np.float32) for plane in plane_views(frame)]
    form = frame.format
    whole = 1.0 if form.sample_type == vs.FLOAT else float(1 << form.bits_per_sample)
    if form.color_family == vs.RGB:
        return float(max(np.abs(planes[1] - planes[channel]).mean() for channel in (0, 2))) / whole
    neutral = 0.0 if form.sample_type == vs.FLOAT else whole / 2
    return float(max(np.abs(plane - neutral).mean() for plane in planes[1:])) / whole
