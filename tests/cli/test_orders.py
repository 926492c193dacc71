from __future__ import annotations

import csv
import os
import subprocess
import sys

import pytest

from vsrestore import ffmpeg


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "film.mkv"
    made = ["-f", "lavfi", "-i", "testsrc2=size=96x80:rate=24:duration=0.2", "-c:v", "ffv1", str(path)]
    subprocess.run([ffmpeg.program(), "-v", "error", "-nostdin", *made], check=True)
    return path


@pytest.fixture
def run(video, tmp_path):
    """Return a function that runs ``vsrestore orders`` where no weights were ever fetched."""

    def done(*words: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "VSRESTORE_WEIGHTS": str(tmp_path / "weights")}
        command = [sys.executable, "-m", "vsrestore", "orders", str(video), "-o", str(tmp_path / "out"), *words]
        return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)

    return done


@pytest.mark.slow
def test_orders_are_run_on_a_clip_that_is_damaged_first(run, tmp_path):
    steps = ("--steps", "deblur,film,upscale", "--use", "film=film(grain=0)", "--frames", "2")
    done = run(*steps, "--damage", "film_damage(seed=2)", "--device", "cpu")
    assert done.returncode == 0, done.stderr
    table = done.stdout.splitlines()
    assert table[0].startswith("| order ")
    assert {line.split()[1] for line in table[2:5]} == {"film-upscale", "upscale-film", "input"}
    assert table[5].endswith("index.html")
    assert "vsrestore: deblur: left out until weights" in done.stderr
    rows = {row["order"]: row for row in csv.DictReader((tmp_path / "out" / "orders.csv").open())}
    assert float(rows["film-upscale"]["psnr"]) > float(rows["input"]["psnr"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--steps", "polish"), "'polish' is not known"),
        (("--steps", "deblur"), "none can be done here"),
        (("--steps", "film,tape", "--order", "tape,polish"), "'polish' is not one of film, tape"),
        (("--steps", "film", "--truth", "x.mkv", "--damage", "film_damage"), "do not go together"),
        (("--steps", "film", "--truth", "x.mkv"), "no such file"),
        (("--steps", "film", "--damage", "open('x')"), "cannot be read"),
        (("--steps", "film", "--start", "1:00"), "the part begins behind them"),
    ],
)
def test_wishes_that_cannot_be(run, tmp_path, words, message):
    done = run(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in " ".join(done.stderr.replace("│", " ").split())
    assert not (tmp_path / "out").exists()
