"""``vsrestore filters``: what can stand after ``--filter``."""

from __future__ import annotations

import inspect
from typing import Annotated

import typer


def filters(
    name: Annotated[str | None, typer.Argument(help="a filter, to see its arguments", show_default=False)] = None,
) -> None:
    """List the filters, or show one with its arguments."""
    import vsrestore
    from vsrestore.pipeline.errors import PipelineError
    from vsrestore.pipeline.script import filter_names

    names = filter_names()
    if name is None:
        width = max(map(len, names))
        for known in names:
            summary = inspect.getdoc(getattr(vsrestore, known)) or ""
            print(f"{known:<{width}}  {summary.splitlines()[0] if summary else ''}")
        return
    if name not in names:
        raise PipelineError(f"{name}: no such filter; accepted: {', '.join(names)}")
    function = getattr(vsrestore, name)
    print(f"{name}{inspect.signature(function)}\n\n{inspect.getdoc(function)}")
