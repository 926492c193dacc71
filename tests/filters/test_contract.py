"""What every filter owes its clip: format, size, length, rate, properties, and the same frame in any order."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable
from functools import cache
from pathlib import Path

import onnx
import pytest
import vapoursynth as vs
from onnx import TensorProto, helper

import vsrestore
from tests import clips
from tests.filters import image_networks, seeded
from tests.filters.propainter_protocol import StandIns
from vsrestore.filters import inpainting
from vsrestore.networks.diffusion import first_stage

Filter = Callable[[vs.VideoNode], vs.VideoNode]

# Filters whose weights others published, and settings of a small network that stands in.
SMALL = {
    "adacof": seeded.SF_ADACOF,
    "analog_swin_unet": seeded.ANALOG_SWIN_UNET,
    "basicvsrpp": {**seeded.BASICVSRPP, "same_size": True},
    "ddcolor": seeded.DDCOLOR,
    "deoldify": seeded.DEOLDIFY,
    "edvr": {**seeded.EDVR, "predeblur": True, "hr_in": True},
    "mat": seeded.MAT,
    "mmp_rnn": seeded.MMP_RNN,
    "psrt": seeded.PSRT,
    "realbasicvsr": seeded.REALBASICVSR,
    "rife": seeded.RIFE,
    "tape_reference": seeded.TAPE_REFERENCE,
    "rvrt": seeded.RVRT_DENOISE,
    "uformer": seeded.UFORMER,
}
# The networks of those filters that are not called like them.
NETWORKS = {"adacof": "sf_adacof"}
# What keeps those of them fast that work at a size of their own, or need to be told more.
TOLD = {
    "ddcolor": {"render_size": 64},
    "deoldify": {"render_factor": 4},
    "mat": {"border": 2},
    "tape_reference": {"references": [0]},
}

# Filters of several networks, for which stand-ins do, and what they need to be told.
OF_STAGES = {"outpaint": {"trim": 2}, "propainter": {"mask": (4, 6, 8, 8)}}

# Filters whose weights are shipped.
OURS = ("film", "interpolate", "tape", "upscale")

# Filters whose networks spandrel knows, and the small network that stands in.
IMAGE_MODELS = {
    "bsrnet": "rrdbnet-x1",
    "esrgan": "rrdbnet-x1",
    "image_model": "dncnn",
    "scunet": "scunet",
    "swinir": "swinir",
}


def identity(folder: Path) -> Path:
    shape = ["n", 3, "h", "w"]
    taken, given = (helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in "xy")
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "identity", [taken], [given])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "same.onnx")
    return folder / "same.onnx"


def least(name: str, folder: Path) -> dict[str, object]:
    """The least that a filter must be told."""
    if name == "onnx":
        return {"path": identity(folder), "provider": "cpu"}
    if name == "deinterlace":
        return {"rate": "single", "field_order": "top"}
    if name in IMAGE_MODELS:
        return {"model": image_networks.checkpoint(folder / "small.pth", IMAGE_MODELS[name]), "device": "cpu"}
    if name == "style":
        path = seeded.checkpoint(folder / "small.safetensors", "fast_neural_style", width=8)
        return {"model": path, "device": "cpu"}
    if name == "unet":
        path = seeded.checkpoint(folder / "small.safetensors", "fastai_unet", **seeded.FASTAI_UNET)
        return {"path": path, "device": "cpu"}
    if name in OF_STAGES:
        return {"device": "cpu", **OF_STAGES[name]}
    if name == "tcvc":
        told = {"reference": clips.noise(vs.RGB24, 32, 32, 1), "render_size": 32}
        return {"model": seeded.tcvc_folder(folder), "device": "cpu", **told}
    if name == "diffbir":
        return {**seeded.diffbir_files(folder), "device": "cpu", "scale": 1, "steps": 1, "cfg": 1.0}
    if name in SMALL:
        path = seeded.checkpoint(folder / "small.safetensors", NETWORKS.get(name, name), **SMALL[name])
        return {"model": path, "device": "cpu", **TOLD.get(name, {})}
    return {"device": "cpu"} if name in OURS else {}


# What gives a mask and no picture has its tests for itself.
MASKS = ("film_mask", "static_overlay")


@pytest.fixture(params=sorted(set(vsrestore.FILTERS).difference(MASKS)))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, object]]:
    """The least that a filter must be told, with files that are written once."""
    return cache(lambda name: least(name, tmp_path_factory.mktemp(name)))


@pytest.fixture
def apply(
    name: str,
    told: Callable[[str], dict[str, object]],
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Filter:
    seeded.build_once(monkeypatch)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    if name == "diffbir":
        monkeypatch.setattr(first_stage, "SHORTEST", 32)
    if name in OF_STAGES:
        monkeypatch.setattr(inpainting.Networks, "recognised", lambda *_: StandIns())
    return lambda clip: getattr(vsrestore, name)(clip, **told(name))


@pytest.fixture
def scale(name: str) -> int:
    """Output size / input size of what :func:`apply` gives."""
    return {"psrt": 4, "realbasicvsr": 4, "upscale": 2}.get(name, 1)


@pytest.fixture
def rate(name: str) -> int:
    """Frames that :func:`apply` gives for each that it takes."""
    return {"adacof": 2, "interpolate": 2, "rife": 2}.get(name, 1)


def painted(name: str, fmt: int) -> int:
    """The format that a filter gives for one that it takes: gray becomes colour where colour is what it is for."""
    return vs.YUV444P8 if fmt == vs.GRAY8 and name in ("ddcolor", "deoldify", "tcvc") else fmt


@pytest.mark.parametrize("fmt", [vs.GRAY8, vs.YUV420P8, vs.YUV422P10, vs.YUV444P16, vs.RGB24, vs.RGBS, vs.RGBH])
def test_format_and_properties_come_back(apply: Filter, name: str, scale: int, rate: int, fmt: int) -> None:
    source = clips.noise(fmt, 32, 32, 3).std.SetFrameProps(_SARNum=32, _SARDen=27, _PictType="P", mine=[1, 2])
    result = apply(source)
    assert (result.format.id, result.width, result.height) == (painted(name, fmt), 32 * scale, 32 * scale)
    assert (result.num_frames, result.fps) == (source.num_frames * rate, source.fps * rate)
    before, after = dict(source.get_frame(1).props), dict(result.get_frame(rate).props)
    before["_DurationDen"] *= rate
    assert {key: after.get(key) for key in before} == before


@pytest.mark.parametrize("length", [1, 2, 9])
def test_any_order_gives_the_same_frames(apply: Filter, length: int) -> None:
    source = clips.noise(vs.YUV420P8, 48, 32, length)
    linear = [clips.picture(frame) for frame in apply(source).frames(close=True)]
    order = random.Random(3).sample(range(len(linear)), len(linear))
    shuffled = apply(source)
    assert {n: clips.picture(shuffled.get_frame(n)) for n in order} == dict(enumerate(linear))


def test_variable_format_is_refused(apply: Filter) -> None:
    mixed = vs.core.std.Splice([clips.noise(vs.GRAY8), clips.noise(vs.RGB24)], mismatch=True)
    with pytest.raises(vs.Error, match="variable format"):
        apply(mixed)


def test_integers_that_cannot_be_converted_are_refused(apply: Filter, name: str) -> None:
    wide = vs.core.std.BlankClip(format=vs.core.query_video_format(vs.GRAY, vs.INTEGER, 32).id, width=64, height=64)
    with pytest.raises(vs.Error, match=f"{name}: clip has integer samples of 32 bits; at most 16 bits, or float"):
        apply(wide)


def test_odd_sizes(apply: Filter, scale: int) -> None:
    result = apply(clips.noise(vs.RGB24, 53, 37, 2))
    assert (result.width, result.height) == (53 * scale, 37 * scale)
    assert len(clips.picture(result.get_frame(1))) == 3 * 53 * 37 * scale**2


def test_every_filter_leaves_the_precision_to_the_device() -> None:
    defaults = {
        name: accepted["precision"].default
        for name in vsrestore.FILTERS
        if "precision" in (accepted := inspect.signature(getattr(vsrestore, name)).parameters)
    }
    assert len(defaults) > 20
    assert set(defaults.values()) == {None}
