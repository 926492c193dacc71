"""ONNX Runtime sends nothing, and makes no number by which the machine is known."""

import os
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from onnx import helper

SESSION = """
import vapoursynth as vs, vsrestore
clip = vs.core.std.BlankClip(format=vs.RGBS, width=8, height=8, length=1)
vsrestore.onnx(clip, {model!r}, provider='cpu').get_frame(0)
"""
INFO = """
import sys
from vsrestore.cli import main
sys.argv = ['vsrestore', 'info']
main()
"""


@pytest.fixture
def model(tmp_path):
    """A network that clips at zero."""
    ends = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 3, 8, 8]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "relu", ends[:1], ends[1:])
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), tmp_path / "relu.onnx"
    )
    return str(tmp_path / "relu.onnx")


@pytest.mark.slow
@pytest.mark.parametrize("code", [SESSION, INFO])
def test_no_number_of_the_device_is_made(tmp_path, model, code):
    """Where telemetry is on, `deviceid` and a store of events lie in the cache folder as soon as it is loaded."""
    home = tmp_path / "home"
    home.mkdir()
    hidden = ("ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME", "CI", "GITHUB_ACTIONS")  # it keeps still in some of these
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    subprocess.run(
        [sys.executable, "-c", code.format(model=model)],
        env={**environment, "HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[2])},
        check=True,
        capture_output=True,
    )
    assert [path.name for path in home.rglob("*") if "deviceid" in path.name or "onnxruntime" in path.name] == []


def test_the_user_has_the_last_word():
    code = "import vsrestore, os; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    for value in ("0", "1"):
        environment = {**os.environ, "ORT_DISABLE_TELEMETRY": value, "PYTHONPATH": str(Path(__file__).parents[2])}
        run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert run.stdout.strip() == value
