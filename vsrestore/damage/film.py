"""Synthetic film damage: parameters, presets, the order of the effects, and random mixtures for training.

The order is the physical one: stock and fading, grain, marks on the film (mould, blotches, scratches, rain, dirt,
hairs, cue marks, splices, burns), bars, weave, jumps, flicker, and last the hairs in the gate, which do not move with
the picture.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from .blotches import Blotches, Mould, lay_blotches, lay_mould
from .burns import Burns, lay_burns
from .canvas import Canvas, View, view_of
from .colour import DyeLoss, Edges, Fading, Tone, faded, toned, with_dye_loss, with_edges
from .grain import Grain, add_grain
from .hairs import Hairs, lay_gate_hairs, lay_loose_hairs
from .noise import Array, between, filtered, gaussian, generator
from .ranges import ranged
from .scratches import Rain, Scratches, lay_rain, lay_scratches
from .specks import CueMarks, Dirt, lay_cue_marks, lay_dirt
from .splices import Splices, lay_splices, splice_jolt
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


@dataclass(frozen=True, kw_only=True)
class FilmDamage:
    """Parameters of all faults of film; every default is "off", and off is the identity, bit by bit.

    The usual range of each parameter is declared with it; `ranges.out_of_range` tells what lies outside.

    dirt, cue_marks, hairs, scratches, rain, blotches, mould, burns, bars: damage, found in `Damaged.damaged` only.
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


class Damaged(NamedTuple):
    """What `damage_film` returns; float32 in [0, 1]; outputs that are equal may share memory.

    damaged: (T, H, W, 3) with everything.
    grained: (T, H, W, 3) without the damage, with the grain: the target when grain is to be left.
    clean: (T, H, W, 3) without damage and grain: the target when grain is to be removed.
    mask: (T, H, W) where marks were laid and how opaque; bars and flicker do not count.
    """

    damaged: Array
    grained: Array
    clean: Array
    mask: Array


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
    mask = np.zeros(picture.shape[:2], dtype=np.float32)
    canvas = Canvas(grained.copy(), mask, view, params.tone == "gray")
    _lay_marks(canvas, seed, frame, params)
    if params.softness > 0 and mask.any():
        canvas = _softened(canvas, grained, params.softness * view.scale)
    if params.bars.strength:
        canvas.image[...] *= bar_of(seed, frame, params.bars, view)
    canvas, grained, picture = _transport(canvas, grained, picture, seed, frame, params)
    if params.hairs.gate > 0:
        lay_gate_hairs(canvas, seed, frame, params.hairs)
    return Damaged(*(np.clip(part, 0, 1) for part in (canvas.image, grained, picture, canvas.mask)))


def _lay_marks(canvas: Canvas, seed: int, frame: int, params: FilmDamage) -> None:
    if params.mould.cover > 0:
        lay_mould(canvas, seed, frame, params.mould)
    if params.blotches.rate > 0:
        lay_blotches(canvas, seed, frame, params.blotches)
    if params.scratches.count > 0:
        lay_scratches(canvas, seed, frame, params.scratches)
    if params.rain.rate > 0:
        lay_rain(canvas, seed, frame, params.rain)
    if params.dirt.rate > 0:
        lay_dirt(canvas, seed, frame, params.dirt)
    if params.hairs.loose > 0 or params.hairs.lint > 0:
        lay_loose_hairs(canvas, seed, frame, params.hairs)
    if params.cue_marks.rate > 0 or params.cue_marks.reel > 0:
        lay_cue_marks(canvas, seed, frame, params.cue_marks)
    lay_splices(canvas, seed, frame, params.splices)
    if params.burns.rate > 0:
        lay_burns(canvas, seed, frame, params.burns)


def _softened(canvas: Canvas, grained: Array, sigma: float) -> Canvas:
    """Blur the marks, not the picture under them: the difference they make and the mask."""
    kernel = gaussian(sigma)
    reach = len(kernel) // 2
    marks = np.concatenate([canvas.image - grained, canvas.mask[..., None]], axis=-1)
    marks = filtered(np.pad(marks, ((reach, reach), (reach, reach), (0, 0)), mode="edge"), kernel)
    return replace(canvas, image=grained + marks[..., :3], mask=np.ascontiguousarray(marks[..., 3]))


