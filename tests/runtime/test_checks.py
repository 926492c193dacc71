"""What does not fit is said when the script is evaluated, with the filter's name and the cure."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
import vapoursynth as vs

from tests import clips
from tests.runtime import networks as nets
from vsrestore.networks.traits import Traits
from vsrestore.runtime.advice import advice
from vsrestore.runtime.apply import Stage, apply
from vsrestore.runtime.descriptor import Descriptor, Options
from vsrestore.runtime.plans.sequence import Sequence
from vsrestore.runtime.plans.single import Single


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
        (
            clips.noise,
            nets.with_traits(nets.IMAGE, minimum=64),
            Options(),
            "the clip is 24x16; this network needs at least 64",
        ),
        (lambda: clips.noise().std.Loop(), nets.IMAGE, Options(), "has 2147483647 frames, as std.Loop .*: cut it"),
        (clips.noise, nets.IMAGE.changed(plan=Single(chunk=0)), Options(), "chunk=0; a whole number of at least 1"),
        (
            clips.noise,
            nets.IMAGE.changed(plan=Single(chunk=10**9)),
            Options(),
            "1000000000 frames at once; 1 to 1024 are",
        ),
        (
            clips.noise,
            nets.RECURRENT.changed(plan=Sequence(chunk=1, overlap=2)),
            Options(),
            "overlap=2 is more than chunk=1",
        ),
        (
            clips.noise,
            nets.RECURRENT.changed(plan=Sequence(chunk=3, multiple=2)),
            Options(),
            "chunk=3; a multiple of 2",
        ),
        (clips.noise, nets.RECURRENT.changed(plan=Sequence(overlap=-1)), Options(), "overlap=-1; a whole number of at"),
        (clips.noise, nets.IMAGE, Options(precision="double"), "precision='double'; accepted: 'float32'"),
        (
            clips.noise,
            nets.with_traits(nets.IMAGE, precisions=("float32",)),
            Options(precision="float16"),
            "harms this network",
        ),
        (clips.noise, nets.IMAGE, Options(tile=8), "tile=8; a whole number of at least 32"),
        (clips.noise, nets.with_traits(nets.IMAGE, tiles=False), Options(tile=64), "needs the whole frame"),
        (clips.noise, nets.IMAGE, Options(device="gpu"), "unknown device 'gpu'; accepted: 'cpu', 'cuda'"),
        (clips.noise, nets.IMAGE, Options(device="cuda:99"), "device 'cuda:99' is not there; this machine has"),
    ],
)
def test_unfit_input(clip: object, descriptor: Descriptor, options: Options, message: str) -> None:
    with pytest.raises(vs.Error, match=message):
        apply(clip() if callable(clip) else clip, Stage(descriptor=descriptor, build=nets.Identity), options)


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
    clip = apply(source, Stage(descriptor=nets.IMAGE, build=nets.Identity), Options(device="cpu"))
    with pytest.raises(vs.Error, match=message):
        clip.get_frame(1)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Failed to allocate memory for requested buffer"),
        RuntimeError("std::bad_alloc"),
    ],
)
def test_exhausted_memory_names_the_cure_in_all_its_words(error: Exception) -> None:
    class Hungry(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            raise error

    clip = apply(clips.noise(), Stage(descriptor=nets.IMAGE, build=Hungry), Options(device="cpu"))
    with pytest.raises(vs.Error, match="toy: frame 0: out of memory on cpu; try tile=512 or precision='float16'"):
        clip.get_frame(0)


@pytest.mark.skipif(sys.platform != "linux", reason="limits the memory of a process")
def test_too_little_memory_to_load_torch_is_told_at_every_frame() -> None:
    code = """if True:
        import resource
        import vapoursynth as vs
        import vsrestore
        clip = vsrestore.film(vs.core.std.BlankClip(format=vs.RGBS, width=64, height=64, length=8), device="cpu")
        resource.setrlimit(resource.RLIMIT_AS, (1_500_000_000, 1_500_000_000))
        for number in (0, 4):
            try:
                clip.get_frame(number)
            except vs.Error as error:
                print(error)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    cause = "torch could not be loaded (there is too little memory for it: raise the limit (ulimit -v, or that of a"
    assert done.stdout.count(cause) == 2, done.stdout


@pytest.mark.parametrize(
    ("descriptor", "options", "expected"),
    [
        (Descriptor(name="mat", traits=Traits(tiles=False, precisions=("float32",))), Options(), "a smaller clip"),
        (Descriptor(name="style", traits=Traits(tiles=False)), Options(), "precision='float16'"),
        (Descriptor(name="film", traits=Traits(tile_overlap=64)), Options(tile=130), "tile=128 or precision='float16'"),
        (Descriptor(name="film", traits=Traits(tile_overlap=64)), Options(tile=128), "precision='float16'"),
        (Descriptor(name="film", traits=Traits()), Options(tile=600, precision="bfloat16"), "tile=300"),
        (Descriptor(name="esrgan", plan=Single(chunk=8)), Options(tile=32), "batch=4 or precision='float16'"),
        (
            Descriptor(name="basicvsrpp", plan=Sequence(chunk=16, overlap=2)),
            Options(),
            "tile=512 or chunk=8 or precision='float16'",
        ),
        (
            Descriptor(name="basicvsrpp", plan=Sequence(chunk=3, overlap=2)),
            Options(tile=32, precision="float16"),
            "a smaller clip",
        ),
        (
            Descriptor(name="ddcolor", traits=Traits(tiles=False), output_size=(512, 512)),
            Options(precision="float16"),
            "render_size=256",
        ),
    ],
)
def test_advice_is_what_the_filter_takes(descriptor: Descriptor, options: Options, expected: str) -> None:
    assert advice(descriptor, options, torch.device("cpu")) == f" on cpu; try {expected}"
