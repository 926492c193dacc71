from __future__ import annotations

from vsrestore.damage.colour import Fading
from vsrestore.damage.film import FilmDamage
from vsrestore.damage.ranges import out_of_range
from vsrestore.damage.specks import Dirt
from vsrestore.damage.transport import Bars


def test_usual_values_are_silent():
    assert list(out_of_range(FilmDamage())) == []


def test_every_value_outside_is_named():
    params = FilmDamage(
        dirt=Dirt(rate=-1, opacity=2),
        bars=Bars(strength=-0.5),
        fading=Fading(gain=(1.0, 2.0, 1.0)),
        softness=float("nan"),
    )
    told = list(out_of_range(params))
    assert [sentence.split("=")[0] for sentence in told] == [
        "dirt.rate", "dirt.opacity", "bars.strength", "softness", "fading.gain",
    ]  # fmt: skip
    assert "usual range 0 to 1500" in told[0]
