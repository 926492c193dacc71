"""The tasks that a recipe may name."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from vsrestore.training.recipe import Recipe, RecipeError
from vsrestore.training.task import Task
from vsrestore.training.tasks.film import FilmTask
from vsrestore.training.tasks.interpolation import InterpolationTask
from vsrestore.training.tasks.jpeg import JpegTask
from vsrestore.training.tasks.one_kind import OneKindTask
from vsrestore.training.tasks.stains import StainsTask
from vsrestore.training.tasks.tape import TapeTask
from vsrestore.training.tasks.upscale import UpscaleTask

TASKS: MappingProxyType[str, Callable[[Recipe], Task]] = MappingProxyType(
    {
        "film": lambda _: FilmTask(),
        "scratches": lambda _: OneKindTask("scratches"),
        "cue marks": lambda _: OneKindTask("cue marks"),
        "stains": lambda _: StainsTask(),
        "tape": lambda _: TapeTask(),
        "jpeg": lambda _: JpegTask(),
        "upscale": UpscaleTask.of,
        "interpolation": lambda _: InterpolationTask(),
    }
)


def task_of(recipe: Recipe) -> Task:
    """Return the task that a recipe names.

    Raises:
        RecipeError: there is none of this name, or the network lacks a setting that it needs.
    """
    if recipe.task not in TASKS:
        raise RecipeError(f"task = {recipe.task!r}; known are {', '.join(TASKS)}")
    return TASKS[recipe.task](recipe)
