"""The command ``vsrestore``."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from vsrestore.errors import VsrestoreError

LONG = 10_000  # characters


class _Whole(TyperGroup):
    """Commands whose summaries are told to their end, in as many lines as they need."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands and their summaries."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, one.get_short_help_str(LONG)) for name, one in commands if one is not None])


def _tell_version(wanted: bool) -> None:
    if wanted:
        import vsrestore

        print(f"vsrestore {vsrestore.__version__}")
        raise typer.Exit


def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="show the version and end")
    ] = False,
) -> None:
    """Restore old film, tape and compressed video with neural networks."""


def build() -> typer.Typer:
    """Return the command with all that it can do."""
    from . import (  # here: python -m vsrestore.cli.train runs one of them
        compare,
        filters,
        finetune,
        info,
        orders,
        recipes,
        restore,
        script,
        status,
        train,
        weights,
    )

    app = typer.Typer(
        cls=_Whole,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(options)
    app.command()(restore.restore)
    app.command()(status.status)
    app.command()(script.script)
    app.command()(filters.filters)
    app.command()(recipes.recipes)
    app.command()(train.train)
    app.command()(finetune.finetune)
    app.command()(compare.compare)
    app.command()(orders.orders)
    app.command()(info.info)
    app.add_typer(weights.app, name="weights")
    return app


def main() -> None:
    """Run the command; what the user can put right is one line on stderr and exit code 2."""
    try:
        build()()
    except VsrestoreError as error:
        from vsrestore.pipeline.errors import RunError

        _end(str(error), 1 if isinstance(error, RunError) else 2)


def _end(message: str, code: int) -> None:
    from .progress import printable

    one_line = " ".join(message.split())
    print(f"vsrestore: {printable(one_line)}", file=sys.stderr)
    sys.exit(code)
