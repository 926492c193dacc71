"""The tables of docs/orders.md: steps in every order on clips that are damaged first, means over the clips.

    .venv/bin/python scripts/orders.py CLIPS DNCNN OUT

CLIPS is a folder of clean clips, DNCNN a checkpoint of DnCNN for noise of 25 (of 255). Deblurring, for which no weights
come with vsrestore, is an unsharp mask here.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import mean

import numpy as np
import vapoursynth as vs

import vsrestore
from vsrestore.comparison.damaged import Filter, held
from vsrestore.comparison.orders import Order, all_orders, compare_orders
from vsrestore.comparison.orders_page import orders_table
from vsrestore.comparison.sources import as_rgb, opened
from vsrestore.video.scenes import scenes

NAMES = ("d01_person_foliage.mp4", "d08_text_blocks_2997_audio.mp4")
WIDTH, HEIGHT, FIRST, FRAMES = 480, 272, 12, 8
SIGMA = 25  # of 255
UNSHARP = [-1, -2, -1, -2, 32, -2, -1, -2, -1]  # 20 in all: the picture, and 0.6 times what a blur takes off

# What single steps bring.
FEWER = [
    ("upscale",),
    ("tape", "upscale"),
    ("tape", "denoise", "upscale"),
    ("tape", "upscale", "denoise"),
    ("tape", "upscale", "deblur"),
]

Figures = Mapping[str, Mapping[str, float]]


def unsharp(clip: vs.VideoNode) -> vs.VideoNode:
    """Sharpen luma."""
    return clip.std.Convolution(UNSHARP, planes=0)


def noisy(clip: vs.VideoNode) -> vs.VideoNode:
    """Add white noise to luma of limited range."""

    def add(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        luma = np.asarray(frame[0])
        noise = np.random.default_rng((1, n)).normal(0, SIGMA * 219 / 255, luma.shape)
        luma[:] = np.clip(np.rint(luma + noise), 0, 255)
        return frame

    return clip.std.ModifyFrame(clips=clip, selector=add)


def measured(
    clips: Path, steps: Mapping[str, Filter], fault: Filter, out: Path, orders: Sequence[Order] | None = None
) -> Figures:
    """Return the means over the clips, best first, of all orders or of those that are named."""
    tried = all_orders(list(steps)) if orders is None else orders
    runs: list[Figures] = []
    for name in NAMES:
        clean = opened(clips / name)[FIRST : FIRST + FRAMES].resize.Bicubic(WIDTH, HEIGHT)
        damaged = held(fault(clean.resize.Bicubic(WIDTH // 2, HEIGHT // 2)))
        folder = out / f"{'-'.join(steps)}-{Path(name).stem}"
        outcomes = compare_orders(damaged, scenes(as_rgb(clean)), steps, tried, folder, _count, overwrite=True)
        runs.append({each.name: each.figures for each in outcomes})
    means = {order: {key: mean(run[order][key] for run in runs) for key in runs[0][order]} for order in runs[0]}
    return dict(sorted(means.items(), key=lambda row: -row[1]["psnr"]))


def show(title: str, figures: Figures) -> None:
    """Print a table in Markdown."""
    head, *rows = orders_table(figures)
    print(f"## {title}\n")
    for words in (head, ["---"] * len(head), *rows):
        print(f"| {' | '.join(words)} |")
    print(flush=True)


def main(clips: Path, dncnn: Path, out: Path) -> None:
    """Print the tables; the pages lie in ``out``."""
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
    out.mkdir(parents=True, exist_ok=True)
    vhs = partial(vsrestore.tape_damage, preset="vhs", seed=1)
    show("Tape, all orders", measured(clips, tape, vhs, out))
    show("Tape, with fewer steps", measured(clips, tape, vhs, out, FEWER))
    show("Noise", measured(clips, noise, noisy, out))


def _count(done: int, total: int) -> None:
    print(f"{done} of {total} frames", file=sys.stderr)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
