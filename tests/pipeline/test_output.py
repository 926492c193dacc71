from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from vsrestore.ffmpeg import FFmpegError
from vsrestore.pipeline import output as output_module
from vsrestore.pipeline.errors import PipelineError, RunError
from vsrestore.pipeline.output import checked_output, keep, publish


@pytest.fixture
def part(tmp_path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "part.mkv").write_text("new")
    return folder / "part.mkv"


def test_a_name_that_was_taken_meanwhile_stays_and_nothing_is_lost(part, tmp_path):
    taken = tmp_path / "out.mkv"
    taken.write_text("of somebody else")
    with pytest.raises(RunError, match=r"has appeared .*kept as .*out\.restored\.mkv"):
        publish(part, taken, overwrite=False)
    assert taken.read_text() == "of somebody else"
    assert (tmp_path / "out.restored.mkv").read_text() == "new"


@pytest.mark.skipif(os.name != "posix", reason="rights")
def test_a_replaced_file_keeps_its_rights(part, tmp_path):
    old = tmp_path / "out.mkv"
    old.write_text("old")
    old.chmod(0o600)
    publish(part, old, overwrite=True)
    assert (old.read_text(), stat.S_IMODE(old.stat().st_mode)) == ("new", 0o600)


def test_a_file_system_without_hard_links(part, tmp_path, monkeypatch):
    def refuse(self, target):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    publish(part, tmp_path / "out.mkv", overwrite=False)
    assert (tmp_path / "out.mkv").read_text() == "new"
    part.write_text("newer")
    with pytest.raises(RunError, match="has appeared"):
        publish(part, tmp_path / "out.mkv", overwrite=False)


def test_what_is_kept_gets_a_free_name_that_fits(part, tmp_path):
    output = tmp_path / ("å" * 125 + ".mkv")
    first = keep(part, output, "incomplete")
    part.write_text("another")
    second = keep(part, output, "incomplete")
    assert (first.read_text(), second.read_text()) == ("new", "another")
    assert first.name.endswith(".incomplete.mkv")


def test_all_is_on_disk_before_it_has_its_name(part, tmp_path, monkeypatch):
    steps = []
    monkeypatch.setattr(output_module, "to_disk", lambda path: steps.append((path.name, path.exists())))
    publish(part, tmp_path / "out.mkv", overwrite=False)
    assert steps == [("part.mkv", True), (tmp_path.name, True)]
    assert (tmp_path / "out.mkv").exists()


@pytest.mark.skipif(os.name != "posix", reason="links")
def test_a_link_is_followed_and_a_pipe_refused(tmp_path):
    (tmp_path / "link.mkv").symlink_to("target.mkv")
    assert checked_output(tmp_path / "link.mkv", "in.mkv", overwrite=False) == tmp_path / "target.mkv"
    (tmp_path / "target.mkv").touch()
    with pytest.raises(PipelineError, match="--overwrite"):
        checked_output(tmp_path / "link.mkv", "in.mkv", overwrite=False)
    os.mkfifo(tmp_path / "pipe.mkv")
    with pytest.raises(PipelineError, match="no regular file"):
        checked_output(tmp_path / "pipe.mkv", "in.mkv", overwrite=True)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are text")
def test_a_name_that_is_no_text_is_refused(tmp_path):
    with pytest.raises(FFmpegError, match="not in UTF-8"):
        checked_output(tmp_path / os.fsdecode(b"a\xff.mkv"), "in.mkv", overwrite=False)
