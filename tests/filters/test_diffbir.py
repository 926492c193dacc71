"""DiffBIR as a filter: both stages, the noise of a frame, steady detail, what it costs, and what cannot be."""

from __future__ import annotations

import random
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import vapoursynth as vs
from safetensors.torch import save_file
from torch.nn import functional as F

import vsrestore
from tests.filters import image_networks, seeded
from vsrestore.checkpoints import read
from vsrestore.filters import diffusion_cost, prompt_states
from vsrestore.filters.checkpoint import Checkpoint
from vsrestore.filters.diffbir import VERSIONS
from vsrestore.filters.diffusion_cost import Watch, Work, spoken
from vsrestore.networks import image_models
from vsrestore.networks.diffusion import first_stage, library, text
from vsrestore.networks.diffusion.unet import UNet
from vsrestore.networks.steady_detail import SteadyDetail
from vsrestore.pipeline.programs import environment, vspipe

CALLS: list[str] = []


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if event not in ("socket.connect", "socket.getaddrinfo", "socket.sendto") or isinstance(arguments[1], str):
        return
    if "127.0.0.1" not in str(arguments):  # tests of other files may talk to each other within this machine
        CALLS.append(f"{event} {arguments}")


sys.addaudithook(_watch)

LENGTH = 4
FAST = {"steps": 2, "cfg": 1.0, "scale": 1, "device": "cpu"}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return seeded.diffbir_files(tmp_path_factory.mktemp("small"))


