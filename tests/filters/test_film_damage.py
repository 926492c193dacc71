from __future__ import annotations

import numpy as np
import pytest
import vapoursynth as vs

from tests import clips
from vsrestore.damage.film import PRESETS, FilmDamage, damage_film
from vsrestore.damage.specks import Dirt
from vsrestore.filters.film_damage import film_damage

FORMATS = (vs.RGBS, vs.RGB24, vs.YUV420P8, vs.YUV444P16, vs.GRAY8, vs.GRAYS, vs.YUV422P10)


@pytest.mark.parametrize("fmt", FORMATS)
def test_format_length_and_properties_stay(fmt):
    clip = clips.noise(fmt, width=64, height=48, length=4).std.SetFrameProps(_SceneChangePrev=1, note="x")
    damaged = film_damage(clip, preset="film-heavy")
    assert (damaged.format.id, damaged.width, damaged.height, damaged.num_frames) == (fmt, 64, 48, 4)
    assert damaged.fps == clip.fps
    frame = damaged.get_frame(2)
    assert frame.props["_SceneChangePrev"] == 1
    assert frame.props["note"] == "x"
    assert clips.picture(frame) != clips.picture(clip.get_frame(2))


@pytest.mark.parametrize("output", ["damaged", "grained", "clean"])
def test_rgbs_is_what_damage_film_returns(output):
    clip = clips.noise(width=64, height=48, length=5)
    result = film_damage(clip, seed=3, preset="film-heavy", output=output).get_frame(4)
    picture = np.stack(clips.samples(clip.get_frame(4)), axis=-1)
    expected = getattr(damage_film(picture[None], 4, 3, PRESETS["film-heavy"]), output)[0]
    assert np.array_equal(np.stack(clips.samples(result), axis=-1), expected)


@pytest.mark.parametrize("fmt", FORMATS)
def test_no_fault_changes_nothing(fmt):
    clip = clips.noise(fmt, width=32, height=16, length=2)
    same = film_damage(clip, params=FilmDamage())
    assert clips.picture(same.get_frame(1)) == clips.picture(clip.get_frame(1))


def test_frames_do_not_depend_on_the_order_they_are_asked_for():
    clip = clips.noise(vs.YUV420P8, width=64, height=48, length=6)
    in_order = [clips.picture(frame) for frame in film_damage(clip, seed=2).frames()]
    backwards = film_damage(clip, seed=2)
    assert [clips.picture(backwards.get_frame(n)) for n in range(5, -1, -1)][::-1] == in_order


def test_trimming_in_front_moves_the_damage():
    """The damage belongs to the frame number of the clip that is given."""
    blank = vs.core.std.BlankClip(format=vs.RGBS, width=64, height=48, length=8, color=[0.5] * 3)
    dirty = FilmDamage(dirt=Dirt(rate=60))
    assert clips.picture(film_damage(blank[4:], params=dirty).get_frame(0)) == clips.picture(
        film_damage(blank, params=dirty).get_frame(0)
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"preset": "film-huge"}, "film_damage: preset='film-huge'; accepted: 'film-light', 'film-heavy'"),
        ({"params": {"dirt": 3}}, "film_damage: params is dict"),
        ({"seed": -1}, "film_damage: seed=-1"),
        ({"output": "mask"}, "film_damage: output='mask'"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(vs.Error) as told:
        film_damage(clips.noise(), **arguments)
    assert message in str(told.value)


def test_a_clip_of_variable_format_is_refused():
    mixed = vs.core.std.Splice([clips.noise(), clips.noise(vs.GRAY8)], mismatch=True)
    with pytest.raises(vs.Error, match="film_damage: clip has a variable format"):
        film_damage(mixed)


def test_unusual_parameters_give_a_warning(log):
    film_damage(clips.noise(), params=FilmDamage(dirt=Dirt(rate=5000)))
    assert any("film_damage: dirt.rate=5000" in line for line in log)
