"""``vsrestore orders``: which order of the steps does best, on a clip whose truth is known."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .cancelled import cancellable, left_of
from .compare import check_device, seconds
from .progress import Bar, path_line, printable
from .recipes import Use

if TYPE_CHECKING:
    import vapoursynth as vs

    from vsrestore.comparison.damaged import Filter
    from vsrestore.comparison.orders import Lpips

DAMAGE = "tape_damage(preset='vhs')"
FRAMES = 24
TRUNK = "alexnet"


def orders(
    clip: Annotated[Path, typer.Argument(metavar="CLIP", help="video file", show_default=False)],
    steps: Annotated[str, typer.Option(help="steps, as recipes name them, e.g. tape,deblur,denoise,upscale")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FOLDER", help="folder to be made")],
    truth: Annotated[
        Path | None, typer.Option(help="video file that shows what should come out; CLIP is damaged already then")
    ] = None,
    damage: Annotated[
        list[str] | None,
        typer.Option(help=f"without --truth: what CLIP is damaged by first; repeatable; {DAMAGE} by default"),
    ] = None,
    order: Annotated[
        list[str] | None, typer.Option(help="an order to try, e.g. denoise,upscale; repeatable; all by default")
    ] = None,
    use: Use = None,
    start: Annotated[
        float | None, typer.Option(parser=seconds, metavar="TIME", help="where the part begins (seconds or H:M:S)")
    ] = None,
    frames: Annotated[int, typer.Option(min=1, help="how many frames of it are tried")] = FRAMES,
    device: Annotated[str | None, typer.Option(help="device of the filters and of what measures")] = None,
    precision: Annotated[str | None, typer.Option(help="precision of the filters")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="replace the table in an existing folder")] = False,
) -> None:
    """Run steps in every order on a clip whose truth is known: a table and a page with quality, flicker and time.

    Without --truth the clip itself is the truth: it is made as small as the steps enlarge, and damaged.
    """
    from vsrestore.comparison.folder import PAGE

    with cancellable("vsrestore", left_of(output / PAGE)):
        from vsrestore.comparison.orders import all_orders, compare_orders
        from vsrestore.comparison.orders_page import orders_table
        from vsrestore.pipeline.script import defaults_of

        check_device(device or "cpu")
        filters = _filters(steps, use, defaults_of(device, precision))
        tried = [_order(text, list(filters)) for text in order] if order else all_orders(list(filters))
        damaged, true = _clips(clip, truth, damage, list(filters.values()), start or 0, frames)
        with Bar() as bar:
            measure = _lpips(device or "cpu", bar)
            outcomes = compare_orders(
                damaged, true, filters, tried, output, bar.count,
                overwrite=overwrite, lpips=measure, device=device or "cpu",
            )  # fmt: skip
        for words in _aligned(orders_table({each.name: each.figures for each in outcomes})):
            print(words)
        typer.echo(path_line(output / PAGE))


def _filters(steps: str, use: Sequence[str] | None, defaults: Mapping[str, object]) -> dict[str, Filter]:
    """Return what does each step here and now, by step; steps without weights are told and left out."""
    from vsrestore.pipeline.script import applied, parse_filter, resolved
    from vsrestore.recipes.choice import chosen
    from vsrestore.recipes.recipe import of_steps

    from .recipes import choices_of

    filters: dict[str, Filter] = {}
    for choice in chosen(of_steps(steps).changed(None, choices_of(use))):
        print(f"vsrestore: {printable(str(choice))}", file=sys.stderr)
        if choice.filter:
            filters[choice.step.name] = partial(applied, resolved(parse_filter(choice.filter), defaults))
    if not filters:
        raise typer.BadParameter(f"--steps {steps}: none can be done here")
    return filters


def _order(text: str, known: list[str]) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    wrong = [name for number, name in enumerate(names) if name not in known or name in names[:number]]
    if wrong:
        raise typer.BadParameter(
            f"--order {text}: {wrong[0]!r} is not one of {', '.join(known)}, or stands there twice"
        )
    return names


def _clips(
    path: Path, truth: Path | None, damage: Sequence[str] | None, filters: list[Filter], start: float, frames: int
) -> tuple[vs.VideoNode, vs.VideoNode]:
    """Return the damaged clip and the truth."""
    from vsrestore.comparison.damaged import clean_and_damaged, damaged_and_truth
    from vsrestore.pipeline.script import applied, parse_filter, resolved

    if truth is not None:
        if damage:
            raise typer.BadParameter("--damage and --truth do not go together: with --truth, CLIP is damaged already")
        return damaged_and_truth(path, truth, start, frames)
    faults = [partial(applied, resolved(parse_filter(text), {})) for text in damage or [DAMAGE]]
    return clean_and_damaged(path, faults, filters, start, frames)


def _lpips(device: str, bar: Bar) -> Lpips | None:
    """Return what measures LPIPS, or tell what is missing for it."""
    from vsrestore.checkpoints import get, is_here, path_of, read
    from vsrestore.comparison.perceptual import is_installed, lpips_measure

    if not is_installed():
        return None
    entry = get(TRUNK)
    if not is_here(entry):
        bar.tell(f"LPIPS is not measured; it needs vsrestore weights fetch {TRUNK}")
        return None
    return lpips_measure(read(path_of(entry)), device)


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return a table in Markdown, its columns below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    ruled = [rows[0], tuple("-" * width for width in widths), *rows[1:]]
    return [f"| {' | '.join(word.ljust(width) for word, width in zip(row, widths, strict=True))} |" for row in ruled]
