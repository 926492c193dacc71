from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from vsrestore.comparison.plot import HEIGHT, POINTS, WIDTH, Curve, plot


def filled(values):
    curve = Curve(len(values))
    for number, value in enumerate(values):
        curve.add(number, value)
    return curve


def points(element):
    return np.array([pair.split(",") for pair in element.attrib["points"].split()], float)


def test_a_long_clip_takes_no_more_room():
    curve = filled(np.sin(np.arange(10 * POINTS) / 9).tolist())
    assert len(curve.mean) == POINTS
    assert curve.least[0] == pytest.approx(0)
    assert curve.greatest.max() <= 1
    assert np.isfinite(curve.mean).all()


def test_a_point_is_the_mean_of_its_frames():
    curve = filled([float(n) for n in range(2 * POINTS)])
    assert curve.mean[:3] == pytest.approx([0.5, 2.5, 4.5])
    assert (curve.least[1], curve.greatest[1]) == (2, 3)


def test_curves_are_drawn_within_the_picture_and_the_right_way_up():
    drawing = ET.fromstring(plot({"before": filled([1.0, 2.0, 3.0]), "after": filled([3.0, 3.0, 2.5])}, "dB"))
    before, after = (drawing.find(f"polyline[@class='{name}']") for name in ("before", "after"))
    found = np.concatenate([points(before), points(after)])
    assert (found >= 0).all()
    assert (found <= [WIDTH, HEIGHT]).all()
    assert (np.diff(points(before)[:, 1]) < 0).all()
    assert points(before)[2, 1] == points(after)[0, 1]


def test_gaps_part_the_line():
    drawing = ET.fromstring(plot({"after": filled([None, 1.0, 2.0, None, 3.0])}, "codes"))
    assert [len(points(line)) for line in drawing.findall("polyline")] == [2]
    assert len(drawing.findall("circle")) == 1


@pytest.mark.parametrize("values", [[None], [0.0], [100.0] * 4, [1e-9, 2e-9], [-3.0, 4.0]])
def test_every_range_can_be_drawn(values):
    drawing = ET.fromstring(plot({"after": filled(values)}, "dB"))
    assert "nan" not in ET.tostring(drawing, encoding="unicode")
    assert 2 <= len(drawing.findall("text[@class='value']")) <= 8


def test_a_band_shows_the_extent_of_many_frames():
    drawing = ET.fromstring(plot({"after": filled([float(n % 2) for n in range(3 * POINTS)])}, "dB"))
    band = points(drawing.find("polygon"))
    assert len(band) == 2 * POINTS
    assert np.ptp(band[:, 1]) > 100
