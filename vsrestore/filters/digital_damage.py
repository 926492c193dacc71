"""Digital damage on purpose: for test clips, demonstrations and measurements with a known truth."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import vapoursynth as vs

from ..damage.compression import Compression, compressed
from ..damage.digital import PRESETS, DigitalDamage, before_codec, enlarged
from ..damage.frames import BLACK, FrameFaults, frame_map
from ..damage.scaling import reduced_size
from ..damage.slices import LostSlices, lost_slices, with_lost_slices
from ..runtime.call import Companion
from ..runtime.descriptor import Descriptor
from ..runtime.graph import chunk_graph
from ..runtime.plans.single import Single
from ..video.checks import whole
from ..video.errors import fail
from ..video.frames import plane_views, write_planes
from ..video.prepared import Prepared
from ..video.reorder import reordered
from .faults import chosen

if TYPE_CHECKING:
    from ..runtime.engine import Pictures, Warn
    from ..runtime.run import Run

_NAME = "digital_damage"
LOST = "lost"  # a mask of the slices that never came


class _Codec:
    """A codec in the place of a network: it sees one group of pictures at a time, and beside them what gets lost."""

    def __init__(self, compression: Compression, lost: vs.VideoNode | None) -> None:
        self.compression = compression
        self.descriptor = Descriptor(name=_NAME, plan=Single(chunk=compression.gop))
        self.companions = {} if lost is None else {LOST: Companion([lost])}

    def run(self, run: Run, warn: Warn) -> Pictures:
        """Return the decoded pictures of one group."""
        pictures = np.stack([np.stack(plane_views(run.frames[p]), axis=-1) for p in run.wanted])
        decoded = compressed(pictures, 0, self.compression)
        if LOST in self.companions:
            lost = np.stack([plane_views(run.companions[LOST][0][p])[0] for p in run.wanted])
            decoded = with_lost_slices(decoded, lost, 0, self.compression.gop)
        return dict(zip(run.wanted, decoded.transpose(0, 3, 1, 2), strict=True))

    def memory_advice(self) -> str:
        """Return what to do, to follow the words "out of memory"."""
        return f"; try compression.gop={max(self.compression.gop // 2, 1)}"


def digital_damage(
    clip: vs.VideoNode, *, seed: int = 0, preset: str = "web-low", params: DigitalDamage | None = None
) -> vs.VideoNode:
    """Damage a clip as cameras and codecs do; frame n depends on its group of pictures and the arguments alone.

    Args:
        clip: any constant format, progressive; RGBS is clipped to [0, 1].
        seed: any whole number from 0 on; another seed gives other damage of the same kind.
        preset: "dvd" or "web-low"; not looked at when `params` is given.
        params: the faults in detail, see `vsrestore.damage.digital.DigitalDamage`. Codecs run in ffmpeg. With faults of
            timing, frame n is the one that `vsrestore.damage.frames.frame_map` names.

    Returns:
        The clip in the format it came in, with its frame properties; smaller where `params.scaling` does not enlarge.

    Raises:
        vs.Error: clip or arguments that do not fit. Parameters out of their usual range only give a warning.

    """
    prepared = Prepared(_NAME, clip)
    whole(_NAME, "seed", seed, 0)
    faults = chosen(_NAME, preset, params, PRESETS)
    if not 1 <= faults.compression.gop <= 250:
        fail(_NAME, f"compression.gop={faults.compression.gop}; 1 to 250 frames are accepted")
    frames = prepared.planes("rgb")
    coded = _small(frames, seed, faults)
    if faults.grouped:
        lost = _lost(coded, seed, faults.slices) if faults.slices.rate > 0 else None
        coded = chunk_graph(coded, _Codec(faults.compression, lost))
    large = _large(coded, frames, faults)
    if faults.timing != FrameFaults():
        large = reordered(large, partial(_source_number, seed, faults.timing))
    return prepared.finished(large)


def _source_number(seed: int, faults: FrameFaults, n: int) -> int | None:
    """Return which frame is shown as frame n; None for black."""
    number = int(frame_map(seed, n, 1, faults)[0])
    return None if number == BLACK else number


def _lost(coded: vs.VideoNode, seed: int, slices: LostSlices) -> vs.VideoNode:
    """Return masks (GRAYS) of the slices that each frame loses."""
    blank = vs.core.std.BlankClip(coded, format=vs.GRAYS, keep=True)

    def mask(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        return write_planes(f, lost_slices(seed, n, coded.height, coded.width, slices)[None])

    return blank.std.ModifyFrame(clips=blank, selector=mask)


def _small(frames: vs.VideoNode, seed: int, faults: DigitalDamage) -> vs.VideoNode:
    """Return what the codec gets."""
    factor = faults.scaling.factor
    width, height = (reduced_size(side, factor) if factor > 1 else side for side in (frames.width, frames.height))
    blank = vs.core.std.BlankClip(frames, width=width, height=height, keep=True)

    def damage(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
        picture = np.stack(plane_views(f[1]), axis=-1)
        return write_planes(f[0], before_codec(picture[None], n, seed, faults)[0].transpose(2, 0, 1))

    return blank.std.ModifyFrame(clips=[blank, frames], selector=damage)


def _large(coded: vs.VideoNode, frames: vs.VideoNode, faults: DigitalDamage) -> vs.VideoNode:
    """Return what comes out of the codec in the old size, where it is to be enlarged."""
    if faults.scaling.factor == 1 or not faults.scaling.enlarge:
        return coded
    blank = vs.core.std.BlankClip(frames, keep=True)

    def enlarge(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
        picture = np.stack(plane_views(f[1]), axis=-1)
        done = enlarged(picture[None], frames.height, frames.width, faults.scaling)[0]
        return write_planes(f[0], done.transpose(2, 0, 1))

    return blank.std.ModifyFrame(clips=[blank, coded], selector=enlarge)
