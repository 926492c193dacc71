from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer

from vsrestore import ffmpeg
from vsrestore.cli.compare import seconds

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Videos of a second (ten for the long one), by name."""

    folder = tmp_path_factory.mktemp("videos")
    kinds = {"plain": ("64x48", 1), "wide": ("96x48", 1), "short": ("64x48", 0.5), "long": ("640x480", 10)}
    for name, (size, length) in kinds.items():
        source = f"testsrc2=size={size}:rate=24:duration={length}"
        made = ["-f", "lavfi", "-i", source, "-c:v", "libx264", "-preset", "ultrafast", str(folder / f"{name}.mkv")]
        subprocess.run([ffmpeg.program(), "-v", "error", "-nostdin", *made], check=True)
    return folder


@pytest.fixture
def command(videos, tmp_path):
    """Return a function that starts ``vsrestore compare`` in the folder of the videos."""

    def start(*words: str, **settings) -> subprocess.Popen[str]:
        begin = [sys.executable, "-m", "vsrestore", "compare"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path / "cache")}
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **settings}
        return subprocess.Popen([*begin, *words], cwd=videos, env=environment, **{"text": True, **streams})

    return start


def ended(process):
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


@pytest.mark.slow
def test_two_videos_are_compared_quietly(command, tmp_path):
    output = tmp_path / "out"
    code, out, err = ended(command("plain.mkv", "plain.mkv", "-o", str(output)))
    told = "How good it is cannot be told without the truth: vsrestore compare A B TRUTH"
    assert (code, [line for line in err.splitlines() if "matrix" not in line]) == (0, [told])
    heading, before, after, page = out.splitlines()
    assert heading.split() == ["Changed", "by,", "codes", "Temporal", "flicker,", "codes"]
    assert before.split()[0] == "before"
    assert after.split()[:2] == ["after", "0.000"]
    assert page == str(output / "index.html")
    assert {path.name for path in output.iterdir()} == {
        *("index.html", "frames.csv", "side-by-side.mp4", "comparison.sha256")
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("plain.mkv", "none.mkv"), "none.mkv: no such file"),
        (("plain.mkv", "wide.mkv"), "wide.mkv: has 24 frames of 96x48, plain.mkv 24 frames of 64x48"),
        (("plain.mkv", "short.mkv"), "short.mkv: has 12 frames of 64x48, plain.mkv 24 frames of"),
        (("plain.mkv", "plain.mkv", "wide.mkv"), "plain.mkv: has 24 frames of 64x48, wide.mkv 24 frames of 96x48"),
        (("plain.mkv", "."), "is a folder"),
        (("plain.mkv", "plain.mkv", "--start", "1:00"), "plain.mkv: has 1.00 s, of which none lie within the part"),
        (("plain.mkv", "plain.mkv", "--device", "cuda:77"), "device 'cuda:77' cannot be used"),
    ],
)
def test_bad_wishes_are_one_line_and_exit_code_2(command, tmp_path, words, message):
    code, out, err = ended(command(*words, "-o", str(tmp_path / "out")))
    assert (code, out) == (2, "")
    assert message in err
    assert err.startswith("vsrestore: ")
    assert err.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} <= {"cache"}


@pytest.mark.slow
def test_an_existing_folder_needs_overwrite(command, tmp_path):
    output = tmp_path / "out"
    output.mkdir()
    (output / "mine.txt").write_text("mine")
    code, out, err = ended(command("plain.mkv", "plain.mkv", "-o", str(output)))
    assert (code, out) == (2, "")
    assert "exists; --overwrite" in err
    assert [path.name for path in output.iterdir()] == ["mine.txt"]
    code, _, _ = ended(command("plain.mkv", "plain.mkv", "-o", str(output), "--overwrite"))
    assert code == 0
    assert (output / "mine.txt").read_text() == "mine"
    assert (output / "index.html").is_file()


def test_a_users_own_page_is_not_replaced(command, tmp_path):
    output = tmp_path / "site"
    output.mkdir()
    (output / "index.html").write_text("mine")
    code, out, err = ended(command("plain.mkv", "plain.mkv", "-o", str(output), "--overwrite"))
    assert (code, out) == (2, "")
    assert "index.html: no comparison wrote it" in err
    assert (output / "index.html").read_text() == "mine"


@pytest.mark.parametrize(("text", "time"), [("90", 90), ("1.5", 1.5), ("1:30", 90), ("1:00:01.25", 3601.25), ("0", 0)])
def test_times(text, time):
    assert seconds(text) == time


@pytest.mark.parametrize("text", ["", "abc", "-1", "1:2:3:4", "1e999", "nan", "1.5:2"])
def test_what_is_no_time(text):
    with pytest.raises(typer.BadParameter):
        seconds(text)


@pytest.mark.slow
def test_a_folder_whose_name_is_no_utf8(command, tmp_path):
    folder = os.fsencode(tmp_path) + b"/caf\xe9"
    process = command("short.mkv", "short.mkv", "-o", folder, text=False)
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    assert out.splitlines()[-1] == folder + b"/index.html"


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("/proc/out", "/proc/out: cannot be written"),
        ("nowhere/out", "nowhere: no such folder"),
        ("plain.mkv", "plain.mkv: is a file"),
        ("plain.mkv/out", "plain.mkv: no such folder"),
    ],
)
def test_folders_that_cannot_be(command, output, message):
    code, out, err = ended(command("short.mkv", "short.mkv", "-o", output))
    assert (code, out) == (2, "")
    assert err.startswith(f"vsrestore: {message}")
    assert err.count("\n") == 1


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_nothing(command, tmp_path, sent):
    process = command("long.mkv", "long.mkv", "-o", str(tmp_path / "out"))
    deadline = time.monotonic() + 300
    while not list(tmp_path.glob(".out*/comparison/frames.csv")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(sent)
    code, out, err = ended(process)
    assert (code, out) == (130, "")
    assert err.splitlines()[-1] == "vsrestore: cancelled; nothing was written"
    assert {path.name for path in tmp_path.iterdir()} == {"cache"}


@pytest.mark.slow
def test_a_terminal_sees_the_progress(command, tmp_path):
    ours, theirs = pty.openpty()
    process = command("plain.mkv", "plain.mkv", "-o", str(tmp_path / "out"), stderr=theirs)
    os.close(theirs)
    seen = b""
    try:
        while chunk := os.read(ours, 65536):
            seen += chunk
    except OSError:  # how a terminal ends on Linux
        pass
    assert process.wait(60) == 0
    os.close(ours)
    assert b"24/24" in seen
