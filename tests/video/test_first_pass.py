"""A measure of every frame of a clip: made once, kept, known by the clip alone, and told while it is made."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs

from tests import clips
from vsrestore.cache_folder import SHARED_MEASURES
from vsrestore.video import first_pass as module
from vsrestore.video.first_pass import GRID, Measure, first_pass


class Means(list[int]):
    """A measure that notes how many frames it is given at a time."""

    def measure(self, batch: int = 1, **changed: object) -> Measure:
        facts = {"name": "means", "version": 1, "length": 3, "load": lambda: self.rows, **changed}
        return Measure(batch=batch, **facts)

    def rows(self, frames: Sequence[np.ndarray]) -> np.ndarray:
        self.append(len(frames))
        return np.array([frame.mean((1, 2)) for frame in frames])


def asked(clip: vs.VideoNode) -> tuple[vs.VideoNode, list[int]]:
    """The clip, and the numbers of the frames that were asked of it."""
    numbers: list[int] = []

    def note(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        numbers.append(n)
        return f

    return clip.std.ModifyFrame(clip, note), numbers


def with_frame(clip: vs.VideoNode, number: int) -> vs.VideoNode:
    """The clip with one frame inverted."""
    inverted = clip.std.Invert()
    return clip.std.FrameEval(lambda n: inverted if n == number else clip)


def told(log: list[str]) -> list[str]:
    """What the first pass told the log."""
    return [line for line in log if line.startswith("toy: ")]


@pytest.mark.parametrize("batch", [1, 3, 50])
def test_every_frame_is_measured_for_itself(tmp_path: Path, batch: int) -> None:
    means = Means()
    found = first_pass("toy", clips.numbered(10), means.measure(batch), tmp_path)
    np.testing.assert_allclose(found, np.arange(10)[:, None].repeat(3, 1) / 1000, rtol=1e-6)
    assert found.dtype == np.float32
    assert sum(means) == 10
    assert max(means) == min(batch, 10)


def test_the_second_time_it_comes_from_disk(tmp_path: Path, log: list[str]) -> None:
    means = Means()
    clip, numbers = asked(clips.noise(length=40))
    first = first_pass("toy", clip, means.measure(), tmp_path)
    assert sorted(set(numbers)) == list(range(40))
    assert told(log) == ["toy: first pass, means: 40 frames are measured, once for this clip"]
    numbers.clear()
    means.clear()
    again = first_pass("toy", clip, means.measure(load=lambda: pytest.fail("loaded again")), tmp_path)
    np.testing.assert_array_equal(again, first)
    assert len(numbers) <= GRID
    assert not means
    assert len(told(log)) == 1
    np.testing.assert_array_equal(np.load(next(tmp_path.iterdir())), first)  # a file that NumPy reads


@pytest.mark.parametrize(
    "change",
    [
        lambda clip: clip[:-1],
        lambda clip: clip.std.AssumeFPS(fpsnum=25),
        lambda clip: clip.std.FlipVertical(),
        lambda clip: with_frame(clip, 0),
        lambda clip: with_frame(clip, clip.num_frames - 1),
        lambda clip: clip.std.CropRel(right=8),
        lambda clip: clip.resize.Point(format=vs.RGB48),
    ],
)
def test_another_clip_is_measured_for_itself(tmp_path: Path, change: object) -> None:
    means, clip = Means(), clips.noise(length=20)
    first_pass("toy", clip, means.measure(), tmp_path)
    first_pass("toy", change(clip), means.measure(), tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    assert len(means) == 2 * 20 - (change(clip).num_frames < 20)


@pytest.mark.parametrize("changed", [{"name": "others"}, {"version": 2}])
def test_another_measure_is_made_for_itself(tmp_path: Path, changed: dict[str, object]) -> None:
    means, clip = Means(), clips.noise()
    for facts in ({}, changed):
        first_pass("toy", clip, means.measure(**facts), tmp_path)
    assert len(means) == 2 * clip.num_frames


def test_in_the_folder_of_a_job_clips_are_known_by_their_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So nobody looks at frames again, which would take longer than many a segment."""
    monkeypatch.setenv(SHARED_MEASURES, str(tmp_path / "job"))
    found = []
    for _ in range(2):
        monkeypatch.setattr(module, "_places", itertools.count())
        clip, numbers = asked(clips.noise(length=40))
        found.append([first_pass("toy", each, Means().measure(), tmp_path) for each in (clip, clip.std.Invert())])
        assert len(numbers) == (0 if len(found) > 1 else 2 * 40)
    np.testing.assert_array_equal(*found)
    np.testing.assert_allclose(found[0][0] + found[0][1], 1, rtol=1e-5)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def damaged(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-40] ^= 1
    path.write_bytes(content)


