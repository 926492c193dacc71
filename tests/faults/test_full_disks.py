"""Disks that fill: the old output stays, the exit code is not 0, and what is missing is told."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.jobs import FRAMES, Place, ended, frames_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="tmpfs")

FULL_DISKS = 3
OLD = b"precious" * 100


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
        if code == 0:
            assert frames_of(output) == FRAMES, (kilobytes, told)
        else:
            assert output.read_bytes() == OLD
            assert told.startswith("vsrestore: ")
            assert "Traceback" not in told
        for path in disk.folder.iterdir():
            assert path.name in (output.name, "filler", f"out.incomplete{ending}")
            path.unlink()


def kilobytes_of(disk: Place, ending: str) -> int:
    """Return how large a whole output is; it is made here and removed."""
    code, told = ended(disk.start(f"whole{ending}"))
    assert code == 0, told
    size = (disk.folder / f"whole{ending}").stat().st_size
    (disk.folder / f"whole{ending}").unlink()
    return size // 1024 + 1
