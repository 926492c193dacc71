"""Disks that fill: the old output stays, the exit code is not 0, and what is missing is told."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.jobs import FRAMES, QUICK, Place, content_of, ended, frames_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="tmpfs and ulimit")

FULL_DISKS = 3
OLD = b"precious" * 100


@pytest.fixture
def place(place) -> Place:
    """As elsewhere, but nobody has to meet a run in one of its stages: it need not be slow."""
    script = place.script.with_name("quick.vpy")
    script.write_text(QUICK)
    return Place(place.folder, place.source, script)


@pytest.fixture
def disk(place, tmp_path) -> Iterator[Place]:
    """A place on a disk of its own, of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if (
        os.geteuid()
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=False).returncode
    ):
        pytest.skip("only the superuser makes disks")
    yield Place(folder, place.source, place.script)
    subprocess.run(["umount", "-l", folder], check=True)


def leave(folder: Path, kilobytes: int) -> None:
    """Fill the disk up to a rest."""
    filler, free = folder / "filler", os.statvfs(folder)
    filler.write_bytes(bytes(max(free.f_bavail * free.f_frsize - kilobytes * 1024, 0)))


@pytest.mark.parametrize("ending", [".mkv", ".mp4"])
def test_a_full_disk_never_costs_the_old_file(disk, soak, ending):
    """Whatever is left of the disk: a whole new file, or the old one and an exit code."""
    output, generator = disk.folder / f"out{ending}", random.Random(7)
    needed = kilobytes_of(disk, ending)
    # The last cluster, and anything before.
    rests = [needed - 4, needed - 8, *(generator.randrange(0, needed + 40) for _ in range(FULL_DISKS * soak - 2))]
    for kilobytes in rests:
        output.write_bytes(OLD)
        leave(disk.folder, kilobytes)
        code, told = ended(disk.start(output.name, "--overwrite"))
        assert_whole_or_old(output, code, told)
        clear(disk.folder, output.name, "filler", f"{output.name}.vsrestore", f"out.incomplete{ending}")


@pytest.mark.parametrize("ending", [".mkv", ".mp4"])
def test_a_file_that_may_not_grow_never_costs_the_old_one(place, soak, ending):
    """The same for whoever is no superuser: a quota by ``ulimit -f``."""
    output, generator = place.folder / f"out{ending}", random.Random(8)
    needed = kilobytes_of(place, ending)
    for largest in [needed - 2, needed // 2, *(generator.randrange(needed + 20) for _ in range(FULL_DISKS * soak - 2))]:
        output.write_bytes(OLD)
        code, told = ended(place.start(output.name, "--overwrite", largest=largest))
        assert_whole_or_old(output, code, told)
        if code:
            assert "the disk is full or the file may not grow" in told
        clear(place.folder, output.name, f"{output.name}.vsrestore", f"out.incomplete{ending}")


def test_with_room_again_a_run_goes_on(disk):
    code, told = ended(disk.start("whole.mkv"))
    assert code == 0, told
    whole = content_of(disk.folder / "whole.mkv")
    size = (disk.folder / "whole.mkv").stat().st_size
    (disk.folder / "whole.mkv").unlink()
    leave(disk.folder, size * 3 // 4 // 1024)
    code, told = ended(disk.start("out.mkv"))
    assert code in (1, 2)
    assert "the disk is full" in told
    assert "the same command goes on there" in told
    (disk.folder / "filler").unlink()
    code, told = ended(disk.start("out.mkv"))
    assert code == 0, told
    assert "going on in" in told
    assert content_of(disk.folder / "out.mkv") == whole
    assert disk.outputs() == {"out.mkv"}


def clear(folder: Path, *names: str) -> None:
    """Empty a folder in which nothing else than what has these names may lie."""
    for path in folder.iterdir():
        assert path.name in names
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def assert_whole_or_old(output: Path, code: int, told: str) -> None:
    if code == 0:
        assert frames_of(output) == FRAMES, told
    else:
        assert output.read_bytes() == OLD
        assert told.startswith("vsrestore: ")
        assert "Traceback" not in told


def kilobytes_of(disk: Place, ending: str) -> int:
    """Return how large a whole output is; it is made here and removed."""
    code, told = ended(disk.start(f"whole{ending}"))
    assert code == 0, told
    size = (disk.folder / f"whole{ending}").stat().st_size
    (disk.folder / f"whole{ending}").unlink()
    return size // 1024 + 1
