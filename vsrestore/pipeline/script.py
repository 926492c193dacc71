"""The VapourSynth script that ``restore`` runs for a list of filters."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import PipelineError


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
        node = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        raise _unreadable(text) from None
    if isinstance(node, ast.Name):
        return FilterCall(node.id, {})
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.args:
        raise _unreadable(text)
    return FilterCall(node.func.id, {_key(word, text): _literal(word.value, text) for word in node.keywords})


def resolved(call: FilterCall, defaults: Mapping[str, object]) -> FilterCall:
    """Return the call with those of ``defaults`` that the filter takes and the call does not set.

    Raises:
        PipelineError: vsrestore has no such filter, or the filter no such argument.

    """
    accepted = _parameters(call.name)
    unknown = [key for key in call.arguments if key not in accepted]
    if unknown:
        raise PipelineError(f"{call.name}: has no argument {unknown[0]!r}; accepted: {', '.join(accepted) or 'none'}")
    fitting = {key: value for key, value in defaults.items() if key in accepted}
    return FilterCall(call.name, {**fitting, **call.arguments})


def script_text(
    source: Path, calls: Sequence[FilterCall], track: int | None, index_folder: Path, *, whole: bool = True
) -> str:
    """Return a script that opens ``source`` and applies the filters.

    Args:
        source: the video file.
        calls: resolved filter calls, in order.
        track: number of the video stream, None for the file's first.
        index_folder: where BestSource keeps its index of the file.
        whole: False for a file whose end is missing: decoding it in several threads loses the last whole frames too.

    """
    options = ("" if track is None else f", track={track}") + ("" if whole else ", threads=1")
    lines = [
        "import vapoursynth as vs",
        "",
        "import vsrestore",
        "",
        f"source = {str(source)!r}",
        f"clip = vs.core.bs.VideoSource(source{options}, cachepath={str(index_folder)!r})",
        *map(str, calls),
        "clip.set_output()",
    ]
    return "\n".join(lines) + "\n"


def filter_names() -> list[str]:
    """Return the filters that a script may call."""
    import vsrestore

    return sorted(vsrestore.FILTERS)


def _parameters(name: str) -> list[str]:
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
        return ast.literal_eval(node)
    except ValueError:
        raise _unreadable(text) from None


def _unreadable(text: str) -> PipelineError:
    return PipelineError(f"--filter {text!r}: cannot be read; write a name with keyword values, e.g. film(grain=0.3)")
