"""A job on the workers of a cluster: real schedulers, workers and programs."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.pipeline.dask_processes import processes
from tests.pipeline.test_segments import QUARTER, Counted, frames_and_sound
from vsrestore.pipeline.cluster import connect
from vsrestore.pipeline.cluster.wish import Cluster, cluster_of, mapped
from vsrestore.pipeline.errors import PipelineError, RunError

distributed = pytest.importorskip("distributed")
linux = pytest.mark.skipif(sys.platform != "linux", reason="forks, and reads /proc")
FRAMES = 24
SLOW = "import time\nclip = clip.std.ModifyFrame(clip, lambda n, f: time.sleep(0.05) or f)\n"
# Two workers get 96 frames of long.mp4 each. What vspipe tells of frames comes some 18 at a time.
SECOND, HALF, REACHED = 24, 96, 55
# Frames of a half beyond those are rendered only when there is a file; a test that never makes it does not hang.
HELD = (
    "import os, time\ndef held(n, f):\n    end = time.monotonic() + 60\n"
    f"    while n % {HALF} > {REACHED} and not os.path.exists({{flag!r}}) and time.monotonic() < end:\n"
    "        time.sleep(0.02)\n    return f\nclip = clip.std.ModifyFrame(clip, held)\n"
)
# A first pass that notes each frame it measures.
MEASURED = (
    "from pathlib import Path\nimport numpy as np\nfrom vsrestore.video.first_pass import Measure, first_pass\n"
    "def rows(frames):\n    open({notes!r}, 'a').write('x' * len(frames))\n"
    "    return np.array([[frame.mean()] for frame in frames])\n"
    "means = Measure(name='means', version=1, length=1, load=lambda: rows)\n"
    "first_pass('toy', clip.std.ShufflePlanes(0, vs.GRAY), means, Path({folder!r}))\n"
)
# Frames after which another shot begins are white. An odd worker would see a cut before each frame; it notes that, and
# what it renders, and the others wait for it.
ODD = (
    "import os, time\nimport vsrestore\nfrom vsrestore.video import scenes as module\nodd = 'ODD' in os.environ\n"
    "if odd:\n    module._difference = lambda pictures: 1.0\n"
    "    alone = vsrestore.scenes(clip).get_frame(5).props['_SceneChangePrev']\n"
    "cut = vsrestore.scenes(clip, shared=True)\nwhite = clip.std.BlankClip(color=[235, 128, 128], keep=True)\n"
    "def shown(n, f):\n    end = time.monotonic() + 60\n"
    "    while not odd and n > {reached} and not os.path.exists({notes!r}) and time.monotonic() < end:\n"
    "        time.sleep(0.02)\n    if odd:\n        open({notes!r}, 'a').write(f'{{alone}} ')\n"
    "    return white if f.props['_SceneChangePrev'] else cut\n"
    "clip = white.std.FrameEval(shown, prop_src=cut)\n"
)


@pytest.fixture(scope="module")
def dask():
    with processes() as started:
        yield started


@pytest.fixture
def counted(tmp_path_factory) -> Counted:
    return Counted(tmp_path_factory.mktemp("notes"))


def finished(folder: Path) -> set[str]:
    """The numbers of finished segments."""
    return {path.stem for path in (folder / "segments").glob("*.json") if "unfinished" not in path.name}


class Beside:
    """A restoration in a thread, so that something can be done to it."""

    def __init__(self, run, *arguments, **wishes) -> None:
        self.told: list[str] = []
        self.output: Path | None = None
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._run, args=(run, arguments, wishes))
        self._thread.start()

    def _run(self, run, arguments, wishes) -> None:
        try:
            self.output, _ = run(*arguments, told=self.told, **wishes)
        except (PipelineError, RunError) as error:
            self.error = error

    def wait_for_segments(self, folder: Path, *parts: range) -> set[str]:
        """Wait for one at least, and for one of each part, by their numbers."""
        limit = time.monotonic() + 60
        while not (there := finished(folder)) or not all(any(int(n) in part for n in there) for part in parts):
            assert self.error is None, self.error
            assert time.monotonic() < limit
            time.sleep(0.02)
        return there

    def end(self) -> None:
        self._thread.join(120)
        assert not self._thread.is_alive()


def test_what_a_user_says_of_a_cluster():
    assert cluster_of(None, [], allow_mixed=False) is None
    wish = cluster_of("tcp://10.0.0.1:8786", ["/films=/mnt/films"], allow_mixed=True)
    assert wish == Cluster("tcp://10.0.0.1:8786", ((Path("/films"), Path("/mnt/films")),), allow_mixed=True)
    assert wish.local == 0
    assert cluster_of("local:2", [], allow_mixed=False).local == 2
    assert mapped(Path("/films/a/b.mkv"), wish.maps) == Path("/mnt/films/a/b.mkv")
    assert mapped(Path("/films2/b.mkv"), wish.maps) == Path("/films2/b.mkv")


@pytest.mark.parametrize(
    ("address", "maps", "mixed", "words"),
    [
        ("local:0", [], False, "give the address of a Dask scheduler"),
        ("10.0.0.1", [], False, "give the address of a Dask scheduler"),
        ("local:2", ["/films"], False, "two whole paths"),
        ("local:2", ["films=/films"], False, "two whole paths"),
        (None, ["/a=/b"], False, "--map goes with --cluster"),
        (None, [], True, "--allow-mixed goes with --cluster"),
    ],
)
def test_what_cannot_be_meant_is_refused(address, maps, mixed, words):
    with pytest.raises(PipelineError, match=words):
        cluster_of(address, maps, allow_mixed=mixed)


def test_two_workers_give_the_file_of_one(clip, run, tmp_path):
    """Also through filters of ours; and nobody but this process reaches the workers."""
    wishes = {"filters": ("film_damage(seed=5)", "scenes"), "segment": QUARTER, "overwrite": True}
    single = frames_and_sound(run(clip("uneven.mp4"), **wishes)[0])
    listening: set[str] = set()
    watched = threading.Event()

    def watch() -> None:
        import psutil

        while not watched.wait(0.1):
            listening.update(one.laddr.ip for one in psutil.Process().net_connections("inet") if one.status == "LISTEN")

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        output, told = run(clip("uneven.mp4"), **wishes, cluster=Cluster("local:2"))
    finally:
        watched.set()
        watcher.join()
    assert frames_and_sound(output) == single
    assert len(told) == 1  # what each worker says, once
    assert listening <= {"127.0.0.1"}
    assert [path.name for path in tmp_path.iterdir()] == [output.name]


@linux
def test_a_killed_worker_costs_one_segment(clip, run, counted, dask, tmp_path):
    """What it has finished is not rendered again; what it has rendered beyond that, another renders."""
    _, address = dask.scheduler()
    workers = [dask.worker(address) for _ in range(2)]
    with distributed.Client(address) as client:
        client.wait_for_workers(2, timeout=60)
    folder, flag = tmp_path / "restored.mkv.vsrestore", tmp_path.parent / "killed"
    notes = tmp_path.parent / "measures"
    line = HELD.format(flag=str(flag)) + counted.line
    measured = MEASURED.format(notes=str(notes), folder=str(tmp_path.parent / "first-pass"))
    job = Beside(run, clip("long.mp4"), line=measured + line, segment=1, cluster=Cluster(address))
    there = job.wait_for_segments(folder, range(1), range(4, 8))  # of both workers, be the second late
    os.kill(workers[0], signal.SIGKILL)
    flag.touch()
    job.end()
    assert job.error is None
    assert [note for note in job.told if "was lost; segment" in note]
    assert len(notes.read_text()) == 2 * HALF  # once for all machines
    again = counted.taken()
    assert set(again) == set(range(2 * HALF))
    finished_frames = {frame for number in map(int, there) for frame in range(SECOND * number, SECOND * (number + 1))}
    assert {again[frame] for frame in finished_frames - {0}} == {1}  # 0 is rendered once more, to know the clip
    assert sum(count > 1 for frame, count in again.items() if frame) <= REACHED + os.cpu_count() - SECOND
    single, _ = run(clip("long.mp4"), line=line, segment=1, overwrite=True)
    whole = frames_and_sound(single)
    os.kill(workers[1], signal.SIGKILL)
    assert job.output is not None
    assert whole == frames_and_sound(job.output)


@linux
def test_cuts_are_the_same_everywhere(clip, run, dask, tmp_path):
    """A worker that would find others takes those that the first worker has found, and makes the file of one."""
    _, address = dask.scheduler()
    workers = [dask.worker(address)]
    folder, notes = tmp_path / "restored.mkv.vsrestore", tmp_path.parent / "odd"
    line = ODD.format(notes=str(notes), reached=REACHED)
    job = Beside(run, clip("long.mp4"), line=line, segment=1, cluster=Cluster(address))
    job.wait_for_segments(folder)
    workers.append(dask.worker(address, variable="ODD"))
    job.end()
    assert job.error is None
    assert job.output is not None
    assert [note for note in job.told if note.startswith("scenes: first pass, cuts: 192 frames are measured")]
    assert set(notes.read_text().split()) == {"1"}
    shared = frames_and_sound(job.output)
    notes.unlink()
    single, told = run(clip("long.mp4"), line=line.replace(f"n > {REACHED}", "False"), segment=1, overwrite=True)
    assert frames_and_sound(single) == shared
    assert not told
    for worker in workers:
        os.kill(worker, signal.SIGKILL)


@linux
def test_a_killed_scheduler_costs_a_resume(clip, run, counted, dask, tmp_path, monkeypatch):
    monkeypatch.setattr(connect, "SECONDS", 6)
    scheduler, address = dask.scheduler()
    dask.worker(address)
    line, folder = SLOW + counted.line, tmp_path / "restored.mkv.vsrestore"
    wishes = {"line": line, "segment": QUARTER}
    job = Beside(run, clip("plain.mp4"), **wishes, cluster=Cluster(address))
    there = job.wait_for_segments(folder)
    os.kill(scheduler, signal.SIGKILL)
    job.end()
    assert isinstance(job.error, RunError)
    assert "the scheduler" in str(job.error)
    assert "the same command goes on there" in str(job.error)
    counted.taken()
    output, told = run(clip("plain.mp4"), **wishes)
    assert any(note.startswith("going on in") for note in told)
    again = counted.taken()
    assert not {frame for number in there for frame in range(6 * int(number), 6 * int(number) + 6)} & set(again)
    disturbed = frames_and_sound(output)
    assert disturbed == frames_and_sound(run(clip("plain.mp4"), **wishes, overwrite=True)[0])


@linux
def test_a_worker_of_another_version_is_refused_or_measured(clip, run, dask, tmp_path):
    """The job's kind is that of this machine where no other is more frequent."""
    _, address = dask.scheduler()
    dask.worker(address, "0.0.1")
    dask.worker(address)
    with distributed.Client(address) as client:
        client.wait_for_workers(2, timeout=60)
    flag = tmp_path.parent / "measured"

    class Told(list[str]):
        def append(self, note: str) -> None:
            if "may render" in note:
                flag.touch()
            super().append(note)

    wishes = {"line": HELD.format(flag=str(flag)), "segment": 1, "overwrite": True}
    _, told = run(clip("long.mp4"), **wishes, told=Told(), cluster=Cluster(address, allow_mixed=True))
    assert [note for note in told if "may render: in segment" in note and "by at most 0 of 255" in note], told
    _, told = run(clip("plain.mp4"), overwrite=True, cluster=Cluster(address))
    refusals = [note for note in told if "is refused" in note]
    assert len(refusals) == 1
    assert "the versions: vsrestore 0.0.1 instead of vsrestore " in refusals[0]


