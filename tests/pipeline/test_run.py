from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vsrestore.pipeline.commands import DELIVERY
from vsrestore.pipeline.errors import PipelineError, RunError
from vsrestore.pipeline.programs import ALLOCATOR, SPINS, allocator, environment, vspipe
from vsrestore.pipeline.progress import FrameCounter
from vsrestore.pipeline.run import Program, check_exit, complete, last_words, pipe_broke, stopping, wait_for

ENDED = 4.0  # seconds, on a machine that does other things too
FRAME_FAILED = """Frame: 5/300Error: Failed to retrieve frame 5 with error:
Traceback (most recent call last):
  File "x.vpy", line 4, in f
vapoursynth.Error: film: frame 5: boom
Output 5 frames in 0.00 seconds (2509.70 fps)
"""
ENCODER_FAILED = """x264 [error]: invalid profile: nonsense
[libx264 @ 0x55740d8c37c0] Error setting profile nonsense.
[out#0/matroska @ 0x55740d8c1e80] Nothing was written into output file
"""


def python(code: str, **options) -> Program:
    return Program([sys.executable, "-c", code], **options)


def test_last_words():
    assert last_words(FRAME_FAILED) == "film: frame 5: boom"
    words = "x264 [error]: invalid profile: nonsense | [libx264] Error setting profile nonsense."
    assert last_words(ENCODER_FAILED) == words
    assert last_words("") == "it said nothing"


@pytest.mark.parametrize(
    ("words", "kind", "message"),
    [
        (
            "Script evaluation failed:\\nPython exception: film: no\\n\\nTraceback (most recent call last)",
            PipelineError,
            "^film: no$",
        ),
        ("av_interleaved_write_frame(): No space left on device", PipelineError, "disk is full"),
        ("some error", RunError, r"tool failed \(exit code 3\): some error"),
    ],
)
def test_failures_are_told_apart(words, kind, message):
    with pytest.raises(kind, match=message):
        complete("tool", [sys.executable, "-c", f"import sys; sys.stderr.write('{words}'); sys.exit(3)"])


def test_a_failure_ends_the_wait_and_all_programs():
    programs = [python("import time; time.sleep(60)"), python("raise SystemExit(4)")]
    begun = time.monotonic()
    with stopping(programs):
        wait_for(lambda: False, programs)
    assert time.monotonic() - begun < 20
    assert programs[0].poll() is not None
    with pytest.raises(RunError):
        check_exit("tool", programs[1])


def test_programs_end_with_their_children():
    nested = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
    program = python(nested, stdout=subprocess.PIPE)
    with stopping([program]):
        time.sleep(0.5)
    # The pipe ends only when the grandchild has gone, too.
    assert program.stdout.read() == b""


def test_progress_is_counted_and_warnings_passed_on():
    counts, told = [], []
    counter = FrameCounter(lambda done, total: counts.append((done, total)), told.append)
    lines = ["Information: VideoSource track #0 index progress 28%", "Frame: 1/10", "Frame: 4/10 (23.10 fps)"]
    lines += ["Warning: film: frame 3 again in float32", "Frame: 5/10Error: Failed to retrieve frame 5", "Error: x"]
    assert [counter(line) for line in lines] == [True, True, True, True, False, False]
    assert counts == [(1, 10), (4, 10), (5, 10)]
    assert told == ["film: frame 3 again in float32"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_broken_pipe_is_known():
    endless = "import os, signal\nsignal.signal(signal.SIGPIPE, signal.SIG_DFL)\nwhile True: os.write(1, bytes(65536))"
    sender = python(endless, stdout=subprocess.PIPE)
    assert not pipe_broke(sender)
    sender.stdout.close()
    wait_for(lambda: False, [sender])
    failed = python("raise SystemExit(1)")
    wait_for(lambda: False, [failed])
    assert not pipe_broke(failed)
    assert pipe_broke(sender)


def test_how_long_threads_of_torch_wait_is_the_users_choice(monkeypatch):
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    assert environment()["GOMP_SPINCOUNT"] == SPINS
    monkeypatch.setenv("GOMP_SPINCOUNT", "7")
    assert environment()["GOMP_SPINCOUNT"] == "7"


def test_what_the_c_library_keeps_is_the_users_choice(monkeypatch):
    for name in ALLOCATOR:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert ALLOCATOR.items() <= environment().items()
    monkeypatch.setenv("MALLOC_ARENA_MAX", "4")
    assert environment()["MALLOC_ARENA_MAX"] == "4"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert allocator() == {}


LEADER = """
import sys, time
from vsrestore.pipeline.run import Program
program = Program([sys.executable, "-c", "import time; time.sleep(60)"])
print(program.process.pid, flush=True)
time.sleep(60)
"""


WATCHED = """
import subprocess, sys, time
from vsrestore.pipeline.ties import Watchdog
program = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], process_group=0)
watchdog = Watchdog(program.pid)
print(program.pid, flush=True)
time.sleep(60)
"""


def alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def gone(pid: int, seconds: float = ENDED) -> bool:
    limit = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < limit:
        time.sleep(0.02)
    return not alive(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux ends them")
@pytest.mark.parametrize("code", [LEADER, WATCHED], ids=["by Linux", "by a shell"])
def test_a_program_does_not_outlive_the_one_that_started_it(code):
    leader = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    follower = int(leader.stdout.readline())
    assert alive(follower)
    leader.kill()
    leader.wait()
    assert gone(follower)


def test_vspipe_ends_with_the_pipe_that_vsrestore_holds(tmp_path):
    """Where no system ends it: its standard input does."""
    slow = "import time\nimport vapoursynth as vs\nclip = vs.core.std.BlankClip(length=99)\n"
    slow += "clip.std.ModifyFrame(clip, lambda n, f: time.sleep(5) or f).set_output()\n"
    (tmp_path / "slow.vpy").write_text(slow)
    words = {"script": tmp_path / "slow.vpy", "folder": tmp_path, "source": "", "encoder": "x264"}
    words |= {"report": tmp_path / "first.json", "preview": 0}
    arguments = [word for key, value in words.items() for word in ("-a", f"{key}={value}")]
    command = [vspipe(), "-p", "-c", "y4m", *arguments, str(DELIVERY), "-"]
    program = Program(command, subprocess.PIPE, subprocess.PIPE, environment())
    with stopping([program]):
        wait_for(lambda: any("Script evaluation done" in line for line in program.lines), [program])
        assert program.poll() is None
        program.process.stdin.close()
        limit = time.monotonic() + ENDED
        while program.poll() is None and time.monotonic() < limit:
            time.sleep(0.02)
        assert program.poll() is not None
