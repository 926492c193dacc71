"""What does not fit is said when the script is evaluated, with the filter's name and the cure."""

from __future__ import annotations

import pytest
import torch
import vapoursynth as vs

from tests import clips
from tests.runtime import networks as nets
from vsrestore.runtime.apply import apply
from vsrestore.runtime.descriptor import Descriptor, Options


def variable_format() -> vs.VideoNode:
    return vs.core.std.Splice([clips.noise(vs.GRAY8), clips.noise(vs.RGB24)], mismatch=True)


def variable_size() -> vs.VideoNode:
    return vs.core.std.Splice([clips.noise(width=8), clips.noise(width=16)], mismatch=True)


@pytest.mark.parametrize(
    ("clip", "descriptor", "options", "message"),
    [
        ("film.mkv", nets.IMAGE, Options(), "toy: clip is str; a video clip"),
        (variable_format, nets.IMAGE, Options(), "toy: clip has a variable format; convert"),
        (variable_size, nets.IMAGE, Options(), "toy: clip has a variable size"),
        (clips.noise, nets.IMAGE.changed(minimum=64), Options(), "the clip is 24x16; this network needs at least 64"),
        (clips.noise, nets.IMAGE.changed(chunk=0), Options(), "chunk=0; a whole number of at least 1"),
        (clips.noise, nets.RECURRENT.changed(chunk=1), Options(), "overlap=2 is more than chunk=1"),
        (clips.noise, nets.IMAGE, Options(precision="double"), "precision='double'; accepted: 'float32'"),
        (clips.noise, nets.IMAGE.changed(precisions=("float32",)), Options(precision="float16"), "harms this network"),
        (clips.noise, nets.IMAGE, Options(tile=8), "tile=8; a whole number of at least 32"),
        (clips.noise, nets.IMAGE.changed(tiles=False), Options(tile=64), "needs the whole frame"),
        (clips.noise, nets.IMAGE, Options(device="gpu"), "unknown device 'gpu'; accepted: 'cpu', 'cuda'"),
        (clips.noise, nets.IMAGE, Options(device="cuda:99"), "device 'cuda:99' is not there; this machine has"),
    ],
)
def test_unfit_input(clip: object, descriptor: Descriptor, options: Options, message: str) -> None:
    with pytest.raises(vs.Error, match=message):
        apply(clip() if callable(clip) else clip, descriptor, nets.Identity, options)


@pytest.mark.parametrize(
    ("prop", "value", "message"),
    [
        ("_FieldBased", 2, "frame 1 is interlaced .*top field first.*deinterlace"),
        ("_FieldBased", 1, "bottom field first"),
        ("_Field", 0, "single field"),
    ],
)
def test_interlaced_frames_are_refused(prop: str, value: int, message: str) -> None:
    source = clips.noise(vs.YUV420P8).std.SetFrameProps(**{prop: value})
    clip = apply(source, nets.IMAGE, nets.Identity, Options(device="cpu"))
    with pytest.raises(vs.Error, match=message):
        clip.get_frame(1)


def test_exhausted_memory_names_the_cure() -> None:
    class Hungry(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            raise torch.OutOfMemoryError("CUDA out of memory")

    clip = apply(clips.noise(), nets.IMAGE, Hungry, Options(device="cpu"))
    with pytest.raises(vs.Error, match="toy: frame 0: out of memory on cpu; try tile=512"):
        clip.get_frame(0)
