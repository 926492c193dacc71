"""The same steps in different orders, each result held against a clip that shows the truth."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

import numpy as np
import vapoursynth as vs

from vsrestore.pipeline.interrupts import held_interrupts

from .damaged import Filter
from .errors import ComparisonError
from .figures import FLICKER, PSNR, SSIM, Figures
from .folder import ORDERS, PAGE, check_folder, finished_folder
from .images import jpeg
from .orders_page import LPIPS, PROCESSOR, SECONDS, orders_page
from .page import Sample
from .sources import AFTER, TRUTH, as_rgb, begins_shot, picture

Lpips = Callable[[np.ndarray, np.ndarray], float]
"""Takes two pictures (H, W, 3) uint8 and returns how unlike they look."""
Order = tuple[str, ...]
INPUT = "input"
MOST_ORDERS = 24  # of four steps all


@dataclass(frozen=True)
class Outcome:
    """What came of one order.

    Attributes:
        name: the steps, joined.
        figures: of the whole clip, by figure: PSNR (dB), SSIM, LPIPS where it is measured, flicker (codes of 8 bits),
            and the seconds and processor seconds that a frame took.

    """

    name: str
    figures: Mapping[str, float]


def all_orders(steps: Sequence[str]) -> list[Order]:
    """Return the orders of steps, that in which they are given first.

    Raises:
        ComparisonError: there are more than 24.

    """
    orders = list(permutations(steps))
    if len(orders) > MOST_ORDERS:
        raise ComparisonError(
            f"{len(steps)} steps have {len(orders)} orders; name those to be tried, e.g. --order {','.join(steps)}, "
            f"or give four steps at most"
        )
    return orders


def compare_orders(
    damaged: vs.VideoNode,
    truth: vs.VideoNode,
    steps: Mapping[str, Filter],
    orders: Sequence[Order],
    folder: Path,
    count: Callable[[int, int], None],
    *,
    overwrite: bool,
    lpips: Lpips | None = None,
    device: str = "cpu",
) -> list[Outcome]:
    """Run a clip through steps in each of the orders and measure what comes out.

    Leaves in the folder ``index.html``, ``orders.csv`` and a list of them. The frames of one result and of the truth
    are held in memory. A result is rendered before it is measured, so that the time is that of the steps, from their
    making to the last frame.

    Args:
        damaged: the clip that goes into the first step.
        truth: RGB24, with cuts marked: what should come out of the last one.
        steps: by name.
        orders: names of steps.
        folder: to be made, in a folder that exists.
        count: takes frames done and frames in all.
        overwrite: whether a comparison in the folder may be replaced.
        lpips: measures LPIPS, if given.
        device: what torch calls that by which SSIM and flicker are measured.

    Returns:
        The outcomes, best PSNR first, with that of the clip that went in, enlarged to the truth where it is smaller.

    Raises:
        ComparisonError: what comes out has not the size and length of the truth; or the folder cannot be filled.

    """
    check_folder(folder, (), overwrite=overwrite)
    results = {"-".join(order): _chain(steps, order) for order in orders}
    runs: dict[str, Filter] = {INPUT: lambda clip: _fitted(clip, truth), **results}
    for name, run in runs.items():
        _check(name, run(damaged), truth)
    shown, shots = _frames(truth)
    middle = len(shown) // 2
    images, outcomes = {TRUTH: jpeg(shown[middle])}, []
    for number, (name, run) in enumerate(runs.items()):
        outcome, image = _outcome(name, run, damaged, (shown, shots), lpips, device)
        outcomes.append(outcome)
        images[name] = image
        count((number + 1) * len(shown), len(runs) * len(shown))
    outcomes.sort(key=lambda each: -each.figures[PSNR])
    with finished_folder(folder) as unfinished:
        _write_table(outcomes, unfinished / ORDERS)
        sample = Sample(f"frame {middle}", images)
        page = orders_page(folder.name, {each.name: each.figures for each in outcomes}, sample)
        (unfinished / PAGE).write_text(page, encoding="utf-8", errors="xmlcharrefreplace")
    return outcomes


def _chain(steps: Mapping[str, Filter], order: Order) -> Filter:
    def run(clip: vs.VideoNode) -> vs.VideoNode:
        for name in order:
            clip = steps[name](clip)
        return clip

    return run


def _outcome(
    name: str,
    run: Filter,
    damaged: vs.VideoNode,
    truth: tuple[list[np.ndarray], list[bool]],
    lpips: Lpips | None,
    device: str,
) -> tuple[Outcome, bytes]:
    """Return the outcome of an order, and its middle frame as a JPEG file."""
    begun, processor = time.perf_counter(), time.process_time()
    made, _ = _frames(as_rgb(run(damaged)))
    seconds, processor = time.perf_counter() - begun, time.process_time() - processor
    figures = Figures([TRUTH, AFTER], device=device)
    unlike = []
    for true, came, shot in zip(truth[0], made, truth[1], strict=True):
        figures.measure({TRUTH: true, AFTER: came}, shot)
        if lpips:
            unlike.append(lpips(came, true))
    totals = figures.totals()
    measured = {figure: totals[f"{figure}_{AFTER}"] for figure in (PSNR, SSIM, FLICKER)}
    measured |= {LPIPS: float(np.mean(unlike)) if unlike else None}
    measured |= {SECONDS: seconds / len(made), PROCESSOR: processor / len(made)}
    known = {figure: value for figure, value in measured.items() if value is not None}
    return Outcome(name, known), jpeg(made[len(made) // 2])


def _frames(clip: vs.VideoNode) -> tuple[list[np.ndarray], list[bool]]:
    """Return the pictures of an RGB24 clip, and of each whether a shot begins with it."""
    pictures, shots = [], []
    try:
        with held_interrupts() as deliver_interrupts:
            for frame in clip.frames(close=True):
                deliver_interrupts()
                pictures.append(picture(frame))
                shots.append(begins_shot(frame))
    except vs.Error as error:
        raise ComparisonError(f"a frame cannot be made ({error})") from None
    return pictures, shots


def _fitted(clip: vs.VideoNode, truth: vs.VideoNode) -> vs.VideoNode:
    same = (clip.width, clip.height) == (truth.width, truth.height)
    return clip if same else clip.resize.Bicubic(truth.width, truth.height)


def _check(name: str, result: vs.VideoNode, truth: vs.VideoNode) -> None:
    given, wanted = (f"{clip.num_frames} frames of {clip.width}x{clip.height}" for clip in (result, truth))
    if given != wanted:
        raise ComparisonError(f"{name}: gives {given}, the truth has {wanted}; both must agree")


def _write_table(outcomes: Sequence[Outcome], path: Path) -> None:
    columns = list(outcomes[0].figures)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["order", *columns])
        for outcome in outcomes:
            writer.writerow([outcome.name, *(f"{outcome.figures[column]:.5f}" for column in columns)])
