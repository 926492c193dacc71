from __future__ import annotations

import numpy as np
import pytest
import vapoursynth as vs

from tests import clips
from vsrestore.damage.film import PRESETS, FilmDamage, damage_film
from vsrestore.damage.specks import Dirt
from vsrestore.damage.splices import Splices, frame_map
from vsrestore.filters.film_damage import film_damage


@pytest.mark.parametrize("output", ["damaged", "grained", "clean"])
def test_rgbs_is_what_damage_film_returns(output):
    clip = clips.noise(width=64, height=48, length=5)
    result = film_damage(clip, seed=3, preset="film-heavy", output=output).get_frame(4)
    picture = np.stack(clips.samples(clip.get_frame(4)), axis=-1)
    expected = getattr(damage_film(picture[None], 4, 3, PRESETS["film-heavy"]), output)[0]
    assert np.array_equal(np.stack(clips.samples(result), axis=-1), expected)


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


def test_unusual_parameters_give_a_warning(log):
    film_damage(clips.noise(), params=FilmDamage(dirt=Dirt(rate=5000)))
    assert any("film_damage: dirt.rate=5000" in line for line in log)


def test_frames_are_missing_at_splices_in_the_truth_as_well():
    splices = Splices(rate=0.05, missing=6, offset=0, edge=0, glue=0, flash=0)
    clip = clips.numbered(200)
    expected = np.minimum(frame_map(3, 0, 200, splices), 199)
    assert (expected != np.arange(200)).sum() > 50
    for output in ("damaged", "clean"):
        result = film_damage(clip, seed=3, params=FilmDamage(splices=splices), output=output)
        for n in (199, 0, 77, 120):
            assert clips.number(result.get_frame(n)) == expected[n]
