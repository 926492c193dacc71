from __future__ import annotations

import numpy as np
import pytest

from vsrestore.damage.banding import Banding
from vsrestore.damage.blur import Defocus, MotionBlur
from vsrestore.damage.compression import Compression
from vsrestore.damage.conversion import Conversion
from vsrestore.damage.digital import PRESETS, DigitalDamage, damage_digital, sample_digital
from vsrestore.damage.grain import Grain
from vsrestore.damage.ranges import out_of_range
from vsrestore.damage.scaling import Scaling
from vsrestore.damage.sensor import Sensor
from vsrestore.damage.slices import LostSlices

from .pictures import noise

FAULTS = {
    "motion blur": DigitalDamage(motion_blur=MotionBlur(length=40)),
    "defocus": DigitalDamage(defocus=Defocus(radius=8)),
    "scaling": DigitalDamage(scaling=Scaling(factor=2)),
    "noise": DigitalDamage(noise=Grain(method="signal", amount=0.03)),
    "banding": DigitalDamage(banding=Banding(bits=5)),
    "sensor": DigitalDamage(sensor=Sensor(shot=0.01, read=0.001, impulses=0.01, columns=0.01)),
    "matrix": DigitalDamage(conversion=Conversion(matrix="601 as 709", siting=0.5)),
    "range": DigitalDamage(conversion=Conversion(levels="full as limited", roundings=2)),
}
CODED = {
    "mpeg2": DigitalDamage(compression=Compression(codec="mpeg2", quality=10, gop=2)),
    "lost slices": DigitalDamage(slices=LostSlices(rate=0.8), compression=Compression(gop=2)),
    **PRESETS,
}
DRAWN = ("motion blur", "defocus", "noise", "sensor", "lost slices")


def test_no_fault_is_the_identity_bit_by_bit():
    done = damage_digital(noise(), 5, 1, DigitalDamage())
    assert done.dtype == np.float32
    assert np.array_equal(done, noise())


@pytest.mark.parametrize("name", FAULTS)
def test_a_frame_alone_is_the_frame_of_the_run_bit_by_bit(name):
    frames = noise(4)
    kept = frames.copy()
    run = damage_digital(frames, -2, 9, FAULTS[name])
    assert np.array_equal(frames, kept)
    for i in (3, 0, 2):
        assert np.array_equal(damage_digital(frames[i : i + 1], i - 2, 9, FAULTS[name])[0], run[i])


@pytest.mark.parametrize("name", ["mpeg2", "lost slices"])
def test_a_group_of_pictures_alone_is_that_of_the_run(name):
    run = damage_digital(noise(4), 4, 9, CODED[name])
    assert np.array_equal(damage_digital(noise(4)[2:], 6, 9, CODED[name]), run[2:])


@pytest.mark.parametrize("name", {**FAULTS, **CODED})
def test_results_are_pictures_repeatable_and_unlike_the_source(name):
    params = {**FAULTS, **CODED}[name]
    one, again, other = (damage_digital(noise(2), 4, seed, params) for seed in (4, 4, 5))
    assert one.dtype == np.float32
    assert one.shape == (2, 48, 64, 3)
    assert 0 <= one.min() <= one.max() <= 1
    assert np.abs(one - noise(2)).max() > 0.01
    assert np.array_equal(one, again)
    assert np.array_equal(one, other) == (name not in DRAWN)


def test_small_pictures_are_handed_back_when_not_enlarged():
    params = DigitalDamage(scaling=Scaling(factor=2, enlarge=False))
    assert damage_digital(noise(), 0, 1, params).shape == (3, 24, 32, 3)


def test_lengths_are_those_of_the_whole_frame():
    piece, whole = (damage_digital(noise(1), 0, 1, FAULTS["defocus"], width).std() for width in (720, None))
    assert piece < 0.5 * whole


def test_samples_are_repeatable_varied_and_within_the_ranges():
    drawn = [sample_digital(seed) for seed in range(200)]
    assert drawn[7] == sample_digital(7)
    assert len(set(drawn)) > 190
    for params in drawn:
        assert not list(out_of_range(params))
    for name in ("motion_blur", "defocus", "scaling", "noise", "banding", "compression"):
        assert 2 < sum(getattr(params, name) == getattr(DigitalDamage(), name) for params in drawn) < 198
    assert {params.compression.codec for params in drawn} == {"none", "h264", "h265", "mpeg2"}
    assert all(sample_digital(seed, compress=False).compression == Compression() for seed in range(20))


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_within_the_ranges(name):
    assert not list(out_of_range(PRESETS[name]))


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match=r"damage_digital: frames have the shape \(48, 64, 3\)"):
        damage_digital(noise()[0], 0, 1, DigitalDamage())
