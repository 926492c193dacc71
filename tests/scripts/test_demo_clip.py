from __future__ import annotations

import av
import numpy as np
import pytest

SECONDS, WIDTH, HEIGHT = 0.5, 128, 96
FRAMES = 12


@pytest.fixture(scope="module")
def demo_clip(script):
    return script("demo_clip")


@pytest.fixture(scope="module")
def folder(demo_clip, tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo clip")
    demo_clip.write_clip(folder, SECONDS, WIDTH, HEIGHT)
    return folder


def decoded(path):
    with av.open(str(path)) as file:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)])


def test_damaged_clip_and_truth_are_one_clip(demo_clip, folder):
    damaged, truth = decoded(folder / "damaged.mkv"), decoded(folder / "truth.mkv")
    assert damaged.shape == truth.shape == (FRAMES, HEIGHT, WIDTH, 3)
    assert np.array_equal(truth, np.stack(list(demo_clip.clip_frames(FRAMES, WIDTH, HEIGHT))))
    difference = np.abs(damaged.astype(int) - truth).mean()
    assert 1 < difference < 12


def test_nothing_else_is_left_in_the_folder(folder):
    assert sorted(path.name for path in folder.iterdir()) == ["damaged.mkv", "truth.mkv"]


def test_damaged_clip_has_sound_and_says_its_colours(folder):
    with av.open(str(folder / "damaged.mkv")) as file:
        sound, picture = file.streams.audio[0], file.streams.video[0]
        assert sound.codec_context.name == "aac"
        assert sound.codec_context.channels == 2
        assert picture.average_rate == 24
        assert picture.codec_context.colorspace == 6
        samples = np.concatenate([frame.to_ndarray() for frame in file.decode(sound)], axis=1)
    assert samples.shape[1] == pytest.approx(SECONDS * 48_000, abs=3000)
    assert np.abs(samples).max() > 0.1


def test_the_cut_lies_in_the_middle(demo_clip):
    frames = np.stack(list(demo_clip.clip_frames(120, 64, 48))).astype(float)
    steps = np.abs(np.diff(frames, axis=0)).mean(axis=(1, 2, 3))
    assert steps.argmax() == 59
    assert steps.max() > 2 * np.sort(steps)[-2]


def test_foreground_and_background_move_differently(demo_clip):
    for back, front in demo_clip.SCENES:
        ways = [
            (layer.end.x * layer.end.zoom - layer.start.x * layer.start.zoom, layer.end.zoom - layer.start.zoom)
            for layer in (back, front)
        ]
        assert np.abs(np.subtract(*ways)).max() > 0.05


def test_the_camera_never_leaves_the_background(demo_clip):
    for back, _ in demo_clip.SCENES:
        height, width = demo_clip.photograph(back.photograph).shape[:2]
        for camera in (back.start, back.end):
            half_width, half_height = 320 / camera.zoom / width, 240 / camera.zoom / height
            assert half_width <= camera.x <= 1 - half_width
            assert half_height <= camera.y <= 1 - half_height
