"""Which faults a damage filter lays on: a preset, or parameters of the user's own."""

from __future__ import annotations

from collections.abc import Mapping

from ..damage.ranges import out_of_range
from ..video.checks import choice
from ..video.errors import fail, warn


def chosen[Faults](name: str, preset: str, params: Faults | None, presets: Mapping[str, Faults]) -> Faults:
    """Return ``params``, or the preset where there are none; what is out of its usual range is told in the log.

    Args:
        name: the filter, for messages.
        preset: one of ``presets``; not looked at when ``params`` is given.
        params: of the same class as the presets.
        presets: by name.

    Raises:
        vs.Error: no such preset, or ``params`` is something else.

    """
    if params is None:
        choice(name, "preset", preset, tuple(presets))
        return presets[preset]
    kind = type(next(iter(presets.values())))
    if not isinstance(params, kind):
        fail(name, f"params is {type(params).__name__}; a {kind.__module__}.{kind.__name__} is needed")
    for fault in out_of_range(params):
        warn(name, fault)
    return params
