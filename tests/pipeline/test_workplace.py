from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from vsrestore.pipeline.errors import PipelineError
from vsrestore.pipeline.workplace import ENDING, workplace, workplace_of

HOLD = """
import sys
from pathlib import Path
from vsrestore.pipeline.workplace import workplace
with workplace(Path(sys.argv[1])) as folder:
    (folder / "part.mkv").write_text("unfinished")
    (folder / "deep").mkdir()
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def held(tmp_path):
    """Start a process that works on an output; return it and the output."""
    output = tmp_path / "out.mkv"
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(output)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert process.stdout.readline() == "ready\n"
    yield process, output
    process.kill()
    process.wait()


def test_it_is_gone_afterwards_whatever_happens(tmp_path):
    def interrupted() -> None:
        with workplace(tmp_path / "out.mkv") as folder:
            (folder / "part.mkv").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not list(tmp_path.iterdir())


def test_one_output_has_one_run(held):
    process, output = held
    with pytest.raises(PipelineError, match=r"out\.mkv: another run is writing it"), workplace(output):
        pass
    with workplace(output.with_name("other.mkv")):
        assert (workplace_of(output) / "part.mkv").exists()
    process.communicate()
    with workplace(output):
        pass


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("name", ["out.mkv", "other.mkv"])
def test_what_a_killed_run_left_is_cleared_by_the_next(held, name):
    process, output = held
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert workplace_of(output).exists()
    with workplace(output.with_name(name)) as folder:
        assert [path.name for path in folder.iterdir()] == ["lock"]
    assert not list(output.parent.iterdir())


def test_what_is_not_ours_stays(tmp_path):
    (tmp_path / f".mine{ENDING}").mkdir()
    (tmp_path / f".mine{ENDING}" / "letter.txt").write_text("precious")
    (tmp_path / f".file{ENDING}").write_text("precious")
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "lock").touch()
    (tmp_path / f".link{ENDING}").symlink_to("target")
    before = sorted(path.name for path in tmp_path.rglob("*"))
    with workplace(tmp_path / "out.mkv"):
        pass
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


@pytest.mark.parametrize("length", [230, 246, 250, 251])
def test_its_name_fits_wherever_the_output_fits(tmp_path, length):
    output = tmp_path / ("n" * length + ".mkv")
    output.touch()
    with workplace(output) as folder:
        assert folder.parent == tmp_path


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(PipelineError, match="cannot be written"), workplace(Path("/proc/out.mkv")):
        pass
