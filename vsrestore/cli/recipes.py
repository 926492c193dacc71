"""``vsrestore recipes``: what can stand after ``--recipe``; and those options of other commands that recipes add."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from .progress import printable

if TYPE_CHECKING:
    from vsrestore.recipes.recipe import Recipe

RecipeName = Annotated[
    str | None, typer.Option("--recipe", help="recipe to follow: a name as in `vsrestore recipes`, or a file (.toml)")
]
Steps = Annotated[
    str | None, typer.Option("--steps", help="of a recipe only these, in this order, e.g. tape,denoise,upscale")
]
Use = Annotated[
    list[str] | None,
    typer.Option("--use", metavar="STEP=FILTER", help='filter for a step, e.g. "denoise=film(grain=0.5)"; repeatable'),
]


def recipes(
    name: Annotated[
        str | None, typer.Argument(help="a recipe, to see its text: copy it to a file and edit it", show_default=False)
    ] = None,
) -> None:
    """List the recipes, with the filter that each step would use now, or print one."""
    from vsrestore.recipes.choice import chosen
    from vsrestore.recipes.recipe import read_recipe, shipped, text_of

    if name is not None:
        text = text_of(name)
        print("".join(f"{printable(line)}\n" for line in text.splitlines()) if sys.stdout.isatty() else text, end="")
        return
    for each in shipped():
        recipe = read_recipe(each)
        print(f"{each}: {recipe.about}")
        for choice in chosen(recipe):
            print(f"    {printable(str(choice))}")


def recipe_of(name: str | None, steps: str | None, use: Sequence[str] | None) -> Recipe | None:
    """Return the recipe that options ask for, None where they ask for none.

    Raises:
        StepsError: it cannot be read, or has no such steps.

    """
    from vsrestore.recipes.errors import StepsError
    from vsrestore.recipes.recipe import read_recipe

    if name is None:
        if steps is not None or use:
            raise StepsError(f"--{'use' if steps is None else 'steps'} goes with --recipe")
        return None
    return read_recipe(name).changed(steps, choices_of(use))


def choices_of(use: Sequence[str] | None) -> dict[str, str]:
    """Return the filters that options choose, by step.

    Raises:
        StepsError: an option cannot be read.

    """
    from vsrestore.recipes.errors import StepsError

    pairs = [word.partition("=") for word in use or ()]
    for step, sign, call in pairs:
        if not (sign and step.strip() and call.strip()):
            raise StepsError(f'--use {step + sign + call!r}: cannot be read; write e.g. "denoise=film(grain=0.5)"')
    return {step.strip(): call.strip() for step, _, call in pairs}


def filters_of_recipe(recipe: Recipe, tell: Callable[[str], None]) -> tuple[str, ...]:
    """Return the calls that a recipe means here and now, and tell which step is done by what.

    Raises:
        StepsError: it cannot be carried out.

    """
    from vsrestore.recipes.choice import chosen, filters_to_run

    choices = chosen(recipe)
    calls = filters_to_run(recipe, choices)
    for choice in choices:
        if choice.step.on:
            tell(str(choice))
    return calls
