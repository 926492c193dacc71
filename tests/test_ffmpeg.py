"""Where ffmpeg is, and how files are given to it."""

from __future__ import annotations

from pathlib import Path

import imageio_ffmpeg
import pytest

from vsrestore import ffmpeg
from vsrestore.ffmpeg import FFmpegError


@pytest.fixture
def on_path(monkeypatch, tmp_path):
    """Return a function that puts an ffmpeg that tells a version on PATH, alone, or none at all."""
    ffmpeg.program.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))

    def put(version: str) -> str:
        path = tmp_path / "ffmpeg"
        path.write_text(f"#!/bin/sh\necho 'ffmpeg version {version} Copyright'\n")
        path.chmod(0o755)
        return str(path)

    yield put
    ffmpeg.program.cache_clear()


@pytest.mark.parametrize("version", ["5.1", "n7.0.1", "N-118448-g43be8d0728"])
def test_a_new_one_on_path_is_taken(on_path, version):
    assert on_path(version) == ffmpeg.program()


def test_an_old_one_is_not(on_path):
    on_path("4.4.2")
    assert ffmpeg.program() == imageio_ffmpeg.get_ffmpeg_exe() == ffmpeg.packaged_program()


def test_damage_takes_the_packaged_one_whatever_is_on_path(on_path):
    assert ffmpeg.packaged_program() != on_path("9.0")


def test_where_there_is_none_it_is_told(on_path, monkeypatch):
    def missing():
        raise RuntimeError("No ffmpeg exe could be found")

    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", missing)
    with pytest.raises(FFmpegError, match=r"no ffmpeg 5\.1 or newer on PATH and none in imageio-ffmpeg; install one"):
        ffmpeg.program()


def test_no_name_is_an_address():
    assert ffmpeg.file_url(Path("/films/http:host")) == "file:/films/http:host"
    assert ffmpeg.input_options(Path("/a.mkv")) == ["-protocol_whitelist", "file", "-i", "file:/a.mkv"]


def test_a_name_that_is_not_utf_8_is_told():
    with pytest.raises(FFmpegError, match="not in UTF-8; rename"):
        ffmpeg.file_url(Path("/films/caf\udce9.mkv"))
