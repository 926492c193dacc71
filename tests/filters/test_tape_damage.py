from __future__ import annotations

import numpy as np
import pytest
import vapoursynth as vs

from tests import clips
from vsrestore.damage.fields import Interlacing
from vsrestore.damage.luma import LumaNoise
from vsrestore.damage.tape import PRESETS, TapeDamage, damage_tape
from vsrestore.filters.tape_damage import tape_damage

FORMATS = (vs.RGBS, vs.RGB24, vs.YUV420P8, vs.YUV444P16, vs.GRAY8, vs.GRAYS, vs.YUV422P10)


@pytest.mark.parametrize("fmt", FORMATS)
def test_format_length_and_properties_stay(fmt):
    clip = clips.noise(fmt, width=64, height=48, length=4).std.SetFrameProps(_SceneChangePrev=1, note="x")
    damaged = tape_damage(clip)
    assert (damaged.format.id, damaged.width, damaged.height, damaged.num_frames) == (fmt, 64, 48, 4)
    assert damaged.fps == clip.fps
    frame = damaged.get_frame(2)
    assert frame.props["_SceneChangePrev"] == 1
    assert frame.props["note"] == "x"
    assert clips.picture(frame) != clips.picture(clip.get_frame(2))


@pytest.mark.parametrize("n", [0, 4])
def test_rgbs_is_what_damage_tape_returns(n):
    clip = clips.noise(width=64, height=48, length=5)
    combed = TapeDamage(interlacing=Interlacing(combing=1), luma_noise=LumaNoise(amount=0.05))
    result = tape_damage(clip, seed=3, params=combed).get_frame(n)
    picture, following = (np.stack(clips.samples(clip.get_frame(min(k, 4))), axis=-1) for k in (n, n + 1))
    expected = damage_tape(picture[None], n, 3, combed, following=following).damaged[0]
    assert np.array_equal(np.stack(clips.samples(result), axis=-1), expected)


def test_the_preset_is_the_one_named():
    clip = clips.noise(width=64, height=48, length=2)
    by_name, by_params = tape_damage(clip, preset="hi8"), tape_damage(clip, params=PRESETS["hi8"])
    assert clips.picture(by_name.get_frame(1)) == clips.picture(by_params.get_frame(1))
    assert clips.picture(by_name.get_frame(1)) != clips.picture(tape_damage(clip).get_frame(1))


@pytest.mark.parametrize("fmt", FORMATS)
def test_no_fault_changes_nothing(fmt):
    clip = clips.noise(fmt, width=32, height=16, length=2)
    same = tape_damage(clip, params=TapeDamage())
    assert clips.picture(same.get_frame(1)) == clips.picture(clip.get_frame(1))


def test_frames_do_not_depend_on_the_order_they_are_asked_for():
    clip = clips.noise(vs.YUV420P8, width=64, height=48, length=6)
    in_order = [clips.picture(frame) for frame in tape_damage(clip, seed=2).frames()]
    backwards = tape_damage(clip, seed=2)
    assert [clips.picture(backwards.get_frame(n)) for n in range(5, -1, -1)][::-1] == in_order


def test_trimming_in_front_moves_the_damage():
    """The damage belongs to the frame number of the clip that is given."""
    blank = vs.core.std.BlankClip(format=vs.RGBS, width=64, height=48, length=8, color=[0.5] * 3)
    noisy = TapeDamage(luma_noise=LumaNoise(amount=0.05))
    assert clips.picture(tape_damage(blank[4:], params=noisy).get_frame(0)) == clips.picture(
        tape_damage(blank, params=noisy).get_frame(0)
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"preset": "beta"}, "tape_damage: preset='beta'; accepted: 'vhs', 'hi8'"),
        ({"params": {"dropouts": 3}}, "tape_damage: params is dict"),
        ({"seed": -1}, "tape_damage: seed=-1"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(vs.Error) as told:
        tape_damage(clips.noise(), **arguments)
    assert message in str(told.value)


def test_a_clip_of_variable_format_is_refused():
    mixed = vs.core.std.Splice([clips.noise(), clips.noise(vs.GRAY8)], mismatch=True)
    with pytest.raises(vs.Error, match="tape_damage: clip has a variable format"):
        tape_damage(mixed)


def test_unusual_parameters_give_a_warning(log):
    tape_damage(clips.noise(), params=TapeDamage(luma_noise=LumaNoise(amount=5)))
    assert any("tape_damage: luma_noise.amount=5" in line for line in log)
