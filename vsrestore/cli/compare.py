"""``vsrestore compare``: what a restoration changed, as figures and pictures."""

from __future__ import annotations

import math
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from .cancelled import cancellable, left_of
from .progress import Bar, path_line


def seconds(text: str) -> float:
    """Return a time as SECONDS, M:S or H:M:S in seconds."""
    parts = text.split(":")
    try:
        numbers = [int(part) for part in parts[:-1]] + [float(parts[-1])]
    except ValueError:
        numbers = [math.nan]
    if len(numbers) > 3 or not all(0 <= number < 1e9 for number in numbers):
        raise typer.BadParameter(f"{text!r} is no time; 90, 1:30 and 0:01:30.5 are")
    return sum(number * 60**power for power, number in enumerate(reversed(numbers)))


def compare(
    before: Annotated[Path, typer.Argument(metavar="A", help="video file: before", show_default=False)],
    after: Annotated[Path, typer.Argument(metavar="B", help="video file: after", show_default=False)],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FOLDER", help="folder to be made")],
    truth: Annotated[
        Path | None, typer.Argument(metavar="[TRUTH]", help="video file: as it should be", show_default=False)
    ] = None,
    start: Annotated[
        float | None, typer.Option(parser=seconds, metavar="TIME", help="compare from here on (seconds or H:M:S)")
    ] = None,
    end: Annotated[float | None, typer.Option(parser=seconds, metavar="TIME", help="compare up to here")] = None,
    device: Annotated[str, typer.Option(help="what measures: cpu, cuda, cuda:N or mps")] = "cpu",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="replace the comparison in an existing folder")
    ] = False,
) -> None:
    """Compare two videos: a page with a slider, plots and crops, a table of figures, a video side by side."""
    from vsrestore.comparison.folder import PAGE

    with cancellable("vsrestore", left_of(output / PAGE)):
        from vsrestore.comparison.compare import compare as run
        from vsrestore.comparison.page import table
        from vsrestore.comparison.sources import Part

        check_device(device)
        bar = Bar() if sys.stderr.isatty() else None
        count = bar.count if bar else _silent
        with bar or nullcontext():
            totals = run(
                before, after, truth, output, count, overwrite=overwrite, part=Part(start or 0, end), device=device
            )
        names = ["before", "after", *(["truth"] if truth else [])]
        for name, *words in table(totals, names):
            print(f"{name:<8}" + "".join(f"{word:>25}" for word in words))
        if truth is None:
            print("How good it is cannot be told without the truth: vsrestore compare A B TRUTH", file=sys.stderr)
        typer.echo(path_line(output / PAGE))


def check_device(name: str) -> None:
    """Refuse a device that is not there, before anything is read."""
    if name == "cpu":  # torch need not be imported yet
        return
    from vsrestore.training.machine import machine

    machine(name, "float32")


def _silent(done: int, total: int) -> None:
    """Show nothing: nobody is looking."""
