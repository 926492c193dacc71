"""Fine-tuning: one of our networks learns on from the very video that it is to restore.

Frames of the video are made smaller, or damaged, and the network learns to give them back: what is sharp and near in
one shot teaches what is distant in another. Frames that are held out tell when that stops to help.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from vsrestore import checkpoints, networks
from vsrestore.training.clips import DecodedShot, Pictures, check_sizes
from vsrestore.training.data import batches, longest_scene
from vsrestore.training.errors import DataError
from vsrestore.training.files import check_place
from vsrestore.training.loop import Reporter
from vsrestore.training.machine import Machine
from vsrestore.training.recipe import DataRecipe, NetworkRecipe, Recipe, ScheduleRecipe
from vsrestore.training.run import Run, export, start
from vsrestore.training.schedule import progress_at
from vsrestore.training.step import take_step
from vsrestore.training.tasks import task_of
from vsrestore.training.validate import KEPT, scores
from vsrestore.training.videos import Video

RUN = 16  # frames that are read in one piece
FEWEST = 7  # frames of a scene that a sample, or a measurement, can be made of
MEMORY = 2**29  # bytes of frames that are held
HELD_OUT = 5  # one run of so many is held out
MEASURED_RUNS = 12  # of those at most
MEASURED_FRAMES, MEASURED_SIDE = 5, 320  # of each: frames, and px of a square in the middle
MEASURE_EVERY_S = 45.0
ENDLESS = 10**9

# How samples are cut, by task; a crop of ``upscale`` is so many pixels of the small picture.
CROPS = {"film": 96, "tape": 128, "upscale": 64}
SHARES = {
    "film": {"undamaged": 0.06, "dense": 0.4},
    "tape": {"undamaged": 0.1, "dense": 0.2, "compressed": 0.2},
    "upscale": {"compressed": 0.25, "blurred": 0.1},
}


@dataclass(frozen=True)
class Gain:
    """Mean PSNR in dB on frames held out, over all kinds of damage: with the weights given, and with the new ones."""

    before: float
    after: float


def finetune(
    video: Path,
    weights: str,
    architecture: str,
    task: str,
    out: Path,
    *,
    limit_s: float,
    seed: int = 1,
    machine: Machine | None = None,
    workers: int = 1,
    reporter: Reporter | None = None,
) -> Gain:
    """Let a network learn on from a video; write the weights that did best on frames held out, if they gain anything.

    Of the frames held out, one half chooses the weights, the other tells the gain.

    Args:
        video: a file that PyAV opens; about 512 MiB of its frames are used, spread over its length.
        weights: a name of the registry or a path.
        architecture: the network's.
        task: a row of `tasks.TASKS`.
        out: the weights file (safetensors).
        limit_s: seconds.
        seed: of samples and damage.
        machine: where and how precisely; the CPU in bfloat16 by default.
        workers: processes that make samples.
        reporter: is told how it goes.

    Raises:
        DataError: the video cannot be decoded, or is too short or too small.
        CheckpointError, NetworkError: the weights cannot be used.
        TrainingError: the file cannot be written.
    """
    check_place(out)
    recipe = recipe_of(weights, architecture, task, seed)
    taught, chosen, told = divided(Video.open(video))
    check_sizes([*taught, *chosen], recipe.data.crop)
    run = start(recipe, machine)
    before = quality(run, recipe, told)
    best, state = quality(run, recipe, chosen), None
    for _ in _rounds(run, recipe, taught, limit_s, workers, reporter):
        found = quality(run, recipe, chosen)
        if reporter:
            reporter.tell(f"step {run.step}, frames held out: {found:.2f} dB, best before {best:.2f} dB")
        if found > best:
            best, state = found, copy.deepcopy(run.average.state_dict())
    if state is None:
        return Gain(before, before)
    run.average.load_state_dict(state)
    export(run, out, recipe)
    return Gain(before, quality(run, recipe, told))


def _rounds(
    run: Run, recipe: Recipe, shots: Sequence[DecodedShot], limit_s: float, workers: int, reporter: Reporter | None
) -> Iterator[None]:
    """Take steps until the time is over; come back every now and then, and at the end."""
    began = measured = time.monotonic()
    for batch in batches(shots, recipe, run.step, workers, run.machine.pins):
        spent = time.monotonic() - began
        progress = progress_at(run.step, recipe.schedule.steps, spent, limit_s)
        if progress >= 1:
            break
        take_step(run, recipe, run.machine.take(batch), progress)
        run.step += 1
        if reporter:
            reporter.count(round(spent), round(limit_s))
        if time.monotonic() - measured > MEASURE_EVERY_S:
            yield
            measured = time.monotonic()
    yield


def recipe_of(weights: str, architecture: str, task: str, seed: int) -> Recipe:
    """Return the recipe by which a network learns on: small steps from the weights that it has.

    Raises:
        CheckpointError, NetworkError: the weights are missing, damaged or another network's.
    """
    settings = networks.recognise(checkpoints.peek(checkpoints.find(weights)), architecture)[1]
    crop = CROPS[task] * int(settings.get("scale", 1))
    data = DataRecipe(crop=crop, pans=0.05, sparks=0.05, tones=0.2, shrunk=0.3, border=0.05, double_step=0.1)
    return Recipe(
        task=task,
        seed=seed,
        network=NetworkRecipe(architecture=architecture, weights=weights, settings=dict(settings)),
        data=replace(data, **SHARES[task]),  # type: ignore[arg-type]
        schedule=ScheduleRecipe(
            steps=ENDLESS, batch=2, kernel_rate=1e-3, rate=3e-4, warmup=100, average=0.995, kernel_decay=0.0
        ),
    )


def quality(run: Run, recipe: Recipe, shots: Sequence[DecodedShot]) -> float:
    """Return the mean PSNR of the averaged weights over all shots, kinds of damage and heads; undamaged does not count.

    Raises:
        DataError: nothing could be measured.
    """
    clips = {shot.name: _middle(shot.frames) for shot in shots}
    rows = scores(run.average.eval(), clips, task_of(recipe).cases(), run.machine.device)
    return float(np.mean([row.after for row in rows if max(row.before) < KEPT]))


def _middle(frames: Pictures) -> Pictures:
    height, width = frames.shape[1:3]
    top, left = (max(side - MEASURED_SIDE, 0) // 2 for side in (height, width))
    return frames[:, top : top + MEASURED_SIDE, left : left + MEASURED_SIDE]


def divided(video: Video) -> tuple[list[DecodedShot], list[DecodedShot], list[DecodedShot]]:
    """Read scenes that are spread over a video: to learn from, to choose weights by, and to tell the gain on.

    Raises:
        DataError: it cannot be decoded, or has too few frames without a cut.
    """
    taught: list[DecodedShot] = []
    held_out: list[Pictures] = []
    for number, frames in enumerate(_scenes(video)):
        if number % HELD_OUT == 1:
            held_out.append(frames)
        else:
            taught.append(DecodedShot(f"{video.path.name} run {number}", video.path.name, frames))
    if not taught or not held_out:
        least = 3 * RUN
        raise DataError(f"{video.path}: {len(video.times)} frames are too few to learn from; {least} without cuts do")
    step = -(-len(held_out) // MEASURED_RUNS)
    halves = [_ends(frames) for frames in held_out[::step]]
    chosen, told = ([DecodedShot(f"{n}", "held out", half[side]) for n, half in enumerate(halves)] for side in (0, 1))
    return taught, chosen, told


def _ends(frames: Pictures) -> Mapping[int, Pictures]:
    """First and last frames of a run, which have none in common."""
    count = min(MEASURED_FRAMES, len(frames) // 2)
    return {0: frames[:count], 1: frames[-count:]}


def _scenes(video: Video) -> Iterator[Pictures]:
    """Runs of frames without a cut, spread evenly over a video, as many as there is memory for."""
    length = len(video.times)
    room = max(MEMORY // (RUN * video.height * video.width * 3), 3)
    count = min(room, length // RUN)
    for first in np.linspace(0, length - RUN, count).astype(int).tolist() if count else ():
        frames = video.read(np.arange(first, first + RUN))
        begin, end = longest_scene(frames)
        if end - begin >= FEWEST:
            yield frames[begin:end]
