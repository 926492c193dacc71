"""Every example script runs in vspipe on a small clip and can be previewed beside its source."""

from __future__ import annotations

import subprocess
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from vsrestore.pipeline.programs import environment, ffmpeg, vspipe

SCRIPTS = Path(__file__).parents[2] / "scripts"
WIDTH, HEIGHT, FRAMES = 64, 48, 6
FRAME_BYTES = len(b"FRAME\n") + WIDTH * HEIGHT * 3 // 2


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("a clip") / "clip of six frames.mkv"
    picture = ["-f", "lavfi", "-i", f"testsrc=size={WIDTH}x{HEIGHT}:rate=24", "-frames:v", str(FRAMES)]
    command = [ffmpeg(), "-loglevel", "error", *picture, "-pix_fmt", "yuv420p", "-c:v", "ffv1", str(path)]
    subprocess.run(command, check=True)
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """An ONNX model that returns its input."""
    path = tmp_path_factory.mktemp("a model") / "identity.onnx"
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, "height", "width"]) for name in ("in", "out")]
    graph = helper.make_graph([helper.make_node("Identity", ["in"], ["out"])], "identity", ends[:1], ends[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), path)
    return path


def run(script: str, *options: str) -> subprocess.CompletedProcess[bytes]:
    command = [vspipe(), "-c", "y4m", *options, str(SCRIPTS / script), "-"]
    return subprocess.run(command, capture_output=True, env=environment(), check=False)


@pytest.mark.parametrize("script", sorted(path.name for path in SCRIPTS.glob("*.vpy")))
@pytest.mark.parametrize("output", [0, 1])
def test_example(script, output, source, model):
    done = run(script, "-o", str(output), "-a", f"source={source}", "-a", f"model={model}")
    assert done.returncode == 0, done.stderr.decode()
    header, _, frames = done.stdout.partition(b"\n")
    assert header.startswith(b"YUV4MPEG2 ")
    assert f"W{WIDTH} H{HEIGHT} ".encode() in header
    assert len(frames) == FRAMES * FRAME_BYTES


def test_keep_grain_takes_its_strength_as_text(source):
    done = run("film_keep_grain.vpy", "-a", f"source={source}", "-a", "grain=0.5")
    assert done.returncode == 0, done.stderr.decode()
    assert run("film_keep_grain.vpy", "-a", f"source={source}", "-a", "grain=5").returncode == 1
