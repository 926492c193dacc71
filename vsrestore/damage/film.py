"""Synthetic film damage: parameters, presets, the order of the effects.

The order is the physical one: stock and fading, grain, marks on the film (mould, stains, fingerprints, blotches,
scratches, rain, dirt, hairs, cue marks, splices, burns), bars, weave, jumps, flicker, and last the hairs in the gate,
which do not move with the picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from .blotches import Blotches, Mould, lay_blotches, lay_mould
from .burns import Burns, lay_burns
from .canvas import Canvas, View, view_of
from .colour import DyeLoss, Edges, Fading, Tone, faded, toned, with_dye_loss, with_edges
from .cue_marks import CueMarks, lay_cue_marks
from .fingerprints import Fingerprints, lay_fingerprints
from .grain import Grain, add_grain
from .hairs import Hairs, lay_gate_hairs, lay_loose_hairs
from .noise import Array, filtered, gaussian
from .rain import Rain, lay_rain
from .ranges import ranged
from .scratches import Scratches, lay_scratches
from .specks import Dirt, lay_dirt
from .splices import Splices, lay_splices, splice_jolt
from .stains import Stains, lay_stains
from .transport import (
    Bars,
    Flicker,
    Jumps,
    Weave,
    bar_of,
    displaced,
    exponent_of,
    flicker_of,
    jump_of,
    shift_of,
    weave_frame,
)

KINDS = ("dirt", "scratches", "cue marks", "stains", "hairs", "joins")
"""The kinds of marks that `Damaged.kinds` tells apart.

