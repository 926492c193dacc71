"""Tape damage on purpose: for test clips, demonstrations and measurements with a known truth."""

from __future__ import annotations

import numpy as np
import vapoursynth as vs

from ..damage.fields import film_frame
from ..damage.tape import PRESETS, TapeDamage, damage_tape
from ..video.checks import constant_clip, whole
from ..video.frames import plane_views, write_planes
from ..video.prepared import Prepared
from .faults import chosen

_NAME = "tape_damage"


def tape_damage(
    clip: vs.VideoNode, *, seed: int = 0, preset: str = "vhs", params: TapeDamage | None = None
) -> vs.VideoNode:
    """Damage a clip as tape damages it; frame n depends on the source's frames n and n + 1 and the arguments alone.

    Args:
        clip: any constant format, progressive; RGBS is clipped to [0, 1]. Gray clips get the faults of the luma.
        seed: any whole number from 0 on; another seed gives other damage of the same kind.
        preset: "vhs" or "hi8"; not looked at when `params` is given.
        params: the faults in detail, see `vsrestore.damage.tape.TapeDamage`.

    Returns:
        The clip in the format it came in, with its frame properties; combed frames are not flagged as interlaced. With
        pull-down five frames for every four, at five quarters of the rate: frame n of it is made of the source's frames
        k and k + 1, k = `vsrestore.damage.fields.film_frame(n, phase)`.

    Raises:
        vs.Error: clip or arguments that do not fit. Parameters out of their usual range only give a warning.

    """
    source = constant_clip(_NAME, clip)
    whole(_NAME, "seed", seed, 0)
    faults = chosen(_NAME, preset, params, PRESETS)
    if faults.pulldown.on:
        whole(_NAME, "pulldown.phase", faults.pulldown.phase, 0)
        source = _at_video_rate(source, faults.pulldown.phase % 5)

    def damage(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
        picture, following = (np.stack(plane_views(frame), axis=-1) for frame in f)
        done = damage_tape(picture[None], n, seed, faults, following=following).damaged[0]
        return write_planes(f[0], done.transpose(2, 0, 1))

    prepared = Prepared(_NAME, source)
    frames = prepared.planes("rgb")
    # Of the last frame, the one that follows is the frame itself.
    following = frames.std.DuplicateFrames([frames.num_frames - 1])[1:]
    damaged = frames.std.ModifyFrame(clips=[frames, following], selector=damage)
    return prepared.finished(damaged)


def _at_video_rate(source: vs.VideoNode, phase: int) -> vs.VideoNode:
    """Return five frames for every four, as `film_frame` orders them."""
    cycle = [film_frame(n, 0) for n in range(5)]
    # A clip that begins within the cycle is one that has begun earlier.
    before = cycle[phase]
    earlier = source.std.DuplicateFrames([0] * before) if before else source
    return earlier.std.SelectEvery(4, cycle)[phase:]
