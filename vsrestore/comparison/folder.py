"""The folder that a comparison leaves: all of it or nothing, and nothing of the user's touched.

Beside the files lies a list of them with their SHA-256, in the form of sha256sum. What it names, and what has not been
changed since, a later comparison may replace.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ..interrupts import held_interrupts
from ..pipeline.workplace import workplace
from .errors import ComparisonError

PAGE, TABLE, VIDEO, CROPS = "index.html", "frames.csv", "side-by-side.mp4", "crop-*.png"
ORDERS = "orders.csv"
MANIFEST = "comparison.sha256"


def check_folder(folder: Path, inputs: Iterable[Path], *, overwrite: bool) -> None:
    """Raise ``ComparisonError`` when the folder may not be filled."""
    try:
        _check_place(folder, overwrite=overwrite)
        if folder.exists():
            check_replaceable(folder)
    except OSError as error:
        raise ComparisonError(f"{folder}: cannot be read ({error.strerror or error})") from None
    for path in inputs:
        if path.resolve().parent == folder.resolve():
            raise ComparisonError(f"{folder}: holds {path.name}, which is to be compared; choose another folder")


def _check_place(folder: Path, *, overwrite: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise ComparisonError(f"{folder}: is a file; name a folder, which is made")
    if not folder.resolve().parent.is_dir():
        raise ComparisonError(f"{folder.parent}: no such folder")
    if folder.exists() and not overwrite:
        raise ComparisonError(f"{folder}: exists; --overwrite replaces the comparison in it")


def check_replaceable(folder: Path) -> None:
    """Raise ``ComparisonError`` where a file bears a name of a comparison's, but is not one that a comparison wrote."""
    known = _listed(folder)
    for path in [folder / PAGE, folder / TABLE, folder / ORDERS, folder / VIDEO, *sorted(folder.glob(CROPS))]:
        if path.is_dir() or (path.exists() and _sum(path) not in known.get(path.name, set())):
            raise ComparisonError(
                f"{path}: no comparison wrote it, or it was changed since; move it away or choose another folder"
            )


@contextmanager
def finished_folder(folder: Path) -> Iterator[Path]:
    """Give an unfinished folder whose files lie in ``folder`` in the end, or vanish with any exception.

    In a folder that exists, an earlier comparison is replaced; other files in it are left alone.

    Raises:
        ComparisonError: it cannot be written to, the disk is full, or a file that no comparison wrote is in the way.
        PipelineError: another comparison is writing it, or nothing can be written beside it.

    """
    whole = folder.resolve()
    try:
        # Beside what is made: what a killed comparison left there is cleared by the next.
        with workplace(whole / PAGE if whole.is_dir() else whole) as work:
            part = work / "comparison"
            part.mkdir()
            yield part
            with held_interrupts():
                _deliver(part, whole)
    except OSError as error:
        raise ComparisonError(f"{folder}: cannot be written ({error.strerror or error})") from None


def _deliver(part: Path, folder: Path) -> None:
    new = {path.name: {_sum(path)} for path in part.iterdir()}
    if not folder.exists():
        _list(part, new)
        part.replace(folder)
        return
    check_replaceable(folder)
    earlier = _listed(folder)
    _list(folder, {name: earlier.get(name, set()) | new.get(name, set()) for name in {**earlier, **new}})
    for name in earlier:
        (folder / name).unlink(missing_ok=True)
    for name in new:
        (part / name).replace(folder / name)
    _list(folder, new)


def _listed(folder: Path) -> dict[str, set[str]]:
    """Return the sums that a file may have, by name; those names alone that a comparison gives."""
    try:
        lines = (folder / MANIFEST).read_text(encoding="ascii").splitlines()
    except (FileNotFoundError, UnicodeDecodeError):
        return {}
    listed: dict[str, set[str]] = {}
    for line in lines:
        match = re.fullmatch(
            r"([0-9a-f]{64})  (index\.html|frames\.csv|orders\.csv|side-by-side\.mp4|crop-\d+-\w+\.png)", line
        )
        if match:
            listed.setdefault(match[2], set()).add(match[1])
    return listed


def _list(folder: Path, sums: Mapping[str, set[str]]) -> None:
    lines = [f"{each}  {name}\n" for name in sorted(sums) for each in sorted(sums[name])]
    new = folder / f".{MANIFEST}.new"
    new.write_text("".join(lines), encoding="ascii")
    new.replace(folder / MANIFEST)


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
