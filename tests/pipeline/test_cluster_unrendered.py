"""What goes on around segments on a cluster: who gets them, what fails, what a scheduler of jobs is told."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import pytest

from vsrestore.pipeline.cluster.crew import Crew, LostError
from vsrestore.pipeline.cluster.on_worker import Turn
from vsrestore.pipeline.cluster.render import Rendering
from vsrestore.pipeline.cluster.turns import MOST_FAILURES, Turns
from vsrestore.pipeline.cluster.turns import Turn as At
from vsrestore.pipeline.commands import Shown
from vsrestore.pipeline.errors import PipelineError, RunError
from vsrestore.pipeline.segments.cuts import Segment
from vsrestore.pipeline.segments.folder import Clip, JobFolder
from vsrestore.pipeline.tags import from_props

ROOT = Path(__file__).resolve().parents[2]
SHOWN = Shown(from_props({}), Fraction(25), 60, Fraction(1), (96, 64), 9222, mastering=False)
SEGMENTS = [Segment(number, number * 10, number * 10 + 10) for number in range(6)]
Work = Callable[[str, int], None]


class Done:
    """A future that is done."""

    def __init__(self, first: int, status: str) -> None:
        self.first, self.status = first, status

    def done(self) -> bool:
        return True

    def cancel(self) -> None:
        pass


class Workers(Crew):
    """Workers without a scheduler, which answer at once, and what they do, as Turns would know it."""

    def __init__(self, names: list[str], work: Work) -> None:
        super().__init__(None, lambda addresses: {}, lambda sentence: None, {})
        self.members, self._work, self.asked = names, work, list[tuple[str, int]]()
        self.finished, self.turns = list[tuple[int, str]](), list[tuple[int, int]]()
        self._errors: dict[tuple[str, int], Exception] = {}

    def update(self) -> None:
        pass

    def submit(self, address, function, first, end):
        self.turns.append((first, end))
        for number in range(first, end):
            self.asked.append((address, number))
            try:
                self._work(address, number)
            except (PipelineError, RunError, LostError) as error:
                self._errors[address, first] = error
                return Done(first, "cancelled" if isinstance(error, LostError) else "error")
            self.finished.append((number, address))
        return Done(first, "finished")

    def wait_for_one(self) -> None:
        pass

    def check(self, address, future):
        if error := self._errors.pop((address, future.first), None):
            raise error

    def rendering(self, first, end):
        return (None, first, end)

    def is_finished(self, segment):
        return segment.number in [number for number, _ in self.finished]

    def wait_for(self, segment, worker):
        assert self.is_finished(segment)

    def report(self, turns):
        pass


def taken(crew: Workers) -> list[tuple[int, str]]:
    Turns(crew, crew).take(SEGMENTS)
    return crew.finished


def test_every_segment_is_given_once_where_nothing_fails():
    crew = Workers(["a", "b"], lambda worker, number: None)
    assert sorted(number for number, _ in taken(crew)) == list(range(6))
    assert crew.turns == [(0, 3), (3, 6)]


def test_a_worker_that_fails_twice_in_a_row_is_asked_no_more():
    def work(worker: str, number: int) -> None:
        if worker == "bad":
            raise RunError("the driver crashed")

    crew = Workers(["bad", "good"], work)
    assert {worker for _, worker in taken(crew)} == {"good"}
    assert [worker for worker, _ in crew.asked].count("bad") == 2
    assert len(crew.turns) < 6
    assert "2 times in a row (the driver crashed)" in crew.refused["bad"]


def test_a_segment_that_fails_everywhere_ends_the_job():
    def work(worker: str, number: int) -> None:
        if number == 2:
            raise RunError("boom")

    crew = Workers(["a", "b", "c", "d"], work)
    with pytest.raises(RunError, match="segment 2 has failed 3 times: boom"):
        taken(crew)
    assert [number for _, number in crew.asked].count(2) == MOST_FAILURES


def test_what_fits_no_worker_ends_the_job_at_once():
    def work(worker: str, number: int) -> None:
        raise PipelineError("the disk is full")

    crew = Workers(["a"], work)
    with pytest.raises(PipelineError, match="the disk is full"):
        taken(crew)
    assert len(crew.asked) == 1


def test_what_is_lost_with_its_worker_is_rendered_again():
    lost = [3]

    def work(worker: str, number: int) -> None:
        if number in lost:
            lost.remove(number)
            raise LostError("gone")

    crew = Workers(["a", "b"], work)
    assert sorted(number for number, _ in taken(crew)) == list(range(6))
    assert [number for _, number in crew.asked].count(3) == 2


class Paced(Workers):
    """Workers that are so many times as fast as the slowest, and do what they are asked in steps."""

    def __init__(self, speeds: dict[str, int]) -> None:
        super().__init__([*speeds], lambda worker, number: None)
        self.speeds, self.steps, self.busy = speeds, 0, dict[str, Pending]()

    def submit(self, address, function, first, end):
        self.turns.append((first, end))
        self.busy[address] = Pending(first, end)
        return self.busy[address]

    def wait_for_one(self) -> None:
        self.steps += 1
        for worker, pending in self.busy.items():
            for _ in range(self.speeds[worker]):
                segment = Segment(pending.next, pending.next * 10, pending.next * 10 + 10)
                if pending.next >= pending.end or not pending.turn.may_begin(segment):
                    pending.status = "finished"
                    break
                self.finished.append((pending.next, worker))
                pending.next += 1

    def shortening(self, first, parts):
        return (first, parts)

    def beside(self, address, first, parts):
        return self.busy[address].turn.shortened(parts)


class Pending(Done):
    """A turn at work."""

    def __init__(self, first: int, end: int) -> None:
        super().__init__(first, "pending")
        self.next, self.end, self.turn = first, end, Turn(first, end)

    def done(self) -> bool:
        return self.status != "pending"


@pytest.mark.parametrize(("speeds", "steps"), [({"a": 1, "b": 1}, 3), ({"slow": 1, "fast": 5}, 2)])
def test_whoever_has_nothing_to_do_takes_over(speeds, steps):
    """Nothing is rendered twice, and the end comes about as soon as with the whole crew at work to the end."""
    crew = Paced(speeds)
    assert sorted(number for number, _ in taken(crew)) == list(range(6))
    assert crew.steps <= steps + 2


def test_progress_counts_the_frames_of_segments_at_work(tmp_path):
    """What workers tell is never more than what is left, and never less than what is finished."""
    task, counts = SimpleNamespace(work=tmp_path), []
    clip = SimpleNamespace(segments=tuple(SEGMENTS), frames=60)
    frames = {}
    JobFolder.keep_clip(JobFolder(tmp_path), Clip(SHOWN, tuple(SEGMENTS)))
    rendering = Rendering(task, clip, ("", ()), lambda done, total: counts.append((done, total)), frames)
    rendering.rendering(0, 3)
    rendering.rendering(3, 6)
    turns = [At("a", 0, SEGMENTS[0:3]), At("b", 3, SEGMENTS[3:6])]
    rendering.report(turns)
    frames |= {0: 7, 3: 25}
    rendering.report(turns)
    encoded = tmp_path / "encoded"
    encoded.write_bytes(b"0")
    JobFolder(tmp_path).finish(SEGMENTS[3], encoded, 0, [None] * 10)
    assert rendering.is_finished(SEGMENTS[3])
    turns[1].finished += turns[1].left.pop(0).frames
    rendering.report(turns)
    frames[3] = 5
    rendering.report(turns)
    assert counts == [(0, 60), (32, 60), (32, 60), (17, 60)]


def test_without_dask_a_line_says_what_to_install(tmp_path):
    code = "import sys; sys.modules['distributed'] = None; from vsrestore.cli import main; main()"
    words = ["restore", "old.mp4", "-o", str(tmp_path / "new.mkv"), "--filter", "scenes", "--cluster", "local:2"]
    done = subprocess.run([sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pip install 'vsrestore[cluster]'" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(os.name != "posix", reason="a shell script stands in for sbatch")
def test_what_the_documentation_has_slurm_start(tmp_path, monkeypatch):
    """A dry run: sbatch is a stand-in that keeps what it is given."""
    pytest.importorskip("dask_jobqueue")
    for name, lines in (("sbatch", f'cp "$1" {tmp_path}/job.sh\necho Submitted batch job 7'), ("scancel", "exit 0")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{lines}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    text = (ROOT / "docs" / "cluster.md").read_text()
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert code
    script = code[1].replace('"0.0.0.0", "port": 8786', '"127.0.0.1", "port": 0').replace("jobs=8", "jobs=1")
    script = f"import time\n{script}" + "while not __import__('os').path.exists('job.sh'): time.sleep(0.1)\n"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        input="\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    job = (tmp_path / "job.sh").read_text()
    assert "#SBATCH --gres=gpu:1" in job
    command = job.strip().splitlines()[-1]
    assert re.search(r"-m distributed\.cli\.dask_worker tcp://127\.0\.0\.1:\d+ ", command)
    assert "--nthreads 1 " in command
    assert "--resources GPU=1" in command
