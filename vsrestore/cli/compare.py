"""``vsrestore compare``: what a restoration changed, as figures and pictures."""

from __future__ import annotations

import signal
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from .progress import Bar


def compare(
    before: Annotated[Path, typer.Argument(metavar="A", help="video file: before", show_default=False)],
    after: Annotated[Path, typer.Argument(metavar="B", help="video file: after", show_default=False)],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FOLDER", help="folder to be made")],
    truth: Annotated[
        Path | None, typer.Argument(metavar="[TRUTH]", help="video file: as it should be", show_default=False)
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="replace the comparison in an existing folder")
    ] = False,
) -> None:
    """Compare two videos: a page with a slider, plots and crops, a table of figures, a video side by side."""
    from vsrestore.comparison.compare import compare as run
    from vsrestore.comparison.folder import PAGE
    from vsrestore.comparison.page import table

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    bar = Bar() if sys.stderr.isatty() else None
    try:
        with bar or nullcontext():
            totals = run(before, after, truth, output, bar.count if bar else _silent, overwrite=overwrite)
    except KeyboardInterrupt:
        print("vsrestore: cancelled; nothing was written", file=sys.stderr)
        raise typer.Exit(130) from None
    names = ["before", "after", *(["truth"] if truth else [])]
    for name, *words in table(totals, names):
        print(f"{name:<8}" + "".join(f"{word:>18}" for word in words))
    print(output / PAGE)


def _silent(done: int, total: int) -> None:
    """Show nothing: nobody is looking."""