def _transport(
    canvas: Canvas, grained: Array, picture: Array, seed: int, frame: int, params: FilmDamage
) -> tuple[Canvas, Array, Array]:
    """Move and light all three pictures and the mask alike."""
    image, mask, view = canvas.image, canvas.mask, canvas.view
    if params.weave.amount > 0 or params.weave.turn > 0:
        shift = shift_of(seed, frame, params.weave, view)
        image, picture, mask = (weave_frame(part, shift, view) for part in (image, picture, mask[..., None]))
        grained, mask = (weave_frame(grained, shift, view) if params.grain.amount else picture), mask[..., 0]
    offset, gain = splice_jolt(seed, frame, params.splices, view)
    offset += jump_of(seed, frame, params.jumps, view) if params.jumps.rate > 0 else 0.0
    if round(offset):
        image, grained, picture = (
            displaced(part, offset, params.jumps.line, view) for part in (image, grained, picture)
        )
        mask = displaced(mask[..., None], offset, params.jumps.line, view)[..., 0]
    if gain != 1:
        image, grained, picture = (part * np.float32(gain) for part in (image, grained, picture))
    if params.flicker.amount > 0 or params.flicker.beat > 0:
        alpha, beta = flicker_of(seed, frame, params.flicker, view)
        image, grained, picture = (part * alpha + np.float32(beta) for part in (image, grained, picture))
    if params.flicker.exposure > 0:
        bend = np.float32(exponent_of(seed, frame, params.flicker))
        image, grained, picture = (np.power(np.maximum(part, 0), bend) for part in (image, grained, picture))
    return replace(canvas, image=image, mask=mask), grained, picture


def sample_film(seed: int) -> FilmDamage:
    """Return a random mixture of faults for training and checks, from almost clean to heavy.

    Every fault is on or off by itself; rates and amplitudes are drawn evenly in the logarithm up to a limit that is
    itself drawn for the mixture, so that light mixtures are as common as heavy ones.
    """
    rng = generator(seed, "sample film")
    top = float(rng.random())
    film = _sample_film_itself(generator(seed, "sample film itself"))
    if rng.random() < 0.06:
        return FilmDamage(tone=film.tone, fading=film.fading, grain=film.grain, weave=film.weave, flicker=film.flicker)
    on = rng.random(8) < (0.94, 0.35, 0.4, 0.45, 0.3, 0.4, 0.2, 0.12)
    marks = generator(seed, "sample film marks")
    dirt = _sample_dirt(marks, top)
    hairs = Hairs(
        loose=between(marks, 0.2, 0.5 + 4 * top) if on[1] else 0.0,
        lint=between(marks, 1, 2 + 40 * top) if on[2] else 0.0,
        gate=between(marks, 0.3, 2) if on[6] else 0.0,
        dark=float(marks.random()),
        thickness=between(marks, 0.9, 2.4),
    )
    return FilmDamage(
        dirt=dirt if on[0] else Dirt(),
        hairs=hairs,
        scratches=_sample_scratches(marks, top) if on[3] else Scratches(),
        rain=Rain(rate=between(marks, 2, 4 + 60 * top), dark=float(marks.random())) if on[4] else Rain(),
        blotches=_sample_blotches(marks, top) if on[5] else Blotches(),
        cue_marks=CueMarks(rate=between(marks, 0.01, 0.2), anywhere=True) if marks.random() < 0.2 else CueMarks(),
        bars=_sample_bars(marks) if on[7] else Bars(),
        softness=between(marks, 0.3, 1.2) if marks.random() < 0.3 else 0.0,
        tone=film.tone,
        fading=film.fading,
        grain=film.grain,
        weave=film.weave,
        flicker=film.flicker,
    )


def _sample_dirt(rng: np.random.Generator, top: float) -> Dirt:
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


def _sample_scratches(rng: np.random.Generator, top: float) -> Scratches:
    return Scratches(
        count=between(rng, 1, 2 + 10 * top),
        strength=between(rng, 0.06, 0.4),
        drift=between(rng, 0.3, 5),
        dark=float(rng.random()),
        broken=float(rng.random()),
        coloured=float(rng.choice([0.0, 0.3])),
    )


def _sample_blotches(rng: np.random.Generator, top: float) -> Blotches:
    return Blotches(rate=between(rng, 0.3, 1 + 4 * top), opacity=between(rng, 0.2, 0.9), bright=float(rng.random()))


def _sample_bars(rng: np.random.Generator) -> Bars:
    sign = 1 if rng.random() < 0.7 else -1
    return Bars(
        strength=sign * between(rng, 0.05, 0.4),
        height=between(rng, 0.1, 0.5),
        speed=between(rng, 0.2, 10) * (1 if rng.random() < 0.5 else -1),
    )


def _sample_film_itself(rng: np.random.Generator) -> FilmDamage:
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
