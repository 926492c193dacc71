"""A recipe as it stands in its file (TOML), and the ones that come with vsrestore."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .errors import StepsError
from .steps import STEPS

FOLDER = Path(__file__).parent
ENDING = ".toml"
LARGEST = 1 << 20  # bytes of a file
NAME = re.compile(r"[a-z][a-z0-9 _-]{0,39}")
KEYS, STEP_KEYS = ("about", "step"), ("name", "on", "filter")


@dataclass(frozen=True)
class Step:
    """One step of a recipe.

    Attributes:
        name: a key of ``STEPS``, or any other where it has filters of its own.
        filters: calls as ``--filter`` takes them, the one to be preferred first.
        own: whether they stand in the recipe, and not in ``STEPS``.
        on: whether it is done.

    """

    name: str
    filters: tuple[str, ...]
    own: bool = False
    on: bool = True


@dataclass(frozen=True)
class Recipe:
    """The steps that footage goes through, in order.

    Attributes:
        name: of a shipped recipe, or the path of a file.
        about: what it is for, in one line.
        steps: each of another name.

    """

    name: str
    about: str
    steps: tuple[Step, ...]

    def changed(self, order: str | None, filters: Mapping[str, str]) -> Recipe:
        """Return the recipe with the steps ``order`` alone, comma-separated, in that order, and with other filters.

        Args:
            order: names of steps, on or off in the recipe; those that it lacks are taken from ``STEPS``. None leaves
                all as it is.
            filters: by name of the step; a step that gets one is on.

        Raises:
            StepsError: a step that is not known or is named twice.

        """
        known = {step.name: step for step in self.steps}
        names = [name.strip() for name in order.split(",")] if order is not None else list(known)
        _check_distinct(self.name, names)
        for name in filters:
            if name not in names:
                raise StepsError(f"{self.name}: has no step {name!r} to choose a filter for; it has {', '.join(names)}")
        steps = [known.get(name) or _step({"name": name}, self.name) for name in names]
        if order is not None:
            steps = [replace(step, on=True) for step in steps]
        return replace(self, steps=tuple(_with(step, filters.get(step.name)) for step in steps))


def of_steps(names: str) -> Recipe:
    """Return a recipe of comma-separated names of steps, each done by what ``STEPS`` has for it.

    Raises:
        StepsError: one is not known or is named twice.

    """
    return Recipe("--steps", "", ()).changed(names, {})


def shipped() -> list[str]:
    """Return the names of the recipes that come with vsrestore."""
    return sorted(path.stem for path in FOLDER.glob(f"*{ENDING}"))


def text_of(name_or_path: str) -> str:
    """Return the text of a recipe.

    Raises:
        StepsError: there is no such recipe or file, or it cannot be one.

    """
    names = shipped()
    path = FOLDER / f"{name_or_path}{ENDING}" if name_or_path in names else Path(name_or_path)
    try:
        size = path.stat().st_size if path.is_file() else None
        text = path.read_text(encoding="utf-8") if size is not None and size <= LARGEST else ""
    except OSError as error:
        raise StepsError(f"{name_or_path}: cannot be read ({error.strerror or error})") from None
    except ValueError:  # of UTF-8, or a path with a null character
        raise StepsError(f"{name_or_path!r}: is no text in UTF-8, and so no recipe") from None
    if size is None:
        there = f"there are {', '.join(names)}, or give the path of a file ({ENDING})"
        raise StepsError(f"{name_or_path}: no such recipe; {there}")
    if size > LARGEST:
        raise StepsError(f"{name_or_path}: has more than a million bytes, and so is no recipe")
    return text


def read_recipe(name_or_path: str) -> Recipe:
    """Return a recipe, shipped or from a file; what stands in it is read as data, and nothing of it is run.

    Raises:
        StepsError: there is none, or it says something that is not known.

    """
    text = text_of(name_or_path)
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise StepsError(f"{name_or_path}: is not valid TOML ({error})") from None
    _check_keys(table, KEYS, name_or_path)
    about, steps = table.get("about", ""), table.get("step")
    if not isinstance(about, str):
        raise StepsError(f"{name_or_path}: about = {about!r}; a text is accepted")
    if not isinstance(steps, list) or not steps or not all(isinstance(step, dict) for step in steps):
        raise StepsError(f"{name_or_path}: has no steps; each is a table under [[step]] with a name")
    recipe = Recipe(name_or_path, about, tuple(_step(step, name_or_path) for step in steps))
    _check_distinct(recipe.name, [step.name for step in recipe.steps])
    return recipe


def _check_distinct(recipe: str, names: Sequence[str]) -> None:
    for number, name in enumerate(names):
        if name in names[:number]:
            raise StepsError(f"{recipe}: has two steps {name!r}; give one of them another name and a filter of its own")


def _step(table: Mapping[str, Any], recipe: str) -> Step:
    _check_keys(table, STEP_KEYS, f"{recipe}: a step")
    name, on, calls = table.get("name"), table.get("on", True), table.get("filter")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise StepsError(
            f"{recipe}: the name of a step is {name!r}; small letters and digits, at most 40, are accepted"
        )
    if not isinstance(on, bool):
        raise StepsError(f"{recipe}: step {name!r}: on = {on!r}; true and false are accepted")
    if calls is None:
        if name not in STEPS:
            raise StepsError(
                f"{recipe}: step {name!r} is not known and has no filter; known: {', '.join(STEPS)}; others need one"
            )
        return Step(name, STEPS[name], on=on)
    filters = [calls] if isinstance(calls, str) else calls
    if not isinstance(filters, list) or not filters or not all(isinstance(each, str) for each in filters):
        raise StepsError(
            f'{recipe}: step {name!r}: filter = {calls!r}; a text like "film(grain=0.3)", or a list of such'
        )
    return Step(name, tuple(filters), own=True, on=on)


def _with(step: Step, filter: str | None) -> Step:
    return step if filter is None else Step(step.name, (filter,), own=True)


def _check_keys(table: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    unknown = [key for key in table if key not in known]
    if unknown:
        raise StepsError(f"{where}: unknown key {unknown[0]!r}; known are {', '.join(known)}")
