from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

WEIGHTS = Path(__file__).resolve().parents[2] / "weights"
IDENTITY = "import vapoursynth as vs\nvs.core.bs.VideoSource(source, cachemode=0).set_output()\n"
SLOW = (
    "import time\nimport vapoursynth as vs\nclip = vs.core.bs.VideoSource(source, cachemode=0)\n"
    "def wait(n, f):\n    time.sleep(0.5)\n    return f\n"
    "clip.std.ModifyFrame(clip, wait).set_output()\n"
)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """A clip of one second."""
    from vsrestore.pipeline import programs

    path = tmp_path_factory.mktemp("film") / "a film.mkv"
    made = ["-f", "lavfi", "-i", "testsrc2=size=64x48:rate=24:duration=1", "-c:v", "ffv1", str(path)]
    subprocess.run([programs.ffmpeg(), "-v", "error", "-nostdin", *made], check=True)
    return path


@pytest.fixture
def command(film, tmp_path):
    """Return a function that starts ``vsrestore restore`` with a script and further words."""

    def start(script: str, *words: str, output: str = "out.mkv", source: str | None = None) -> subprocess.Popen[str]:
        path = tmp_path / "my script.vpy"
        path.write_text(script)
        begin = [sys.executable, "-m", "vsrestore", "restore", source or str(film), "-o", str(tmp_path / output)]
        given = ["--script", str(path)] if script else []
        return subprocess.Popen([*begin, *given, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    return start


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def test_a_file_is_restored_and_one_line_says_so(command, tmp_path):
    code, out, err = ended(command(IDENTITY, "--encoder", "ffv1"))
    assert (code, out) == (0, "")
    assert err.startswith("vsrestore: 24 frames in ")
    assert err.count("\n") == 1
    assert (tmp_path / "out.mkv").stat().st_size


@pytest.mark.parametrize(
    ("script", "words", "message"),
    [
        ("", (), "give either --filter"),
        ("", ("--filter", "nonsense"), "--filter nonsense: unknown"),
        ("", ("--filter", "film(grain=0.3"), "cannot be read"),
        (IDENTITY, ("--filter", "film"), "give either --filter"),
        (IDENTITY, ("--encoder", "h264"), "--encoder h264: unknown"),
        (IDENTITY, ("--device", "cpu"), "--device goes with --filter"),
        ("raise ValueError('no such thing')", (), "no such thing"),
    ],
)
def test_bad_wishes_are_one_line_and_exit_code_2(command, tmp_path, script, words, message):
    code, out, err = ended(command(script, *words))
    assert (code, out) == (2, "")
    assert message in err
    assert err.startswith("vsrestore: ")
    assert err.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"my script.vpy"}


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("out.avi", "the ending '.avi' is unknown"),
        ("nowhere/out.mkv", "no such folder"),
        (".", "is a folder"),
    ],
)
def test_outputs_that_cannot_be(command, output, message):
    code, _, err = ended(command(IDENTITY, output=output))
    assert code == 2
    assert message in err
    assert err.count("\n") == 1


def test_the_input_is_never_overwritten(command, film):
    before = film.read_bytes()
    code, _, err = ended(command(IDENTITY, "--overwrite", output=str(film)))
    assert code == 2
    assert "is the input itself" in err
    assert film.read_bytes() == before


@pytest.mark.skipif(not (WEIGHTS / "film.safetensors").exists(), reason="film's weights are not trained yet")
def test_an_unknown_device_is_told(command, tmp_path):
    code, _, err = ended(command("", "--filter", "film", "--device", "gpu9"))
    assert code == 2
    assert "gpu9" in err
    assert err.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"my script.vpy"}


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_cancelling_ends_everything(command, tmp_path, number):
    process = command(SLOW)
    limit = time.monotonic() + 30
    while not list(tmp_path.glob(".out.mkv.*")):
        assert time.monotonic() < limit
        time.sleep(0.1)
    process.send_signal(number)
    code, _, err = ended(process)
    assert code == 130
    assert err == "vsrestore: cancelled; nothing was written\n"
    assert {path.name for path in tmp_path.iterdir()} == {"my script.vpy"}


def test_missing_input(command):
    code, _, err = ended(command(IDENTITY, source="no such film.mkv"))
    assert code == 2
    assert "no such file" in err
