"""From what a user calls a model to the network that the runtime builds at the first frame."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from ..checkpoints import CheckpointError, entries, find, peek
from ..networks.state_dict import NetworkError
from ..video.errors import told_by

if TYPE_CHECKING:
    from torch import nn

    from ..runtime.engine import Build

Model = str | PathLike[str]


def network_of(name: str, model: Model, architecture: str, **settings: object) -> Build:
    """Return the function that builds the network of a checkpoint; the file is checked now, its data read later.

    Args:
        name: the filter, for messages.
        model: a name of the registry or the path of a checkpoint.
        architecture: the network that the filter is made for.
        settings: constructor settings that no tensor shape shows.

    Raises:
        vs.Error: the file is missing, truncated, altered, no checkpoint or another network's.

    """
    with told_by(name, CheckpointError, NetworkError):
        path = find(model if isinstance(model, str) else Path(model), architecture)
        shapes = peek(path)
        if model not in entries():  # a registry file is known by its checksum, and torch need not be imported yet
            from ..networks import recognise

            recognise(shapes, architecture, **settings)

    def build() -> nn.Module:
        from .. import networks
        from ..checkpoints import read

        return networks.load(read(path), architecture, **settings)

    return build
