"""What every damage filter must do, whatever its faults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import vapoursynth as vs

import vsrestore
from tests import clips
from vsrestore.damage.blur import Defocus
from vsrestore.damage.digital import DigitalDamage
from vsrestore.damage.film import FilmDamage
from vsrestore.damage.grain import Grain
from vsrestore.damage.luma import LumaNoise
from vsrestore.damage.scaling import Scaling
from vsrestore.damage.specks import Dirt
from vsrestore.damage.tape import TapeDamage

FORMATS = (vs.RGBS, vs.RGB24, vs.YUV420P8, vs.YUV444P16, vs.GRAY8, vs.GRAYS, vs.YUV422P10)


@dataclass(frozen=True)
class Case:
    """A damage filter, arguments that damage a lot, parameters without faults, and some that hit every frame."""

    damage: Callable[..., vs.VideoNode]
    much: dict[str, object]
    none: object
    some: object


CASES = {
    "film": Case(vsrestore.film_damage, {"preset": "film-heavy"}, FilmDamage(), FilmDamage(dirt=Dirt(rate=60))),
    "tape": Case(vsrestore.tape_damage, {}, TapeDamage(), TapeDamage(luma_noise=LumaNoise(amount=0.05))),
    "digital": Case(
        vsrestore.digital_damage,
        {"params": DigitalDamage(defocus=Defocus(radius=8), scaling=Scaling(factor=2), noise=Grain(amount=0.05))},
        DigitalDamage(),
        DigitalDamage(noise=Grain(amount=0.05)),
    ),
}


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param]


@pytest.mark.parametrize("fmt", FORMATS)
def test_format_length_and_properties_stay(case, fmt):
    clip = clips.noise(fmt, width=64, height=48, length=4).std.SetFrameProps(_SceneChangePrev=1, note="x")
    damaged = case.damage(clip, **case.much)
    assert (damaged.format.id, damaged.width, damaged.height, damaged.num_frames) == (fmt, 64, 48, 4)
    assert damaged.fps == clip.fps
    frame = damaged.get_frame(2)
    assert frame.props["_SceneChangePrev"] == 1
    assert frame.props["note"] == "x"
    assert clips.picture(frame) != clips.picture(clip.get_frame(2))


@pytest.mark.parametrize("fmt", FORMATS)
def test_no_fault_changes_nothing(case, fmt):
    clip = clips.noise(fmt, width=32, height=16, length=2)
    same = case.damage(clip, params=case.none)
    assert clips.picture(same.get_frame(1)) == clips.picture(clip.get_frame(1))


def test_frames_do_not_depend_on_the_order_they_are_asked_for(case):
    clip = clips.noise(vs.YUV420P8, width=64, height=48, length=6)
    in_order = [clips.picture(frame) for frame in case.damage(clip, seed=2).frames()]
    backwards = case.damage(clip, seed=2)
    assert [clips.picture(backwards.get_frame(n)) for n in range(5, -1, -1)][::-1] == in_order


def test_trimming_in_front_moves_the_damage(case):
    """The damage belongs to the frame number of the clip that is given."""
    blank = vs.core.std.BlankClip(format=vs.RGBS, width=64, height=48, length=8, color=[0.5] * 3)
    trimmed, whole = (case.damage(clip, params=case.some).get_frame(0) for clip in (blank[4:], blank))
    assert clips.picture(trimmed) == clips.picture(whole)


def test_a_clip_of_variable_format_is_refused(case):
    mixed = vs.core.std.Splice([clips.noise(), clips.noise(vs.GRAY8)], mismatch=True)
    with pytest.raises(vs.Error, match=f"{case.damage.__name__}: clip has a variable format"):
        case.damage(mixed)
