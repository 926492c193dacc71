"""Every example script runs on a small clip, with what vspipe gives it, and can be previewed beside its source."""

from __future__ import annotations

import io
import re
import runpy
import subprocess
from pathlib import Path

import onnx
import pytest
import vapoursynth as vs
from onnx import TensorProto, helper

from tests.filters import image_networks, seeded
from vsrestore import ffmpeg
from vsrestore.pipeline.probe import probe
from vsrestore.pipeline.programs import environment, vspipe
from vsrestore.pipeline.script import parse_filter
from vsrestore.recipes.recipe import read_recipe

SCRIPTS = Path(__file__).parents[2] / "scripts"
WIDTH, HEIGHT, FRAMES = 64, 48, 6
SHIPPED = ("family_tape.vpy", "interpolate.vpy", "upscale.vpy")
SCALES = {
    "diffbir.vpy": 4,
    "family_tape.vpy": 2,
    "upscale.vpy": 2,
    "edvr.vpy": 4,
    "esrgan.vpy": 2,
    "basicvsrpp.vpy": 4,
    "realbasicvsr.vpy": 4,
    "psrt.vpy": 4,
}

# Frames given / frames taken, of output 0.
RATES = {"adacof.vpy": 2, "interpolate.vpy": 2, "rife.vpy": 2}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("a clip") / "clip of six frames.mkv"
    picture = ["-f", "lavfi", "-i", f"testsrc=size={WIDTH}x{HEIGHT}:rate=24", "-frames:v", str(FRAMES)]
    command = [ffmpeg.program(), "-loglevel", "error", *picture, "-pix_fmt", "yuv420p", "-c:v", "ffv1", str(path)]
    subprocess.run(command, check=True)
    return path


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """By script: an ONNX model that returns its input, small networks with seeded weights."""
    folder = tmp_path_factory.mktemp("some models")
    return {
        "onnx.vpy": identity(folder / "identity.onnx"),
        "esrgan.vpy": image_networks.checkpoint(folder / "compact.pth", "compact"),
        "image_model.vpy": image_networks.checkpoint(folder / "dncnn.pth", "dncnn"),
        "style.vpy": seeded.checkpoint(folder / "style.safetensors", "fast_neural_style", width=8),
        "edvr.vpy": seeded.checkpoint(folder / "edvr.safetensors", "edvr", **seeded.EDVR),
        "basicvsrpp.vpy": seeded.checkpoint(folder / "basicvsrpp.safetensors", "basicvsrpp", **seeded.BASICVSRPP),
        "realbasicvsr.vpy": seeded.checkpoint(folder / "real.safetensors", "realbasicvsr", **seeded.REALBASICVSR),
        "rvrt.vpy": seeded.checkpoint(folder / "rvrt.safetensors", "rvrt", **seeded.RVRT_DENOISE),
        "psrt.vpy": seeded.checkpoint(folder / "psrt.safetensors", "psrt", **seeded.PSRT),
        "mmp_rnn.vpy": seeded.checkpoint(folder / "mmp.safetensors", "mmp_rnn", **seeded.MMP_RNN),
        "analog_swin_unet.vpy": seeded.checkpoint(
            folder / "analog.safetensors", "analog_swin_unet", **seeded.ANALOG_SWIN_UNET
        ),
        **dict.fromkeys(
            ("mat.vpy", "static_overlay.vpy"), seeded.checkpoint(folder / "mat.safetensors", "mat", **seeded.MAT)
        ),
        "ddcolor.vpy": seeded.checkpoint(folder / "ddcolor.safetensors", "ddcolor", **seeded.DDCOLOR),
        "deoldify.vpy": seeded.checkpoint(folder / "deoldify.safetensors", "deoldify", **seeded.DEOLDIFY),
        "tape_reference.vpy": seeded.checkpoint(folder / "tape.safetensors", "tape_reference", **seeded.TAPE_REFERENCE),
        "adacof.vpy": seeded.checkpoint(folder / "adacof.safetensors", "sf_adacof", **seeded.SF_ADACOF),
        "rife.vpy": seeded.checkpoint(folder / "rife.safetensors", "rife", **seeded.RIFE),
        "tcvc.vpy": seeded.tcvc_folder(folder),
        "uformer.vpy": seeded.checkpoint(folder / "uformer.safetensors", "uformer", **seeded.UFORMER),
    }


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """By script: networks of those that take several, by argument."""
    paths = seeded.inpainting(tmp_path_factory.mktemp("some parts"))
    small = seeded.diffbir_files(tmp_path_factory.mktemp("diffbir"))
    return {**dict.fromkeys(("propainter.vpy", "outpaint.vpy"), paths), "diffbir.vpy": {**small, "steps": 1}}


def identity(path):
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, "height", "width"]) for name in ("in", "out")]
    graph = helper.make_graph([helper.make_node("Identity", ["in"], ["out"])], "identity", ends[:1], ends[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), path)
    return path


