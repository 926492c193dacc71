from __future__ import annotations

import numpy as np
import pytest
import vapoursynth as vs

import vsrestore
from tests import clips
from tests.networks.test_line_shifts import scene
from vsrestore.damage.sync import TimeBase
from vsrestore.damage.tape import TapeDamage, damage_tape
from vsrestore.video.frames import plane_views, write_planes


def clip_of(frames: np.ndarray) -> vs.VideoNode:
    length, height, width = frames.shape[:3]
    blank = vs.core.std.BlankClip(format=vs.RGBS, width=width, height=height, length=length, keep=True)
    painted = blank.std.ModifyFrame(blank, lambda n, f: write_planes(f, np.moveaxis(frames[n], -1, 0)))
    return painted.resize.Bicubic(format=vs.YUV422P10, matrix=vs.MATRIX_ST170_M)


def luma(clip: vs.VideoNode) -> np.ndarray:
    return np.stack([plane_views(frame)[0] for frame in clip.frames(close=True)]).astype(np.float64)


def gain(restored: vs.VideoNode, damaged: vs.VideoNode, truth: vs.VideoNode) -> float:
    """What is gained, in dB."""
    errors = [np.square(luma(clip) - luma(truth)).mean() for clip in (damaged, restored)]
    return float(10 * np.log10(errors[0] / errors[1]))


def test_it_gains_on_the_time_base_alone() -> None:
    frames = scene()
    damaged = clip_of(damage_tape(frames, 0, 3, TapeDamage(time_base=TimeBase(jitter=2))).damaged)
    assert gain(vsrestore.lines_in_place(damaged), damaged, clip_of(frames)) > 5


def test_a_clean_clip_comes_out_bit_for_bit() -> None:
    clean = clip_of(scene(pan=4))
    assert np.array_equal(luma(vsrestore.lines_in_place(clean)), luma(clean))


@pytest.mark.parametrize("told", [{}, {"fields": True}])
def test_fields_are_treated_each_by_itself(told: dict[str, bool]) -> None:
    frames = scene()
    other = damage_tape(frames[:, 1::2], 0, 3, TapeDamage(time_base=TimeBase(jitter=2))).damaged
    woven = frames.copy()
    woven[:, 1::2] = other
    order = 0 if told else 2
    damaged, truth = clip_of(woven).std.SetFieldBased(order), clip_of(frames).std.SetFieldBased(order)
    restored = vsrestore.lines_in_place(damaged, **told)
    assert np.array_equal(luma(restored)[:, ::2], luma(damaged)[:, ::2])
    assert gain(restored, damaged, truth) > 3
    assert restored.get_frame(0).props["_FieldBased"] == order


def test_lines_that_make_no_fields_are_refused() -> None:
    with pytest.raises(
        vs.Error, match="lines_in_place: the clip has 38 lines; fields of YUV420P8 need a multiple of 4"
    ):
        vsrestore.lines_in_place(clips.noise(vs.YUV420P8, 32, 38), fields=True)
