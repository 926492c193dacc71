from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import vapoursynth as vs

from tests import clips
from vsrestore.damage.blur import Defocus
from vsrestore.damage.compression import Compression
from vsrestore.damage.digital import DigitalDamage, damage_digital
from vsrestore.damage.frames import FrameFaults, frame_map, shown
from vsrestore.damage.grain import Grain
from vsrestore.damage.scaling import Scaling
from vsrestore.damage.slices import LostSlices
from vsrestore.filters.digital_damage import digital_damage

UNCODED = DigitalDamage(defocus=Defocus(radius=8), scaling=Scaling(factor=2), noise=Grain(amount=0.05))
CODED = DigitalDamage(
    scaling=Scaling(factor=2), noise=Grain(amount=0.05), compression=Compression(codec="mpeg2", quality=8, gop=3)
)


def rgb(frame):
    return np.stack(clips.samples(frame), axis=-1)


LOST = DigitalDamage(slices=LostSlices(rate=0.5), compression=Compression(gop=3))


@pytest.mark.parametrize("params", [UNCODED, CODED, LOST, replace(CODED, slices=LostSlices(rate=0.5))])
def test_rgbs_is_what_damage_digital_returns(params):
    clip = clips.noise(width=64, height=48, length=5)
    expected = damage_digital(np.stack([rgb(frame) for frame in clip.frames()]), 0, 3, params)
    result = digital_damage(clip, seed=3, params=params)
    for n in (4, 0, 2):
        np.testing.assert_allclose(rgb(result.get_frame(n)), expected[n], atol=1e-6)


def test_cuts_do_not_matter_to_a_codec():
    clip = clips.noise(width=64, height=48, length=5)
    cut = clip[:1] + clip[1].std.SetFrameProps(_SceneChangePrev=1) + clip[2:]
    plain, marked = (digital_damage(c, params=CODED).get_frame(2) for c in (clip, cut))
    assert clips.picture(plain) == clips.picture(marked)


@pytest.mark.parametrize("preset", ["dvd", "web-low"])
def test_presets_damage(preset):
    clip = clips.noise(vs.YUV420P8, width=64, height=48, length=2)
    damaged = digital_damage(clip, preset=preset)
    assert clips.picture(damaged.get_frame(1)) != clips.picture(clip.get_frame(1))


def test_small_pictures_stay_small_when_not_enlarged():
    clip = clips.noise(vs.YUV420P8, width=64, height=48, length=2)
    small = digital_damage(clip, params=DigitalDamage(scaling=Scaling(factor=2, enlarge=False)))
    assert (small.width, small.height, small.format.id) == (32, 24, vs.YUV420P8)
    assert small.get_frame(1).width == 32


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"preset": "vcd"}, "digital_damage: preset='vcd'; accepted: 'dvd', 'web-low'"),
        ({"params": {"noise": 3}}, "digital_damage: params is dict"),
        ({"seed": -1}, "digital_damage: seed=-1"),
        ({"params": DigitalDamage(compression=Compression(gop=0))}, "digital_damage: compression.gop=0"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(vs.Error) as told:
        digital_damage(clips.noise(), **arguments)
    assert message in str(told.value)


def test_what_ffmpeg_refuses_is_a_clear_error():
    refused = DigitalDamage(compression=Compression(codec="h264", quality=-5000))
    with pytest.raises(vs.Error, match=r"digital_damage: .*ffmpeg failed"):
        digital_damage(clips.noise(width=64, height=48, length=2), params=refused).get_frame(0)


def test_unusual_parameters_give_a_warning(log):
    digital_damage(clips.noise(), params=DigitalDamage(defocus=Defocus(radius=50)))
    assert any("digital_damage: defocus.radius=50" in line for line in log)


def test_frames_are_shown_as_the_map_says():
    faults = FrameFaults(duplicates=0.1, drops=0.1, freezes=0.02, black=0.02)
    clip = clips.noise(width=8, height=8, length=60)
    params = DigitalDamage(noise=Grain(method="signal", amount=0.05), timing=faults)
    expected = shown(
        damage_digital(np.stack([rgb(frame) for frame in clip.frames()]), 0, 3, params), 0, frame_map(3, 0, 60, faults)
    )
    assert (expected == 0).all(axis=(1, 2, 3)).any()
    result = digital_damage(clip, seed=3, params=params)
    for n in (*range(59, -1, -7), *range(60)):
        assert np.array_equal(rgb(result.get_frame(n)), expected[n])


def test_frames_at_the_wrong_time_keep_the_format():
    timed = DigitalDamage(timing=FrameFaults(duplicates=0.5, black=0.3))
    result = digital_damage(clips.noise(vs.YUV420P8, width=32, height=16, length=9), params=timed)
    assert [clips.picture(result.get_frame(n)) for n in range(8, -1, -1)][::-1] == [
        clips.picture(frame) for frame in result.frames()
    ]
