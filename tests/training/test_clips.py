"""Which clips are trained on: those of an index, or all videos of a folder, read where samples need them."""

from __future__ import annotations

import subprocess
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vsrestore import ffmpeg
from vsrestore.training import clips
from vsrestore.training.clips import DecodedShot, check_sizes, decode, read_shots, runs, split
from vsrestore.training.data import batches, cut, longest_scene
from vsrestore.training.errors import DataError
from vsrestore.training.recipe import DataRecipe, Recipe, ScheduleRecipe
from vsrestore.training.videos import Video

NUMBERS = "color=black:s=64x48:r=24:d={seconds},geq=lum='16+mod(N\\,200)':cb=128:cr=128"
"""Gray frames, each brighter than the one before."""


def draw(path, source, *codec):
    command = [ffmpeg.program(), "-v", "error", "-y", "-f", "lavfi", "-i", source, *codec, str(path)]
    subprocess.run(command, check=True)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two videos with frames between key frames, one long, and files that are none."""
    found = tmp_path_factory.mktemp("videos")
    b_frames = ("-c:v", "mpeg4", "-bf", "2", "-g", "24", "-q:v", "1")
    draw(found / "long.mp4", NUMBERS.format(seconds=9), *b_frames)
    draw(found / "short.mkv", NUMBERS.format(seconds=1), *b_frames)
    (found / "notes.txt").write_text("no video")
    return found


def test_only_permissive_shots_of_an_index_are_read(shots_folder):
    shots = read_shots(shots_folder, ["permissive"])
    assert [shot.name for shot in shots] == ["a1.mkv", "a2.mkv", "b.mkv"]
    assert (len(shots[0]), shots[0].size) == (12, (80, 96))
    assert shots[0].read(np.arange(2)).std() > 30


def test_without_an_index_all_videos_are_taken_in_runs(folder):
    shots = read_shots(folder, ["permissive"])
    assert [(shot.name, len(shot)) for shot in shots] == [
        ("long.mp4", 108),
        ("long.mp4 from frame 108", 108),
        ("short.mkv", 24),
    ]
    assert {shot.size for shot in shots} == {(48, 64)}


def test_frames_come_by_number_in_any_order(folder):
    shot = read_shots(folder, [])[1]
    whole = decode(folder / "long.mp4", 64, 48)
    for numbers in ([0, 1, 2], [107, 53, 54, 3], [23, 24, 25]):
        np.testing.assert_allclose(shot.read(np.array(numbers)), whole[108 + np.array(numbers)], atol=2)


def test_no_name_is_an_address(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = Path("http:host.mkv")
    path.write_bytes((folder / "short.mkv").read_bytes())
    assert len(Video.open(path).times) == len(decode(path, 64, 48)) == 24


def test_a_playlist_draws_in_no_address(tmp_path):
    playlist = tmp_path / "list.m3u8"
    playlist.write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n")
    for read in (Video.open, lambda path: decode(path, 64, 48)):
        with pytest.raises(DataError, match=r"list\.m3u8: cannot be decoded"):
            read(playlist)


def test_memory_does_not_grow_with_the_length_of_a_video(folder):
    video = Video.open(folder / "long.mp4")
    tracemalloc.start()
    video.read(np.array([200, 201]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12 * 64 * 48 * 3


@pytest.mark.slow
def test_batches_of_a_folder_come_from_workers_too(folder):
    recipe = Recipe("film", data=DataRecipe(crop=32, frames=5), schedule=ScheduleRecipe(batch=2))
    shots, held_out = split(read_shots(folder, []), ["elsewhere.mp4"])
    assert [shot.name for shot in held_out] == ["short.mkv"]  # no name of the recipe's is there
    here, there = (next(batches(shots, recipe, 0, workers)) for workers in (0, 1))
    assert all(a.equal(b) for a, b in zip(here, there, strict=True))


def test_what_is_not_there_is_named(shots_folder, tmp_path):
    with pytest.raises(DataError, match="holds no video"):
        read_shots(tmp_path, ["permissive"])
    with pytest.raises(DataError, match="is no folder"):
        read_shots(tmp_path / "none", ["permissive"])
    with pytest.raises(DataError, match="no shot of the licence classes pexels"):
        read_shots(shots_folder, ["pexels"])
    with pytest.raises(DataError, match="cannot be decoded"):
        decode(shots_folder / "index.csv", 96, 80)
    (tmp_path / "index.csv").write_text("file,origin,w,h\na.mkv,a,8,8\n")
    with pytest.raises(DataError, match="no column 'licence_class'"):
        read_shots(tmp_path, ["permissive"])


@pytest.mark.parametrize("content", [b"", b"no video at all" * 100])
def test_a_video_that_cannot_be_decoded_is_named(tmp_path, content):
    (tmp_path / "broken.mp4").write_bytes(content)
    with pytest.raises(DataError, match=r"broken\.mp4: cannot be decoded"):
        read_shots(tmp_path, [])


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 1])
def test_a_video_that_breaks_off_is_named_when_a_sample_needs_it(folder, tmp_path, workers):
    path = tmp_path / "cut.mkv"
    path.write_bytes((folder / "short.mkv").read_bytes())
    recipe = Recipe("film", data=DataRecipe(crop=32, frames=5, pans=0.0), schedule=ScheduleRecipe(batch=1))
    shots = read_shots(tmp_path, [])
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match=r"^\S*cut\.mkv: .*cannot be decoded[^\n]*$"):
        for _ in zip(range(20), batches(shots, recipe, 0, workers), strict=False):
            pass


def test_an_origin_is_never_on_both_sides(shots_folder):
    shots = read_shots(shots_folder, ["permissive"])
    train, held_out = split(shots, ["a1.mkv"])
    assert [shot.name for shot in train] == ["b.mkv"]
    assert [shot.name for shot in held_out] == ["a1.mkv"]
    with pytest.raises(DataError, match="is to be held out"):
        split(train, ["none.mkv"])
    with pytest.raises(DataError, match="nothing is left"):
        split(shots, ["a1.mkv", "b.mkv"])


def test_a_shot_smaller_than_the_crop_is_named():
    shots = [DecodedShot("large", "a", np.zeros((1, 64, 96, 3), np.uint8))]
    check_sizes(shots, 64)
    with pytest.raises(DataError, match="large: 96x64 px is smaller than the crop of 65 px"):
        check_sizes(shots, 65)


def test_a_run_that_crosses_a_cut_keeps_its_longer_side(folder):
    """Twelve dark frames, then bright ones; frames repeat at the cut as at a clip's end."""
    (run,) = runs(Video.open(folder / "short.mkv"))

    class WithCut(clips.VideoRun):
        def read(self, positions):
            return np.where(positions[:, None, None, None] < 12, 10, 200) + np.zeros((1, 48, 64, 3), np.uint8)

    shot = WithCut(run.video, 0, 24)
    data = replace(DataRecipe(crop=32, frames=7), pans=0.0)
    for seed in range(40):
        frames, order = cut(shot, data, np.random.default_rng(seed))
        assert len(order) == 7
        assert np.ptp(frames[order]) < 1e-3


def test_the_longest_scene_lies_between_cuts():
    frames = np.repeat(np.array([0, 100, 100, 100, 0, 0], np.uint8), 32 * 32 * 3).reshape(6, 32, 32, 3)
    assert longest_scene(frames) == (1, 4)
    assert longest_scene(frames[:1]) == (0, 1)
