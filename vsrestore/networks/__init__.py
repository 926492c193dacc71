"""Networks in plain PyTorch, one file each, and the look-up of the network that a state dict belongs to.

A network's file holds the class named in `ARCHITECTURES` and

* `recognise(shapes)`: constructor settings read off the published tensor names and shapes, None for other networks;
* `rename(state_dict)`, where a publisher uses other names than ours: the same tensors under our names;
* `DERIVED`, where the network computes some buffers itself: endings of their names.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from vsrestore.networks.state_dict import NetworkError, fill, flatten, shorten, strip, unwrap

if TYPE_CHECKING:
    from types import ModuleType

    from torch import nn

__all__ = ["ARCHITECTURES", "NetworkError", "load", "recognise"]

ARCHITECTURES: dict[str, str] = {
    "basicvsrpp": "vsrestore.networks.basicvsrpp:BasicVSRpp",
    "edvr": "vsrestore.networks.edvr:EDVR",
    "realbasicvsr": "vsrestore.networks.realbasicvsr:RealBasicVSR",
    "spynet": "vsrestore.networks.spynet:SPyNet",
    "temporal_unet": "vsrestore.networks.temporal_unet:TemporalUNet",
}
"""Architecture -> "module:class"; a module is imported when it is asked for."""


def recognise(shapes: Mapping[str, tuple[int, ...]], architecture: str | None = None) -> tuple[str, dict[str, Any]]:
    """Return the architecture of a checkpoint and its constructor settings, from tensor names and shapes alone.

    Args:
        shapes: name -> shape as published, wrappers such as `params_ema.` or `generator.` included.
        architecture: consider only this one (default: all).

    Raises:
        NetworkError: unknown architecture, or the tensors are not of (that) architecture.
    """
    found, _, settings = _identify(shapes, architecture)
    return found, settings


def load(state_dict: Mapping[str, Any], architecture: str | None = None, **settings: Any) -> nn.Module:
    """Build the network that a state dict belongs to and fill it, strictly; returned in evaluation mode, on the CPU.

    Args:
        state_dict: tensors by name, wrapped or not (`params_ema`, `params`, `state_dict`, `generator_ema.`,
            `generator.`, `module.`; averaged weights are preferred).
        architecture: one of `ARCHITECTURES` (default: recognised from names and shapes).
        settings: constructor settings that no shape shows; they override the recognised ones.

    Raises:
        NetworkError: not recognised, a setting that the network does not have, or tensors that do not fit.
    """
    tensors = flatten(state_dict)
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    found, prefix, recognised = _identify(shapes, architecture)
    module = _module(found)
    published = strip(tensors, prefix)
    renamed = module.rename(published) if hasattr(module, "rename") else published
    network = _build(found, {**recognised, **settings})
    fill(network, renamed, found, getattr(module, "DERIVED", ()))
    return network.eval()


def _identify(shapes: Mapping[str, tuple[int, ...]], wanted: str | None) -> tuple[str, str, dict[str, Any]]:
    """Return (architecture, wrapper prefix, settings)."""
    if wanted is not None and wanted not in ARCHITECTURES:
        raise NetworkError(f"unknown architecture {wanted!r}; known are {', '.join(sorted(ARCHITECTURES))}")
    match = _match(shapes, [wanted] if wanted else list(ARCHITECTURES))
    if match:
        return match
    other = _match(shapes, list(ARCHITECTURES)) if wanted else None
    is_other = f"; it is one of {other[0]}" if other else ""
    names = f"its {len(shapes)} tensors are called {shorten(shapes)}" if shapes else "it holds no tensors"
    raise NetworkError(f"no checkpoint of {wanted or 'a known architecture'}{is_other} ({names})")


def _match(shapes: Mapping[str, tuple[int, ...]], candidates: list[str]) -> tuple[str, str, dict[str, Any]] | None:
    for prefix, level in unwrap(shapes):
        for architecture in candidates:
            settings = _module(architecture).recognise(level)
            if settings is not None:
                return architecture, prefix, settings
    return None


def _module(architecture: str) -> ModuleType:
    return importlib.import_module(ARCHITECTURES[architecture].partition(":")[0])


def _build(architecture: str, settings: Mapping[str, Any]) -> nn.Module:
    network_class = getattr(_module(architecture), ARCHITECTURES[architecture].partition(":")[2])
    accepted = inspect.signature(network_class).parameters
    unknown = [name for name in settings if name not in accepted]
    if unknown:
        raise NetworkError(f"{architecture} has no setting {unknown[0]!r}; it has {', '.join(accepted)}")
    network: nn.Module = network_class(**settings)
    return network
