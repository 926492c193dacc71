"""Video networks as filters: the share of the network in the time, and memory by length.

Every figure is from a process of its own, ``python -m benchmarks.video_filters FILTER CHECKPOINT FRAMES WIDTH``, which
prints the share of the network in the filter's time, and its peak in MiB. Memory by the length of the clip is the
runtime's, not the network's: it is measured with small networks of the same kind.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import torch
import vapoursynth as vs
from torch import nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

import vsrestore
from vsrestore.networks.analog_swin_unet import AnalogSwinUNet
from vsrestore.networks.mmp_rnn import MMPRNN
from vsrestore.networks.psrt import PSRT
from vsrestore.networks.rife import RIFE
from vsrestore.networks.rvrt import RVRT
from vsrestore.networks.sf_adacof import AdaCoF
from vsrestore.networks.tape_reference import TapeReference

from .material import moving_clip
from .process import figures_of, resident_peak
from .published import seeded
from .report import Report, Requirement
from .timing import drain, duration

SHORT, LONG = 60, 300
GROWTH = 1.05
SHARE = 0.95
WIDTH = 64
"""Pixels of a row of small networks' frames, which are 4:3."""
FRAMES = 32
"""Of the share: two chunks of most filters."""


class Case(NamedTuple):
    """A filter with its network."""

    network: Callable[..., nn.Module]
    published: Mapping[str, object]
    """Settings of the published network."""
    small: Mapping[str, object]
    filtered: Callable[[vs.VideoNode, Path], vs.VideoNode]
    """Takes the clip and the path of a checkpoint."""
    width: int = WIDTH
    """Pixels of a row for the published network."""


CASES = {
    "rvrt": Case(
        RVRT,
        {"channels": 192, "same_size": True, "denoises": True},
        {"channels": 24, "same_size": True, "denoises": True},
        lambda clip, path: vsrestore.rvrt(clip, model=path, sigma=20, device="cpu"),
    ),
    "psrt": Case(
        PSRT,
        {},
        {"channels": 8, "groups": 1, "layers": 2, "heads": 2, "hidden": 12},
        lambda clip, path: vsrestore.psrt(clip, model=path, device="cpu"),
    ),
    "mmp_rnn": Case(
        MMPRNN,
        {"attention": True},
        {"features": 8, "cell_blocks": 1, "decoder_blocks": 2, "attention": True},
        lambda clip, path: vsrestore.mmp_rnn(clip, model=path, device="cpu"),
        width=256,
    ),
    "tape_reference": Case(
        TapeReference,
        {},
        {"width": 16, "depths": (1, 2, 1, 2), "heads": 2},
        lambda clip, path: vsrestore.tape_reference(clip, references=[0, 5, 10, 15, 20], model=path, device="cpu"),
    ),
    "analog_swin_unet": Case(
        AnalogSwinUNet,
        {},
        {"width": 16, "depths": (1, 2, 1, 1), "decoder_depths": (1, 1, 2), "heads": 4},
        lambda clip, path: vsrestore.analog_swin_unet(clip, model=path, device="cpu"),
    ),
    "rife": Case(
        RIFE,
        {},
        {"channels": (8, 8, 8, 8), "context": 4, "layers": 2},
        lambda clip, path: vsrestore.rife(clip, model=path, device="cpu"),
        width=256,
    ),
    "adacof": Case(
        AdaCoF,
        {},
        {"width": 8, "kernel": 3},
        lambda clip, path: vsrestore.adacof(clip, model=path, device="cpu"),
        width=256,
    ),
}


def run(cases: Sequence[str] = tuple(CASES), clips: tuple[int, int] = (SHORT, LONG)) -> list[Report]:
    """Filter some frames with each published network, then a short and a long clip with a small one."""
    rows, requirements = [], []
    with TemporaryDirectory() as folder:
        for name in cases:
            case = CASES[name]
            small = write_checkpoint(Path(folder) / "small.pth", case.network(**case.small))
            short, long = (figures_of("video_filters", name, small, frames, WIDTH)[1] for frames in clips)
            published = write_checkpoint(Path(folder) / "published.pth", case.network(**case.published))
            share, _ = figures_of("video_filters", name, published, FRAMES, case.width)
            rows.append((name, share, short, long, long / short))
            requirements += [
                Requirement(f"{name}: share of the network in the filter's time", share, least=SHARE),
                Requirement(f"{name}: memory of {clips[1]} over {clips[0]} frames", long / short, most=GROWTH),
            ]
    columns = ("filter", "share of the network", f"{clips[0]} frames, MiB", f"{clips[1]} frames, MiB", "ratio")
    return [Report("video-filters", columns, rows, requirements, {"frames": FRAMES})]


def write_checkpoint(path: Path, network: nn.Module) -> Path:
    """Save a network with seeded weights and return the path."""
    torch.save(seeded(network, 0.5).state_dict(), path)
    return path


@contextmanager
def time_in(network: Callable[..., nn.Module]) -> Iterator[list[float]]:
    """Collect the seconds of every call of a network of a class, in this process, while it lasts."""
    started: list[float] = []
    seconds: list[float] = []

    def before(module: nn.Module, _inputs: object) -> None:
        if type(module) is network:
            started.append(time.perf_counter())

    def after(module: nn.Module, _inputs: object, _outputs: object) -> None:
        if type(module) is network:
            seconds.append(time.perf_counter() - started.pop())

    hooks = register_module_forward_pre_hook(before), register_module_forward_hook(after)
    try:
        yield seconds
    finally:
        for hook in hooks:
            hook.remove()


def main() -> None:
    """Filter a clip and print the figures."""
    name, checkpoint, frames, width = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    torch.set_num_threads(1)  # with two, two halves of a chunk would be in the network at once
    case = CASES[name]
    clip = case.filtered(moving_clip(frames, width, width * 3 // 4, vs.YUV420P8), checkpoint)
    clip.get_frame(0)  # loads the network
    gc.collect()
    gc.freeze()  # as in `timing.rounds`: vspipe does not collect all objects at the clip's end
    with time_in(case.network) as seconds:
        whole = duration(partial(drain, clip))
    print(sum(seconds) / whole, resident_peak())


if __name__ == "__main__":
    main()
