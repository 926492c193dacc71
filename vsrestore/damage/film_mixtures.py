"""Random mixtures of film damage, for training and for checks: all faults together, or one kind of them alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from .blotches import Blotches, Mould
from .colour import Fading, Tone
from .cue_marks import CueMarks
from .film import FilmDamage
from .fingerprints import Fingerprints
from .grain import Grain
from .hairs import Hairs
from .noise import between, generator
from .rain import Rain
from .scratches import Scratches
from .specks import Dirt
from .splices import Splices
from .stains import Stains
from .transport import Bars, Flicker, Weave


def sample_film(seed: int) -> FilmDamage:
    """Return a random mixture of faults, from almost clean to heavy.

    Every fault is on or off by itself; rates and amplitudes are drawn evenly in the logarithm up to a limit that is
    itself drawn for the mixture, so that light mixtures are as common as heavy ones.
    """
    rng = generator(seed, "sample film")
    top = float(rng.random())
    film = _film_itself(generator(seed, "sample film itself"))
    if rng.random() < 0.06:
        return film
    on = rng.random(8) < (0.9, 0.35, 0.4, 0.55, 0.3, 0.35, 0.25, 0.12)
    marks = generator(seed, "sample film marks")
    dirt, hairs, scratches = _dirt(marks, top), _hairs(marks, top), _scratches(marks, top)
    rain = Rain(rate=between(marks, 2, 4 + 60 * top), dark=float(marks.random()))
    blotches, bars, cue_marks = _blotches(marks, top), _bars(marks), _cue_marks(marks)
    stains, mould = _stains(marks, top), _mould(marks)
    prints = _fingerprints(marks)
    rare = marks.random(5) < (0.3, 0.3, 0.1, 0.06, 0.06)
    return replace(
        film,
        dirt=dirt if on[0] else Dirt(),
        hairs=replace(
            hairs,
            loose=hairs.loose if on[1] else 0.0,
            lint=hairs.lint if on[2] else 0.0,
            gate=hairs.gate if on[6] else 0.0,
        ),
        scratches=scratches if on[3] else Scratches(),
        rain=rain if on[4] else Rain(),
        blotches=blotches if on[5] else Blotches(),
        cue_marks=cue_marks if rare[0] else CueMarks(),
        stains=stains if rare[1] else Stains(),
        mould=mould if rare[2] else Mould(),
        fingerprints=prints if rare[4] else Fingerprints(),
        splices=_splices(marks) if rare[3] else Splices(),
        bars=bars if on[7] else Bars(),
        softness=between(marks, 0.3, 1.2) if marks.random() < 0.3 else 0.0,
    )


def sample_kind(kind: str, seed: int) -> FilmDamage:
    """Return faults of one kind alone, one of `ALONE`, as they are drawn for mixtures; the film itself is clean."""
    rng = generator(seed, f"sample {kind}")
    return ALONE[kind](rng, float(rng.random()))


def _dirt(rng: np.random.Generator, top: float) -> Dirt:
    fine = bool(rng.random() < 0.25)
    return Dirt(
        rate=between(rng, 3, 15 * 20**top) * (4 if fine else 1),
        dark=float(rng.choice([0.1, 0.5, 0.7, 0.9])),
        area=between(rng, 2.5, 6) if fine else between(rng, 6, 30),
        spread=float(0.6 + 0.6 * rng.random()),
        clusters=float(0.4 * rng.random()),
        softness=between(rng, 0.5, 2.2),
        opacity=float(0.3 + 0.5 * rng.random()),
        tint=float(rng.choice([0.0, 0.0, 0.2])),
        halo=between(rng, 0.1, 0.5) if rng.random() < 0.3 else 0.0,
    )


def _hairs(rng: np.random.Generator, top: float) -> Hairs:
    return Hairs(
        loose=between(rng, 0.2, 0.5 + 4 * top),
        lint=between(rng, 1, 2 + 40 * top),
        gate=between(rng, 0.3, 2.5),
        dark=float(rng.random()),
        thickness=between(rng, 0.8, 3),
    )


def _scratches(rng: np.random.Generator, top: float) -> Scratches:
    thinnest = between(rng, 0.6, 3)
    shares = rng.random(6)
    return Scratches(
        count=between(rng, 1, 2 + 12 * top),
        strength=between(rng, 0.06, 0.7),
        width=(thinnest, min(thinnest * between(rng, 1, 4), 6)),
        drift=between(rng, 0.1, 5),
        wander=between(rng, 0.1, 5),
        slant=between(rng, 0.003, 0.4) if rng.random() < 0.4 else 0.004,
        dark=float(shares[0]),
        broken=float(shares[1]),
        fleeting=float(shares[2]),
        forked=float(0.4 * shares[3]),
        bundled=float(0.4 * shares[4]),
        opaque=float(shares[5]),
        coloured=float(rng.choice([0.0, 0.3, 0.8])),
    )


def _cue_marks(rng: np.random.Generator) -> CueMarks:
    smallest = between(rng, 0.007, 0.03)
    return CueMarks(
        rate=between(rng, 0.02, 0.3),
        anywhere=True,
        size=(smallest, smallest * between(rng, 1, 2.2)),
        coloured=float(rng.choice([0.0, 0.5])),
    )


def _blotches(rng: np.random.Generator, top: float) -> Blotches:
    smallest = between(rng, 8, 30)
    return Blotches(
        rate=between(rng, 0.3, 1 + 4 * top),
        size=(smallest, min(smallest * between(rng, 1.5, 6), 80)),
        opacity=between(rng, 0.1, 0.9),
        bright=float(rng.random()),
    )


def _stains(rng: np.random.Generator, top: float) -> Stains:
    smallest = between(rng, 20, 120)
    shares = rng.random(5)
    return Stains(
        rate=between(rng, 0.02, 0.05 + 0.4 * top),
        size=(smallest, min(smallest * between(rng, 1.2, 6), 500)),
        softness=(between(rng, 0.04, 0.4), 1.3),
        opacity=between(rng, 0.05, 0.7),
        bright=float(shares[0]),
        milky=float(shares[1]),
        rim=float(shares[2]),
        drops=float(0.6 * shares[3]),
        lasting=float(0.4 * shares[4] ** 2),
        tint=between(rng, 0.01, 0.3),
    )


def _mould(rng: np.random.Generator) -> Mould:
    return Mould(cover=between(rng, 0.01, 0.2), size=between(rng, 15, 80), opacity=between(rng, 0.2, 0.7))


def _fingerprints(rng: np.random.Generator) -> Fingerprints:
    return Fingerprints(
        rate=between(rng, 0.02, 0.3),
        pitch=between(rng, 6, 20),
        opacity=between(rng, 0.04, 0.5),
        bright=float(rng.random()),
    )


def _splices(rng: np.random.Generator) -> Splices:
    return Splices(
        rate=between(rng, 0.005, 0.05),
        offset=0.0 if rng.random() < 0.5 else between(rng, 2, 20),
        edge=between(rng, 2, 10),
        bright=float(rng.random()),
        flash=float(0.3 * rng.random()),
        glue=float(0.8 * rng.random()),
        tape=between(rng, 0.05, 0.5) if rng.random() < 0.5 else 0.0,
    )


def _bars(rng: np.random.Generator) -> Bars:
    sign = 1 if rng.random() < 0.7 else -1
    return Bars(
        strength=sign * between(rng, 0.05, 0.4),
        height=between(rng, 0.1, 0.5),
        speed=between(rng, 0.2, 10) * (1 if rng.random() < 0.5 else -1),
    )


def _film_itself(rng: np.random.Generator) -> FilmDamage:
    """Return the parts of a mixture that the target keeps: tone, fading, grain, weave, flicker."""
    on = rng.random(4) < (0.75, 0.3, 0.3, 0.25)
    tone: Tone = "colour"
    draw = rng.random()
    if draw < 0.45:
        tone = "gray" if draw < 0.38 else "sepia"
    method, low, high = [("density", 0.01, 0.12), ("signal", 0.01, 0.07), ("softlight", 0.03, 0.3)][rng.integers(3)]
    grain = Grain(
        method=method,  # type: ignore[arg-type]
        amount=between(rng, low, high),
        size=float(1.3 * rng.random()),
        coloured=tone == "colour" and bool(rng.random() < 0.6),
    )
    gain, lift = 0.8 + 0.25 * rng.random(3), 0.1 * rng.random(3) * rng.random()
    fading = Fading(
        gain=(float(gain[0]), float(gain[1]), float(gain[2])),
        lift=(float(lift[0]), float(lift[1]), float(lift[2])),
        gamma=between(rng, 0.8, 1.25),
        saturation=float(0.4 + 0.6 * rng.random()),
    )
    if tone == "gray":
        fading = Fading(gain=(fading.gain[0],) * 3, lift=(fading.lift[0],) * 3, gamma=fading.gamma)
    return FilmDamage(
        tone=tone,
        grain=grain if on[0] else Grain(),
        fading=fading if on[1] else Fading(),
        weave=Weave(amount=between(rng, 0.1, 0.8), turn=float(0.03 * rng.random())) if on[2] else Weave(),
        flicker=Flicker(amount=between(rng, 0.01, 0.06), rho=float(0.2 + 0.6 * rng.random())) if on[3] else Flicker(),
    )


ALONE: MappingProxyType[str, Callable[[np.random.Generator, float], FilmDamage]] = MappingProxyType(
    {
        "dirt": lambda rng, top: FilmDamage(dirt=_dirt(rng, top), hairs=replace(_hairs(rng, top), gate=0.0)),
        "scratches": lambda rng, top: FilmDamage(scratches=_scratches(rng, top)),
        "cue marks": lambda rng, top: FilmDamage(cue_marks=replace(_cue_marks(rng), rate=0.2 + 0.8 * top)),
        "stains": lambda rng, top: FilmDamage(
            stains=_stains(rng, 0.3 + 0.7 * top),
            blotches=_blotches(rng, top) if rng.random() < 0.5 else Blotches(),
            mould=_mould(rng) if rng.random() < 0.2 else Mould(),
            fingerprints=_fingerprints(rng) if rng.random() < 0.2 else Fingerprints(),
        ),
        "hairs": lambda rng, top: FilmDamage(hairs=replace(_hairs(rng, top), loose=0.0, lint=0.0)),
        "joins": lambda rng, _: FilmDamage(splices=_splices(rng)),
    }
)
"""What draws each of `film.KINDS` alone, from a generator and how much there may be, 0 to 1."""
