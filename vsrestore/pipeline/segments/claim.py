"""A job folder has one run at a time; it goes when the output is there, or when nothing in it is worth keeping."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path

from ..errors import PipelineError
from ..workplace import LOCK, beside, claimed, removed
from .folder import FIRST_PASS, SEGMENTS, JobFolder

ENDING = ".vsrestore"
# All that may lie in a job's folder, which is removed in the end with all that lies in it.
KNOWN = {
    *(LOCK, SEGMENTS, FIRST_PASS, "fetched", "restore.vpy", "decoded.mkv", "joined.*", "part.*", "cover*", "*.bsindex"),
    *("*.unfinished*", "clip.json", "job.json", "opening.json", "progress.json", "source.json", "task.json"),
}


def folder_of(output: Path, wanted: Path | None) -> Path:
    """Return the job folder of an output: the wanted one, else one beside it that bears its name."""
    return beside(output, "", ENDING) if wanted is None else wanted.absolute()


@contextmanager
def held(output: Path, wanted: Path | None) -> Iterator[JobFolder]:
    """Hold the job folder of an output; the system gives it free when this process ends, however it ends.

    Args:
        output: that the job is to make.
        wanted: where the folder is to be, None for beside the output.

    Raises:
        PipelineError: another run holds it, it may not be written to, or there is a folder that is no job's.

    """
    folder = folder_of(output, wanted)
    try:
        if folder.exists() and not is_job_folder(folder):
            raise PipelineError(f"{folder}: is no job folder of vsrestore; move it away, or give another --job-folder")
        lock = claimed(folder)
    except OSError as error:
        raise PipelineError(f"{folder}: cannot be written ({error.strerror or error})") from None
    if lock is None:
        raise PipelineError(f"{output}: another run is writing it (in {folder}); wait for that one")
    job = JobFolder(folder)
    try:
        yield job
    finally:
        if job.worth_keeping():
            os.close(lock)
        else:
            removed(folder, lock)


def is_job_folder(folder: Path) -> bool:
    """Tell whether a folder is a job's, or free to become one."""
    if not folder.is_dir() or folder.is_symlink():
        return False
    return all(any(fnmatch(path.name, known) for known in KNOWN) for path in folder.iterdir())
