"""Composite video: luma and chroma in one signal, and what its separation leaves: dot crawl and cross-colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from .canvas import View
from .lines import above, filter_lines, frame_rows
from .noise import Array, gaussian
from .ranges import ranged

# Of each system: cycles of the subcarrier per line beyond whole ones, lines per frame, lines until the second field.
_SYSTEMS = {"ntsc": (0.5, 525, 263), "pal": (0.7516, 625, 313)}

# Sigma in px of 1.3 MHz, the widest that broadcast chroma may be.
_CHROMA_BAND = 1.4
_REACH = 16


@dataclass(frozen=True, kw_only=True)
class Composite:
    """Encoding to composite and back, sampled at four times the subcarrier (one px is a quarter of its cycle).

    amount: 0 = off, 1 = all that the decoder leaves. system: "ntsc" or "pal".
    decoder: "notch" (a band-pass: most dot crawl and cross-colour) or "comb" (two lines; less of both, hanging dots
        at horizontal colour edges; for NTSC).
    """

    amount: float = ranged(0.0, 0, 1)
    system: Literal["ntsc", "pal"] = "ntsc"
    decoder: Literal["notch", "comb"] = "notch"


def through_composite(planes: Array, frame: int, composite: Composite, view: View) -> Array:
    """Return planes (H, W, 3) after composite coding and decoding; no randomness, the phase follows the frame."""
    # The filters look beyond the borders, where the carrier must go on.
    padded = np.pad(planes, ((0, 0), (_REACH, _REACH), (0, 0)), mode="edge")
    sine, cosine = _carriers(frame, composite.system, view)
    band = gaussian(_CHROMA_BAND)
    chroma = filter_lines(padded[..., 1:], band, len(band) // 2)
    signal = padded[..., 0] + chroma[..., 0] * sine + chroma[..., 1] * cosine
    separated = _combed(signal) if composite.decoder == "comb" else signal
    # A comb may let a wider band pass, since the luma in it is gone already.
    taps = _band_pass(1.0 if composite.decoder == "comb" else 2.0)
    separated = filter_lines(separated[..., None], taps, len(taps) // 2)[..., 0]
    colours = filter_lines(np.stack([2 * separated * sine, 2 * separated * cosine], axis=-1), band, len(band) // 2)
    decoded = np.concatenate([(signal - separated)[..., None], colours], axis=-1)[:, _REACH:-_REACH]
    return planes + np.float32(composite.amount) * (decoded - planes)


def _combed(signal: Array) -> Array:
    """Return (2 C - C above - C below) / 4 of a signal (H, W); at the borders the one neighbour counts twice."""
    if len(signal) < 4:
        return signal
    before, after = above(signal, 1), above(signal[::-1], 1)[::-1].copy()
    before[:2], after[-2:] = signal[2:4], signal[-4:-2]
    return np.float32(0.25) * (2 * signal - before - after)


def _band_pass(sigma: float) -> Array:
    """Return the taps of a Gaussian band around a quarter of the sampling rate: gain 1 there, 0 for flat areas."""
    kernel = gaussian(sigma).astype(np.float64)
    carrier = np.cos(np.pi / 2 * np.arange(-(len(kernel) // 2), len(kernel) // 2 + 1))
    taps = kernel * carrier
    taps -= kernel * taps.sum()
    return (taps / (taps * carrier).sum()).astype(np.float32)


def _carriers(frame: int, system: str, view: View) -> tuple[Array, Array]:
    """Return sin p and e cos p of the subcarrier for every pixel and the margin; lines count on through frames."""
    per_line, lines, second = _SYSTEMS[system]
    rows = frame_rows(view)
    number = frame * lines + (rows % 2) * second + rows // 2
    columns = np.arange(view.left - _REACH, view.left + view.width + _REACH)
    phase = 2 * np.pi * ((per_line * number) % 1.0)[:, None] + (np.pi / 2) * (columns % 4)[None, :]
    switch = np.where(number % 2 == 0, 1, -1)[:, None] if system == "pal" else 1
    return np.sin(phase).astype(np.float32), (switch * np.cos(phase)).astype(np.float32)
