"""Odd media files through every container: restored with their sound in step, or refused in one line."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from tests.faults.odd_media import MEDIA, Medium, make
from tests.faults.sound_and_picture import Played, played
from vsrestore.errors import VsrestoreError
from vsrestore.pipeline.job import Job
from vsrestore.pipeline.restore import restore

ENDINGS = (".mkv", ".mp4", ".mov")
SAMPLE, SEED = 4, 20
# Those in which something was found once.
FOUND = {
    "odd-rate.avi": ".mkv",
    "libvvenc.mkv": ".mp4",
    "wmv1.wmv": ".mp4",
    "uneven-ltn24+eqn47.mp4": ".mov",
    "covered.mkv": ".mp4",
    "lost-many.ts": ".mkv",
    "begins-late.ts": ".mkv",
    "begins-late.mpg": ".mkv",
    "spoilt.mov": ".mkv",
    "spoilt.webm": ".mov",
    "spoilt.wmv": ".mkv",
    "twice.ts": ".mkv",
    "lost-pictures-b.avi": ".mkv",
    "joined-0.ts": ".mkv",
    "joined-1000.ts": ".mp4",
}
LONGEST_LINE = 600
IN_STEP = 0.04  # seconds, or a frame where that is less
ROUNDING = 0.002  # seconds: Matroska has whole milliseconds


def pytest_generate_tests(metafunc):
    """All of them in a soak, else those in which something was found once, and a few by chance."""
    cases = [(medium, ending) for medium in MEDIA for ending in ENDINGS]
    if not metafunc.config.getoption("--soak"):
        found = [(medium, ending) for medium, ending in cases if FOUND.get(medium.name) == ending]
        assert len(found) == len(FOUND)
        cases = [*found, *random.Random(SEED).sample(cases, SAMPLE)]
    if "medium" in metafunc.fixturenames:
        metafunc.parametrize(("medium", "ending"), cases, ids=[f"{medium.name} to {end}" for medium, end in cases])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Make each file once."""
    files: dict[str, tuple[Path, Played | None]] = {}

    def get(medium: Medium) -> tuple[Path, Played | None]:
        if medium.name not in files:
            path = make(medium, tmp_path_factory.mktemp("medium"))
            files[medium.name] = path, None if medium.refused else played(path)
        return files[medium.name]

    return get


def test_restored_in_step_or_refused_in_one_line(made, tmp_path, medium, ending):
    source, before = made(medium)
    told, output = [], tmp_path / f"out{ending}"
    refused = refusal(Job(str(source), output, filters=("scenes",), preset="ultrafast"), told)
    if refused or medium.refused:
        assert_one_line(refused)
        assert medium.refused, refused
        assert re.search(medium.refused, refused), told
        assert not list(tmp_path.iterdir())
        return
    assert [path.name for path in tmp_path.iterdir()] == [output.name]
    for note in told:
        assert_one_line(note)
    assert_in_step(medium, before, played(output), told)


def refusal(job: Job, told: list[str]) -> str:
    """Restore; return why it was refused, nothing where it was not."""
    try:
        restore(job, told.append, lambda done, total: None)
    except VsrestoreError as error:
        return str(error)
    return ""


def assert_one_line(text: str) -> None:
    assert text.isprintable(), text
    assert "Traceback" not in text
    assert len(text) < LONGEST_LINE, text


def assert_in_step(medium: Medium, before: Played, after: Played, told: list[str]) -> None:
    frame = min(IN_STEP, float(1 / eval_rate(medium.rate))) + ROUNDING
    assert after.sounds == before.sounds
    lag = before.lag if medium.lag is None else medium.lag
    if lag is not None:
        assert after.lag == pytest.approx(lag, abs=frame), told
    assert after.times == sorted(after.times)
    if medium.damaged:
        assert len(after.times) >= 0.9 * len(before.times), told
        return
    assert len(after.times) == len(before.times), told
    shift = after.times[0] - before.times[0]
    assert [time - shift for time in after.times] == pytest.approx(before.times, abs=frame / 2 + ROUNDING), told
    assert not [note for note in told if "later against the picture" in note or " lasts " in note]


def eval_rate(rate: str) -> float:
    over, _, under = rate.partition("/")
    return float(over) / float(under or 1)
