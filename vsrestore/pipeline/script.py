"""The VapourSynth script that ``restore`` runs for a list of filters."""

from __future__ import annotations

import ast
import inspect
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import PipelineError

if TYPE_CHECKING:
    import vapoursynth as vs


@dataclass(frozen=True)
class FilterCall:
    """A filter of vsrestore and the arguments after the clip."""

    name: str
    arguments: Mapping[str, object]

    def __str__(self) -> str:
        """Return the call as it stands in the script."""
        words = ["clip", *(f"{key}={value!r}" for key, value in self.arguments.items())]
        return f"clip = vsrestore.{self.name}({', '.join(words)})"


def parse_filter(text: str) -> FilterCall:
    """Return the call that ``film`` or ``film(grain=0.3)`` means; values are literals, nothing is evaluated.

    Raises:
        PipelineError: any other text.

    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # of unknown escapes in a path
            node = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise _unreadable(text) from None
    if isinstance(node, ast.Name):
        return FilterCall(node.id, {})
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.args:
        raise _unreadable(text)
    arguments: dict[str, object] = {}
    for word in node.keywords:
        key = _key(word, text)
        if key in arguments:
            raise PipelineError(f"--filter {text!r}: sets {key!r} twice")
        arguments[key] = _literal(word.value, text)
    return FilterCall(node.func.id, arguments)


def defaults_of(device: str | None, precision: str | None) -> dict[str, object]:
    """Return what a command's options set in all filters that take it, for `resolved`."""
    return {key: value for key, value in (("device", device), ("precision", precision)) if value is not None}


def resolved(call: FilterCall, defaults: Mapping[str, object]) -> FilterCall:
    """Return the call with those of ``defaults`` that the filter takes and the call does not set.

    Raises:
        PipelineError: vsrestore has no such filter, or the filter no such argument.

    """
    accepted = parameters(call.name)
    unknown = [key for key in call.arguments if key not in accepted]
    if unknown:
        raise PipelineError(f"{call.name}: has no argument {unknown[0]!r}; accepted: {', '.join(accepted) or 'none'}")
    fitting = {key: value for key, value in defaults.items() if key in accepted}
    return FilterCall(call.name, {**fitting, **call.arguments})


def applied(call: FilterCall, clip: vs.VideoNode) -> vs.VideoNode:
    """Return what a resolved call makes of a clip."""
    import vsrestore

    made: vs.VideoNode = getattr(vsrestore, call.name)(clip, **call.arguments)
    return made


@dataclass(frozen=True)
class Opening:
    """How a script opens its source.

    Attributes:
        source: the video file.
        track: number of the video stream, None for the file's first.
        index_folder: where BestSource keeps its index of the file, None for nowhere.
        one_thread: whether it is decoded in one thread, because its end is missing: several lose whole frames too.
        damaged: whether it is damaged in between; then it is decoded in one thread as well, because in several a
            damaged frame comes out otherwise each time, and is not known again.
        clear_fields: whether the frames are whole, whatever some flags say.
        offsets: what the clock of the file lacks wherever it begins anew, in seconds, as fractions.
        gaps: where frames are missing in it and no time says so: from which tick on, and how many ticks.
        one_index: whether ``index_folder`` is for this source alone, which machines may know by several paths.

    """

    source: Path
    track: int | None = None
    index_folder: Path | None = None
    one_thread: bool = False
    damaged: bool = False
    clear_fields: bool = False
    one_index: bool = False
    offsets: tuple[str, ...] = ()
    gaps: tuple[tuple[int, int], ...] = ()

    @property
    def retimed(self) -> bool:
        """Whether its frames are given durations that follow each other."""
        return self.damaged or bool(self.offsets) or bool(self.gaps)

    def lines(self) -> list[str]:
        """Return the lines of the script that make ``clip``."""
        track = [] if self.track is None else [f"track={self.track}"]
        threads = ["threads=1"] if self.one_thread or self.damaged else []
        times = ["exporttimestamps=1"] if self.retimed else []
        opened = f"vs.core.bs.VideoSource({', '.join(['source', *track, *threads, self._cache(), *times])})"
        if self.retimed:
            known = {"offsets": list(self.offsets), "gaps": list(self.gaps)}
            opened = ", ".join([opened, *(f"{key}={value}" for key, value in known.items() if value)])
            opened = f"with_times_in_order({opened})"
        clear = ["clip = clip.std.SetFieldBased(0)"] if self.clear_fields else []
        return [
            f"source = {str(self.source)!r}",
            f"clip = {opened}",
            *clear,
        ]

    def _cache(self) -> str:
        """Return the arguments for the index; in mode 4 its path has nothing of the source's in it."""
        if self.index_folder is None:
            return "cachemode=0"
        if self.one_index:
            return f"cachemode=4, cachepath={str(self.index_folder / 'index')!r}"
        return f"cachepath={str(self.index_folder)!r}"


def script_text(opening: Opening, calls: Sequence[FilterCall]) -> str:
    """Return a script that opens a source and applies resolved filter calls, in order."""
    times = ["from vsrestore.pipeline.damaged import with_times_in_order"] if opening.retimed else []
    imports = ["import vapoursynth as vs", "", "import vsrestore", *times, ""]
    return "\n".join([*imports, *opening.lines(), "before = clip", *map(str, calls), "clip.set_output()"]) + "\n"


def filter_names() -> list[str]:
    """Return the filters that a script may call."""
    import vsrestore

    return sorted(vsrestore.FILTERS)


def parameters(name: str) -> list[str]:
    """Return the arguments of a filter after the clip.

    Raises:
        PipelineError: there is no such filter.

    """
    import vsrestore

    known = filter_names()
    if name not in known:
        raise PipelineError(f"--filter {name}: unknown; accepted: {', '.join(known)}")
    return [key for key in inspect.signature(getattr(vsrestore, name)).parameters if key != "clip"]


def _key(word: ast.keyword, text: str) -> str:
    if word.arg is None:
        raise _unreadable(text)
    return word.arg


def _literal(node: ast.expr, text: str) -> object:
    try:
        value = ast.literal_eval(node)
        # What is written into the script must mean the same again: 1e999, say, would be the name inf there.
        if ast.literal_eval(repr(value)) != value:
            raise _unreadable(text)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        raise _unreadable(text) from None
    return value


def _unreadable(text: str) -> PipelineError:
    return PipelineError(f"--filter {text!r}: cannot be read; write a name with keyword values, e.g. film(grain=0.3)")
