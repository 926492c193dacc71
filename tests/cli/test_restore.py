from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vsrestore import ffmpeg

WEIGHTS = Path(__file__).resolve().parents[2] / "weights"
IDENTITY = "import vapoursynth as vs\nvs.core.bs.VideoSource(source, cachemode=0).set_output()\n"
SLOW = (
    "import time\nimport vapoursynth as vs\nclip = vs.core.bs.VideoSource(source, cachemode=0)\n"
    "def wait(n, f):\n    time.sleep(0.5)\n    return f\n"
    "clip.std.ModifyFrame(clip, wait).set_output()\n"
)
SIGNALLED = (
    "import os, signal\nfrom importlib import import_module\n"
    "from vsrestore.cli import main\nfrom vsrestore.pipeline import restore as module\n"
    "def signalled():\n    os.kill(os.getpid(), {number})\n"
    "class Freed:\n    def __del__(self):\n        signalled()\n"
    "{place}\nmain()\n"
)
CANCELLED_OF_A_SOAK = 100


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """A clip of one second."""
    path = tmp_path_factory.mktemp("film") / "a film.mkv"
    made = ["-f", "lavfi", "-i", "testsrc2=size=64x48:rate=24:duration=1", "-c:v", "ffv1", str(path)]
    subprocess.run([ffmpeg.program(), "-v", "error", "-nostdin", *made], check=True)
    return path


