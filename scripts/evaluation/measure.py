"""Restore the clips of a test set and measure the frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import vapoursynth as vs

import vsrestore
from vsrestore.pipeline.script import FilterCall, parse_filter, resolved

from .datasets import DATASETS, Dataset, clip_names, frame_paths
from .downsample import DOWNSAMPLINGS, SCALE, low_quality
from .errors import EvaluationError
from .images import clip_of, picture
from .metrics import SMALLEST, Score, mean, score
from .noise import NOISE, noisy

Restore = Callable[[vs.VideoNode], vs.VideoNode]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is measured and how."""

    dataset: str
    truth: Path
    """Folder with a folder of true frames for each clip."""
    low: Path | None
    """Folder with a folder of low-quality frames for each clip; None: they are made from the true ones."""
    input: str
    """Which low-quality version it is."""
    filter: str
    """A filter of vsrestore with its arguments, or one of :data:`BASELINES`."""
    listed: Path | None = None
    """Text file with the clips to take."""
    frames: int | None = None
    """Frames from the start of each clip that are restored; None: all."""
    border: int = 0
    """Pixels at each edge that do not count."""
    skip: int = 0
    """Frames at both ends of a clip that do not count."""
    mirror: bool = False
    """Whether a clip is played forward and backward, and each frame's two results are averaged."""


@dataclass(frozen=True)
class Result:
    """The mean of a clip's frames."""

    clip: str
    frames: int
    score: Score


def enlarged(clip: vs.VideoNode) -> vs.VideoNode:
    """Return the clip four times as large, as MATLAB's ``imresize`` does it: the cubic kernel with a = -0.5."""
    return clip.resize.Bicubic(SCALE * clip.width, SCALE * clip.height, filter_param_a=0, filter_param_b=0.5)


BASELINES: dict[str, Restore] = {"bicubic": enlarged, "input": lambda clip: clip}

MADE: dict[str, Callable[[vs.VideoNode], vs.VideoNode]] = {
    **{name: partial(low_quality, name=name) for name in DOWNSAMPLINGS},
    **{name: partial(noisy, sigma=sigma) for name, sigma in NOISE.items()},
}
"""The inputs that are made of the true frames where no folder holds them."""


def results(settings: Settings) -> Iterator[Result]:
    """Yield the figures of every clip.

    Raises:
        EvaluationError: options, files or sizes that do not fit.
        PipelineError: a filter that is not there.
        vs.Error: what the filter refuses.

    """
    dataset = checked(settings)
    restore = restoration(settings.filter)
    for name in clip_names(dataset, settings.truth, settings.listed):
        truth, low = clips(settings, dataset, name)
        restored = mirrored(low, restore) if settings.mirror else restore(low)
        truth = fitting(name, restored, truth)
        yield measured(name, restored, truth, settings, middle=dataset.middle)


def checked(settings: Settings) -> Dataset:
    """Return the test set when the options fit it, else raise."""
    dataset = DATASETS.get(settings.dataset)
    if dataset is None:
        raise EvaluationError(f"{settings.dataset} is no known test set; accepted: {', '.join(DATASETS)}")
    if settings.input not in dataset.inputs:
        raise EvaluationError(f"--input {settings.input}: accepted for {settings.dataset}: {', '.join(dataset.inputs)}")
    if settings.low is None and settings.input not in MADE:
        raise EvaluationError(f"--input {settings.input} cannot be made from true frames; name its folder with --low")
    return dataset


def restoration(text: str) -> Restore:
    """Return what ``--filter`` names: a baseline or a filter of vsrestore with its arguments."""
    if text in BASELINES:
        return BASELINES[text]
    call = resolved(parse_filter(text), {})
    return lambda clip: getattr(vsrestore, call.name)(clip, **call.arguments)


def filter_name(text: str) -> str:
    """Return the name of what ``--filter`` calls."""
    call: FilterCall = parse_filter(text)
    return call.name


def clips(settings: Settings, dataset: Dataset, name: str) -> tuple[vs.VideoNode, vs.VideoNode]:
    """Return the true and the low-quality frames of a clip, as many of each."""
    truth = clip_of(frame_paths(settings.truth, name, dataset.truth)[: settings.frames])
    if settings.low is None:
        return truth, MADE[settings.input](truth)
    low = clip_of(frame_paths(settings.low, name, dataset.low)[: settings.frames])
    if low.num_frames != truth.num_frames:
        raise EvaluationError(f"{name} has {truth.num_frames} true and {low.num_frames} low-quality frames")
    return truth, low


def mirrored(clip: vs.VideoNode, restore: Restore) -> vs.VideoNode:
    """Restore a clip that is followed by itself played backward, and average the two results of every frame."""
    both = restore(clip + clip.std.Reverse())
    return vs.core.std.Merge(both[: clip.num_frames], both[clip.num_frames :].std.Reverse())


def fitting(name: str, restored: vs.VideoNode, truth: vs.VideoNode) -> vs.VideoNode:
    """Return the true frames at the size of the restored ones, less what enlarging by a whole factor leaves over."""
    right, bottom = truth.width - restored.width, truth.height - restored.height
    if restored.format.id != vs.RGBS or restored.num_frames != truth.num_frames:
        raise EvaluationError(f"{name}: the filter changes the format or the number of frames; it must keep both")
    if not (0 <= right < SCALE and 0 <= bottom < SCALE):
        sizes = f"{restored.width}x{restored.height} where the truth is {truth.width}x{truth.height}"
        raise EvaluationError(f"{name}: the filter gives {sizes}; take a filter and an input that fit each other")
    return truth.std.Crop(right=right, bottom=bottom)


def measured(name: str, restored: vs.VideoNode, truth: vs.VideoNode, settings: Settings, *, middle: bool) -> Result:
    """Compare the frames of a clip that count."""
    length = truth.num_frames
    first, end = (length // 2, length // 2 + 1) if middle else (settings.skip, length - settings.skip)
    if first >= end:
        raise EvaluationError(f"{name} has {length} frames; --skip {settings.skip} leaves none")
    if min(truth.width, truth.height) - 2 * settings.border < SMALLEST:
        raise EvaluationError(
            f"{name} is {truth.width}x{truth.height}; at least {SMALLEST} pixels each way must be left by --border"
        )
    pairs = zip(restored[first:end].frames(close=True), truth[first:end].frames(close=True), strict=True)
    scores = [score(picture(mine), picture(right), settings.border) for mine, right in pairs]
    return Result(name, len(scores), mean(scores))
