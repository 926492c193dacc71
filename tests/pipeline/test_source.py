from __future__ import annotations

import functools
import http.server
import os
import sys
import threading

import pytest

from vsrestore.pipeline.errors import PipelineError
from vsrestore.pipeline.job import Job
from vsrestore.pipeline.probe import probe
from vsrestore.pipeline.restore import restore
from vsrestore.pipeline.source import fetch, is_url


@pytest.fixture
def site(clip):
    """The address of a server on this machine that offers the clips."""
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *words: None})
    handler = functools.partial(quiet, directory=str(clip("plain.mp4").parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_urls_are_told_from_files():
    assert is_url("https://example.org/a.mp4")
    assert is_url("HTTP://example.org")
    assert not is_url("films/https.mkv")
    assert not is_url("C:\\films\\a.mkv")


def test_a_video_is_fetched(site, clip, tmp_path):
    assert fetch(f"{site}/plain.mp4", None, tmp_path).read_bytes() == clip("plain.mp4").read_bytes()


@pytest.mark.slow
def test_what_cannot_be_fetched_is_told_in_a_line(site, tmp_path):
    with pytest.raises(PipelineError, match="404"):
        fetch(f"{site}/none.mp4", None, tmp_path)
    with pytest.raises(PipelineError, match="format is not available"):
        fetch(f"{site}/plain.mp4", "height=4711", tmp_path)


def test_a_url_is_restored_and_what_was_fetched_is_gone(site, script, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    told, output = [], tmp_path / "out.mkv"
    restore(
        Job(f"{site}/plain.mp4", output, script=script(), preset="ultrafast"), told.append, lambda done, total: None
    )
    assert len(probe(output).of_kind("audio")) == 1
    assert told == [f"fetching {site}/plain.mp4"]
    assert [path.name for path in tmp_path.iterdir()] == ["out.mkv"]


def test_modules_of_the_current_folder_are_not_run(site, clip, script, tmp_path, monkeypatch):
    """Neither by yt-dlp nor by vspipe, not even where an empty entry of PYTHONPATH means the current folder."""
    trap = tmp_path / "trap"
    trap.mkdir()
    for name in ("yt_dlp", "random", "json"):
        (trap / f"{name}.py").write_text(
            f"open({str(tmp_path / 'sprung')!r}, 'w').write({name!r})\nraise SystemExit(9)\n"
        )
    monkeypatch.chdir(trap)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([*sys.path[:1], ""]))
    job = Job(f"{site}/plain.mp4", tmp_path / "out.mkv", script=script("import random"), preset="ultrafast")
    restore(job, lambda told: None, lambda done, total: None)
    assert not (tmp_path / "sprung").exists()
    assert (tmp_path / "out.mkv").exists()
