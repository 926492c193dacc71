"""The tables of docs/orders.md: steps in every order on clips that are damaged first, means over the clips.

    .venv/bin/python scripts/orders.py CLIPS DNCNN OUT [CLIP ...]

CLIPS is a folder of clean clips, of which those of `NAMES` are taken, or those that are named; DNCNN a checkpoint of
DnCNN for noise of 25 (of 255). Deblurring, for which no weights come with vsrestore, is an unsharp mask here.

What lies in OUT already from the same clips, sizes and weights is not run again: a run that was stopped goes on where
it was. Another OUT is needed where the code of the steps has changed.
"""

from __future__ import annotations

import csv
import hashlib
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import mean
from typing import NamedTuple

import numpy as np
import vapoursynth as vs

import vsrestore
from vsrestore.checkpoints import find
from vsrestore.comparison.damaged import Filter, held
from vsrestore.comparison.figures import PSNR
from vsrestore.comparison.folder import ORDERS
from vsrestore.comparison.orders import INPUT, Order, all_orders, compare_orders
from vsrestore.comparison.orders_page import SECONDS, orders_table
from vsrestore.comparison.sources import as_rgb, opened
from vsrestore.video.scenes import scenes

NAMES = (
    "d01_person_foliage.mp4",
    "d08_text_blocks_2997_audio.mp4",
    "d06_man_talking_building.mp4",
    "d02_crowd_breakdance.mp4",
    "d20_bmx_trees.mp4",
)
WIDTH, HEIGHT, FIRST = 480, 272, 12
SIGMA = 25  # of 255
UNSHARP = [-1, -2, -1, -2, 32, -2, -1, -2, -1]  # 20 in all: the picture, and 0.6 times what a blur takes off
DIGITS = 8  # of a file's SHA-256, by which weights are named

# What single steps bring, and each of them at its best place and at others.
CHOSEN = [
    ("upscale",),
    ("tape", "upscale"),
    ("tape", "denoise", "upscale"),
    ("tape", "upscale", "denoise"),
    ("tape", "upscale", "deblur"),
    ("tape", "denoise", "upscale", "deblur"),
    ("tape", "denoise", "deblur", "upscale"),
    ("deblur", "tape", "denoise", "upscale"),
    ("denoise", "tape", "upscale", "deblur"),
    ("upscale", "tape", "denoise", "deblur"),
]
# Before the network of film, and behind it.
STEADY = [
    ("film",),
    ("flicker", "weave", "film"),
    ("weave", "flicker", "film"),
    ("flicker", "film", "weave"),
    ("film", "flicker", "weave"),
]

Figures = Mapping[str, Mapping[str, float]]
"""By figure, by order."""


class Table(NamedTuple):
    """What is run on every clip."""

    title: str
    fault: Filter
    steps: Mapping[str, Filter]
    weights: Mapping[str, Path]
    """Files that the steps read, by name."""
    orders: Sequence[Order]
    frames: int = 6
    scale: int = 2
    """How many times as large the steps make a clip."""
    clips: int = len(NAMES)
    """How many of the clips it is made of, the first ones."""
    colourless: bool = False
    """Whether the clips lose their colour first, as the damage takes it off."""


def unsharp(clip: vs.VideoNode) -> vs.VideoNode:
    """Sharpen luma."""
    return clip.std.Convolution(UNSHARP, planes=0)


def colourless(clip: vs.VideoNode) -> vs.VideoNode:
    """Return luma alone."""
    return clip.std.Expr(["", "128"])


