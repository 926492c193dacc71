"""Network pickles, as StyleGAN and its descendants publish them: read as data, their code neither run nor imported.

Such a file pickles whole networks, with the source of their classes inside, which an ordinary unpickler would execute.
Here tensors are rebuilt by torch, containers are containers, and every other object is one that keeps its state and
can do nothing. What belongs to none of the libraries that such files are made with is refused.
"""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from vsrestore.checkpoints.errors import CheckpointError

MARK = b"torch_utils.persistence"
"""Name of the module that rebuilds the networks; it stands near the beginning of every such file."""

GENERATOR = "G_ema"  # the averaged generator, which is what all of them publish results of
INERT_ROOTS = ("torch", "numpy", "torch_utils", "dnnlib", "training", "networks")
MAX_DEPTH = 50


class Inert:
    """Stands for an object of any class: takes all arguments, keeps the state it had, does nothing."""

    state: Any = None

    def __new__(cls, *_arguments: object, **_named: object) -> Inert:
        """Ignore what the class would have been given."""
        return super().__new__(cls)

    def __setstate__(self, state: Any) -> None:
        """Keep the state."""
        self.state = state


class Named(dict[str, Any]):
    """Stands for dicts whose entries are attributes too."""

    def __setstate__(self, _state: object) -> None:
        """Leave out what is no entry."""


def read_generator(path: Path) -> dict[str, Any]:
    """Return the tensors of the averaged generator, as nested dict {"G_ema": {name: tensor}}.

    Raises:
        CheckpointError: there is none.
        pickle.UnpicklingError: an object that is not known to be harmless; none of the file's code has run.
        Exception: of many kinds, where the file is damaged.
    """
    with path.open("rb") as file:
        content = _Unpickler(file).load()
    generator = content.get(GENERATOR) if isinstance(content, dict) else None
    if not isinstance(generator, Inert):
        raise CheckpointError(f"{path} is a network pickle without an averaged generator ({GENERATOR})")
    return {GENERATOR: dict(_tensors(generator, ""))}


class _Unpickler(pickle._Unpickler):  # that in C makes a table as long as a number in the file says
    def find_class(self, module: str, name: str) -> Any:
        harmless = _harmless().get(f"{module}.{name}")
        if harmless is not None:
            return harmless
        if module.partition(".")[0] in INERT_ROOTS:
            return Inert
        raise pickle.UnpicklingError(f"GLOBAL {module}.{name}")


def _harmless() -> dict[str, Callable[..., Any]]:
    """Return what stands for the globals of a file; nothing of it runs code that the file brings.

    Functions are wrapped, because a pickle may set attributes of what it gets.
    """
    from torch import _utils

    return {
        "torch._utils._rebuild_tensor_v2": partial(_utils._rebuild_tensor_v2),
        "torch._utils._rebuild_parameter": partial(_utils._rebuild_parameter),
        "torch.storage._load_from_bytes": partial(_storage),
        "torch_utils.persistence._reconstruct_persistent_obj": partial(_network),
        "dnnlib.util.EasyDict": Named,
        "collections.OrderedDict": OrderedDict,
        "builtins.set": set,
    }


def _storage(content: bytes) -> Any:
    import torch

    return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)


def _network(described: Mapping[str, Any]) -> Inert:
    """Return the network of a description that holds its state and the source of its class."""
    network = Inert()
    network.state = described["state"]
    return network


def _tensors(module: Inert, path: str, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield parameters and buffers of a module and those inside it, by the names a state dict would give them."""
    import torch

    if depth > MAX_DEPTH:
        raise pickle.UnpicklingError("networks nested too deep")
    held = module.state if isinstance(module.state, dict) else {}
    for kind in ("_parameters", "_buffers"):
        for name, value in held.get(kind, {}).items():
            if isinstance(value, torch.Tensor):
                yield f"{path}{name}", value.detach()
    for name, inside in held.get("_modules", {}).items():
        if isinstance(inside, Inert):
            yield from _tensors(inside, f"{path}{name}.", depth + 1)
