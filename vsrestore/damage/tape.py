"""Synthetic tape damage: parameters, presets, the order of the faults.

The order is the physical one: interlacing or pull-down, faults of fields, composite coding, the tape (bandwidth, chroma
shift and noise, time base, ringing, drop-outs, mistracking, lost sync, head switching, tape noise), and its capture
(ghosts, levels). Faults work on scan lines in Y, U and V.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from .canvas import View, view_of
from .chroma import Bandwidth, ChromaFaults, ChromaShift, disturb_chroma, limit_bands, shift_chroma
from .composite import Composite, through_composite
from .dropouts import Dropouts, drop_out
from .echoes import Ghosting, Ringing, ghost, ring
from .fields import FieldFaults, Interlacing, Pulldown, interlace, pull_down, spoil_fields
from .lines import shift_lines, stretch_lines, to_rgb, to_yuv
from .luma import Levels, LumaNoise, add_luma_noise, set_levels
from .noise import Array
from .sync import (
    HeadSwitching,
    LostSync,
    Mistracking,
    TimeBase,
    lose_sync,
    mistrack,
    switch_heads,
    time_base_shifts,
    wow_shifts,
)


@dataclass(frozen=True, kw_only=True)
class TapeDamage:
    """Parameters of all faults of tape; every default is "off", and off is the identity, bit by bit.

    The usual range of each parameter is declared with it; `ranges.out_of_range` tells what lies outside.
    Fields stand in the order in which the faults are made.
    """

    interlacing: Interlacing = field(default_factory=Interlacing)
    pulldown: Pulldown = field(default_factory=Pulldown)
    fields: FieldFaults = field(default_factory=FieldFaults)
    composite: Composite = field(default_factory=Composite)
    bandwidth: Bandwidth = field(default_factory=Bandwidth)
    chroma_shift: ChromaShift = field(default_factory=ChromaShift)
    chroma: ChromaFaults = field(default_factory=ChromaFaults)
    time_base: TimeBase = field(default_factory=TimeBase)
    ringing: Ringing = field(default_factory=Ringing)
    dropouts: Dropouts = field(default_factory=Dropouts)
    mistracking: Mistracking = field(default_factory=Mistracking)
    lost_sync: LostSync = field(default_factory=LostSync)
    head_switching: HeadSwitching = field(default_factory=HeadSwitching)
    luma_noise: LumaNoise = field(default_factory=LumaNoise)
    ghosting: Ghosting = field(default_factory=Ghosting)
    levels: Levels = field(default_factory=Levels)


class TapeDamaged(NamedTuple):
    """What `damage_tape` returns, float32.

    damaged: (T, H, W, 3) in [0, 1] with everything.
    mask: (T, H, W) in 0-1 where the signal is lost: drop-outs, mistracking, lost sync, head switching.
    shifts: (T, H) px by which the middle of each line was shifted to the right.
    """

    damaged: Array
    mask: Array
    shifts: Array


def damage_tape(
    frames: Array,
    first: int,
    seed: int,
    params: TapeDamage,
    frame_width: int | None = None,
    following: Array | None = None,
) -> TapeDamaged:
    """Damage frames of a clip as tape damages them; a pure function of its arguments, frame by frame.

    Args:
        frames: (T, H, W, 3) float32 RGB in [0, 1], gamma-coded. Left unchanged.
        first: frame number of frames[0].
        seed: any integer.
        params: the faults. Lengths in px hold for 720 px width and scale with frame_width / 720.
        frame_width: width in px of the frame that the pixels were cut from; None: they are whole frames. The place of
            a piece is drawn from the seed.
        following: (H, W, 3) the frame after the last, of which interlacing takes a field; None: the last is repeated.

    Raises:
        ValueError: the arrays are not (T, H, W, 3) and (H, W, 3).
    """
    if frames.ndim != 4 or frames.shape[3] != 3:
        raise ValueError(f"damage_tape: frames have the shape {frames.shape}; give (T, H, W, 3)")
    if following is not None and following.shape != frames.shape[1:]:
        raise ValueError(f"damage_tape: following has the shape {following.shape}; give {frames.shape[1:]}")
    view = view_of(frames.shape[1], frames.shape[2], frame_width, seed)
    source = frames.astype(np.float32, copy=False)
    after = source[-1] if following is None else following.astype(np.float32, copy=False)
    pairs = zip(source, [*source[1:], after], strict=True)
    done = [_damage_frame(picture, later, first + i, seed, params, view) for i, (picture, later) in enumerate(pairs)]
    return TapeDamaged(*(np.stack(planes) for planes in zip(*done, strict=True)))


def _damage_frame(
    picture: Array, later: Array, frame: int, seed: int, params: TapeDamage, view: View
) -> tuple[Array, Array, Array]:
    picture = _in_fields(picture, later, frame, seed, params, view)
    mask, shifts = np.zeros(picture.shape[:2], np.float32), np.zeros(picture.shape[0], np.float32)
    if params == TapeDamage(interlacing=params.interlacing, pulldown=params.pulldown, fields=params.fields):
        # The way to YUV and back would cost the last bits.
        return picture, mask, shifts
    planes = _recorded(to_yuv(picture), frame, seed, params, view)
    planes, mask, shifts = _played(planes, mask, shifts, frame, seed, params, view)
    return np.clip(to_rgb(_captured(planes, frame, seed, params, view)), 0, 1), np.clip(mask, 0, 1), shifts


def _in_fields(picture: Array, later: Array, frame: int, seed: int, params: TapeDamage, view: View) -> Array:
    """Return the video frame (H, W, 3) before it is recorded: fields of two times, fields gone wrong."""
    if params.interlacing.combing > 0:
        picture = interlace(picture, later, params.interlacing, view.top)
    if params.pulldown.on:
        picture = pull_down(picture, later, frame, params.pulldown, view.top)
    if params.fields != FieldFaults():
        picture = spoil_fields(picture, later, seed, frame, params.fields, view)
    return picture


def _recorded(planes: Array, frame: int, seed: int, params: TapeDamage, view: View) -> Array:
    """Return what is on the tape: composite coding, bandwidth, chroma faults."""
    if params.composite.amount > 0:
        planes = through_composite(planes, frame, params.composite, view)
    if params.bandwidth != Bandwidth():
        planes = limit_bands(planes, params.bandwidth, view)
    if params.chroma_shift != ChromaShift():
        planes = shift_chroma(planes, seed, frame, params.chroma_shift, view)
    if params.chroma != ChromaFaults():
        planes = disturb_chroma(planes, seed, frame, params.chroma, view)
    return planes


def _played(
    planes: Array, mask: Array, shifts: Array, frame: int, seed: int, params: TapeDamage, view: View
) -> tuple[Array, Array, Array]:
    """Return what the player makes of it: line shifts, ringing, lost signal; with the mask and all shifts."""
    if params.time_base != TimeBase():
        shifts = shifts + time_base_shifts(seed, frame, params.time_base, view)
        planes = shift_lines(planes, shifts)
        if params.time_base.wow > 0:
            planes = stretch_lines(planes, wow_shifts(seed, frame, params.time_base.wow, view))
    if params.ringing != Ringing():
        planes = ring(planes, params.ringing, view)
    if params.dropouts.rate > 0 or params.dropouts.crease > 0 or params.dropouts.lines > 0:
        planes = planes.copy()
        mask = np.maximum(mask, drop_out(planes, seed, frame, params.dropouts, view))
    if params.mistracking.bands > 0:
        planes, cover, torn = mistrack(planes, seed, frame, params.mistracking, view)
        mask, shifts = np.maximum(shift_lines(mask[..., None], torn)[..., 0], cover), shifts + torn
    if params.lost_sync.rate > 0:
        planes, cover, scrambled = lose_sync(planes, seed, frame, params.lost_sync, view)
        mask, shifts = np.maximum(mask, cover), shifts + scrambled
    if params.head_switching.height > 0:
        planes, cover, skewed = switch_heads(planes, seed, frame, params.head_switching, view)
        mask, shifts = np.maximum(shift_lines(mask[..., None], skewed)[..., 0], cover), shifts + skewed
    return planes, mask, shifts


def _captured(planes: Array, frame: int, seed: int, params: TapeDamage, view: View) -> Array:
    """Return what is captured: tape noise, ghosts, levels."""
    if params.luma_noise.amount > 0 or params.luma_noise.streaks > 0:
        planes = add_luma_noise(planes, seed, frame, params.luma_noise, view)
    if params.ghosting.gain > 0:
        planes = ghost(planes, seed, frame, params.ghosting, view)
    if params.levels != Levels():
        planes = set_levels(planes, seed, frame, params.levels, view)
    return planes


PRESETS = MappingProxyType(
    {
        "vhs": TapeDamage(
            bandwidth=Bandwidth(luma=0.8, chroma=4.5, generations=1),
            chroma_shift=ChromaShift(right=3, down=2, bleed=2),
            chroma=ChromaFaults(noise=0.02, hue_jitter=3, loss=1),
            time_base=TimeBase(jitter=0.4, waving=0.6, flagging=4),
            ringing=Ringing(peaking=0.6, ring=0.15),
            dropouts=Dropouts(rate=1),
            mistracking=Mistracking(bands=1, strength=0.5, height=25, shift=12, tear=3),
            head_switching=HeadSwitching(height=8),
            luma_noise=LumaNoise(amount=0.02, weighting=0.1, size=1.15, streaks=0.0005),
        ),
        "hi8": TapeDamage(
            bandwidth=Bandwidth(luma=0.45, chroma=3.5),
            chroma_shift=ChromaShift(right=1, down=0),
            chroma=ChromaFaults(noise=0.012, hue_jitter=1.5),
            time_base=TimeBase(jitter=0.15, waving=0.2),
            ringing=Ringing(peaking=0.4, width=1.2),
            dropouts=Dropouts(rate=4, length=60, compensated=0.5),
            head_switching=HeadSwitching(height=5, skew=12, snow=0.1),
            luma_noise=LumaNoise(amount=0.014, weighting=0.3, streaks=0.0003),
        ),
    }
)
"""The presets by name: "vhs" is a worn second copy, "hi8" a camcorder's tape with its many short drop-outs."""
