"""The command ``vsrestore``."""

from __future__ import annotations

import sys

import typer


def build() -> typer.Typer:
    """Return the command with all that it can do."""
    from . import (  # here: python -m vsrestore.cli.train runs one of them
        compare,
        finetune,
        info,
        restore,
        script,
        train,
        weights,
    )

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
    app.command()(finetune.finetune)
    app.command()(compare.compare)
    app.command()(info.info)
    app.add_typer(weights.app, name="weights")
    return app


def main() -> None:
    """Run the command; what the user can put right is one line on stderr and exit code 2."""
    try:
        build()()
    except (ValueError, RuntimeError) as error:
        from vsrestore.checkpoints.errors import CheckpointError
        from vsrestore.comparison.errors import ComparisonError
        from vsrestore.pipeline.errors import PipelineError, RunError

        if not isinstance(error, PipelineError | RunError | CheckpointError | ComparisonError):
            raise
        _end(str(error), 1 if isinstance(error, RunError) else 2)


def _end(message: str, code: int) -> None:
    one_line = " ".join(message.split())
    print(f"vsrestore: {one_line}", file=sys.stderr)
    sys.exit(code)