def noisy(clip: vs.VideoNode) -> vs.VideoNode:
    """Add white noise to luma of limited range."""

    def add(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        luma = np.asarray(frame[0])
        noise = np.random.default_rng((1, n)).normal(0, SIGMA * 219 / 255, luma.shape)
        luma[:] = np.clip(np.rint(luma + noise), 0, 255)
        return frame

    return clip.std.ModifyFrame(clips=clip, selector=add)


def tables(dncnn: Path) -> list[Table]:
    """Return the tables of the page."""
    ours = {name: find(name) for name in ("tape", "film", "film-marks", "film-scratches", "upscale-x2")}
    film = {name: path for name, path in ours.items() if name.startswith("film")}
    tape: dict[str, Filter] = {
        "tape": vsrestore.tape,
        "deblur": unsharp,
        "denoise": partial(vsrestore.film, grain=1),
        "upscale": vsrestore.upscale,
    }
    noise: dict[str, Filter] = {
        "denoise": partial(vsrestore.image_model, model=dncnn),
        "deblur": unsharp,
        "upscale": vsrestore.upscale,
    }
    steady: dict[str, Filter] = {
        "flicker": vsrestore.deflicker,
        "weave": vsrestore.stabilise,
        "film": partial(vsrestore.film, grain=0.5),
    }
    vhs = partial(vsrestore.tape_damage, preset="vhs", seed=1)
    worn = partial(vsrestore.film_damage, preset="film-heavy", seed=2)
    enlarged = {"dncnn": dncnn, "upscale-x2": ours["upscale-x2"]}
    return [
        Table("Tape, chosen orders", vhs, tape, ours, CHOSEN),
        Table("Film: flicker and weave", worn, steady, film, STEADY, frames=20, scale=1, clips=2, colourless=True),
        Table("Tape, all orders", vhs, tape, ours, all_orders(list(tape)), clips=1),
        Table("Noise", noisy, noise, enlarged, all_orders(list(noise)), frames=8, clips=2),
    ]


def weights_of(table: Table) -> dict[str, str]:
    """Return how the SHA-256 of each of its weights begins, by name."""
    return {name: hashlib.sha256(path.read_bytes()).hexdigest()[:DIGITS] for name, path in table.weights.items()}


def measured(table: Table, clip: Path, out: Path) -> Figures:
    """Return what came of one clip, run now or, with the same weights, before."""
    size = f"{WIDTH}x{HEIGHT}-{FIRST}-{table.frames}"
    name = "-".join([table.title.lower().replace(" ", "_"), clip.stem, size, *weights_of(table).values()])
    folder = out / name.replace(",", "").replace(":", "")
    if not (folder / ORDERS).exists():
        clean = opened(clip)[FIRST : FIRST + table.frames].resize.Bicubic(WIDTH, HEIGHT)
        clean = colourless(clean) if table.colourless else clean
        damaged = held(table.fault(clean.resize.Bicubic(WIDTH // table.scale, HEIGHT // table.scale)))
        print(folder.name, file=sys.stderr)
        compare_orders(damaged, scenes(as_rgb(clean)), table.steps, table.orders, folder, _count, overwrite=False)
    with (folder / ORDERS).open(newline="", encoding="utf-8") as file:
        return {row.pop("order"): {key: float(value) for key, value in row.items()} for row in csv.DictReader(file)}


def show(title: str, runs: Sequence[Figures]) -> None:
    """Print a table in Markdown: means over the runs, best first, and how far PSNR is behind the best.

    Seconds on the wall are left out: they tell what else the machine did.
    """
    columns = [key for key in runs[0][INPUT] if key != SECONDS]
    means = {order: {key: mean(run[order][key] for run in runs) for key in columns} for order in runs[0]}
    means = dict(sorted(means.items(), key=lambda row: -row[1][PSNR]))
    head, *rows = orders_table(means)
    print(f"## {title}\n")
    lines = [(*head[:2], "behind the best, dB", *head[2:]), ["---"] * (len(head) + 1)]
    lines += [(*row[:2], _behind(row[0], next(iter(means)), runs), *row[2:]) for row in rows]
    for words in lines:
        print(f"| {' | '.join(words)} |")
    print(flush=True)


def _behind(order: str, best: str, runs: Sequence[Figures]) -> str:
    """Return by how much PSNR is less than that of the best order, from clip to clip."""
    behind = [run[best][PSNR] - run[order][PSNR] for run in runs]
    return " to ".join(dict.fromkeys(f"{each:.2f}" for each in (min(behind), max(behind)))) if order != best else ""


def main(clips: Path, dncnn: Path, out: Path, *, names: Sequence[str] = NAMES) -> None:
    """Print the tables; the pages lie in ``out``."""
    out.mkdir(parents=True, exist_ok=True)
    for table in tables(dncnn):
        chosen = names[: table.clips]
        show(table.title, [measured(table, clips / name, out) for name in chosen])
        weights = ", ".join(f"{name} {digits}" for name, digits in weights_of(table).items())
        stems = ", ".join(Path(name).stem for name in chosen)
        print(f"{table.frames} frames each of {stems}. Weights: {weights}.\n", flush=True)


def _count(done: int, total: int) -> None:
    print(f"{done} of {total} frames", file=sys.stderr)


if __name__ == "__main__":
    folders, named = [Path(argument) for argument in sys.argv[1:4]], sys.argv[4:]
    main(*folders, names=named or NAMES)
