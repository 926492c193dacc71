"""From what a user calls a model to the network that the runtime builds at the first frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..checkpoints import CheckpointError, entries, find, peek
from ..networks.state_dict import NetworkError, strip
from ..video.errors import fail, told_by

if TYPE_CHECKING:
    from torch import nn

    from ..devices.parts import Build
    from ..networks.traits import Traits

Model = str | PathLike[str]
WRAPPED = "state_dict."
"""What the names of a checkpoint of Lightning begin with, beside those of its optimizers."""


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint whose file is checked; its data is read when the network is built."""

    path: Path
    architecture: str
    settings: Mapping[str, Any]
    """Constructor settings of the network: those recognised, or only those that no shape shows."""
    prefix: str = ""
    """What the names of its tensors begin with, in a file of several networks."""

    @property
    def traits(self) -> Traits:
        """What the network asks of its pictures; only where all settings are known (see :func:`recognised`)."""
        from ..networks import describe

        return describe(self.architecture, self.settings)

    def build(self) -> nn.Module:
        """Return the network with its weights, in evaluation mode, on the CPU."""
        from .. import networks
        from ..checkpoints import read

        return networks.load(strip(read(self.path), self.prefix), self.architecture, **self.settings)


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
    if not isinstance(model, str) or model not in entries():
        return recognised(name, model, architecture, **settings).build
    with told_by(name, CheckpointError):  # a registry file is known by its checksum: torch need not be imported yet
        path = find(model, architecture, filter=name)
        peek(path)
    return Checkpoint(path, architecture, {**_published(model), **settings}).build


def recognised(name: str, model: Model, architecture: str, **settings: object) -> Checkpoint:
    """Return a checkpoint with all settings of its network, read off the names and shapes of its tensors.

    Takes and raises what :func:`network_of` does.
    """
    path = located(name, model, architecture)
    from ..networks import recognise

    with told_by(name, CheckpointError, NetworkError):
        facts = {**_published(model), **settings}
        return Checkpoint(path, architecture, recognise(peek(path), architecture, **facts)[1])


def recognised_parts(
    name: str, model: Model, parts: Mapping[str, str], unused: tuple[str, ...] = ()
) -> dict[str, Checkpoint]:
    """Return the networks of one file, each of which has all tensors that begin with a prefix of its own.

    Args:
        name: the filter, for messages.
        model: a name of the registry or the path of a checkpoint.
        parts: prefix -> architecture.
        unused: what the names of tensors begin with that may lie there, too, and that no network is made of.

    Returns:
        Prefix -> checkpoint, for a ``Part`` of the runtime each.

    Raises:
        vs.Error: as for :func:`network_of`, or tensors that begin with none of the prefixes.

    """
    path = located(name, model)
    from ..networks import recognise

    with told_by(name, CheckpointError, NetworkError):
        shapes = peek(path)
        wrapper = WRAPPED if any(tensor.startswith(WRAPPED) for tensor in shapes) else ""
        shapes = strip(shapes, wrapper)
        others = [tensor for tensor in shapes if not tensor.startswith((*parts, *unused))]
        if others:
            raise NetworkError(f"{path} holds {others[0]}, which is of none of its networks: {', '.join(parts)}")
        return {
            prefix: Checkpoint(path, architecture, recognise(strip(shapes, prefix), architecture)[1], wrapper + prefix)
            for prefix, architecture in parts.items()
        }


def holds(name: str, model: Model, prefix: str) -> bool:
    """Tell whether a file holds tensors whose names begin with a prefix; raises ``vs.Error`` as :func:`located`."""
    path = located(name, model)
    with told_by(name, CheckpointError):
        return any(tensor.removeprefix(WRAPPED).startswith(prefix) for tensor in peek(path))


def located(name: str, model: Model, architecture: str | None = None) -> Path:
    """Return the file of a checkpoint, verified if it is one of the registry.

    Args:
        name: the filter, for messages.
        model: a name of the registry or the path of a checkpoint.
        architecture: which an entry of the registry must have (default: any).

    Raises:
        vs.Error: there is no such entry or file, or it is not the published one, or other filters run it.

    """
    if not isinstance(model, str | PathLike):
        fail(name, f"model={model!r}; a name of the registry or the path of a checkpoint is accepted")
    with told_by(name, CheckpointError):
        return find(model if isinstance(model, str) else Path(model), architecture, filter=name)


def entry_of(name: str, model: Model, published: Mapping[str, str]) -> Model:
    """Return what the registry calls a model of the filter; names of the registry and paths come back as they are.

    Args:
        name: the filter, for messages.
        model: what the user gave.
        published: the filter's own names of models and those of the registry.

    Raises:
        vs.Error: a name that neither knows.

    """
    if not isinstance(model, str) or model in entries():
        return model
    path = Path(model)
    if model not in published and path.name == model and not path.suffix and not path.exists():
        names = ", ".join(map(repr, published))
        fail(name, f"model={model!r}; accepted: {names}, a name of the registry or the path of a checkpoint")
    return published.get(model, model)


def _published(model: Model) -> Mapping[str, Any]:
    """Return the settings that the registry tells of a model."""
    known = entries()
    return known[model].settings if isinstance(model, str) and model in known else {}
