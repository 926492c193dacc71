from __future__ import annotations

import shlex
import subprocess
import sys

import pytest

from tests.pipeline.measures import assert_times, shown_at
from vsrestore import ffmpeg
from vsrestore.pipeline.errors import RunError
from vsrestore.pipeline.further_options import ffmpeg_words

# An ffmpeg that loses the end of what it writes and reports success, as ffmpeg 5.1 does on a full disk.
FORGETFUL = """import subprocess, sys
code = subprocess.run([{ffmpeg!r}, *sys.argv[1:]]).returncode
target = sys.argv[-1].removeprefix("file:")
if target.endswith({ending!r}) and "part." in target:
    with open(target, "r+b") as file:
        file.truncate(int(file.seek(0, 2) * {share}))
sys.exit(code)
"""


@pytest.fixture
def forgetful(tmp_path_factory, monkeypatch):
    """Return a function after which ffmpeg keeps only a share of what it writes."""

    def use(share: float, ending: str = ".mkv") -> None:
        program = tmp_path_factory.mktemp("bin") / "ffmpeg"
        script = program.with_suffix(".py")
        script.write_text(FORGETFUL.format(ffmpeg=ffmpeg.program(), share=share, ending=ending))
        # A shell starts it, for no space may stand in the path of an interpreter that a file names in its first line.
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(script))} "$@"\n')
        program.chmod(0o755)
        monkeypatch.setattr(ffmpeg, "program", lambda: str(program))

    return use


@pytest.mark.skipif(sys.platform == "win32", reason="a script in place of ffmpeg")
@pytest.mark.parametrize(("share", "ending"), [(0.9, ".mkv"), (0.5, ".mkv"), (0.9, ".mp4")])
def test_a_truncated_output_never_replaces_a_good_one(clip, run, tmp_path, forgetful, share, ending):
    good = tmp_path / f"restored{ending}"
    good.write_text("precious")
    forgetful(share, ending)
    with pytest.raises(RunError, match=r"the output is incomplete: .*kept as .*restored\.incomplete"):
        run(clip("plain.mp4"), ending, overwrite=True, encoder="x264")
    assert good.read_text() == "precious"
    kept = {f"restored{ending}", f"restored.incomplete{ending}", f"restored{ending}.vsrestore"}
    assert {path.name for path in tmp_path.iterdir()} == kept


def test_missing_sound_is_a_failure(clip, run, tmp_path, monkeypatch):
    """To ffmpeg the source is another file, whose sound ends early."""
    source, short, original = clip("plain.mp4"), tmp_path / "short.mp4", ffmpeg.input_options
    command = [ffmpeg.program(), "-v", "error", "-i", source, "-map", "0", "-af", "atrim=0:0.5", short]
    subprocess.run(command, check=True)
    monkeypatch.setattr(ffmpeg, "input_options", lambda path: original(short if path == source else path))
    with pytest.raises(RunError, match=r"audio stream 1 lasts 1\.0\d+ s in the source, 0\.5"):
        run(source)
    assert (tmp_path / "restored.incomplete.mkv").exists()


def test_an_output_that_appears_meanwhile_stays(clip, run, tmp_path):
    taken = tmp_path / "restored.mkv"
    line = f"import pathlib; pathlib.Path({str(taken)!r}).write_text('of somebody else')"
    with pytest.raises(RunError, match=r"has appeared while this run was at work.*restored\.restored\.mkv"):
        run(clip("plain.mp4"), line=line)
    assert taken.read_text() == "of somebody else"
    assert len(shown_at(tmp_path / "restored.restored.mkv")) == 24


@pytest.mark.parametrize("name", ["plain.mp4", "uneven.mp4"])
@pytest.mark.parametrize("words", ["-frames:v 10", "-frames:v:0 10"])
def test_what_the_user_cuts_short_is_no_failure(clip, run, name, words):
    line = "clip = clip.std.Loop(400)"
    output, told = run(clip(name), line=line, ffmpeg_args=ffmpeg_words(words))
    assert len(shown_at(output)) == 10
    assert any("the output holds 10" in sentence for sentence in told)


def test_joining_needs_at_most_twice_the_space(clip, run, tmp_path, monkeypatch):
    from vsrestore.pipeline import finish as module

    sizes, original = [], module.complete

    def watched(name, command):
        original(name, command)
        sizes.append([path.stat().st_size for path in tmp_path.rglob("*.mkv")])

    monkeypatch.setattr(module, "complete", watched)
    output, _ = run(clip("uneven.mp4"), segment=0.25)
    assert [len(one) for one in sizes] == [2]
    assert_times(clip("uneven.mp4"), output)
