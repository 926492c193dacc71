"""The finished file takes its name: on disk before it is shown, never over what it may not replace."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from errno import EEXIST
from itertools import count
from pathlib import Path

from vsrestore import ffmpeg

from .errors import PipelineError, RunError
from .source import is_url
from .workplace import LONGEST_NAME


def checked_output(output: Path, source: str, *, overwrite: bool) -> Path:
    """Return the file that is to be written: where ``output`` is a link, what it points to.

    Args:
        output: as the user gave it.
        source: path or URL of the input.
        overwrite: whether an existing file may be replaced.

    Raises:
        PipelineError: it may not be written.
        FFmpegError: its name is not UTF-8.

    """
    ffmpeg.file_url(output)  # which refuses names that ffmpeg's libraries cannot have
    try:
        target = output.resolve()
        if target.is_dir():
            raise PipelineError(f"{output}: is a folder; name a file")
        if not target.parent.is_dir():
            raise PipelineError(f"{output.parent}: no such folder")
        if os.path.lexists(target):
            _check_existing(output, target, source, overwrite=overwrite)
    except OSError as error:
        raise PipelineError(f"{output}: cannot be written ({error.strerror})") from None
    return target


def publish(part: Path, output: Path, *, overwrite: bool) -> None:
    """Give the finished file ``part`` the name ``output``, with the rights of the file that it replaces.

    Raises:
        RunError: a file of that name has appeared in the meantime and may not be replaced, or the name cannot be
            given; the message names the file that holds what was made.

    """
    try:
        with suppress(FileNotFoundError):
            _keep_rights(part, output.stat())
        to_disk(part)
        if overwrite:
            part.replace(output)
        else:
            _rename_exclusively(part, output)
        to_disk(output.parent)
    except FileExistsError:
        kept = keep(part, output, "restored")
        raise RunError(
            f"{output}: has appeared while this run was at work, and --overwrite was not given; "
            f"it stays, and what was made is kept as {kept}"
        ) from None
    except OSError as error:
        kept = keep(part, output, "restored")
        raise RunError(f"{output}: cannot be written ({error.strerror}); what was made is kept as {kept}") from None


def keep(part: Path, output: Path, word: str) -> Path:
    """Give the file ``part`` a free name beside the output that holds ``word``; return it.

    Raises:
        RunError: it cannot be given a name there.

    """
    for name in _names(output, word):
        try:
            _rename_exclusively(part, output.with_name(name))
        except FileExistsError:
            continue
        except OSError as error:
            raise RunError(f"{output}: what was made cannot be kept ({error.strerror})") from None
        return output.with_name(name)
    raise AssertionError("names do not end")


def _check_existing(output: Path, target: Path, source: str, *, overwrite: bool) -> None:
    if not is_url(source) and Path(source).exists() and target.samefile(source):
        raise PipelineError(f"{output}: is the input itself; choose another output")
    if not target.is_file():
        raise PipelineError(f"{output}: is no regular file; choose another output")
    if not overwrite:
        raise PipelineError(f"{output}: exists; --overwrite replaces it")


def _names(output: Path, word: str) -> Iterator[str]:
    for number in count(1):
        tail = f".{word}{'' if number == 1 else number}{output.suffix}"
        stem = output.stem
        while len(os.fsencode(stem + tail)) > LONGEST_NAME:
            stem = stem[:-1]
        yield stem + tail


def _keep_rights(part: Path, replaced: os.stat_result) -> None:
    if hasattr(os, "chown"):
        with suppress(OSError):  # only the superuser may give files away
            os.chown(part, replaced.st_uid, replaced.st_gid)
    part.chmod(stat.S_IMODE(replaced.st_mode))


def _rename_exclusively(old: Path, new: Path) -> None:
    """Rename a file as one step that fails with ``FileExistsError`` when the new name is taken."""
    if os.name == "nt":
        old.rename(new)
        return
    try:
        new.hardlink_to(old)
    except OSError as error:
        if error.errno == EEXIST:
            raise
        # A file system without hard links: the name is taken with an empty file first.
        os.close(os.open(new, os.O_CREAT | os.O_EXCL, 0o600))
        old.replace(new)
    else:
        old.unlink()


def to_disk(path: Path) -> None:
    """Wait until a file, or the names in a folder, have reached the disk."""
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
