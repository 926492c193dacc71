"""How many frames of a clip VapourSynth keeps.

Left to itself it keeps some twenty frames of every clip that several others take from, whether they are asked for again
or not, and where frames come in chunks it keeps in time a note of thousands that went by. The notes lie between the
frames in memory, so that the gaps which freed frames leave are never closed: memory would grow with the film. So every
clip that the runtime makes is made by :data:`uncached`, and the few whose frames are asked for again are named to
:func:`keep`.
"""

from __future__ import annotations

from collections.abc import Callable

import vapoursynth as vs

ALWAYS, WHERE_SHARED = 1, -1
# As many as VapourSynth begins with.
SHARED = 20
# Of what VapourSynth may hold, the part that the frames of one clip may take.
PART = 1 / 8
MIB = 1 << 20


def keep(clip: vs.VideoNode, frames: int) -> vs.VideoNode:
    """Have the last ``frames`` frames of a clip kept, as far as ``core.max_cache_size`` allows, and return the clip."""
    frames = min(frames, _allowed(clip))
    clip.std.SetVideoCache(mode=ALWAYS if frames else 0, fixedsize=1, maxsize=frames, maxhistory=0)
    return clip


def keep_shared(clip: vs.VideoNode) -> vs.VideoNode:
    """Have the last frames of a clip kept if several others take from it, and return the clip."""
    clip.std.SetVideoCache(mode=WHERE_SHARED, fixedsize=1, maxsize=min(SHARED, _allowed(clip)), maxhistory=0)
    return clip


class _Uncached:
    """The functions of ``core.std``, but what they return keeps no frames."""

    def __getattr__(self, name: str) -> Callable[..., vs.VideoNode]:
        function = getattr(vs.core.std, name)
        return lambda *arguments, **named: keep(function(*arguments, **named), 0)


uncached = _Uncached()


def _allowed(clip: vs.VideoNode) -> int:
    """Return how many frames of a clip fit into its part of VapourSynth's cache, at least one."""
    fmt = clip.format
    planes = 1 + (fmt.num_planes - 1) / (1 << (fmt.subsampling_w + fmt.subsampling_h))
    size = clip.width * clip.height * fmt.bytes_per_sample * planes
    return max(int(vs.core.max_cache_size * MIB * PART / size), 1)
