"""Classical chains against film damage, built from plugins on PyPI: the yardstick for the network.

Every chain takes and gives a YUV444P16 clip. The settings were chosen on eight damaged clips of 480 pixels' width (mean
PSNR): blocks of 8 beat 4 and 16, motion searched on the damaged clip itself beat searching on a median-filtered one,
and a second search on the cleaned clip helps Degrain but not the medians. Taking the flicker out for the time of the
work gave 0.6 dB. Beyond the last rows nothing was gained by medians applied twice or over five frames, Degrain3, other
strengths, median filters in the frame, or line removal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import vapoursynth as vs

Chain = Callable[[vs.VideoNode], vs.VideoNode]

CODE = 256
"""One step of 8 bit in 16 bit."""
# Damage must not look like a scene change; the clips have none.
NO_SCENE_CHANGE = {"thscd1": 10000, "thscd2": 255}
# The larger of the smaller two of three.
MEDIAN_OF_THREE = "x y z min max y z max min"


class Motion(NamedTuple):
    """A clip with the vectors to its neighbours, nearest first."""

    clip: vs.VideoNode
    finest: vs.VideoNode
    backward: list[vs.VideoNode]
    forward: list[vs.VideoNode]

    def before(self, distance: int) -> vs.VideoNode:
        """Return the frame ``distance`` earlier, moved to where its content is now."""
        return vs.core.mv.Compensate(self.clip, self.finest, self.forward[distance - 1], **NO_SCENE_CHANGE)

    def after(self, distance: int) -> vs.VideoNode:
        """Return the frame ``distance`` later, likewise."""
        return vs.core.mv.Compensate(self.clip, self.finest, self.backward[distance - 1], **NO_SCENE_CHANGE)


def search(clip: vs.VideoNode, radius: int) -> Motion:
    """Search the motion to ``radius`` neighbours on each side."""
    finest = vs.core.mv.Super(clip, pel=2, sharp=1)
    settings = {"blksize": 8, "overlap": 4, "search": 4, "searchparam": 2, "truemotion": True}
    distances = range(1, radius + 1)
    backward = [vs.core.mv.Analyse(finest, isb=True, delta=distance, **settings) for distance in distances]
    forward = [vs.core.mv.Analyse(finest, isb=False, delta=distance, **settings) for distance in distances]
    return Motion(clip, finest, backward, forward)


def temporal_median(clip: vs.VideoNode) -> vs.VideoNode:
    """Return the median of each frame and its two neighbours as they are."""
    return vs.core.zsmooth.Clense(clip)


def moved_median(clip: vs.VideoNode) -> vs.VideoNode:
    """Return the median of each frame and its two compensated neighbours."""
    motion = search(clip, 1)
    return vs.core.std.Expr([clip, motion.before(1), motion.after(1)], MEDIAN_OF_THREE)


def moved_median_of_five(clip: vs.VideoNode) -> vs.VideoNode:
    """Return the median of each frame and its four compensated neighbours."""
    return along_motion(clip, lambda run: vs.core.zsmooth.TemporalMedian(run, radius=2))


def medians(clip: vs.VideoNode) -> vs.VideoNode:
    """Return the median of each frame, its moved median and its plain temporal median: the more careful of the two."""
    return vs.core.std.Expr([clip, moved_median(clip), temporal_median(clip)], MEDIAN_OF_THREE)


def spikes_replaced(clip: vs.VideoNode, threshold: float = 2, agreement: float = 32) -> vs.VideoNode:
    """Take the medians only where a frame leaves both compensated neighbours to the same side (Kokaram, 1998).

    Args:
        clip: the clip.
        threshold: steps of 8 bit from which a spike counts, in full from twice as many.
        agreement: steps of 8 bit by which the neighbours may differ, not at all from twice as many.

    """
    motion = search(clip, 1)
    low, far = threshold * CODE, agreement * CODE
    spike = f"x y z max - y z min x - max {low} - {low} / 0 max 1 min"
    agree = f"2 y z - abs {far} / - 0 max 1 min"
    return vs.core.std.Expr([clip, motion.before(1), motion.after(1), medians(clip)], f"x a x - {spike} {agree} * * +")


def degrain(clip: vs.VideoNode, radius: int, threshold: int) -> vs.VideoNode:
    """Average each frame with ``radius`` neighbours on each side along the motion."""
    motion = search(clip, radius)
    pairs = zip(motion.backward, motion.forward, strict=True)
    vectors = [vector for pair in pairs for vector in pair]
    averaged = getattr(vs.core.mv, f"Degrain{radius}")
    return averaged(clip, motion.finest, *vectors, thsad=threshold, **NO_SCENE_CHANGE)


def along_motion(clip: vs.VideoNode, denoise: Chain) -> vs.VideoNode:
    """Apply a temporal denoiser of radius 2 to runs of five frames that stand still."""
    motion = search(clip, 2)
    run = vs.core.std.Interleave([motion.before(2), motion.before(1), clip, motion.after(1), motion.after(2)])
    return denoise(run)[2::5]


def spectrum(clip: vs.VideoNode, strength: float, frames: int = 5) -> vs.VideoNode:
    """Denoise in the frequency domain of blocks of 16x16 pixels and ``frames`` frames."""
    from dfttest2 import DFTTest

    return DFTTest(clip, sigma=strength, tbsize=frames)


def block_matching(clip: vs.VideoNode, strength: float) -> vs.VideoNode:
    """Denoise with V-BM3D, first step, one frame on each side."""
    sigma = [strength] * 3
    estimates = vs.core.bm3d.VBasic(clip, sigma=sigma, radius=1, profile="fast", matrix=vs.MATRIX_BT709)
    return vs.core.bm3d.VAggregate(estimates, radius=1, sample=0)


def steadied(chain: Chain) -> Chain:
    """Return the chain between two steps that take the flicker out and put it back, for the truth has it too.

    Each frame is brought to the mean luma of five frames, so that neighbours can be told from damage.
    """
    ends = "xyzab"
    mean = " ".join(f"{end}.PlaneStatsAverage" for end in ends) + " + + + + 5 /"
    ratio = f"{mean} z.PlaneStatsAverage /"

    def restore(clip: vs.VideoNode) -> vs.VideoNode:
        measured = vs.core.std.PlaneStats(clip)
        window = [shifted(measured, offset) for offset in range(-2, 3)]
        even = vs.core.akarin.Expr(window, [f"z {ratio} *", "z"])
        return vs.core.akarin.Expr([*window, chain(even)], [f"c {ratio} /", "c"])

    return restore


def shifted(clip: vs.VideoNode, offset: int) -> vs.VideoNode:
    """Return the clip whose frame n is frame ``n + offset`` of ``clip``, the ends repeated."""
    end = 0 if offset < 0 else clip.num_frames - 1
    longer = clip.std.DuplicateFrames([end] * abs(offset)) if offset else clip
    return longer.std.Trim(first=max(offset, 0), length=clip.num_frames)


def medians_and_average(clip: vs.VideoNode) -> vs.VideoNode:
    """Return the medians, averaged along the motion and denoised a little."""
    return spectrum(degrain(medians(clip), 2, 150), 5)


CHAINS: dict[str, Chain] = {
    "temporal median": temporal_median,
    "moved median": moved_median,
    "moved median of 5": moved_median_of_five,
    "medians": medians,
    "Degrain3": lambda clip: degrain(clip, 3, 300),
    "DFTTest": lambda clip: spectrum(clip, 16),
    "medians + V-BM3D": lambda clip: block_matching(medians(clip), 4),
    "medians + Degrain2": lambda clip: degrain(medians(clip), 2, 200),
    "medians + DFTTest": lambda clip: spectrum(medians(clip), 8),
    "medians + moved DFTTest": lambda clip: along_motion(medians(clip), lambda run: spectrum(run, 8)),
    "spikes + DFTTest": lambda clip: spectrum(spikes_replaced(clip), 8),
    "medians + Degrain2 + DFTTest": medians_and_average,
    "steadied medians + Degrain2": steadied(lambda clip: degrain(medians(clip), 2, 200)),
    "steadied spikes + DFTTest": steadied(lambda clip: spectrum(spikes_replaced(clip), 8)),
    "steadied medians + Degrain2 + DFTTest": steadied(medians_and_average),
}
"""From the simplest to the best."""