def run(script: str, *options: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    command = [vspipe(), "-c", "y4m", *options, str(SCRIPTS / script), "-"]
    return subprocess.run(command, capture_output=True, env={**environment(), **variables}, check=False)


@pytest.fixture
def told(script, source, models, parts):
    """What a script is given, by name: text, as vspipe gives it."""
    model = {"model": models[script]} if script in models else {}
    return {name: str(path) for name, path in {"source": source, **model, **parts.get(script, {})}.items()}


every_script = pytest.mark.parametrize("script", sorted(path.name for path in SCRIPTS.glob("*.vpy")))


@every_script
def test_example(script, told, tmp_path, monkeypatch):
    """As an editor runs it, and vspipe, whose start takes longer than the frames."""
    monkeypatch.setenv("VSRESTORE_WEIGHTS", str(tmp_path))
    monkeypatch.setattr("vsrestore.networks.diffusion.first_stage.SHORTEST", 64)  # which DiffBIR enlarges frames to
    try:
        runpy.run_path(str(SCRIPTS / script), told)
        restored, beside = (vs.get_output(number).clip for number in (0, 1))
    finally:
        vs.clear_outputs()
    is_whole(script, stream_of(restored), FRAMES * RATES.get(script, 1))
    is_whole(script, stream_of(beside), FRAMES)


@pytest.mark.slow
@pytest.mark.parametrize("script", ["damage.vpy", "film.vpy", "rife.vpy", "uformer.vpy"])
def test_example_in_vspipe(script, told, tmp_path):
    words = [word for name, text in told.items() for word in ("-a", f"{name}={text}")]
    done = run(script, *words, VSRESTORE_WEIGHTS=str(tmp_path))
    assert done.returncode == 0, done.stderr.decode()
    is_whole(script, done.stdout, FRAMES * RATES.get(script, 1))


def stream_of(clip: vs.VideoNode) -> bytes:
    stream = io.BytesIO()
    clip.output(stream, y4m=True)
    return stream.getvalue()


def is_whole(script: str, stream: bytes, length: int) -> None:
    """Check that a stream of Y4M has all frames, in the size that the script gives."""
    header, _, frames = stream.partition(b"\n")
    assert header.startswith(b"YUV4MPEG2 ")
    width, height = (SCALES.get(script, 1) * size for size in (WIDTH, HEIGHT))
    assert f"W{width} H{height} ".encode() in header
    assert len(frames) == length * (len(b"FRAME\n") + width * height * 3 // 2)


@pytest.mark.parametrize(
    "script",
    [*(s for s in (*RATES, *SCALES) if s not in SHIPPED), "ddcolor.vpy", "deoldify.vpy", "rvrt.vpy", "outpaint.vpy"],
)
def test_missing_weights_are_told(script, source, tmp_path):
    done = run(script, "-a", f"source={source}", VSRESTORE_WEIGHTS=str(tmp_path))
    assert done.returncode == 1
    published = re.search(r"vsrestore weights fetch ([\w-]+)", (SCRIPTS / script).read_text())
    assert published
    assert f"the checkpoint {published[1]} is not here".encode() in done.stderr


@pytest.mark.slow
def test_keep_grain_takes_its_strength_as_text(source):
    done = run("film_keep_grain.vpy", "-a", f"source={source}", "-a", "grain=0.5")
    assert done.returncode == 0, done.stderr.decode()
    assert run("film_keep_grain.vpy", "-a", f"source={source}", "-a", "grain=5").returncode == 1


def test_the_family_tape_has_the_steps_of_its_recipe():
    """What is on in the recipe and comes with the package is done; what is off is there to be switched on."""
    recipe = read_recipe("family-tape")
    text = (SCRIPTS / "family_tape.vpy").read_text()
    calls = re.findall(r"^ *(# )?clip = vsrestore\.(\w+)\(clip", text, flags=re.MULTILINE)
    assert len(calls) == len(recipe.steps)
    for (off, name), step in zip(calls, recipe.steps, strict=True):
        assert name in {filter.partition("(")[0] for filter in step.filters}, step.name
        own = parse_filter(step.filters[-1]).name == name
        assert bool(off) == (not step.on or not own or step.name in ("colour", "deblur"))


def test_the_pipe_of_the_readme_keeps_sound_and_colours(tmp_path):
    """Its script, with a filter that takes no time, and its command, letter by letter."""
    readme = (SCRIPTS.parent / "README.md").read_text()
    lines = re.search(r"## A first script\n\n```python\n(.*?)```", readme, re.DOTALL)[1]
    (tmp_path / "film.vpy").write_text(lines.replace("vsrestore.film", "vsrestore.scenes"))
    pipe = re.search(r"^    (vspipe .* \| ffmpeg .*\\\n.*)$", readme, re.MULTILINE)[1]
    colours = "setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709"
    picture = ("-f", "lavfi", "-i", f"testsrc=size=64x48:rate=24:duration=1,format=yuv420p,{colours}")
    tone = ("-f", "lavfi", "-i", "sine=duration=1", "-c:v", "libx264", "-c:a", "aac")
    subprocess.run([ffmpeg.program(), "-v", "error", *picture, *tone, "old.mp4"], cwd=tmp_path, check=True)
    (tmp_path / "ffmpeg").symlink_to(ffmpeg.program())
    known = environment()
    known["PATH"] = f"{tmp_path}:{Path(vspipe()).parent}:{known['PATH']}"
    subprocess.run(pipe, shell=True, cwd=tmp_path, check=True, env=known, capture_output=True, timeout=120)
    old, new = (probe(tmp_path / name) for name in ("old.mp4", "restored.mkv"))
    assert new.picture.colour == old.picture.colour
    assert [track.codec for track in new.of_kind("audio")] == ["aac"]
