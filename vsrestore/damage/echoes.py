"""Linear faults of the luma signal and the aerial: peaking, ringing, smear, ghosts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .canvas import View
from .lines import filter_lines, tail
from .noise import Array, ar1, gaussian, generator
from .ranges import ranged


@dataclass(frozen=True, kw_only=True)
class Ringing:
    """Overshoots and echoes along the line in the luma.

    peaking: strength of the symmetric overshoot Y + a (Y - Y * G), 0 = off; 0.2-1.2. width: sigma of G in px.
    ring: strength of a damped oscillation to the right of edges, 0 = off; 0.1-0.5.
    frequency: of it, in cycles per px. decay: its length in px.
    smear: weight of a long tail to the right, 0 = off; 0.02-0.1. smear_length: in px.
    """

    peaking: float = ranged(0.0, 0, 1.2)
    width: float = ranged(1.5, 1, 2.5)
    ring: float = ranged(0.0, 0, 0.5)
    frequency: float = ranged(0.2, 0.15, 0.3)
    decay: float = ranged(4.0, 2, 6)
    smear: float = ranged(0.0, 0, 0.1)
    smear_length: float = ranged(30.0, 10, 60)


@dataclass(frozen=True, kw_only=True)
class Ghosting:
    """Faint copies of the whole picture to its right: I + sum of g_k I(x - d_k).

    gain: largest |g|, 0 = off; 0.02-0.25. echoes: number of copies. delay: largest d in px; 3-100.
    """

    gain: float = ranged(0.0, 0, 0.25)
    echoes: int = ranged(2, 1, 3)
    delay: float = ranged(40.0, 3, 100)


def ring(planes: Array, ringing: Ringing, view: View) -> Array:
    """Return planes (H, W, 3) with smear, ringing and peaking in the luma; flat areas stay as they are."""
    luma = planes[..., :1]
    if ringing.smear > 0:
        luma = luma + np.float32(ringing.smear) * (
            filter_lines(luma, tail(ringing.smear_length * view.scale), 0) - luma
        )
    if ringing.ring > 0:
        luma = filter_lines(luma, _oscillation(ringing, view.scale), 0)
    if ringing.peaking > 0:
        kernel = gaussian(ringing.width * view.scale)
        luma = luma + np.float32(ringing.peaking) * (luma - filter_lines(luma, kernel, len(kernel) // 2))
    return np.concatenate([luma, planes[..., 1:]], axis=-1)


def ghost(planes: Array, seed: int, frame: int, ghosting: Ghosting, view: View) -> Array:
    """Return planes (H, W, 3) with their echoes; beyond the left border lies black."""
    result = planes.copy()
    rng = generator(seed, "ghosts")
    for echo in range(ghosting.echoes):
        size, far, sign = rng.random(3).tolist()
        fading = 1 + 0.2 * float(ar1(seed, "ghost fading", frame, 1, 0.95, instance=echo)[0, 0])
        gain = ghosting.gain * (1.0 if echo == 0 else 0.2 + 0.8 * size) * (-1 if sign < 0.35 else 1) * fading
        delay = round(max(3, ghosting.delay * (1.0 if echo == 0 else far)) * view.scale)
        kernel = gaussian(1.5 * view.scale)
        soft = filter_lines(planes, kernel, len(kernel) // 2)
        if delay < view.width:
            result[:, delay:] += np.float32(gain) * soft[:, : view.width - delay]
    return result


def _oscillation(ringing: Ringing, scale: float) -> Array:
    """Return the taps of a pulse and its damped ring, of unit sum."""
    n = np.arange(math.ceil(4 * ringing.decay * scale) + 1)
    # Narrow frames would need frequencies that they cannot show.
    frequency = min(ringing.frequency / scale, 0.4)
    taps = ringing.ring * np.exp(-n / (ringing.decay * scale)) * np.sin(2 * np.pi * frequency * n)
    taps[0] = 1
    return (taps / taps.sum()).astype(np.float32)