def foreign(path: Path) -> None:
    np.save(path, np.zeros((7, 3), np.float32))


def of_another_clip(path: Path) -> None:
    other = path.parent / "other"
    first_pass("toy", clips.noise(seed=1), Means().measure(), other)
    next(other.iterdir()).rename(path)
    other.rmdir()


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("spoil", [cut, empty, damaged, foreign, of_another_clip])
def test_spoilt_files_are_made_anew(tmp_path: Path, spoil: object) -> None:
    clip = clips.noise()
    first = first_pass("toy", clip, Means().measure(), tmp_path)
    spoil(next(tmp_path.iterdir()))
    for expected in (clip.num_frames, 0):
        means = Means()
        np.testing.assert_array_equal(first_pass("toy", clip, means.measure(), tmp_path), first)
        assert len(means) == expected
    assert len(list(tmp_path.iterdir())) == 1


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, log: list[str]) -> None:
    """A file where the folder should be: that stops the superuser, too."""
    (tmp_path / "file").write_text("")
    found = first_pass("toy", clips.numbered(3), Means().measure(), tmp_path / "file")
    assert len(found) == 3
    assert "cannot be written (Not a directory)" in log[-1] or "File exists" in log[-1]
    clip = clips.noise()
    first_pass("toy", clip, Means().measure(), tmp_path / "folder")
    a_folder(next((tmp_path / "folder").iterdir()))
    first_pass("toy", clip, Means().measure(), tmp_path / "folder")
    assert "measured again the next time" in log[-1]
    assert len(list((tmp_path / "folder").iterdir())) == 1


def test_a_disk_that_is_full_leaves_nothing(tmp_path: Path, log: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    write = Path.write_bytes

    def fills(path: Path, content: bytes) -> int:
        write(path, content[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fills)
    first_pass("toy", clips.noise(), Means().measure(), tmp_path)
    assert "No space left" in log[-1]
    assert not list(tmp_path.iterdir())


def test_progress_is_told(tmp_path: Path, log: list[str]) -> None:
    first_pass("toy", clips.numbered(250), Means().measure(batch=40), tmp_path)
    assert [line.partition("means: ")[2] for line in told(log)] == [
        "250 frames are measured, once for this clip",
        "120 of 250 frames",
        "200 of 250 frames",
    ]


def test_an_interrupt_leaves_nothing_and_the_next_pass_is_whole(tmp_path: Path) -> None:
    clip, means = clips.numbered(60), Means()

    def interrupted(frames: Sequence[np.ndarray]) -> np.ndarray:
        if len(means) == 20:
            raise KeyboardInterrupt
        return means.rows(frames)

    with pytest.raises(KeyboardInterrupt):
        first_pass("toy", clip, means.measure(load=lambda: interrupted), tmp_path)
    assert not list(tmp_path.iterdir())
    assert first_pass("toy", clip, Means().measure(), tmp_path)[59, 0] == pytest.approx(0.059)


def test_a_frame_that_cannot_be_had_is_told(tmp_path: Path) -> None:
    def fail(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        if n == 21:
            raise vs.Error("frame 21 is gone")
        return f

    blank = clips.numbered(40)
    with pytest.raises(vs.Error, match="frame 21 is gone"):
        first_pass("toy", blank.std.ModifyFrame(blank, fail), Means().measure(), tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_is_not_finite_is_refused(tmp_path: Path) -> None:
    nan = vs.core.std.BlankClip(format=vs.RGBS, width=8, height=8, length=3).std.Expr("0 0 /")
    with pytest.raises(vs.Error, match=r"toy: means of frames 0 to 0 is not finite; does the clip hold NaN\?"):
        first_pass("toy", nan, Means().measure(), tmp_path)


def test_few_frames_are_fetched_ahead(tmp_path: Path) -> None:
    """However slow the measure: what is asked for and not yet measured is bounded."""
    clip, numbers = asked(clips.numbered(200))
    ahead, means = [], Means()

    def slow(frames: Sequence[np.ndarray]) -> np.ndarray:
        ahead.append(len(numbers) - GRID - len(means))
        return means.rows(frames)

    first_pass("toy", clip, means.measure(load=lambda: slow), tmp_path)
    assert len(ahead) == 200
    assert max(ahead) <= 2 * vs.core.num_threads + 1