@linux
@pytest.mark.slow
def test_limits_on_workers_do_not_end_busy_ones(clip, run, counted, dask):
    """A segment takes longer than a scheduler waits for a silent worker, and torch more memory than a worker may."""
    _, address = dask.scheduler(ttl=5)
    dask.worker(address)
    slow = "import time, torch\nclip = clip.std.ModifyFrame(clip, lambda n, f: time.sleep(0.3) or f)\n"
    counts: list[int] = []
    _, told = run(
        clip("plain.mp4"),
        line=slow + counted.line,
        cluster=Cluster(address),
        count=lambda done, total: counts.append(done),
    )
    assert set(counts) - {0, FRAMES}  # frames of the segment that is at work
    assert not [note for note in told if "worker" in note]
    assert set(counted.taken().values()) <= {1, 2}  # frame 0 is rendered once more, to know the clip


@linux
def test_folders_have_other_names_on_workers(clip, run, dask, tmp_path):
    """They read the source and write the segments by their own names; where nothing is there, that is said."""
    _, address = dask.scheduler()
    dask.worker(address)
    source = clip("plain.mp4")
    links = tmp_path.parent / "links"
    links.mkdir()
    (links / "job").symlink_to(tmp_path)
    (links / "films").symlink_to(source.parent)
    maps = ((tmp_path, links / "job"), (source.parent, links / "films"))
    filters = {"filters": ("scenes",), "segment": QUARTER}
    wrong = Cluster(address, ((tmp_path, Path("/nowhere")),))
    with pytest.raises(PipelineError, match=r"no worker may render \(.*the job's folder /nowhere.* give --map"):
        run(source, **filters, cluster=wrong)
    output, _ = run(source, **filters, cluster=Cluster(address, maps))
    assert len(list(tmp_path.iterdir())) == 1
    assert frames_and_sound(output) == frames_and_sound(run(source, **filters, overwrite=True)[0])


def test_no_scheduler_answers(clip, run, monkeypatch):
    monkeypatch.setattr(connect, "SECONDS", 3)
    with pytest.raises(PipelineError, match="no scheduler answers there"):
        run(clip("plain.mp4"), cluster=Cluster("tcp://127.0.0.1:9"))
