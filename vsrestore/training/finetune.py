"""Fine-tuning: one of our networks learns on from the very video that it is to restore.

Frames of the video are made smaller, or damaged, and the network learns to give them back: what is sharp and near in
one shot teaches what is distant in another. Frames that are held out tell when that stops to help.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from vsrestore import checkpoints, networks
from vsrestore.interrupts import check
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
MEASURE_EVERY_S, BETWEEN = 45.0, 5  # seconds of learning between two measurements, and how many times as long as these
READING, MEASURING = 0.25, 0.3  # shares of the time
LEAST_S = 1.0  # of learning, however short the time
LAST_ROUND = 0.9  # progress from which on only the end is measured
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
    kept: bool
    """Whether the new weights did better and were written; else the file is as it was."""


class Clock:
    """The time that a run may take, from now on.

    Args:
        limit_s: seconds.
    """

    def __init__(self, limit_s: float) -> None:
        self.limit_s, self._began = limit_s, time.monotonic()

    @property
    def spent_s(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._began


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

    Of the frames held out, one half chooses the weights, the other tells whether they gain anything. Reading and
    measuring are part of the time; what is read and measured is less where that is short.

    Args:
        video: a file that PyAV opens; about 512 MiB of its frames are used, spread over its length.
        weights: a name of the registry or a path.
        architecture: the network's.
        task: a row of `tasks.TASKS`.
        out: the weights file (safetensors).
        limit_s: seconds.
        seed: of samples and damage.
        machine: where and how precisely; the CPU by default, as `safe_precision` says.
        workers: processes that make samples.
        reporter: is told how it goes.

    Raises:
        DataError: the video cannot be decoded, or is too short or too small.
        CheckpointError, NetworkError: the weights cannot be used.
        TrainingError: the file cannot be written.
    """
    clock = Clock(limit_s)
    check_place(out)
    recipe = recipe_of(weights, architecture, task, seed)
    taught, chosen, judged = divided(Video.open(video), clock.limit_s * READING)
    check_sizes([*taught, *chosen], recipe.data.crop)
    run = start(recipe, machine)
    judge = Judge.affordable(run, recipe, chosen, judged, clock.limit_s * MEASURING)
    before = judge.tell()
    best, state = judge.choose(), None
    for _ in _rounds(run, recipe, taught, clock, judge.seconds, workers, reporter):
        score = judge.choose()
        if reporter:
            reporter.tell(f"step {run.step}, frames held out: {score:.2f} dB, best before {best:.2f} dB")
        if score > best:
            best, state = score, copy.deepcopy(run.average.state_dict())
    if state is None:
        return Gain(before, before, kept=False)
    run.average.load_state_dict(state)
    after = judge.tell()
    if after > before:
        export(run, out, recipe)
    return Gain(before, after, kept=after > before)


@dataclass
class Judge:
    """What the weights of a run are measured by: frames that choose, others that tell, and how long either takes."""

    run: Run
    recipe: Recipe
    chosen: Sequence[DecodedShot]
    judged: Sequence[DecodedShot]
    seconds: float

    @classmethod
    def affordable(
        cls,
        run: Run,
        recipe: Recipe,
        chosen: Sequence[DecodedShot],
        judged: Sequence[DecodedShot],
        limit_s: float,
    ) -> Judge:
        """Return one with as many frames, spread over them all, as there is time to measure four times."""
        began = time.monotonic()
        quality(run, recipe, judged[:1])
        each = time.monotonic() - began
        step = -(-len(judged) // max(1, int(limit_s / (4 * each))))
        return cls(run, recipe, chosen[::step], judged[::step], each * len(judged[::step]))

    def choose(self) -> float:
        """Return the quality on the frames that choose between weights."""
        return quality(self.run, self.recipe, self.chosen)

    def tell(self) -> float:
        """Return the quality on the frames that have chosen nothing."""
        return quality(self.run, self.recipe, self.judged)


def _rounds(
    run: Run,
    recipe: Recipe,
    shots: Sequence[DecodedShot],
    clock: Clock,
    measuring_s: float,
    workers: int,
    reporter: Reporter | None,
) -> Iterator[None]:
    """Take steps as long as there is time to measure in the end; come back every now and then, and at the end."""
    began, measured = clock.spent_s, clock.spent_s
    limit_s = max(clock.limit_s - began - 2 * measuring_s, LEAST_S)
    every_s = max(MEASURE_EVERY_S, BETWEEN * measuring_s)
    for batch in batches(shots, recipe, run.step, workers, run.machine.pins):
        check()
        progress = progress_at(run.step, recipe.schedule.steps, clock.spent_s - began, limit_s)
        if progress >= 1:
            break
        take_step(run, recipe, run.machine.take(batch), progress)
        run.step += 1
        if reporter and progress > 0:
            reporter.count(run.step, max(round(run.step / progress), run.step))
        if clock.spent_s - measured > every_s and progress < LAST_ROUND:
            yield
            measured = clock.spent_s
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


def divided(video: Video, limit_s: float = math.inf) -> tuple[list[DecodedShot], list[DecodedShot], list[DecodedShot]]:
    """Read scenes that are spread over a video: to learn from, to choose weights by, and to tell the gain on.

    Args:
        video: the file.
        limit_s: seconds that reading may take; fewer scenes are read where it is slow.

    Raises:
        DataError: it cannot be decoded, or has too few frames without a cut.
    """
    taught: list[DecodedShot] = []
    held_out: list[Pictures] = []
    for number, frames in enumerate(_scenes(video, limit_s)):
        if number % HELD_OUT == 1:
            held_out.append(frames)
        else:
            taught.append(DecodedShot(f"{video.path.name} run {number}", video.path.name, frames))
    if not taught or not held_out:
        least = 3 * RUN
        raise DataError(f"{video.path}: {len(video.times)} frames are too few to learn from; {least} without cuts do")
    step = -(-len(held_out) // MEASURED_RUNS)
    halves = [_ends(frames) for frames in held_out[::step]]
    chosen, judged = ([DecodedShot(f"{n}", "held out", half[side]) for n, half in enumerate(halves)] for side in (0, 1))
    return taught, chosen, judged


def _ends(frames: Pictures) -> Mapping[int, Pictures]:
    """First and last frames of a run, which have none in common."""
    count = min(MEASURED_FRAMES, len(frames) // 2)
    return {0: frames[:count], 1: frames[-count:]}


def _scenes(video: Video, limit_s: float) -> Iterator[Pictures]:
    """Runs of frames without a cut, spread evenly over a video, as many as there is memory and time for."""
    length = len(video.times)
    if length < RUN:
        return
    room = max(MEMORY // (RUN * video.height * video.width * 3), 3)
    began = time.monotonic()
    video.read(np.arange(length // 2, length // 2 + 1))  # as far from key frames as any other, at a guess
    each_s = max(time.monotonic() - began, 1e-3)
    count = min(room, length // RUN, max(3, int(min(limit_s / each_s, room))))
    for first in np.linspace(0, length - RUN, count).astype(int).tolist():
        check()
        frames = video.read(np.arange(first, first + RUN))
        begin, end = longest_scene(frames)
        if end - begin >= FEWEST:
            yield frames[begin:end]
