"""How far a job is, for whoever asks."""

from __future__ import annotations

import time

import pytest

from tests.pipeline.test_segments import Counted
from vsrestore.pipeline.errors import PipelineError, RunError
from vsrestore.pipeline.segments.folder import JobFolder
from vsrestore.pipeline.segments.status import Meter, status_of
from vsrestore.pipeline.workplace import LOCK, claimed


def test_speeds(tmp_path):
    now = [100.0]
    meter = Meter(JobFolder(tmp_path), lambda: now[0])
    first = meter.count(500, 1000)
    assert (first.now, first.average, first.left) == (0, 0, None)
    for done in range(1, 101):
        now[0] += 1
        told = meter.count(500 + done, 1000)
    assert (told.now, told.average, told.left) == (1, 1, 400)
    for done in range(1, 101):
        now[0] += 0.1
        told = meter.count(600 + done, 1000)
    assert told.average == pytest.approx(200 / 110)
    assert told.now == pytest.approx(120 / 30)


def test_a_clock_that_jumps_changes_no_speed(tmp_path, monkeypatch):
    meter = Meter(JobFolder(tmp_path))
    meter.count(0, 10)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    time.sleep(0.01)
    assert meter.count(1, 10).average > 0


def test_a_job_that_died_tells_how_far_it_was(clip, run, tmp_path):
    counted = Counted(tmp_path)
    counted.flag.touch()
    with pytest.raises(RunError):
        run(clip("plain.mp4"), line=counted.line, segment=0.25)
    folder = tmp_path / "restored.mkv.vsrestore"
    status = status_of(folder)
    assert (status.running, status.frames, status.segments[1], status.joined) == (False, 24, 4, False)
    assert status.finished == 6 * status.segments[0] > 0
    assert status.progress.folder == str(folder)
    lock = claimed(folder)
    assert (folder / LOCK).exists()
    assert status_of(folder).running
    assert lock


def test_what_is_no_job(tmp_path):
    with pytest.raises(PipelineError, match="is no job folder"):
        status_of(tmp_path)
