"""Draw contact sheets of every fault that vsrestore.damage makes: damage-film.jpg, damage-tape.jpg, damage-digital.jpg.

The pictures are those of the demo clip. A cell shows a part of a frame in its own size, a whole frame halved, or some
frames in a row.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from demo_clip import HEIGHT, WIDTH, clip_frames
from PIL import Image, ImageDraw, ImageFont

from vsrestore.damage import frames as frame_faults
from vsrestore.damage import splices as film_splices
from vsrestore.damage.banding import Banding
from vsrestore.damage.blotches import Blotches, Mould
from vsrestore.damage.blur import Defocus, MotionBlur
from vsrestore.damage.burns import Burns
from vsrestore.damage.chroma import Bandwidth, ChromaFaults, ChromaShift
from vsrestore.damage.colour import DyeLoss, Edges, Fading
from vsrestore.damage.composite import Composite
from vsrestore.damage.compression import Compression
from vsrestore.damage.conversion import Conversion
from vsrestore.damage.cue_marks import CueMarks
from vsrestore.damage.digital import PRESETS as DIGITAL_PRESETS
from vsrestore.damage.digital import DigitalDamage, damage_digital
from vsrestore.damage.dropouts import Dropouts
from vsrestore.damage.echoes import Ghosting, Ringing
from vsrestore.damage.fields import FieldFaults, Interlacing, Pulldown, film_frame
from vsrestore.damage.film import PRESETS as FILM_PRESETS
from vsrestore.damage.film import FilmDamage, damage_film
from vsrestore.damage.fingerprints import Fingerprints
from vsrestore.damage.frames import FrameFaults
from vsrestore.damage.grain import Grain
from vsrestore.damage.hairs import Hairs
from vsrestore.damage.luma import Levels, LumaNoise
from vsrestore.damage.rain import Rain
from vsrestore.damage.scaling import Scaling
from vsrestore.damage.scratches import Scratches
from vsrestore.damage.sensor import Sensor
from vsrestore.damage.slices import LostSlices
from vsrestore.damage.specks import Dirt
from vsrestore.damage.splices import Splices
from vsrestore.damage.stains import Stains
from vsrestore.damage.sync import HeadSwitching, LostSync, Mistracking, TimeBase
from vsrestore.damage.tape import PRESETS as TAPE_PRESETS
from vsrestore.damage.tape import TapeDamage, damage_tape
from vsrestore.damage.transport import Bars, Flicker, Jumps, Weave

COUNTS = {"crop": 1, "whole": 1, "row": 4, "close": 4, "join": 2}
"""How many frames each kind of picture shows."""

Damage = FilmDamage | TapeDamage | DigitalDamage

SEED = 7
COLUMNS = 4
CELL_WIDTH, CELL_HEIGHT = WIDTH // 2, HEIGHT // 2
MARGIN, LABEL = 6, 20
QUALITY = 78
LENGTH = 60
"""Frames of the clip that are rendered; the cut lies in their middle."""
SCENES = (4, 34)
"""First frame of each scene that is shown."""
RUN, AHEAD = 18, 3
"""Frames that there are for a cell, and how many of them lie behind those that it shows."""


@dataclass(frozen=True)
class Cell:
    """One picture of the sheet.

    params: the faults. number: the frame number that the damage is told. scene: of the clip, 0 or 1.
    part: "crop" (a part of the frame in its own size), "whole" (halved), "row" (four frames in a row, quartered),
        "close" (parts of them) or "join" (the bottom of a frame over the top of the next, as on the film).
    at: top and left of the part. after: frames that go before it, for codecs.
    """

    params: Damage
    number: int = 0
    scene: int = 0
    part: str = "crop"
    at: tuple[int, int] = (80, 180)
    after: int = 0


FILM: Mapping[str, Cell] = {
    "no fault": Cell(FilmDamage(), part="whole"),
    "dirt and specks": Cell(FilmDamage(dirt=Dirt(rate=150, softness=1)), 3),
    "specks in a sharpened scan": Cell(FilmDamage(dirt=Dirt(rate=150, halo=0.4), softness=0.8), 4),
    "hairs and lint": Cell(FilmDamage(hairs=Hairs(loose=4, lint=25)), 3),
    "hair in the gate": Cell(FilmDamage(hairs=Hairs(gate=3, thickness=2)), 500, at=(240, 320)),
    "scratches": Cell(FilmDamage(scratches=Scratches(count=9, strength=0.35)), 18),
    "scratches that wander, fork": Cell(
        FilmDamage(scratches=Scratches(count=8, strength=0.5, wander=5, forked=1, fleeting=0, slant=0.1)), 24
    ),
    "coloured scratches": Cell(FilmDamage(scratches=Scratches(count=9, strength=0.4, coloured=1)), 348),
    "rain": Cell(FilmDamage(rain=Rain(rate=80)), 3),
    "blotches": Cell(FilmDamage(blotches=Blotches(rate=5)), 17, 1, "whole"),
    "stains": Cell(FilmDamage(stains=Stains(rate=0.4, opacity=0.5, tint=0.2)), 186, 1, "whole"),
    "stains with tide lines, drops": Cell(FilmDamage(stains=Stains(rate=0.8, rim=1, drops=0.7, opacity=0.6)), 153),
    "fingerprint": Cell(FilmDamage(fingerprints=Fingerprints(rate=0.5, opacity=0.6)), 60, part="whole"),
    "mould": Cell(FilmDamage(mould=Mould(cover=0.2)), 2, 1, "whole"),
    "cue mark": Cell(FilmDamage(cue_marks=CueMarks(rate=0.2)), 57, at=(0, 320)),
    "marks of all kinds": Cell(FilmDamage(cue_marks=CueMarks(rate=6, anywhere=True, size=(0.02, 0.06))), 5),
    "grain, in density": Cell(FilmDamage(grain=Grain(amount=0.1, size=0.8, coloured=True))),
    "grain, signal dependent": Cell(FilmDamage(grain=Grain(method="signal", amount=0.06))),
    "grain, soft-light overlay": Cell(FilmDamage(grain=Grain(method="softlight", amount=0.3, size=1))),
    "flicker": Cell(FilmDamage(flicker=Flicker(amount=0.12, beat=0.1)), 8, part="row"),
    "gate weave": Cell(FilmDamage(weave=Weave(amount=1.5, turn=0.05), edges=Edges(gate=6)), 8, part="row"),
    "jump, frame line": Cell(FilmDamage(jumps=Jumps(rate=0.1, height=30)), 22, part="whole"),
    "splice": Cell(FilmDamage(splices=Splices(rate=0.01, missing=4, offset=30)), part="join"),
    "splice under tape": Cell(FilmDamage(splices=Splices(rate=0.01, tape=0.6, offset=0, flash=0)), part="join"),
    "burn": Cell(FilmDamage(burns=Burns(rate=0.05)), 58, part="whole"),
    "faded colours": Cell(FilmDamage(fading=Fading(gain=(1, 0.85, 0.75), lift=(0.1, 0.06, 0.05), saturation=0.6))),
    "lost dyes": Cell(FilmDamage(dye_loss=DyeLoss(loss=(0.5, 0.1, 0.35), stain=(0, 0, 0.1))), part="whole"),
    "black and white": Cell(FilmDamage(tone="gray"), part="whole"),
    "sepia": Cell(FilmDamage(tone="sepia"), part="whole"),
    "vignette, rim of the gate": Cell(FilmDamage(edges=Edges(vignette=0.5, gate=8)), part="whole"),
    "vinegar syndrome": Cell(FilmDamage(edges=Edges(vinegar=0.8)), part="whole"),
    "rolling bar": Cell(FilmDamage(bars=Bars(strength=0.3, height=0.3)), 9, part="whole"),
    "preset film-light": Cell(FILM_PRESETS["film-light"], 4),
    "preset film-heavy": Cell(FILM_PRESETS["film-heavy"], 5, part="whole"),
}
TAPE: Mapping[str, Cell] = {
    "no fault": Cell(TapeDamage()),
    "bandwidth, two generations": Cell(TapeDamage(bandwidth=Bandwidth(luma=0.9, chroma=6, generations=2))),
    "chroma shift and bleed": Cell(TapeDamage(chroma_shift=ChromaShift(right=8, down=4, bleed=8))),
    "chroma noise": Cell(TapeDamage(chroma=ChromaFaults(noise=0.08))),
    "hue errors of lines": Cell(TapeDamage(chroma=ChromaFaults(hue=10, hue_jitter=15))),
    "Hanover bars (PAL)": Cell(TapeDamage(chroma=ChromaFaults(hue=10, hue_jitter=15, alternate=True))),
    "lost colour in lines, in bands": Cell(TapeDamage(chroma=ChromaFaults(loss=30, killer=2)), 1),
    "colour lost in soft bands": Cell(TapeDamage(chroma=ChromaFaults(bands=4, band_hue=80)), 306, part="whole"),
    "luma noise": Cell(TapeDamage(luma_noise=LumaNoise(amount=0.06, weighting=0.1, size=1.1, streaks=0.002))),
    "time base: jitter": Cell(TapeDamage(time_base=TimeBase(jitter=2))),
    "time base: waving, flagging": Cell(TapeDamage(time_base=TimeBase(waving=4, flagging=60)), 6, part="whole"),
    "time base: fields apart, wow": Cell(TapeDamage(time_base=TimeBase(waving=3, flagging=20, apart=0.7, wow=0.01)), 4),
    "time base: swinging lines": Cell(TapeDamage(time_base=TimeBase(swing=2.5)), 4),
    "ringing, peaking, smear": Cell(TapeDamage(ringing=Ringing(peaking=1.2, ring=0.4, smear=0.1))),
    "ghosts": Cell(TapeDamage(ghosting=Ghosting(gain=0.25, delay=60))),
    "drop-outs": Cell(TapeDamage(dropouts=Dropouts(rate=12)), 3),
    "drop-outs with tails, missing lines, two rows each": Cell(
        TapeDamage(dropouts=Dropouts(rate=6, tail=80, length=60, lines=3, bright=0.6, rows=2)), 3
    ),
    "creased tape": Cell(TapeDamage(dropouts=Dropouts(crease=0.1)), 10),
    "mistracking, tearing": Cell(TapeDamage(mistracking=Mistracking(bands=2, height=90, tear=40)), 30, part="whole"),
    "mistracking, white dashes, not dimmed": Cell(
        TapeDamage(mistracking=Mistracking(bands=1, height=60, dash=30, bright=1, shift=8, tear=2, dim=0)),
        120,
        part="whole",
    ),
    "lost sync": Cell(TapeDamage(lost_sync=LostSync(rate=0.1)), 7, part="whole"),
    "head switching": Cell(TapeDamage(head_switching=HeadSwitching(height=12, skew=90)), at=(240, 180)),
    "head switching, fields apart": Cell(
        TapeDamage(head_switching=HeadSwitching(height=12, skew=60, snow=0.1, apart=2)), at=(240, 180)
    ),
    "interlace combing": Cell(TapeDamage(interlacing=Interlacing(combing=1))),
    "3:2 pull-down": Cell(TapeDamage(pulldown=Pulldown(on=True)), 1, part="close", at=(100, 260)),
    "lost field": Cell(TapeDamage(fields=FieldFaults(lost=0.2)), 22, at=(100, 200)),
    "blended frames": Cell(TapeDamage(fields=FieldFaults(blend=0.5))),
    "dot crawl, cross-colour": Cell(TapeDamage(composite=Composite(amount=1))),
    "levels, hum, clipped white": Cell(
        TapeDamage(levels=Levels(gain=1.2, hum=0.05, white=0.9, shading=0.2)), part="whole"
    ),
    "preset vhs": Cell(TAPE_PRESETS["vhs"], 12, part="whole"),
    "preset vhs (part)": Cell(TAPE_PRESETS["vhs"], 12),
    "preset hi8": Cell(TAPE_PRESETS["hi8"], 5),
}
DIGITAL: Mapping[str, Cell] = {
    "no fault": Cell(DigitalDamage(), scene=1),
    "motion blur": Cell(DigitalDamage(motion_blur=MotionBlur(length=20)), 3, 1),
    "defocus": Cell(DigitalDamage(defocus=Defocus(radius=5)), 3, 1),
    "down-scaled fourfold": Cell(DigitalDamage(scaling=Scaling(factor=4)), scene=1),
    "down-scaled with aliasing": Cell(DigitalDamage(scaling=Scaling(factor=3, kernel="bilinear", antialias=False))),
    "noise": Cell(DigitalDamage(noise=Grain(method="signal", amount=0.06, coloured=True)), scene=1),
    "noise of light and amplifier": Cell(DigitalDamage(sensor=Sensor(shot=0.005, read=0.0005)), scene=1),
    "impulses, columns": Cell(DigitalDamage(sensor=Sensor(impulses=0.01, columns=0.01)), scene=1),
    "banding, 4 bits": Cell(DigitalDamage(banding=Banding(bits=4, smooth=2)), scene=1),
    "BT.601 read as BT.709": Cell(DigitalDamage(conversion=Conversion(matrix="601 as 709")), scene=1),
    "full range read as limited": Cell(DigitalDamage(conversion=Conversion(levels="full as limited")), scene=1),
    "limited range read as full": Cell(DigitalDamage(conversion=Conversion(levels="limited as full")), scene=1),
    "limited range rounded twice": Cell(DigitalDamage(conversion=Conversion(roundings=2)), scene=1),
    "MPEG-2, quantiser 20": Cell(DigitalDamage(compression=Compression(codec="mpeg2", quality=20)), after=10),
    "H.264, CRF 42": Cell(DigitalDamage(compression=Compression(codec="h264", quality=42)), after=10),
    "H.264, no deblocking": Cell(
        DigitalDamage(compression=Compression(codec="h264", quality=40, deblock=False)), after=10
    ),
    "H.265, CRF 42": Cell(DigitalDamage(compression=Compression(codec="h265", quality=42)), after=10),
    "lost slices": Cell(DigitalDamage(slices=LostSlices(rate=0.01)), after=10, part="whole"),
    "frames shown twice, black": Cell(
        DigitalDamage(timing=FrameFaults(duplicates=0.1, drops=0.1, black=0.05)), 550, after=1, part="row"
    ),
    "preset dvd": Cell(DIGITAL_PRESETS["dvd"], after=10),
    "preset web-low": Cell(DIGITAL_PRESETS["web-low"], after=10),
}
SHEETS = {"damage-film": FILM, "damage-tape": TAPE, "damage-digital": DIGITAL}


def source_frames() -> np.ndarray:
    """Return the frames of the demo clip, (T, H, W, 3) float32 in [0, 1]."""
    return np.stack(list(clip_frames(LENGTH, WIDTH, HEIGHT))).astype(np.float32) / 255


def damaged(cell: Cell, clip: np.ndarray) -> np.ndarray:
    """Return the frames that a cell shows, (T, H, W, 3) in [0, 1]."""
    number, params, count = cell.number, cell.params, COUNTS[cell.part]
    first = SCENES[cell.scene]
    frames = clip[first : first + RUN]
    if isinstance(params, FilmDamage):
        if params.splices.rate > 0:
            number = splice_after(params.splices) - 1
        numbers = film_splices.frame_map(SEED, number, count, params.splices) - number
        return damage_film(frames[numbers], number, SEED, params).damaged
    if isinstance(params, TapeDamage):
        if params.pulldown.on:
            frames = frames[[film_frame(number + i, params.pulldown.phase) for i in range(count + 1)]]
        return damage_tape(frames[:count], number, SEED, params, following=frames[count]).damaged
    done = damage_digital(frames[: cell.after + count + AHEAD], number, SEED, params)
    numbers = frame_faults.frame_map(SEED, number + cell.after, count, params.timing)
    return frame_faults.shown(done, number, numbers)


def splice_after(splices: Splices) -> int:
    """Return the number of the first frame from 10 on that comes after a splice."""
    return next(n for n in range(10, 10_000) if any(since == 0 for _, since in film_splices.joins(SEED, n, splices)))


def picture(cell: Cell, clip: np.ndarray) -> Image.Image:
    """Return the picture of a cell."""
    images = [Image.fromarray(np.round(frame * 255).astype(np.uint8)) for frame in damaged(cell, clip)]
    top, left = cell.at
    if cell.part == "crop":
        return images[0].crop((left, top, left + CELL_WIDTH, top + CELL_HEIGHT))
    if cell.part == "whole":
        return images[0].resize((CELL_WIDTH, CELL_HEIGHT), Image.Resampling.BOX)
    result, height = Image.new("RGB", (CELL_WIDTH, CELL_HEIGHT), "white"), CELL_HEIGHT // 2
    if cell.part == "join":
        result.paste(images[0].crop((left, HEIGHT - height, left + CELL_WIDTH, HEIGHT)), (0, 0))
        result.paste(images[1].crop((left, 0, left + CELL_WIDTH, height)), (0, height))
        return result
    size = (CELL_WIDTH // 2 - 1, height - 1)
    for i, image in enumerate(images):
        close = image.crop((left, top, left + size[0], top + size[1]))
        small = image.resize(size, Image.Resampling.BOX) if cell.part == "row" else close
        result.paste(small, (i % 2 * (size[0] + 2), i // 2 * (size[1] + 2)))
    return result


def sheet(cells: Mapping[str, Cell], clip: np.ndarray) -> Image.Image:
    """Return a contact sheet: a labelled picture for every cell, row by row."""
    across, down = CELL_WIDTH + MARGIN, CELL_HEIGHT + LABEL + MARGIN
    size = (MARGIN + COLUMNS * across, MARGIN + -(-len(cells) // COLUMNS) * down)
    result = Image.new("RGB", size, "white")
    pen, font = ImageDraw.Draw(result), ImageFont.load_default(14)
    for place, (label, cell) in enumerate(cells.items()):
        left, top = MARGIN + place % COLUMNS * across, MARGIN + place // COLUMNS * down
        pen.text((left + 2, top + LABEL // 2), label, "black", font, anchor="lm")
        result.paste(picture(cell, clip), (left, top + LABEL))
    return result


def main() -> None:
    """Read the command line and draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where the sheets go; made if need be")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    clip = source_frames()
    for name, cells in SHEETS.items():
        sheet(cells, clip).save(arguments.folder / f"{name}.jpg", quality=QUALITY, optimize=True)


if __name__ == "__main__":
    main()
