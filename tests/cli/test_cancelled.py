"""Commands that a signal ends, at any moment: code 130, one line, and what was written stays whole."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.cli.tiny_recipe import TINY_RECIPE
from vsrestore import ffmpeg

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
ROOT = Path(__file__).resolve().parents[2]
RECIPE = TINY_RECIPE.format(schedule="steps = 100000\nepoch = 3")
COMMANDS = {
    "compare": ("clips/a.mkv", "clips/b.mkv", "-o", "out"),
    "orders": ("clips/a.mkv", "--steps", "film", "-o", "out", "--device", "cpu", "--frames", "240"),
    "train": ("recipe.toml", "--clips", "clips", "--out", "out", "--workers", "1"),
}
NOTHING = "vsrestore: cancelled; nothing was written"
SAVED = "vsrestore train: cancelled; --resume takes up what was saved last"
# Seconds after it listens; then two files are compared, the last order is tried, some states are saved.
LATEST = 3.0
# Something that the command calls, after which an object is freed while which a signal comes.
CALLED = {
    "compare": "comparison.sources.opened",
    "orders": "comparison.sources.opened",
    "train": "training.loop.take_step",
}
SIGNALLED = (
    "import os, signal\nfrom importlib import import_module\nfrom vsrestore.cli import main\n"
    "class Freed:\n    def __del__(self):\n        os.kill(os.getpid(), {number})\n"
    "module = import_module('vsrestore.{module}')\nknown = module.{function}\n"
    "def called(*given, **named):\n    Freed()\n    return known(*given, **named)\n"
    "module.{function} = called\nif __name__ == '__main__':\n    main()\n"
)


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    """A folder with two videos of ten seconds and a recipe."""
    folder = tmp_path_factory.mktemp("material")
    (folder / "clips").mkdir()
    for name in ("a.mkv", "b.mkv"):
        made = ["-f", "lavfi", "-i", "testsrc2=size=320x240:rate=24:duration=10", "-c:v", "ffv1"]
        subprocess.run([ffmpeg.program(), "-v", "error", "-nostdin", *made, folder / "clips" / name], check=True)
    (folder / "recipe.toml").write_text(RECIPE)
    return folder


@pytest.fixture
def command(material, tmp_path):
    """Return a function that starts a command in a folder with the material."""
    for path in material.iterdir():
        (tmp_path / path.name).symlink_to(path)

    def start(*words: str, program: str = "vsrestore") -> subprocess.Popen[str]:
        paths = os.pathsep.join([str(ROOT), str(tmp_path)])
        environment = {**os.environ, "PYTHONPATH": paths, "XDG_CACHE_HOME": str(tmp_path / "cache")}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(
            [sys.executable, "-m", program, *words], **pipes, text=True, env=environment, cwd=tmp_path
        )

    return start


def wait_until_it_listens(process: subprocess.Popen[str]) -> None:
    """SIGTERM has a handler from then on."""
    while process.poll() is None:
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        caught = next(int(line.split()[1], 16) for line in lines if line.startswith("SigCgt"))
        if caught >> (signal.SIGTERM - 1) & 1:
            return
        time.sleep(0.02)


def assert_cancelled(name: str, process: subprocess.Popen[str], folder: Path) -> None:
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (130, ""), err
    line = err.splitlines()[-1]
    assert "Traceback" not in err
    if name != "train":
        assert line == NOTHING
        assert not (folder / "out").exists()
        assert not list(folder.glob(".out*"))
    elif (folder / "out" / "state.pt").exists():
        assert line == SAVED
        state = torch.load(folder / "out" / "state.pt", weights_only=True)
        counts = {int(one["step"]) for part in state["optimisers"] for one in part["state"].values() if "step" in one}
        assert counts == {state["step"]}  # no step is saved in part
    else:
        assert line == "vsrestore train: cancelled; nothing was saved"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_signal_at_any_moment_ends_it(command, tmp_path, soak, name):
    moments = random.Random(name)
    for number in [signal.SIGINT, signal.SIGTERM] * soak:
        process = command(name, *COMMANDS[name])
        wait_until_it_listens(process)
        time.sleep(moments.uniform(0, LATEST))
        process.send_signal(number)
        assert_cancelled(name, process, tmp_path)
        for path in (tmp_path / "out").glob("*"):
            path.unlink()


@pytest.mark.parametrize(
    ("name", "number"), [*zip(COMMANDS, [signal.SIGINT, signal.SIGTERM, signal.SIGTERM], strict=True)]
)
def test_no_signal_is_lost(command, tmp_path, name, number):
    """Python throws away what is raised while an object is freed."""
    module, _, function = CALLED[name].rpartition(".")
    text = SIGNALLED.format(number=int(number), module=module, function=function)
    (tmp_path / "signalled.py").write_text(text)
    assert_cancelled(name, command(name, *COMMANDS[name], program="signalled"), tmp_path)


def test_a_run_that_was_cancelled_is_taken_up(command, tmp_path):
    process = command("train", *COMMANDS["train"])
    while not (tmp_path / "out" / "weights.safetensors").exists():
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    assert_cancelled("train", process, tmp_path)
    assert load_file(tmp_path / "out" / "weights.safetensors")
    steps = torch.load(tmp_path / "out" / "state.pt", weights_only=True)["step"] + 1
    process = command("train", *COMMANDS["train"], "--resume", "--steps", str(steps))
    assert process.communicate(timeout=120)[1].splitlines()[-1].startswith(f"{steps} steps in")


def test_a_comparison_is_replaced_whole(command, tmp_path):
    """A signal that comes while the new files take the places of the old ones waits until all have."""
    (tmp_path / "signalled.py").write_text(
        "import os, signal\nfrom pathlib import Path\nfrom vsrestore.cli import main\nknown = Path.unlink\n"
        "def called(self, missing_ok=False):\n    if self.name == 'index.html': os.kill(os.getpid(), signal.SIGTERM)\n"
        "    return known(self, missing_ok=missing_ok)\nPath.unlink = called\nmain()\n"
    )
    words = ("compare", *COMMANDS["compare"], "--end", "0.2")
    assert command(*words).wait(120) == 0
    before = (tmp_path / "out" / "index.html").stat().st_mtime_ns
    process = command(*words, "--overwrite", program="signalled")
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out, err.splitlines()[-1]) == (130, "", "vsrestore: cancelled; all was written")
    assert (tmp_path / "out" / "index.html").stat().st_mtime_ns > before
    listed = subprocess.run(
        ["sha256sum", "-c", "comparison.sha256"], cwd=tmp_path / "out", check=False, capture_output=True
    )
    assert listed.returncode == 0, listed.stdout
