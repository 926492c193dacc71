"""Fine-tuning: it makes a synthetic video better, keeps apart what it is measured by, and says what it cannot use."""

import os
import shutil
import subprocess
import time
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scipy.ndimage import gaussian_filter

from vsrestore import ffmpeg, networks
from vsrestore.checkpoints import read
from vsrestore.networks.temporal_upscaler import TemporalUpscaler
from vsrestore.training import finetune
from vsrestore.training.errors import DataError, TrainingError
from vsrestore.training.recipe import ScheduleRecipe
from vsrestore.training.videos import Video


def write_video(path, frames):
    height, width = frames.shape[1:3]
    command = [ffmpeg.program(), "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    command += ["-s", f"{width}x{height}", "-r", "25", "-i", "-", "-c:v", "ffv1", str(path)]
    subprocess.run(command, input=frames.tobytes(), check=True)
    return path


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """Fine texture that moves: bicubic enlarging does badly on it, and all of it is of one kind."""
    rng = np.random.default_rng(0)
    waves = gaussian_filter(rng.standard_normal((240, 400)), 1.2)
    picture = np.clip(128 + 30 * np.sign(waves), 0, 255).astype(np.uint8)
    frames = np.stack([picture[n // 2 : n // 2 + 160, n : n + 160] for n in range(96)])
    return write_video(tmp_path_factory.mktemp("video") / "texture.mkv", np.repeat(frames[..., None], 3, axis=-1))


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A small network that is not trained: it enlarges bicubically."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    save_file(TemporalUpscaler(2, widths=(8, 8, 8), blocks=(1, 0, 0, 0, 1)).state_dict(), path)
    return str(path)


@pytest.mark.slow
def test_a_video_teaches_the_network_that_restores_it(video, weights, tmp_path, monkeypatch):
    fast = ScheduleRecipe(steps=finetune.ENDLESS, batch=2, kernel_rate=0.02, rate=5e-3, warmup=10, average=0.9)
    recipe = replace(finetune.recipe_of(weights, "temporal_upscaler", "upscale", 1), schedule=fast)
    monkeypatch.setattr(finetune, "recipe_of", lambda *_: recipe)  # this network has all to learn yet
    monkeypatch.setattr(finetune, "time", SimpleNamespace(monotonic=time.process_time))  # as much on a busy machine
    out = tmp_path / "tuned.safetensors"
    gain = finetune.finetune(video, weights, "temporal_upscaler", "upscale", out, limit_s=6, workers=0)
    assert gain.after > gain.before + 0.1
    assert isinstance(networks.load(read(out)), TemporalUpscaler)


@pytest.mark.slow
def test_nothing_is_written_where_nothing_is_gained(video, weights, tmp_path, monkeypatch):
    monkeypatch.setattr(finetune, "take_step", lambda *_: None)
    out = tmp_path / "tuned.safetensors"
    gain = finetune.finetune(video, weights, "temporal_upscaler", "upscale", out, limit_s=0.5, workers=0)
    assert gain.before == gain.after
    assert not gain.kept
    assert not out.exists()


def test_weights_that_got_worse_where_nothing_was_chosen_are_not_kept(video, weights, tmp_path, monkeypatch):
    """What chose the weights likes them, what tells does not: the file that was there stays as it was."""
    figures = {"choose": iter([20.0, 21.0, 22.0]), "tell": iter([30.0, 29.8])}
    for name, values in figures.items():
        monkeypatch.setattr(finetune.Judge, name, lambda _self, values=values: next(values))
    monkeypatch.setattr(finetune, "MEASURE_EVERY_S", 1e9)
    out = tmp_path / "tuned.safetensors"
    out.write_bytes(b"earlier")
    gain = finetune.finetune(video, weights, "temporal_upscaler", "upscale", out, limit_s=1, workers=0)
    assert gain == finetune.Gain(30.0, 29.8, kept=False)
    assert out.read_bytes() == b"earlier"


@pytest.mark.slow
def test_the_time_is_kept_with_all_that_is_measured(video, weights, tmp_path, monkeypatch):
    """Measuring is slow here: it is done on fewer frames, and learning ends early enough for the last of it."""

    slept = [0.0]

    def slow(run, recipe, shots):
        slept[0] += 0.5 * len(shots)
        return float(run.step)

    monkeypatch.setattr(finetune, "quality", slow)
    monkeypatch.setattr(finetune, "RUN", 8)
    monkeypatch.setattr(finetune, "HELD_OUT", 2)
    clock = SimpleNamespace(monotonic=lambda: time.process_time() + slept[0])  # as much on a busy machine
    monkeypatch.setattr(finetune, "time", clock)
    began = clock.monotonic()
    gain = finetune.finetune(
        video, weights, "temporal_upscaler", "upscale", tmp_path / "a.safetensors", limit_s=8, workers=0
    )
    assert gain.kept
    assert 5 < clock.monotonic() - began < 11


def test_a_name_with_a_colon_is_a_file(video, weights, tmp_path, monkeypatch):
    """FFmpeg takes 12: for a protocol."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(video, "12:30.mkv")
    assert len(Video.open(Path("12:30.mkv")).times) == 96


def test_a_name_that_is_no_utf8(video, tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.mkv")
    shutil.copy(video, path)
    assert len(Video.open(path).times) == 96


def test_a_place_that_cannot_be_written_is_refused_before_anything_is_read(weights, tmp_path):
    out = tmp_path / "missing" / "tuned.safetensors"
    with pytest.raises(TrainingError, match=r"tuned.safetensors cannot be written \(No such file or directory\)"):
        finetune.finetune(tmp_path / "no.mkv", weights, "temporal_upscaler", "upscale", out, limit_s=1)


def test_what_is_learnt_chosen_and_told_are_different_frames(tmp_path):
    numbers = np.arange(96, dtype=np.uint8)[:, None, None, None] * np.ones((1, 64, 64, 3), np.uint8) * 2
    path = write_video(tmp_path / "numbers.mkv", numbers)
    parts = [{int(v) for s in some for v in s.frames[:, 0, 0, 0]} for some in finetune.divided(Video.open(path))]
    assert all(parts)
    assert not any(one & other for one, other in combinations(parts, 2))


def test_long_videos_take_no_more_memory(video, monkeypatch):
    monkeypatch.setattr(finetune, "MEMORY", 4 * finetune.RUN * 160 * 160 * 3)
    taught, chosen, told = finetune.divided(Video.open(video))
    assert (len(taught), len(chosen), len(told)) == (3, 1, 1)


def test_a_short_video_is_refused(tmp_path):
    path = write_video(tmp_path / "short.mkv", np.zeros((8, 64, 64, 3), np.uint8))
    with pytest.raises(DataError, match="8 frames are too few to learn from"):
        finetune.divided(Video.open(path))
