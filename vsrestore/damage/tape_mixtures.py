"""Random mixtures of tape damage, for training and for checks: all faults together, or one kind of them alone."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import numpy as np

from .chroma import Bandwidth, ChromaFaults, ChromaShift
from .composite import Composite
from .dropouts import Dropouts
from .echoes import Ghosting, Ringing
from .luma import Levels, LumaNoise
from .noise import between, generator
from .sync import HeadSwitching, Mistracking, TimeBase
from .tape import TapeDamage


def sample_tape(seed: int) -> TapeDamage:
    """Return a random mixture of faults, from almost clean to heavy.

    Rates and amplitudes are drawn evenly in the logarithm up to a limit that is itself drawn for the mixture.
    """
    top = float(generator(seed, "sample tape").random())
    on = generator(seed, "sample tape on").random(8)
    signal, lines = generator(seed, "sample tape signal"), generator(seed, "sample tape lines")
    return TapeDamage(
        **_chroma(generator(seed, "sample tape chroma"), top),
        composite=Composite(
            amount=float(0.2 + 0.8 * signal.random()) if on[0] < 0.4 else 0.0,
            system="pal" if signal.random() < 0.4 else "ntsc",
        ),
        ringing=_ringing(signal) if on[1] < 0.7 else Ringing(),
        luma_noise=LumaNoise(
            amount=between(signal, 0.005, 0.01 * 6**top),
            weighting=float(0.7 * signal.random()),
            size=float(0.3 + 1.2 * signal.random()),
            streaks=between(signal, 0.0002, 0.005) if on[2] < 0.4 else 0.0,
        ),
        ghosting=Ghosting(gain=between(signal, 0.02, 0.15), delay=between(signal, 5, 80))
        if on[3] < 0.2
        else Ghosting(),
        levels=Levels(gain=float(0.92 + 0.16 * signal.random()), lift=float(0.04 * signal.random()))
        if on[4] < 0.2
        else Levels(),
        dropouts=_dropouts(lines, top) if on[5] < 0.6 else Dropouts(),
        mistracking=_mistracking(lines, generator(seed, "sample tape dim"))
        if on[6] < 0.15 + 0.25 * top
        else Mistracking(),
        head_switching=_head_switching(lines) if on[7] < 0.4 else HeadSwitching(),
        time_base=_time_base(lines, top),
    )


def sample_kind(kind: str, seed: int) -> TapeDamage:
    """Return faults of one kind alone, one of `ALONE`, as they are drawn for mixtures."""
    rng = generator(seed, f"sample tape {kind}")
    return ALONE[kind](rng, float(rng.random()))


def _chroma(rng: np.random.Generator, top: float) -> dict[str, Any]:
    """Return what every tape does to the chroma, and now and then a fault of it, by the names in TapeDamage."""
    shifted, turned, lost, killed, faded = (rng.random(5) < (0.7, 0.4, 0.25, 0.1, 0.2)).tolist()
    return {
        "bandwidth": Bandwidth(
            luma=float(0.2 + 0.7 * rng.random()),
            chroma=between(rng, 1.5, 6),
            generations=int(rng.integers(0, 3)),
        ),
        "chroma_shift": ChromaShift(
            right=between(rng, 0.5, 2 + 4 * top) * (1 if rng.random() < 0.85 else -1) if shifted else 0.0,
            down=int(rng.integers(0, 3)) if shifted else 0,
            bleed=between(rng, 1, 6) if rng.random() < 0.5 else 0.0,
        ),
        "chroma": ChromaFaults(
            noise=between(rng, 0.008, 0.012 * 8**top),
            size=float(2.5 + 3.5 * rng.random()),
            hue=float(8 * rng.random() - 4) if turned else 0.0,
            hue_jitter=between(rng, 1, 2 + 8 * top) if turned else 0.0,
            saturation=float(0.7 + 0.5 * rng.random()) if turned else 1.0,
            loss=between(rng, 0.3, 1 + 15 * top) if lost else 0.0,
            killer=between(rng, 0.1, 2) if killed else 0.0,
            bands=between(rng, 0.3, 3) if faded else 0.0,
            band_hue=between(rng, 3, 90),
        ),
    }


def _ringing(rng: np.random.Generator) -> Ringing:
    return Ringing(
        peaking=between(rng, 0.1, 1.0),
        width=float(1 + 1.5 * rng.random()),
        ring=between(rng, 0.05, 0.35) if rng.random() < 0.5 else 0.0,
        decay=float(2 + 4 * rng.random()),
        smear=between(rng, 0.01, 0.08) if rng.random() < 0.3 else 0.0,
    )


def _dropouts(rng: np.random.Generator, top: float) -> Dropouts:
    return Dropouts(
        rate=between(rng, 0.1, 1 + 15 * top),
        length=between(rng, 20, 400),
        compensated=float(rng.random()),
        bright=float(rng.random()),
        crease=between(rng, 0.005, 0.05) if rng.random() < 0.2 else 0.0,
        tail=between(rng, 2, 80),
        lines=between(rng, 0.1, 3) if rng.random() < 0.25 else 0.0,
    )


def _mistracking(rng: np.random.Generator, dims: np.random.Generator) -> Mistracking:
    """Draw bands; how much they dim from ``dims``, in mixtures one of its own, so that what they draw next stays."""
    return Mistracking(
        bands=int(rng.integers(1, 3)),
        strength=float(0.3 + 0.7 * rng.random()),
        height=between(rng, 10, 120),
        speed=float(12 * rng.random() - 6),
        shift=between(rng, 2, 80),
        tear=between(rng, 0.5, 30),
        dash=between(rng, 1, 40),
        bright=float(rng.random()),
        colour=between(rng, 0.02, 0.3) if rng.random() < 0.4 else 0.0,
        edge=between(rng, 0.05, 1),
        dim=float(max(dims.uniform(-0.4, 0.7), 0)),
    )


def _head_switching(rng: np.random.Generator) -> HeadSwitching:
    return HeadSwitching(
        height=between(rng, 3, 20),
        skew=between(rng, 5, 80) * (1 if rng.random() < 0.5 else -1),
        bend=between(rng, 0.5, 2),
        snow=float(rng.random()),
        colour=between(rng, 0.02, 0.3) if rng.random() < 0.4 else 0.0,
        dash=between(rng, 1, 20),
        blank=int(rng.integers(0, 3)),
        apart=float(rng.choice([0.0, 0.0, 1.0, -1.0])),
    )


def _time_base(rng: np.random.Generator, top: float) -> TimeBase:
    waves, bends, swings, apart = rng.random(4)
    return TimeBase(
        jitter=between(rng, 0.05, 0.1 * 15**top),
        rho=float(0.95 * rng.random()),
        waving=between(rng, 0.2, 3) if waves < 0.3 else 0.0,
        flagging=between(rng, 2, 40) if bends < 0.25 else 0.0,
        swing=between(rng, 0.1, 0.2 * 15**top) if swings < 0.4 else 0.0,
        apart=float(rng.random()) if apart < 0.4 else 0.0,
    )


ALONE: MappingProxyType[str, Callable[[np.random.Generator, float], TapeDamage]] = MappingProxyType(
    {
        "lines out of place": lambda rng, top: TapeDamage(
            time_base=_time_base(rng, 0.4 + 0.6 * top), head_switching=_head_switching(rng)
        ),
        "tracking band": lambda rng, _: TapeDamage(mistracking=_mistracking(rng, rng)),
        "drop-outs": lambda rng, top: TapeDamage(dropouts=_dropouts(rng, top)),
        "bands and noise": lambda rng, top: TapeDamage(
            **_chroma(rng, top),
            ringing=_ringing(rng),
            luma_noise=LumaNoise(amount=between(rng, 0.005, 0.05), weighting=float(0.7 * rng.random())),
        ),
        "chroma lost": lambda rng, _: TapeDamage(
            chroma=ChromaFaults(bands=between(rng, 0.5, 3), band_hue=between(rng, 3, 90), killer=float(rng.random()))
        ),
    }
)
"""What draws one kind of tape damage, from a generator and how much there may be, 0 to 1."""
