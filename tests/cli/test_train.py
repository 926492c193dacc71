import errno
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import typer
from safetensors.torch import load_file
from typer.testing import CliRunner

from tests.cli.tiny_recipe import TINY_RECIPE
from vsrestore import ffmpeg
from vsrestore.cli.train import train
from vsrestore.devices import pick

app = typer.Typer()
app.command()(train)


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_missing_recipe_is_one_line_and_code_2(tmp_path):
    done = call(tmp_path / "none.toml", "--clips", tmp_path, "--out", tmp_path / "run")
    assert done.exit_code == 2
    assert done.stderr.startswith("vsrestore train: ")
    assert "cannot be read" in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_folder_with_a_run_is_not_written_to(tmp_path):
    (tmp_path / "state.pt").write_bytes(b"")
    done = call(tmp_path / "none.toml", "--clips", tmp_path, "--out", tmp_path)
    assert done.exit_code == 2
    assert "--resume" in done.stderr


def test_there_must_be_something_to_resume(tmp_path):
    done = call(tmp_path / "none.toml", "--clips", tmp_path, "--out", tmp_path, "--resume")
    assert done.exit_code == 2
    assert "no run to take up" in done.stderr


RECIPE = TINY_RECIPE.format(schedule="steps = 2")


@pytest.fixture
def folder(tmp_path):
    """Two tiny videos and a recipe."""
    (tmp_path / "clips").mkdir()
    for name in ("a.mkv", "b.mkv"):
        source = ["-f", "lavfi", "-i", "testsrc2=size=64x48:rate=24:duration=0.5", "-c:v", "ffv1"]
        command = [ffmpeg.program(), "-v", "error", *source, str(tmp_path / "clips" / name)]
        subprocess.run(command, check=True)
    (tmp_path / "recipe.toml").write_text(RECIPE)
    return tmp_path


def started(folder, *words):
    options = ("--clips", folder / "clips", "--out", folder / "run", "--workers", 0, *words)
    return call(folder / "recipe.toml", *options)


def test_a_run_leaves_weights_and_says_nothing_on_stdout(folder):
    done = started(folder, "--precision", "float32")
    assert done.exit_code == 0, done.stderr
    assert done.stdout == ""
    assert "held out: " in done.stderr
    assert (folder / "run" / "weights.safetensors").is_file()
    again = started(folder, "--resume", "--steps", 3)
    assert again.exit_code == 0, again.stderr
    assert again.stderr.splitlines()[-1].startswith("3 steps in")


def test_a_run_may_begin_from_other_weights_than_the_recipe_says(folder):
    assert started(folder, "--steps", 1).exit_code == 0
    base = folder / "base.safetensors"
    (folder / "run" / "weights.safetensors").rename(base)
    for file in (folder / "run").iterdir():
        file.unlink()
    recipe = folder / "recipe.toml"
    recipe.write_text(RECIPE.replace("[schedule]", "[schedule]\nrate = 1e-30\nkernel_rate = 1e-30"))
    done = started(folder, "--weights", base)
    assert done.exit_code == 0, done.stderr
    kept, begun = load_file(folder / "run" / "weights.safetensors"), load_file(base)
    assert all(torch.allclose(kept[name], begun[name], rtol=0, atol=1e-20) for name in begun)


@pytest.mark.parametrize(
    ("recipe", "words", "says"),
    [
        (RECIPE + "rate = 0.0", (), "rates must be above 0"),
        (RECIPE + "corp = 3", (), "schedule: unknown key 'corp'"),
        (RECIPE.replace('"film"', '"flim"'), (), "task = 'flim'"),
        (RECIPE.replace("crop = 32", "crop = 64"), (), "a.mkv: 64x48 px is smaller than the crop of 64 px"),
        (RECIPE + "[loss]\nlog = 0", (), "one must be above 0"),
        (RECIPE + "[loss]\nfeature = 1", (), "vsrestore weights fetch vgg16"),
        (RECIPE, ("--device", "cuda:99"), "device 'cuda:99' cannot be used"),
        (RECIPE, ("--clips", "none"), "none: is no folder"),
    ],
)
def test_mistakes_are_one_line_and_code_2(folder, monkeypatch, recipe, words, says):
    monkeypatch.setenv("VSRESTORE_WEIGHTS", str(folder))
    (folder / "recipe.toml").write_text(recipe)
    done = started(folder, *words)
    assert done.exit_code == 2
    assert says in done.stderr
    assert done.stderr.startswith("vsrestore train: ")
    assert len(done.stderr.splitlines()) == 1


