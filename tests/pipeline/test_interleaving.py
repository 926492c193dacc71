"""What an AVI lacks shows in how picture and sound lie beside each other."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace

import pytest

from vsrestore.pipeline.interleaving import Interleaving

RATE, SAMPLES = 25, 1000
BASE = Fraction(1, RATE)


def interleaved(pictures: set[int], sound: set[int], *, seconds: int, piece: int, ahead: int = 0) -> Interleaving:
    """Lay pictures and pieces of sound (of so many thousandths of a second) side by side, without those numbered."""
    made, written, number, heard = Interleaving(), 0, 0, 0
    for place in range(RATE * seconds):
        while written * piece < (place + 1) * SAMPLES // RATE + ahead:
            if written not in sound:
                made.add(SimpleNamespace(pts=heard, duration=piece), Fraction(1, SAMPLES), picture=False)
                heard += piece
            written += 1
        if place not in pictures:
            made.add(SimpleNamespace(dts=number), BASE, picture=True)
            number += 1
    return made


@pytest.mark.parametrize(("piece", "ahead"), [(40, 0), (24, 0), (26, 500), (500, 0), (1000, 1000), (7, 0)])
def test_nothing_is_missing_in_a_whole_file(piece, ahead):
    assert interleaved(set(), set(), seconds=12, piece=piece, ahead=ahead).losses(BASE) == ([], [])


@pytest.mark.parametrize(("piece", "ahead"), [(40, 0), (24, 0), (26, 500), (7, 0)])
def test_lost_pictures_are_where_the_sound_gets_ahead(piece, ahead):
    lost = {*range(100, 106), *range(200, 203)}
    assert interleaved(lost, set(), seconds=12, piece=piece, ahead=ahead).losses(BASE) == ([(100, 6), (194, 3)], [])


def test_many_are_seen_between_long_pieces_too():
    (gap,), _ = interleaved(set(range(100, 140)), set(), seconds=12, piece=500).losses(BASE)
    assert gap == (pytest.approx(100, abs=13), 40)


@pytest.mark.parametrize("count", [3, 10])
def test_lost_sound_is_where_the_picture_gets_ahead(count):
    none, (gap,) = interleaved(set(), set(range(100, 100 + count)), seconds=12, piece=40).losses(BASE)
    assert (none, gap) == ([], (pytest.approx(100, abs=1), pytest.approx(count, abs=1)))


def test_what_is_lost_of_both_is_seen_in_neither():
    assert interleaved(set(range(100, 110)), set(range(100, 110)), seconds=12, piece=40).losses(BASE) == ([], [])
