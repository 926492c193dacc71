"""Any constant format in, the same format out: conversion to the float planes a network sees, and back.

What the network leaves alone comes back exactly: the result keeps, where the network's change is nought, the samples
of the source themselves and not their round trip through RGB (which blurs subsampled chroma and cuts off values beyond
black and white).
"""

from __future__ import annotations

from typing import Literal

import vapoursynth as vs
from vsutil import get_y

from .cache import keep, keep_shared, uncached
from .errors import warn

Planes = Literal["rgb", "luma"]

UNKNOWN_MATRIX = (2, 3)
DITHERED_BELOW = 16
# A change of this much of the whole range or more takes the network's picture alone.
FULL_CHANGE = 1 / 64


def guessed_matrix(width: int, height: int) -> int:
    """Return the H.273 matrix that a file without one has most likely: BT.601 up to 1024x576, else BT.709."""
    if width <= 1024 and height <= 576:
        return 6 if height <= 486 else 5
    return 1


def with_matrix(name: str, clip: vs.VideoNode) -> vs.VideoNode:
    """Return the clip with a matrix named on every frame of YUV and GRAY; a guess is told once in the log."""
    if clip.format.color_family == vs.RGB:
        return clip
    guess = guessed_matrix(clip.width, clip.height)
    warned = False

    def complete(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        nonlocal warned
        if f.props.get("_Matrix", 2) not in (*UNKNOWN_MATRIX, 0):
            return f
        if not warned and clip.format.color_family == vs.YUV:
            warned = True
            warn(name, f"the clip names no matrix; _Matrix={guess} is assumed from its size {clip.width}x{clip.height}")
        complete_frame = f.copy()
        complete_frame.props["_Matrix"] = guess
        return complete_frame

    return clip.std.ModifyFrame(clips=clip, selector=complete)


def to_planes(clip: vs.VideoNode, planes: Planes) -> vs.VideoNode:
    """Return the RGBS (or, for ``luma``, GRAYS) clip in [0, 1] that a network sees.

    RGBS passes untouched. Everything else is limited to [0, 1], as 8-bit pictures are in the published pipelines.
    """
    family = clip.format.color_family
    if planes == "luma":
        luma = get_y(_as_yuv444(clip) if family == vs.RGB else clip)
        return _limited(luma.resize.Point(format=vs.GRAYS))
    if clip.format.id == vs.RGBS:
        return clip
    if family == vs.RGB:
        return _limited(clip.resize.Point(format=vs.RGBS))
    return _limited(clip.resize.Bicubic(format=vs.RGBS))


def from_planes(result: vs.VideoNode, frames: vs.VideoNode, source: vs.VideoNode) -> vs.VideoNode:
    """Return ``result`` (what the network gave) in the format of ``source``.

    Args:
        result: RGBS or GRAYS clip, of any size.
        frames: the clip that the network saw, from :func:`to_planes`, as long as ``result``.
        source: the clip with its matrix, from :func:`with_matrix`, as long as ``result``.

    """
    if result.format.id == source.format.id:
        return result
    if result.format.color_family == vs.GRAY:
        return _rejoined(result, frames, source)
    if source.format.color_family == vs.RGB:
        return to_depth(result, source.format)
    if not _same_size(result, source):
        return _to_family(result, source, source.format)  # at once, which is the same as by way of floats
    floats = _float_twin(source.format)
    back, before = (_to_family(rgb, source, floats) for rgb in (result, frames))
    return to_depth(_kept(source.resize.Point(format=floats.id), back, before), source.format)


def with_colours(rgb: vs.VideoNode, source: vs.VideoNode, target: vs.VideoFormat) -> vs.VideoNode:
    """Return ``source`` in ``target``, with the colours of ``rgb`` and, where both are YUV or gray, its own luma.

    Args:
        rgb: RGBS, as large and as long as ``source``; what it holds beyond black and white is cut off.
        source: any format, with its matrix, from :func:`with_matrix`.
        target: a colour format.

    """
    limited = keep_shared(_limited(rgb))
    if target.color_family == vs.RGB:
        return _named_like(to_depth(limited, target), limited, source)
    if source.format.color_family == vs.RGB:
        matrix = guessed_matrix(source.width, source.height)
        base, chroma = (
            keep_shared(clip.resize.Bicubic(format=_float_twin(target).id, matrix=matrix, range=vs.RANGE_LIMITED))
            for clip in (source, limited)
        )
    else:
        base, chroma = source, _to_family(limited, source, _float_twin(target))
    gray = target.replace(color_family=vs.GRAY, subsampling_w=0, subsampling_h=0)
    luma, chroma = keep_shared(to_depth(get_y(base), gray)), keep_shared(to_depth(chroma, target))
    return _named_like(vs.core.std.ShufflePlanes([luma, chroma, chroma], [0, 1, 2], vs.YUV), luma, source)


def stacked_rgb(values: vs.VideoNode, width: int, height: int) -> vs.VideoNode:
    """Return the RGBS picture in [0, 1], of a size, of a GRAYS clip with red, green and blue below each other."""
    third = values.height // 3
    planes = [values.std.Crop(top=index * third, bottom=(2 - index) * third) for index in range(3)]
    picture = vs.core.std.ShufflePlanes(planes, [0, 0, 0], vs.RGB)
    if (picture.width, picture.height) != (width, height):
        picture = picture.resize.Bicubic(width, height, filter_param_a=0, filter_param_b=0.5)  # as Pillow's
    return _limited(picture)


def to_depth(clip: vs.VideoNode, target: vs.VideoFormat) -> vs.VideoNode:
    """Return the clip in the sample type of ``target``, error-diffused below 16 bits; its planes stay as they are."""
    if clip.format.id == target.id:
        return clip
    return clip.resize.Point(format=target.id, dither_type=_dither(target))


def _named_like(result: vs.VideoNode, converted: vs.VideoNode, source: vs.VideoNode) -> vs.VideoNode:
    """Return ``result`` with the properties of ``source``, matrix and range as they are after a conversion."""
    if result.format.color_family == source.format.color_family:
        return result.std.CopyFrameProps(source)
    return result.std.CopyFrameProps(source).std.CopyFrameProps(converted, props=["_Matrix", "_Range"])


def _limited(clip: vs.VideoNode) -> vs.VideoNode:
    return clip.std.Expr("x 0 max 1 min")


def _dither(target: vs.VideoFormat) -> str:
    dithered = target.sample_type == vs.INTEGER and target.bits_per_sample < DITHERED_BELOW
    return "error_diffusion" if dithered else "none"


def _float_twin(fmt: vs.VideoFormat) -> vs.VideoFormat:
    return fmt.replace(sample_type=vs.FLOAT, bits_per_sample=32)


def _as_yuv444(clip: vs.VideoNode) -> vs.VideoNode:
    return clip.resize.Point(format=vs.YUV444PS, matrix=guessed_matrix(clip.width, clip.height), range=vs.RANGE_LIMITED)


def _kept(source: vs.VideoNode, result: vs.VideoNode, frames: vs.VideoNode) -> vs.VideoNode:
    """Return the source where ``result`` equals ``frames``, sliding to ``result`` where they differ by FULL_CHANGE."""
    return vs.core.std.Expr([result, source, frames], f"x y z - 1 x z - abs {1 / FULL_CHANGE} * - 0 max * +")


def _to_family(rgb: vs.VideoNode, source: vs.VideoNode, target: vs.VideoFormat) -> vs.VideoNode:
    """Return RGB as YUV or GRAY with each frame's own matrix, range and chroma location, read off ``source``."""
    converters: dict[tuple[int, int, int | None], vs.VideoNode] = {}
    template = uncached.BlankClip(rgb, format=target.id, keep=True)

    def converter(n: int, f: vs.VideoFrame) -> vs.VideoNode:
        location = f.props.get("_ChromaLocation")
        key = (
            int(f.props["_Matrix"]),
            int(f.props.get("_Range", vs.RANGE_LIMITED)),
            None if location is None else int(location),
        )
        if key not in converters:
            how = {"matrix": key[0], "range": key[1], "chromaloc": key[2], "dither_type": _dither(target)}
            converted = rgb.resize.Bicubic(format=target.id, **how)
            converters[key] = keep(converted, 0)
        return converters[key]

    return template.std.FrameEval(converter, prop_src=source, clip_src=rgb)


def _rejoined(luma: vs.VideoNode, frames: vs.VideoNode, source: vs.VideoNode) -> vs.VideoNode:
    """Return a luma result together with the chroma of its source, resized where the network changed the size."""
    colour = _as_yuv444(source) if source.format.color_family == vs.RGB else source
    floats = colour.resize.Point(format=_float_twin(colour.format).id)
    if _same_size(luma, source):
        luma = _kept(get_y(floats), luma, frames)
    else:
        floats = floats.resize.Bicubic(luma.width, luma.height)
    floats = keep_shared(floats)
    joined = luma
    if floats.format.num_planes > 1:
        joined = vs.core.std.ShufflePlanes([luma, floats, floats], [0, 1, 2], vs.YUV)
    joined = joined.std.CopyFrameProps(floats)
    if source.format.color_family == vs.RGB:
        joined = joined.resize.Point(format=vs.RGBS)
    return to_depth(joined, source.format)


def _same_size(clip: vs.VideoNode, other: vs.VideoNode) -> bool:
    return (clip.width, clip.height) == (other.width, other.height)
