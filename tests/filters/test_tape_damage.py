from __future__ import annotations

import numpy as np
import pytest
import vapoursynth as vs

from tests import clips
from vsrestore.damage.fields import Interlacing, Pulldown, film_frame
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


@pytest.mark.parametrize("phase", range(5))
def test_pull_down_makes_five_frames_of_four(phase):
    clip = clips.numbered(21)
    result = tape_damage(clip, seed=3, params=TapeDamage(pulldown=Pulldown(on=True, phase=phase)))
    assert abs(result.num_frames - 21 * 5 / 4) < 2
    assert result.fps == clip.fps * 5 / 4
    for n in (19, 0, 3, 1, 2):
        k, rows = film_frame(n, phase), np.asarray(result.get_frame(n)[0])[:, 0] * 1000
        later = k + 1 if (n + phase) % 5 in (2, 3) else k
        np.testing.assert_allclose(rows[::2], k, atol=1e-4)
        np.testing.assert_allclose(rows[1::2], later, atol=1e-4)


def test_durations_follow_the_pull_down():
    clip = clips.numbered(8).std.AssumeFPS(fpsnum=24000, fpsden=1001)
    props = tape_damage(clip, params=TapeDamage(pulldown=Pulldown(on=True))).get_frame(3).props
    assert (props["_DurationNum"], props["_DurationDen"]) == (1001, 30000)
