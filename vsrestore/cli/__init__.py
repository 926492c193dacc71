"""The command ``vsrestore``."""

from __future__ import annotations

import sys

import typer

from . import info, restore, script, train


def build() -> typer.Typer:
    """Return the command with all that it can do."""
    app = typer.Typer(
        help="Restore old film, tape and compressed video with neural networks.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.command()(restore.restore)
    app.command()(script.script)
    app.command()(train.train)
    app.command()(info.info)
    return app


def main() -> None:
    """Run the command; what the user can put right is one line on stderr and exit code 2."""
    from vsrestore.pipeline.errors import PipelineError, RunError

    try:
        build()()
    except PipelineError as error:
        _end(str(error), 2)
    except RunError as error:
        _end(str(error), 1)


def _end(message: str, code: int) -> None:
    one_line = " ".join(message.split())
    print(f"vsrestore: {one_line}", file=sys.stderr)
    sys.exit(code)
