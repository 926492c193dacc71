from __future__ import annotations

import numpy as np
import pytest

from vsrestore.damage.noise import ar1, events, filtered, gaussian, generator, key, mean_duration, smooth_field, white


def test_keys_differ_by_seed_effect_and_instance():
    keys = {key(0, "dirt"), key(1, "dirt"), key(0, "hair"), key(0, "dirt", 1), key(-1, "dirt")}
    assert len(keys) == 5
    assert all(0 <= each < 2**128 for each in keys)


def test_generators_of_an_index_repeat_and_those_of_others_differ():
    def draw(index, purpose=0):
        return generator(3, "dirt", index, purpose).random(4).tolist()

    assert draw(5) == draw(5)
    assert len({tuple(draw(index, purpose)) for index in (-2, -1, 0, 1) for purpose in (0, 1)}) == 8


def test_white_noise_is_the_same_in_any_window():
    whole = white(1, "a", -600, 1200, 2)
    assert np.array_equal(white(1, "a", -10, 30, 2), whole[590:620])
    assert np.array_equal(white(1, "a", 255, 2, 2), whole[855:857])


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.8, 0.95])
def test_ar1_has_its_correlation_and_unit_variance(rho):
    z = ar1(2, "z", -3000, 60_000, rho)[:, 0].astype(np.float64)
    assert np.corrcoef(z[1:], z[:-1])[0, 1] == pytest.approx(rho, abs=0.03)
    assert z.var() == pytest.approx(1, abs=0.08)


def test_ar1_at_one_time_is_that_of_the_run():
    run = ar1(2, "z", -5, 300, 0.9, 3)
    for i in (0, 4, 5, 299):
        assert np.array_equal(ar1(2, "z", i - 5, 1, 0.9, 3)[0], run[i])


def test_events_last_as_long_as_they_say_and_come_as_often():
    durations, rate, frames = (3, 40), 0.05, range(-4000, 4000)
    seen = {}
    for frame in frames:
        for event in events(4, "e", frame, rate, durations):
            seen.setdefault(event, []).append(frame)
    inner = {
        event: times for event, times in seen.items() if event.start >= -4000 and event.start + event.length < 4000
    }
    for event, times in inner.items():
        assert times == list(range(event.start, event.start + event.length))
    lengths = [event.length for event in inner]
    assert min(lengths) >= 3
    assert max(lengths) <= 40
    assert np.mean(lengths) == pytest.approx(mean_duration(*durations), rel=0.15)
    expected = rate * len(frames)
    assert abs(len(seen) - expected) < 4 * np.sqrt(expected)
    assert len({event.number for event in seen}) == len(seen)


def test_smooth_field_is_smooth_and_of_unit_variance():
    ys, xs = np.arange(200, dtype=np.float32), np.arange(300, dtype=np.float32)
    fields = [smooth_field(generator(i, "f"), ys, xs, 20) for i in range(20)]
    assert np.mean([field.var() for field in fields]) == pytest.approx(1, abs=0.15)
    steepest = 2 * np.pi / 20 * np.sqrt(12)
    assert max(np.abs(np.diff(field, axis=axis)).max() for field in fields for axis in (0, 1)) < steepest


def test_smooth_field_of_a_part_is_part_of_the_field():
    ys, xs = np.arange(50, dtype=np.float32), np.arange(60, dtype=np.float32)
    whole = smooth_field(generator(0, "f"), ys, xs, 9)
    part = smooth_field(generator(0, "f"), ys[10:20], xs[30:], 9)
    np.testing.assert_allclose(part, whole[10:20, 30:], atol=1e-5)


def test_filtered_keeps_a_flat_field_and_spreads_a_point_by_the_kernel():
    kernel = gaussian(0.8)
    assert kernel.sum() == pytest.approx(1)
    assert gaussian(0).tolist() == [1.0]
    np.testing.assert_allclose(filtered(np.full((12, 14, 1), 0.3, np.float32), kernel), 0.3, rtol=1e-6)
    reach = len(kernel) - 1
    point = np.zeros((2 * reach + 1, 2 * reach + 1, 1), np.float32)
    point[reach, reach] = 1
    np.testing.assert_allclose(filtered(point, kernel)[..., 0], np.outer(kernel, kernel)[::-1, ::-1], rtol=1e-6)
