"""Which filter does each step of a recipe here and now, by what weights are on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from vsrestore.checkpoints import Entry, entries, filters_of, how_to_get, is_here
from vsrestore.pipeline.errors import PipelineError
from vsrestore.pipeline.script import FilterCall, filter_names, parse_filter, resolved

from .errors import StepsError
from .recipe import Recipe, Step


@dataclass(frozen=True)
class Candidate:
    """A filter that can do a step.

    Attributes:
        text: the call as ``--filter`` takes it.
        missing: the weights that it needs and that are not here.

    """

    text: str
    missing: tuple[Entry, ...]

    @property
    def words(self) -> str:
        """Which filter it is, and the commands that get its weights."""
        ways = [f"{_command(entry)}{_licence(entry)}" for entry in self.missing]
        return f"{self.text.partition('(')[0]} ({', '.join(ways)})"


@dataclass(frozen=True)
class Chosen:
    """What becomes of a step: its filter, None where it is left out, and those that are preferred once here."""

    step: Step
    filter: str | None
    preferred: tuple[Candidate, ...]

    def __str__(self) -> str:
        """Return the choice in one line."""
        if not self.step.on:
            return f"{self.step.name}: off"
        others = ", ".join(candidate.words for candidate in self.preferred)
        if self.filter is None and not self.preferred:
            return f"{self.step.name}: left out: this version has no filter for it"
        if self.filter is None:
            return f"{self.step.name}: left out until weights of one of these are here: {others}"
        return f"{self.step.name}: {self.filter}" + (f"; preferred once here: {others}" if others else "")


def chosen(recipe: Recipe) -> list[Chosen]:
    """Return what becomes of each step, in order; nothing is loaded or fetched.

    Raises:
        StepsError: a step's filter cannot be read or does not exist, or a filter of the recipe's own has no weights.

    """
    return [_chosen(recipe, step) for step in recipe.steps]


def filters_to_run(recipe: Recipe, choices: list[Chosen]) -> tuple[str, ...]:
    """Return the calls of the steps that are done.

    Raises:
        StepsError: there is none.

    """
    calls = tuple(choice.filter for choice in choices if choice.step.on and choice.filter)
    if not calls:
        raise StepsError(f"{recipe.name}: nothing is left to do; switch a step on, or fetch weights of one")
    return calls


def _chosen(recipe: Recipe, step: Step) -> Chosen:
    candidates = [_candidate(recipe, step, text) for text in step.filters if step.own or exists(text)]
    for number, candidate in enumerate(candidates):
        if not candidate.missing:
            return Chosen(step, candidate.text, tuple(candidates[:number]))
    if step.own and step.on:
        raise StepsError(f"{recipe.name}: step {step.name!r}: its weights are not here: {candidates[0].words}")
    return Chosen(step, None, tuple(candidates))


def exists(text: str) -> bool:
    """Tell whether this version has the filter of a call."""
    return parse_filter(text).name in filter_names()


def _candidate(recipe: Recipe, step: Step, text: str) -> Candidate:
    try:
        call = resolved(parse_filter(text), {})
    except PipelineError as error:
        raise StepsError(f"{recipe.name}: step {step.name!r}: {str(error).removeprefix('--filter ')}") from None
    return Candidate(text, tuple(entry for entry in _weights(call) if not is_here(entry)))


def _weights(call: FilterCall) -> Iterator[Entry]:
    """Yield the published checkpoints that a call names for its filter."""
    known = entries()
    for value in call.arguments.values():
        for name in value.values() if isinstance(value, Mapping) else (value,):
            entry = known.get(name) if isinstance(name, str) else None
            if entry and call.name in filters_of(entry):
                yield entry


def _command(entry: Entry) -> str:
    fetch = f"vsrestore weights fetch {entry.name}"
    return fetch if fetch in how_to_get(entry) else f"vsrestore weights show {entry.name}"


def _licence(entry: Entry) -> str:
    return (
        "" if entry.commercial is True else ", not for commercial use" if not entry.commercial else ", licence unclear"
    )
