"""The places where runs are disturbed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.faults.jobs import FRAMES, SCRIPT, Place
from vsrestore import ffmpeg


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
    script = film.with_name("slow.vpy")
    script.write_text(SCRIPT)
    return Place(tmp_path, film, script)
