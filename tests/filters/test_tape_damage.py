from __future__ import annotations

import numpy as np
import pytest
import vapoursynth as vs

from tests import clips
from vsrestore.damage.fields import Interlacing
from vsrestore.damage.luma import LumaNoise
from vsrestore.damage.tape import PRESETS, TapeDamage, damage_tape
from vsrestore.filters.tape_damage import tape_damage


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


def test_unusual_parameters_give_a_warning(log):
    tape_damage(clips.noise(), params=TapeDamage(luma_noise=LumaNoise(amount=5)))
    assert any("tape_damage: luma_noise.amount=5" in line for line in log)
