from __future__ import annotations

import numpy as np
import pytest

from vsrestore.damage.sensor import Sensor, sensed

from .pictures import flat


def test_a_good_sensor_changes_nothing():
    picture = flat(0.5)[0]
    assert sensed(picture, 1, 2, Sensor()) is picture


def test_columns_are_the_same_in_all_frames():
    one, other = (sensed(flat(0.5, 8, 2000)[0], 1, frame, Sensor(columns=0.01)) for frame in (0, 9))
    assert np.array_equal(one, other)
    assert (np.ptp(one, axis=0) == 0).all()
    assert one[0, :, 0].std() == pytest.approx(0.01, rel=0.1)


def test_impulses_are_as_many_as_told_and_others_in_each_frame():
    one, other = (sensed(flat(0.5, 400, 500)[0], 1, frame, Sensor(impulses=0.01))[..., 0] for frame in (0, 1))
    assert (one == 0).mean() == pytest.approx(0.005, rel=0.1)
    assert (one == 1).mean() == pytest.approx(0.005, rel=0.1)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("level", [0.2, 0.5, 0.8])
def test_noise_has_the_variance_of_light_and_amplifier(level):
    light = level**2.2
    noisy = sensed(flat(level, 200, 300)[0], 1, 2, Sensor(shot=0.002, read=1e-5)) ** 2.2
    assert noisy.mean() == pytest.approx(light, rel=0.01)
    assert noisy.var() == pytest.approx(0.002 * light + 1e-5, rel=0.05)