def test_it_trains_where_filters_run(folder, monkeypatch):
    monkeypatch.setattr(pick, "pick", lambda device: torch.device("meta") if device is None else None)
    machines = []
    monkeypatch.setattr(
        "vsrestore.cli.train._run", lambda *given: machines.append(given[-1]) or SimpleNamespace(step=1, spent_s=1)
    )
    assert started(folder).exit_code == started(folder, "--device", "cpu", "--precision", "bfloat16").exit_code == 0
    assert [(each.device.type, each.precision) for each in machines] == [("meta", "float32"), ("cpu", "bfloat16")]


def test_a_video_that_is_none_is_named(folder):
    (folder / "clips" / "c.mp4").write_bytes(b"no video")
    done = started(folder)
    assert done.exit_code == 2
    assert "c.mp4: cannot be decoded" in done.stderr
    assert not (folder / "run").exists()


def test_a_full_disk_is_told_and_the_run_can_be_taken_up(folder, monkeypatch):
    assert started(folder).exit_code == 0
    before = (folder / "run" / "state.pt").read_bytes()

    def full(self, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    done = started(folder, "--resume", "--steps", 4)
    assert done.exit_code == 2
    assert "cannot be written (No space left on device)" in done.stderr
    monkeypatch.undo()
    assert (folder / "run" / "state.pt").read_bytes() == before
    assert started(folder, "--resume", "--steps", 4).exit_code == 0


def test_the_module_runs_without_a_warning():
    done = subprocess.run(
        [sys.executable, "-m", "vsrestore.cli.train", "--help"], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""


ROOT = Path(__file__).parents[2]
COMMAND = re.compile(
    r"^(?:#\s|)\s*vsrestore train (scripts/training/[\w-]+\.toml) (--clips SHOTS --out RUN\b.*)$", re.MULTILINE
)


def commands_of(path):
    return {found.groups() for found in COMMAND.finditer(path.read_text(encoding="utf-8"))}


RECIPES = {path.name: commands_of(path) for path in sorted((ROOT / "scripts" / "training").glob("*.toml"))}


def test_every_recipe_says_how_it_is_run_and_cards_name_such_commands():
    assert all([found for found, _ in commands] == [f"scripts/training/{name}"] for name, commands in RECIPES.items())
    cards = [path for path in (ROOT / "weights").glob("*.md") if "vsrestore train" in path.read_text(encoding="utf-8")]
    assert cards
    assert all(commands_of(card) and commands_of(card) <= set.union(*RECIPES.values()) for card in cards)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Two videos that every crop fits into."""
    folder = tmp_path_factory.mktemp("tiny")
    for name, seconds in (("a.mkv", 0.5), ("b.mkv", 0.1)):
        source = ["-f", "lavfi", "-i", f"testsrc2=size=256x256:rate=24:duration={seconds}", "-c:v", "ffv1"]
        subprocess.run([ffmpeg.program(), "-v", "error", *source, str(folder / name)], check=True)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in RECIPES if name != "unet.toml"])  # that one needs a large GPU
def test_the_command_of_a_recipe_runs(tiny, tmp_path, monkeypatch, name):
    """One step on tiny data; the recipe's held-out files are not there, so the last video is held out."""
    ((recipe, options),) = RECIPES[name]
    monkeypatch.chdir(ROOT)
    words = shlex.split(
        options.replace("SHOTS", str(tiny)).replace("RUN", str(tmp_path / "run")).replace("BASE", "upscale-x4")
    )
    done = call(recipe, *words, "--steps", 1, "--workers", 0)
    assert done.exit_code == 0, done.stderr
    assert "held out: " in done.stderr
    left = {path.name for path in (tmp_path / "run").iterdir()}
    logs = {"train.csv", "validation.csv"}
    assert left == {"state.pt", "weights.safetensors", "sheet.png", "losses.png", *logs}