dirt: what is there for one frame (dirt, rain, loose hairs and lint). stains: blotches, fingerprints and mould, too.
hairs: those in the gate. joins: splices and burns.
"""


@dataclass(frozen=True, kw_only=True)
class FilmDamage:
    """Parameters of all faults of film; every default is "off", and off is the identity, bit by bit.

    The usual range of each parameter is declared with it; `ranges.out_of_range` tells what lies outside.

    dirt, cue_marks, hairs, scratches, rain, blotches, stains, fingerprints, mould, burns, bars: damage, found
        in `Damaged.damaged` only.
    splices: their edges are damage; how they move and brighten the picture is in every output. Which frames are missing
        at them is no matter of one frame: `splices.frame_map` tells it, and the filter `film_damage` follows it.
    softness: sigma in px of a small blur of the marks as a soft scan gives it.
    grain: in `damaged` and `grained`.
    tone ("colour", "gray", "sepia"), dye_loss, fading, edges, weave, jumps, flicker: of the film as such, in every
        output.
    """

    dirt: Dirt = field(default_factory=Dirt)
    cue_marks: CueMarks = field(default_factory=CueMarks)
    hairs: Hairs = field(default_factory=Hairs)
    scratches: Scratches = field(default_factory=Scratches)
    rain: Rain = field(default_factory=Rain)
    blotches: Blotches = field(default_factory=Blotches)
    bars: Bars = field(default_factory=Bars)
    softness: float = ranged(0.0, 0, 1.5)
    grain: Grain = field(default_factory=Grain)
    tone: Tone = "colour"
    fading: Fading = field(default_factory=Fading)
    weave: Weave = field(default_factory=Weave)
    flicker: Flicker = field(default_factory=Flicker)
    dye_loss: DyeLoss = field(default_factory=DyeLoss)
    edges: Edges = field(default_factory=Edges)
    jumps: Jumps = field(default_factory=Jumps)
    mould: Mould = field(default_factory=Mould)
    splices: Splices = field(default_factory=Splices)
    burns: Burns = field(default_factory=Burns)
    stains: Stains = field(default_factory=Stains)
    fingerprints: Fingerprints = field(default_factory=Fingerprints)


class Damaged(NamedTuple):
    """What `damage_film` returns; float32 in [0, 1]; outputs that are equal may share memory.

    damaged: (T, H, W, 3) with everything.
    grained: (T, H, W, 3) without the damage, with the grain: the target when grain is to be left.
    clean: (T, H, W, 3) without damage and grain: the target when grain is to be removed.
    mask: (T, H, W) where marks were laid and how opaque; bars and flicker do not count.
    kinds: (T, H, W, K) the same for each of `KINDS`; the mask is the largest of them.
    """

    damaged: Array
    grained: Array
    clean: Array
    mask: Array
    kinds: Array


def damage_film(frames: Array, first: int, seed: int, params: FilmDamage, frame_width: int | None = None) -> Damaged:
    """Damage frames of a clip as film is damaged; a pure function of its arguments, frame by frame.

    Args:
        frames: (T, H, W, 3) float32 RGB in [0, 1], gamma-coded. Left unchanged.
        first: frame number of frames[0].
        seed: any integer.
        params: the faults. Lengths in px hold for 720 px width and scale with frame_width / 720.
        frame_width: width in px of the frame that the pixels were cut from; None: they are whole frames. Events are
            spread over the frame, so a piece gets its share of them; its place is drawn from the seed.

    Raises:
        ValueError: the array is not (T, H, W, 3).
    """
    if frames.ndim != 4 or frames.shape[3] != 3:
        raise ValueError(f"damage_film: frames have the shape {frames.shape}; give (T, H, W, 3)")
    view = view_of(frames.shape[1], frames.shape[2], frame_width, seed)
    source = with_dye_loss(frames.astype(np.float32, copy=False), params.dye_loss)
    source = with_edges(faded(toned(source, params.tone), params.fading), params.edges, view)
    done = [_damage_frame(picture, first + i, seed, params, view) for i, picture in enumerate(source)]
    return Damaged(*(np.stack(planes) for planes in zip(*done, strict=True)))


def _damage_frame(picture: Array, frame: int, seed: int, params: FilmDamage, view: View) -> Damaged:
    grained = add_grain(picture, seed, frame, params.grain)
    image, kinds = grained.copy(), np.zeros((*picture.shape[:2], len(KINDS)), dtype=np.float32)
    _lay_marks(_canvases(image, kinds, view, params), seed, frame, params)
    if params.softness > 0 and kinds.any():
        image, kinds = _softened(image, kinds, grained, params.softness * view.scale)
    if params.bars.strength:
        image *= bar_of(seed, frame, params.bars, view)
    image, grained, picture, kinds = _transport((image, grained, picture, kinds), seed, frame, params, view)
    if params.hairs.gate > 0:
        lay_gate_hairs(_canvases(image, kinds, view, params)["hairs"], seed, frame, params.hairs)
    image, grained, picture, kinds = (np.clip(part, 0, 1) for part in (image, grained, picture, kinds))
    return Damaged(image, grained, picture, kinds.max(axis=-1), kinds)


def _canvases(image: Array, kinds: Array, view: View, params: FilmDamage) -> dict[str, Canvas]:
    """Return a canvas for each kind of marks; all have one image."""
    return {kind: Canvas(image, kinds[..., i], view, params.tone == "gray") for i, kind in enumerate(KINDS)}


_MARKS: tuple[tuple[str, str, Callable[..., None]], ...] = (
    ("mould", "stains", lay_mould),
    ("stains", "stains", lay_stains),
    ("fingerprints", "stains", lay_fingerprints),
    ("blotches", "stains", lay_blotches),
    ("scratches", "scratches", lay_scratches),
    ("rain", "dirt", lay_rain),
    ("dirt", "dirt", lay_dirt),
    ("hairs", "dirt", lay_loose_hairs),
    ("cue_marks", "cue marks", lay_cue_marks),
    ("splices", "joins", lay_splices),
    ("burns", "joins", lay_burns),
)
"""The marks on the film in the order in which they are laid: name in `FilmDamage`, kind, what lays them."""


def _lay_marks(canvases: dict[str, Canvas], seed: int, frame: int, params: FilmDamage) -> None:
    off = FilmDamage()
    for name, kind, lay in _MARKS:
        fault = getattr(params, name)
        if fault != getattr(off, name):
            lay(canvases[kind], seed, frame, fault)


def _softened(image: Array, kinds: Array, grained: Array, sigma: float) -> tuple[Array, Array]:
    """Blur the marks, not the picture under them: the difference they make and where they are."""
    kernel = gaussian(sigma)
    reach = len(kernel) // 2
    marks = np.concatenate([image - grained, kinds], axis=-1)
    marks = filtered(np.pad(marks, ((reach, reach), (reach, reach), (0, 0)), mode="edge"), kernel)
    return grained + marks[..., :3], np.ascontiguousarray(marks[..., 3:])


def _transport(
    parts: tuple[Array, Array, Array, Array], seed: int, frame: int, params: FilmDamage, view: View
) -> tuple[Array, Array, Array, Array]:
    """Move and light all three pictures alike (damaged, grained, clean), and move where the marks are."""
    image, grained, picture, kinds = parts
    if params.weave.amount > 0 or params.weave.turn > 0:
        shift = shift_of(seed, frame, params.weave, view)
        image, picture, kinds = (weave_frame(part, shift, view) for part in (image, picture, kinds))
        grained = weave_frame(grained, shift, view) if params.grain.amount else picture
    offset, gain = splice_jolt(seed, frame, params.splices, view)
    offset += jump_of(seed, frame, params.jumps, view) if params.jumps.rate > 0 else 0.0
    if round(offset):
        image, grained, picture, kinds = (
            displaced(part, offset, params.jumps.line, view) for part in (image, grained, picture, kinds)
        )
    if gain != 1:
        image, grained, picture = (part * np.float32(gain) for part in (image, grained, picture))
    if params.flicker.amount > 0 or params.flicker.beat > 0:
        alpha, beta = flicker_of(seed, frame, params.flicker, view)
        image, grained, picture = (part * alpha + np.float32(beta) for part in (image, grained, picture))
    if params.flicker.exposure > 0:
        bend = np.float32(exponent_of(seed, frame, params.flicker))
        image, grained, picture = (np.power(np.maximum(part, 0), bend) for part in (image, grained, picture))
    return image, grained, picture, kinds


PRESETS = MappingProxyType(
    {
        "film-light": FilmDamage(
            dirt=Dirt(rate=6, softness=1.0),
            hairs=Hairs(loose=0.1, lint=1),
            scratches=Scratches(count=0.5, strength=0.12),
            grain=Grain(amount=0.025, size=0.7),
        ),
        "film-heavy": FilmDamage(
            dirt=Dirt(rate=60, spread=1.0, softness=1.2, opacity=0.4),
            hairs=Hairs(loose=0.8, lint=8, gate=0.5),
            scratches=Scratches(count=3, strength=0.3),
            rain=Rain(rate=10),
            blotches=Blotches(rate=0.8),
            cue_marks=CueMarks(rate=0.01),
            grain=Grain(amount=0.07, size=0.8),
            tone="gray",
            weave=Weave(amount=0.4, turn=0.01),
            flicker=Flicker(amount=0.03),
        ),
    }
)
"""The presets by name; "film-light" is a good print, "film-heavy" a worn silent one."""
