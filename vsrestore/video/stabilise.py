"""A picture that weaves in the gate, or jitters otherwise, brought to rest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import vapoursynth as vs

from .block_motion import Motions, block_count, block_motions
from .cache import keep, keep_shared, uncached
from .camera_path import TURN, correction, picture_motion
from .checks import whole, within
from .frames import plane_views
from .prepared import Prepared
from .repeats import REPEATED, marked
from .scenes import gray_copy, shifted
from .shot_extents import frames_of_shot, shot_extents, shot_of

_NAME = "stabilise"
# Pixels of the shorter side, about, at which motion is measured.
MEASURED = 288
# Frames before and after each that tell what moves steadily.
NEAR = 4
# Pixels that a picture which is the one before again seems to move by, at most; one that weaves hardly ever moves less.
SAME = 0.05
MOTION, SPEED, SHIFT = "vsrestore_motion", "vsrestore_speed", "vsrestore_shift"
# Steps in a pixel in which pictures are moved: one is too small to be seen.
STEPS = 32


def stabilise(clip: vs.VideoNode, *, strength: float = 1.0, radius: int = 24, limit: float = 8.0) -> vs.VideoNode:
    """Take gate weave and other jitter out of the picture, which is moved by fractions of a pixel and never cropped.

    How far the picture has moved from frame to frame is what its blocks have in common beside a speed of their own, so
    that a bus that fills the picture does not drag it. What lies off the smooth path of the picture within a shot is
    undone; pans stay. Slow wandering over many frames cannot be told from a pan and stays too. What comes in at an edge
    is mirrored. A picture that is not turned or stretched, only moved, is all that is undone.

    Measured with drawn weave at half size (up to 480x288): jitter from frame to frame falls to 0.02 to 0.12 of what it
    was, small weave (0.3 pixels) under a moving camera to 0.3; the place of the picture, with the slow wandering, to
    0.05 to 0.3 where the camera stands and 0.3 to 0.9 where it moves. Clean, two clips of a still camera keep every
    bit, two of a slow pan move by up to 0.16 pixels. A camera that is carried in a run, as with the fast pan of 12
    pixels a frame, shakes as fast as film weaves: frames of that clip move by up to 3.4 pixels, and weave stays.

    Args:
        clip: any constant format, progressive.
        strength: how much of the jitter goes, 0 to 1.
        radius: frames before and after each, at least 1, that tell its smooth path. More takes out slower weave.
        limit: pixels, each way, that a frame is moved by at most.

    Returns:
        The clip; frames that stand where they should are those of the clip, bit for bit, as are all where the smaller
        side has less than 32 pixels.

    Raises:
        vs.Error: the clip does not fit, or numbers out of range.

    """
    within(_NAME, "strength", strength, 0, 1)
    whole(_NAME, "radius", radius, 1)
    within(_NAME, "limit", limit, 0)
    # What the frames ahead are measured for runs about as far ahead again.
    source = Prepared(_NAME, clip, scene_changes=True, kept=2 * (radius + NEAR) + 8).source
    template = uncached.BlankClip(source, keep=True)

    def move(n: int, f: vs.VideoFrame) -> vs.VideoNode:
        right, down = f.props[SHIFT]
        if not right and not down:
            return source
        window = {"src_width": source.width, "src_height": source.height}
        return keep(source.resize.Spline36(src_left=-right, src_top=-down, **window), 0)

    shifts = _shifts(source, radius, strength, limit)
    return keep_shared(template.std.FrameEval(move, prop_src=shifts, clip_src=source))


def _shifts(source: vs.VideoNode, radius: int, strength: float, limit: float) -> vs.VideoNode:
    """Return a tiny clip that tells of every frame by how many pixels it is to be moved right and down."""
    paths, extents = _paths(source, 2 * radius + 1 + vs.core.num_threads), shot_extents(source, radius)
    around = [shifted(paths, offset) for offset in range(-radius, radius + 1)]
    turn = TURN * source.width

    def tell(n: int, f: Sequence[vs.VideoFrame]) -> vs.VideoFrame:
        frame, shot = f[0].copy(), frames_of_shot(f[1], n, f[2:])
        motions, speeds = (np.array([x.props[name] for x in shot]) for name in (MOTION, SPEED))
        times = np.cumsum([1 - int(x.props[REPEATED]) for x in shot])
        shift = strength * correction(motions, speeds, times, n - shot_of(f[1]).start, turn)
        frame.props[SHIFT] = (np.rint(np.clip(shift, -limit, limit) * STEPS) / STEPS).tolist()
        return frame

    return uncached.ModifyFrame(extents, [extents, extents, *around], tell)


def _paths(source: vs.VideoNode, kept: int) -> vs.VideoNode:
    """Return a tiny clip that tells how the picture has moved into every frame, and whether it is the one before."""
    motions, extents = _motions(source), shot_extents(source, NEAR)
    around = [shifted(motions, offset) for offset in range(-NEAR, NEAR + 1)]

    def tell(n: int, f: Sequence[vs.VideoFrame]) -> vs.VideoFrame:
        # Into the first frame of a shot nothing has moved.
        frame, moving = f[0].copy(), [plane_views(x)[0] for x in frames_of_shot(f[1], n, f[2:])[1:]]
        motion, speed = np.zeros((2, 2))
        if moving:
            shifts, weights = (half.swapaxes(1, 2) for half in np.split(np.stack(moving), 2, axis=1))
            motion, speed = picture_motion(Motions(shifts, weights), max(n - shot_of(f[1]).start - 1, 0))
        again = bool(f[2 + NEAR].props[REPEATED]) and np.abs(motion).max() < SAME
        frame.props.update({MOTION: motion.tolist(), SPEED: speed.tolist(), REPEATED: int(again)})
        return frame

    return keep(uncached.ModifyFrame(extents, [extents, extents, *around], tell), kept)


def _motions(source: vs.VideoNode) -> vs.VideoNode:
    """Return a GRAYS clip of the motion of every frame's blocks: right, down and their weights, a row each."""
    factor = max(1, round(min(source.width, source.height) / MEASURED))
    width, height = -(-source.width // factor), -(-source.height // factor)
    measured = keep(marked(gray_copy(source, width, height)), 2 + vs.core.num_threads)
    blank = uncached.BlankClip(measured, width=max(block_count(height, width), 1), height=4, keep=True)
    scale = np.array([source.width / width, source.height / height], np.float32)

    def measure(n: int, f: Sequence[vs.VideoFrame]) -> vs.VideoFrame:
        frame = f[0].copy()
        shifts, weights = block_motions(*(np.nan_to_num(plane_views(x)[0]) for x in f[1:]))
        if len(shifts):
            plane_views(frame)[0][:] = np.concatenate([shifts * scale, weights], axis=1).T
        frame.props[REPEATED] = f[2].props[REPEATED]
        return frame

    motions = uncached.ModifyFrame(blank, [blank, shifted(measured, -1), measured], measure)
    return keep(motions, 2 * NEAR + 1 + vs.core.num_threads)
