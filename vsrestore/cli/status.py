"""``vsrestore status``: how far a job is that runs elsewhere, or died."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from .progress import printable, told_progress


def status(
    folder: Annotated[Path, typer.Argument(help="job folder (OUTPUT.vsrestore)", show_default=False)],
) -> None:
    """Tell how far a job is; it is left alone."""
    from vsrestore.pipeline.segments.status import status_of

    job = status_of(folder)
    done, total = job.segments
    frames = f"{job.finished} of {job.frames} frames" if job.frames else "no frame"
    print(f"{done} of {total or '?'} segments are finished ({frames})" + ("; they are joined" if job.joined else ""))
    state = "running on this machine" if job.running else "not running on this machine"
    print(state if job.running else f"{state}; where it has died, the same command goes on")
    if (last := job.progress) is not None:
        ago = max(time.time() - last.at, 0)
        print(printable(f"last heard of {ago:.0f} s ago from process {last.process} on {last.host}:"))
        print(f"{last.done} of {last.total} frames, {told_progress(last)}")
