"""The places where runs are disturbed."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from tests.faults.jobs import FRAMES, SCRIPT, Place, content_of, ended, frames_of
from vsrestore import ffmpeg

LATEST = 1.05  # of the time that a run takes which nobody kills


@pytest.fixture(scope="session")
def film(tmp_path_factory) -> Path:
    """Two and a half seconds with sound; of each five pictures one is missing."""
    path, seconds = tmp_path_factory.mktemp("film") / "film.mp4", FRAMES * 5 / 4 / 24
    graphs = ("-f", "lavfi", "-i", f"testsrc2=size=160x120:rate=24:duration={seconds}", "-f", "lavfi")
    uneven = ("-vf", "select=not(eq(mod(n\\,5)\\,3))", "-fps_mode", "vfr")
    tone = ("-i", f"sine=440:duration={seconds}", *uneven, "-c:v", "libx264", "-c:a", "aac")
    subprocess.run([ffmpeg.program(), "-v", "error", "-nostdin", *graphs, *tone, str(path)], check=True)
    return path


@pytest.fixture
def place(film, tmp_path) -> Place:
    """A folder for outputs; source and script lie elsewhere."""
    return _place(film, tmp_path)


def _place(film: Path, folder: Path) -> Place:
    script = film.with_name("slow.vpy")
    script.write_text(SCRIPT)
    return Place(folder, film, script)


@pytest.fixture(scope="session")
def undisturbed(film, tmp_path_factory) -> tuple[float, str]:
    """Until when, after its start, a run may be killed here, and what is in the output of one that nobody kills."""
    place = _place(film, tmp_path_factory.mktemp("undisturbed"))
    began = time.monotonic()
    code, told = ended(place.start("out.mkv"))
    assert code == 0, told
    latest, output = LATEST * (time.monotonic() - began), place.folder / "out.mkv"
    assert frames_of(output) == FRAMES
    return latest, content_of(output)
