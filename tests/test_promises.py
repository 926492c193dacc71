"""Every promise has its tests, and nobody is called."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from vsrestore import ffmpeg

ROOT = Path(__file__).parents[1]
PROMISES = (ROOT / "docs" / "promises.md").read_text()
# Imported by every Python that is started, vspipe's too; a socket of the file system calls nobody.
WATCH = """
import sys
def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto") and not isinstance(arguments[1], str):
        open({calls!r}, "a").write(f"{{event}} {{arguments}}")
sys.addaudithook(watch)
open({started!r}, "a").write("x")
"""


def test_each_promise_names_tests_that_are_there():
    promises = re.split(r"^- ", PROMISES, flags=re.MULTILINE)[1:]
    assert len(promises) > 20
    for promise in promises:
        tests = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", promise)
        assert tests, promise
        for file, name in tests:
            assert re.search(rf"^def {name}\(", (ROOT / file).read_text(), re.MULTILINE), f"{file}::{name}"


def test_nobody_is_called(tmp_path):
    calls, started = tmp_path / "calls", tmp_path / "started"
    (tmp_path / "sitecustomize.py").write_text(WATCH.format(calls=str(calls), started=str(started)))
    picture = ("-f", "lavfi", "-i", "testsrc=size=64x48:rate=24:duration=0.2", "-pix_fmt", "yuv420p")
    subprocess.run([ffmpeg.program(), "-v", "error", *picture, "-c:v", "ffv1", "a.mkv"], cwd=tmp_path, check=True)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    command = [sys.executable, "-m", "vsrestore", "restore", "a.mkv", "-o", "b.mkv", "--filter", "scenes"]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert started.read_text() == "xx"  # vsrestore and vspipe
    assert not calls.exists(), calls.read_text()