@pytest.fixture(autouse=True)
def small(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures of 64 pixels are large enough; networks and prompts are kept for these tests alone."""
    monkeypatch.setattr(first_stage, "SHORTEST", 64)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    seeded.build_once(monkeypatch)


def restored(files: dict[str, Path], frames: np.ndarray, order: list[int] | None = None, **told: object) -> np.ndarray:
    cuts = told.pop("cuts", ())
    clip = vsrestore.diffbir(seeded.as_clip(frames, cuts), **{**FAST, **files, **told})
    return seeded.as_frames(clip, order)


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    """The first frame stands twice."""
    return seeded.noise(LENGTH, 64, 80)[[0, 0, 2, 3]]


@pytest.fixture(scope="module")
def square(frames: np.ndarray) -> np.ndarray:
    """Frames that need no padding, which is half the work."""
    return np.ascontiguousarray(frames[..., :64])


@pytest.fixture
def still(files: dict[str, Path], square: np.ndarray, keep: dict[str, np.ndarray]) -> np.ndarray:
    """Frames as they are painted with the same noise, none averaged."""
    if "still" not in keep:
        keep["still"] = restored(files, square[:2], stabilize=0)
    return keep["still"]


@pytest.fixture(scope="module")
def keep() -> dict[str, np.ndarray]:
    """What tests of this file share."""
    return {}


def test_the_first_stage_is_its_network_padded_with_black(files: dict[str, Path], frames: np.ndarray) -> None:
    network = image_models.load(read(files["cleaner"]))
    with torch.inference_mode():
        padded = F.pad(torch.from_numpy(frames), (0, 48, 0, 0))
        expected = network(padded)[..., :80].clamp(0, 1).numpy()
    found = restored({"cleaner": files["cleaner"]}, frames, stage2=False)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(("version", "task", "kind"), [("v2", "sr", "rrdbnet-x1"), ("v2", "denoise", "scunet")])
def test_other_first_stages(tmp_path: Path, frames: np.ndarray, version: str, task: str, kind: str) -> None:
    path = image_networks.checkpoint(tmp_path / "cleaner.pth", kind)
    source = seeded.as_clip(frames[:1])
    told = {"cleaner": path, "stage2": False, "device": "cpu"}
    if kind == "rrdbnet-x1":
        with pytest.raises(vs.Error, match="is no network that enlarges pictures in colour, as this version and task"):
            vsrestore.diffbir(source, version, task, **told)
        path = image_networks.checkpoint(tmp_path / "x2.pth", "rrdbnet")
    clip = vsrestore.diffbir(source, version, task, **{**told, "cleaner": path})
    assert (clip.width, clip.height) == ((320, 256) if task == "sr" else (80, 64))
    assert seeded.as_frames(clip).std() > 0.01


def test_small_frames_are_painted_larger(files: dict[str, Path]) -> None:
    told = {"scale": 2, "steps": 1, "stabilize": 0}
    clip = vsrestore.diffbir(seeded.as_clip(seeded.noise(1, 20, 30)), **{**FAST, **files, **told})
    assert (clip.width, clip.height) == (60, 40)
    assert seeded.as_frames(clip).shape == (1, 3, 40, 60)


def test_noise_is_the_same_for_all_frames(still: np.ndarray, square: np.ndarray) -> None:
    np.testing.assert_array_equal(still[0], still[1])
    assert np.abs(still - square[:2]).mean() > 0.01


def test_detail_is_averaged_in_windows_in_any_order(files: dict[str, Path], square: np.ndarray) -> None:
    """Where each frame has noise of its own; a window ends at the cut."""
    told = {"noise": "frame", "cuts": (2,), "steps": 1}
    painted = restored(files, square, stabilize=0, **told)
    assert np.abs(painted[0] - painted[1]).mean() > 1e-4
    faithful = restored({"cleaner": files["cleaner"]}, square, stage2=False)
    rows = torch.tensor([[0, 0, 1], [0, 1, 1], [2, 2, 3], [2, 3, 3]])
    whole, beneath = (torch.from_numpy(part)[None] for part in (painted, faithful))
    expected = SteadyDetail()(whole, rows, beneath)[0].clamp(0, 1).numpy()
    order = random.Random(3).sample(range(LENGTH), LENGTH)
    np.testing.assert_allclose(restored(files, square, order, stabilize=1, **told), expected, atol=1e-5)


def test_tiles_and_batches(files: dict[str, Path]) -> None:
    tall = seeded.noise(2, 136, 128)
    told = {"stabilize": 0, "tile": 128, "seed": 3, "steps": 1}
    alone = restored(files, tall, **told)
    np.testing.assert_allclose(restored(files, tall, batch=2, **told), alone, atol=1e-4)


def test_half_precision_stays_near(files: dict[str, Path], square: np.ndarray, still: np.ndarray) -> None:
    half = restored(files, square[:1], stabilize=0, precision="bfloat16", vae_precision="bfloat16")
    assert 30 < seeded.psnr(still[:1], half) < 90


def test_prompts_are_encoded_once_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[list[str]] = []

    def states(_encoder: object, prompts: list[str]) -> torch.Tensor:
        encoded.append(prompts)
        return torch.full((2, 77, 24), float(len(encoded)))

    monkeypatch.setattr(text, "states", states)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    file = tmp_path / "base.ckpt"
    file.write_bytes(b"a base model")
    encoder = Checkpoint(file, "diffusion_text", {})
    monkeypatch.setattr(Checkpoint, "build", lambda _self: None)

    def said(*prompts: str) -> float:
        return prompt_states.prompt_states("toy", encoder, prompts)[0, 0, 0].item()

    assert [said("a street", ""), said("a street", ""), said("a face", ""), said("a street", "")] == [1, 1, 2, 1]
    file.write_bytes(b"another base model")
    assert said("a street", "") == 3
    for kept in (tmp_path / "vsrestore" / prompt_states.FOLDER).iterdir():
        kept.write_bytes(kept.read_bytes()[:-1] + b"?")  # damaged: made anew
    assert said("a street", "") == 4
    assert len(encoded) == 4


def test_what_it_costs_is_told_before_the_first_frame_is_done(
    files: dict[str, Path], frames: np.ndarray, log: list[str]
) -> None:
    clip = vsrestore.diffbir(seeded.as_clip(frames), **{**FAST, **files, "steps": 3, "stabilize": 0})
    assert not any("steps" in line for line in log)
    told: list[list[str]] = []
    clip.std.ModifyFrame(clip, lambda n, f: told.append(list(log)) or f).get_frame(0)
    lines = [line for line in told[0] if "3 steps of edm_dpm++_3m_sde (3 calls of the UNet) at 80x64, whole" in line]
    assert len(lines) == 1
    assert re.search(r"a step takes \S+ \w+, so a frame about .* and 4 frames .*GiB", lines[0])


def test_no_step_is_begun_once_the_script_is_freed(
    files: dict[str, Path], square: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends: list[object] = []
    monkeypatch.setattr(diffusion_cost.vs, "register_on_destroy", ends.append)
    begun = threading.Event()
    calls: list[int] = []
    forward = UNet.forward

    def counted(self: UNet, *arguments: object) -> torch.Tensor:
        calls.append(1)
        if len(calls) == 3:
            begun.set()
            ends[0]()  # what VapourSynth calls
        return forward(self, *arguments)

    monkeypatch.setattr(UNet, "forward", counted)
    clip = vsrestore.diffbir(seeded.as_clip(square[:1]), **{**FAST, **files, "steps": 50, "stabilize": 0})
    with pytest.raises(vs.Error, match=r"diffbir: frame 0: CancelledError: the script is being freed"):
        clip.get_frame(0)
    assert begun.is_set()
    assert len(calls) == 3


STEPS = """
import os, signal, time
import vapoursynth as vs
import vsrestore
from vsrestore.networks.diffusion import first_stage
from vsrestore.networks.diffusion.unet import UNet

first_stage.SHORTEST = 64
forward = UNet.forward

def counted(self, *arguments):
    with open("steps", "a") as file:
        file.write("x")
    if os.path.getsize("steps") == 3:
        while not os.path.exists("go on"):
            time.sleep(0.01)
    return forward(self, *arguments)

UNet.forward = counted
clip = vs.core.std.BlankClip(format=vs.YUV420P8, width=64, height=64, length=2)
files = {part: f"{part}.{end}" for part, end in (("base", "ckpt"), ("control", "pth"), ("cleaner", "pth"))}
vsrestore.diffbir(clip, steps=900, cfg=1, scale=1, device="cpu", **files).set_output()
"""


def test_vspipe_ends_within_a_step_when_it_is_terminated(files: dict[str, Path]) -> None:
    """The signal comes while the third of 900 steps waits; no clock is raced."""
    folder = files["base"].parent
    (folder / "steps.vpy").write_text(STEPS)
    counted = folder / "steps"
    process = subprocess.Popen([vspipe(), "-c", "y4m", "steps.vpy", "/dev/null"], cwd=folder, env=environment())
    while not counted.exists() or counted.stat().st_size < 3:
        assert process.poll() is None
        time.sleep(0.02)
    process.terminate()
    (folder / "go on").touch()
    assert process.wait() != 0
    assert counted.stat().st_size <= 4


def test_whole_models_of_the_first_release(files: dict[str, Path], square: np.ndarray, tmp_path: Path) -> None:
    """They paint as the same networks do from files of their own."""
    told = {"version": "v1", "sampler": "edm_euler", "steps": 1, "stabilize": 0}
    whole = {"base": seeded.whole_diffbir(files, tmp_path / "general_full_v1.ckpt")}
    clip = vsrestore.diffbir(seeded.as_clip(square[:1]), **{**FAST, **whole, **told})
    np.testing.assert_array_equal(seeded.as_frames(clip), restored(files, square[:1], **told))
    with pytest.raises(vs.Error, match=r"diffbir: version='v2.1'; accepted: 'v1'"):
        vsrestore.diffbir(seeded.as_clip(square), **{**FAST, **whole})


def test_each_release_has_the_words_of_its_script() -> None:
    words = {name: VERSIONS[name].chosen("sr", cfg=None, prompt=None, negative=None) for name in VERSIONS}
    begins = {name: (row["cfg"], row["prompt"][:9], row["negative"][:8]) for name, row in words.items()}
    assert begins == {"v2.1": (6, "Cinematic", "painting"), "v2": (4, "", "low qual"), "v1": (1, "", "")}


def test_times_are_spoken_in_the_unit_that_suits_them() -> None:
    assert [spoken(seconds) for seconds in (0.05, 12.4, 150, 7300, 90000)] == [
        "0.1 s",
        "12 s",
        "2.5 min",
        "2.0 h",
        "25 h",
    ]


def test_one_step_is_measured_too(log: list[str]) -> None:
    watch = Watch("toy", Work("1 step", 1, 10, 1))
    assert watch(lambda: torch.ones(1)) == 1
    assert sum("toy: 1 step; a step takes" in line for line in log) == 1


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"version": "v3"}, "version='v3'; accepted: 'v2.1', 'v2', 'v1'"),
        ({"task": "text"}, "task='text'; accepted"),
        ({"steps": 0}, "steps=0; a whole number of at least 1"),
        ({"steps": 9, "sampler": "ddim"}, "steps=9 leads ddim beyond the last step of training; take 10"),
        ({"sampler": "plms"}, "sampler='plms'; accepted: 'spaced', 'ddim'"),
        ({"tile": 100}, "tile=100; a whole number of at least 128"),
        ({"tile": 200}, "tile=200; a multiple of 64"),
        (
            {"tile": 128},
            "tile=128 is more than the shorter side of 80x64, at which pictures are painted; take 64 or less",
        ),
        ({"cfg": -1}, "cfg=-1; a number from 0 to 30"),
        ({"strength": 3}, "strength=3; a number from 0 to 2"),
        ({"noise": "shot"}, "noise='shot'; accepted: 'still', 'frame'"),
        ({"start": "cond"}, "start='cond'; accepted"),
        ({"colour": "lab"}, "colour='lab'; accepted"),
        ({"prompt": 3}, "prompt=3; a text is accepted"),
        ({"scale": 0}, "scale=0; a number from 0.25 to 16"),
        ({"stabilize": 11}, "stabilize=11; a number from 0 to 10"),
        ({"vae_precision": "float16"}, "vae_precision='float16'; accepted"),
        ({"seed": -1}, "seed=-1; a whole number"),
    ],
)
def test_what_does_not_fit_is_told(
    files: dict[str, Path], frames: np.ndarray, told: dict[str, object], message: str
) -> None:
    with pytest.raises(vs.Error, match=f"^diffbir: {re.escape(message)}"):
        vsrestore.diffbir(seeded.as_clip(frames), **{**FAST, **files, **told})


def test_a_size_that_the_format_cannot_have_is_told(files: dict[str, Path]) -> None:
    clip = vs.core.std.BlankClip(format=vs.YUV420P8, width=66, height=64)
    with pytest.raises(vs.Error, match=r"diffbir: scale=1.5 gives a width of 99, which YUV420P8 cannot have"):
        vsrestore.diffbir(clip, **{**FAST, **files, "scale": 1.5})


def test_a_base_model_of_another_family_is_refused(files: dict[str, Path], tmp_path: Path, frames: np.ndarray) -> None:
    tensors = read(files["base"])
    named = {name.replace("cond_stage_model.model.", "cond_stage_model.transformer."): x for name, x in tensors.items()}
    save_file({name: tensor.clone() for name, tensor in named.items()}, tmp_path / "sd1.safetensors")
    with pytest.raises(vs.Error, match=r"diffbir: .*sd1.safetensors holds cond_stage_model.transformer.* none of its"):
        vsrestore.diffbir(seeded.as_clip(frames), **{**FAST, **files, "base": tmp_path / "sd1.safetensors"})
    with pytest.raises(vs.Error, match=r"diffbir: .*control.pth holds .* none of its networks"):
        vsrestore.diffbir(seeded.as_clip(frames), **{**FAST, **files, "base": files["control"]})
    with pytest.raises(vs.Error, match="diffbir: no checkpoint of diffusion_control"):
        vsrestore.diffbir(seeded.as_clip(frames), **{**FAST, **files, "control": files["cleaner"]})


def test_a_missing_package_names_the_command(
    files: dict[str, Path], frames: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(library.PACKAGES, "not_there_at_all", "not-there")
    with pytest.raises(
        vs.Error, match=r"diffbir: the package not-there is not installed; get it with: pip install 'vsr"
    ):
        vsrestore.diffbir(seeded.as_clip(frames), **{**FAST, **files})
    assert restored({"cleaner": files["cleaner"]}, frames[:1], stage2=False).shape == (1, 3, 64, 80)


def test_nobody_was_called_by_all_that() -> None:
    assert "diffusers" in sys.modules
    assert not CALLS