@pytest.fixture
def command(film, tmp_path):
    """Return a function that starts ``vsrestore restore`` with a script and further words."""

    def start(
        script: str,
        *words: str,
        output: str = "out.mkv",
        source: str | None = None,
        cache: str | None = None,
        program: tuple[str, ...] = ("-m", "vsrestore"),
    ) -> subprocess.Popen[str]:
        path = tmp_path / "my script.vpy"
        path.write_text(script)
        begin = [sys.executable, *program, "restore", source or str(film), "-o", str(tmp_path / output)]
        given = ["--script", str(path)] if script else []
        environment = {**os.environ, **({"XDG_CACHE_HOME": cache} if cache else {})}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        folder = None if program[-1] == "vsrestore" else tmp_path
        return subprocess.Popen([*begin, *given, *words], **pipes, text=True, env=environment, cwd=folder)

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
def test_cancelling_ends_everything(command, tmp_path, soak, number):
    generator = random.Random(int(number))
    for _ in range(1 if soak == 1 else CANCELLED_OF_A_SOAK):
        process = command(SLOW)
        limit = time.monotonic() + 30
        while not list(tmp_path.glob("out.mkv.vsrestore")):
            assert time.monotonic() < limit
            time.sleep(0.01)
        time.sleep(generator.uniform(0, 1))
        process.send_signal(number)
        assert_cancelled(process, tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize(
    ("number", "place"),
    [
        (signal.SIGTERM, "module.probe, known = lambda path: (Freed(), known(path))[1], module.probe"),
        (signal.SIGTERM, "module.probe, known = lambda path: (import_module('signals'), known(path))[1], module.probe"),
    ],
    ids=["while an object is freed", "in an import"],
)
def test_no_signal_is_lost(command, tmp_path, number, place):
    """Python throws away what is raised in such places, and says after some that the signal has killed it."""
    (tmp_path / "signals.py").write_text(f"import os\nexec('os.kill(os.getpid(), {int(number)})')\n")
    (tmp_path / "signalled.py").write_text(SIGNALLED.format(number=int(number), place=place))
    assert_cancelled(command(SLOW, program=("-m", "signalled")), tmp_path)


def assert_cancelled(process: subprocess.Popen[str], folder: Path) -> None:
    code, _, err = ended(process)
    assert (code, err) == (130, "vsrestore: cancelled; nothing was written\n")
    assert {path.name for path in folder.iterdir()} <= {"my script.vpy", "signalled.py", "signals.py", "__pycache__"}


def test_a_clock_that_jumps_changes_nothing(command, tmp_path):
    """To and fro by years, whenever the time is looked at."""
    (tmp_path / "jumping.py").write_text(
        "import itertools, time\nclock, jumps = time.time, itertools.cycle([0, 1e9, -1e9])\n"
        "time.time = lambda: clock() + next(jumps)\nfrom vsrestore.cli import main\nmain()\n"
    )
    words = ("--preset", "ultrafast", "--segment", "0.25", "--progress", "json")
    code, out, err = ended(command(IDENTITY, *words, program=("-m", "jumping")))
    assert (code, err) == (0, "")
    told = [json.loads(line) for line in out.splitlines()]
    assert all(one["average"] >= 0 and (one["left"] or 0) >= 0 for one in told if one["event"] == "progress")
    assert (tmp_path / "out.mkv").stat().st_size


def test_missing_input(command):
    code, _, err = ended(command(IDENTITY, source="no such film.mkv"))
    assert code == 2
    assert "no such file" in err


def test_an_escape_in_a_name_does_not_reach_the_terminal(command):
    code, _, err = ended(command(IDENTITY, source="no\x1b[31m film.mkv"))
    assert code == 2
    assert "\x1b" not in err
    assert "no\\x1b[31m film.mkv: no such file" in err


@pytest.mark.skipif(sys.platform == "win32", reason="names are text there")
@pytest.mark.parametrize("name", [b"in\xff.mkv", b"out\xff.mkv"])
def test_names_that_are_no_text_are_refused_in_a_line(film, tmp_path, name):
    other = os.fsencode(tmp_path / "film.mkv")
    named = os.path.join(os.fsencode(tmp_path), name)  # noqa: PTH118
    source, output = (named, other) if name.startswith(b"in") else (other, named)
    with open(source, "wb") as file:  # noqa: PTH123
        file.write(film.read_bytes())
    words = [sys.executable, "-m", "vsrestore", "restore", source, "-o", output, "--filter", "scenes"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "the name is not in UTF-8" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("words", ["-metadata 'title=x", 'a "b'])
def test_unbalanced_quotes_are_a_line(command, words):
    code, _, err = ended(command(IDENTITY, "--ffmpeg-args", words))
    assert code == 2
    assert "--ffmpeg-args" in err
    assert "no closing quotation" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("length", [236, 246, 251])
def test_the_longest_names_are_restored(command, tmp_path, length):
    name = "n" * length + ".mkv"
    code, _, err = ended(command(IDENTITY, "--preset", "ultrafast", output=name))
    assert code == 0, err
    assert (tmp_path / name).exists()


def test_a_name_that_is_too_long_is_a_line(command):
    code, _, err = ended(command(IDENTITY, output="n" * 300 + ".mkv"))
    assert code == 2
    assert err.count("\n") == 1


def test_the_index_is_no_condition(command, film, tmp_path):
    """Neither a cache folder that cannot be nor a name too long for an index stops a restoration."""
    long = tmp_path / ("n" * 250 + ".mkv")
    long.write_bytes(film.read_bytes())
    for source, cache in ((film, "/dev/null"), (long, str(tmp_path / "cache"))):
        process = command("", "--filter", "scenes", "--overwrite", source=str(source), cache=cache)
        code, _, err = ended(process)
        assert code == 0, err
        assert err.count("\n") == 1


def test_a_source_replaced_by_one_of_equal_size_is_read_anew(command, tmp_path):
    sources = []
    for seed in (1, 2):
        path = tmp_path / f"noise{seed}.avi"
        graph = f"nullsrc=size=32x32:rate=24:duration=6,geq=mod(X*{seed}+7*N\\,255):128:128"
        made = ["-f", "lavfi", "-i", graph, "-pix_fmt", "yuv420p", "-c:v", "rawvideo", str(path)]
        subprocess.run([ffmpeg.program(), "-v", "error", "-nostdin", *made], check=True)
        sources.append(path)
    assert sources[0].stat().st_size == sources[1].stat().st_size
    source = tmp_path / "source.avi"
    for path in sources:
        path.replace(source)
        words = ("--filter", "scenes", "--overwrite", "--encoder", "ffv1")
        code, _, err = ended(command("", *words, source=str(source), cache=str(tmp_path / "cache")))
        assert code == 0, err


def test_paths_in_a_filters_arguments_count_from_where_the_user_stands(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.safetensors").write_bytes(b"no weights")
    code, _, err = ended(command("", "--filter", "film(model='broken.safetensors')"))
    assert code == 2
    assert "does not exist" not in err
    assert "broken.safetensors" in err


def test_of_many_files_one_that_fails_does_not_stop_the_others(film, tmp_path):
    films = tmp_path / "films"
    films.mkdir()
    (films / "a.avi").write_bytes(b"no video")
    for name in ("b.mkv", "c.mkv"):
        (films / name).write_bytes(film.read_bytes())
    words = [sys.executable, "-m", "vsrestore", "restore", films, "-o", tmp_path / "out", "--filter", "scenes"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"b.mkv", "c.mkv"}
    assert "1 of 3 failed:" in done.stderr
    assert "is no video file" in done.stderr.splitlines()[-1]
    (films / "a.avi").unlink()
    done = subprocess.run([*words, "--skip-existing"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("is left out")) == (0, 2)


def test_progress_for_other_programs(command):
    code, out, err = ended(command(IDENTITY, "--preset", "ultrafast", "--progress", "json"))
    assert (code, err) == (0, "")
    events = [json.loads(line) for line in out.splitlines()]
    last = [event for event in events if event["event"] == "progress"][-1]
    assert (last["done"], last["total"], last["segments"]) == (24, 24, 1)
    assert {"name": "joining the segments", "event": "stage"} in events


def test_the_status_of_a_job(command, tmp_path):
    script = SLOW.replace("cachemode=0)", "cachemode=0).std.Loop(40)").replace("0.5", "0.02")
    process = command(script, "--segment", "1", output="slow.mkv")
    folder = tmp_path / "slow.mkv.vsrestore"
    while not list(folder.glob("segments/*.json")):
        assert process.poll() is None
        time.sleep(0.1)
    time.sleep(2)  # so that it leaves a note
    words = [sys.executable, "-m", "vsrestore", "status", str(folder)]
    running = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    process.kill()
    process.wait()
    died = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert re.search(r"^[1-9]\d? of 40 segments are finished", running)
    assert "\nrunning on this machine" in running
    assert "the same command goes on" in died
    assert " on average, " in died
