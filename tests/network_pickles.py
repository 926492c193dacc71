"""Pickles of whole networks as StyleGAN and its descendants publish them: classes come as source, inside."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import torch

BUFFERS = ("resample_filter", "noise_const", "w_avg")


class EasyDict(dict):
    """A dict that `dnnlib.util` calls so in the file."""


class Persistent:
    """Pickles as those tools do: a description of the network, with its class's source, for a function to rebuild."""

    def __init__(self, module: torch.nn.Module, source: str) -> None:
        self.module, self.source = module, source

    def __reduce__(self):
        described = {"type": "class", "version": 6, "module_src": self.source, "class_name": "Generator"}
        return _reconstruct_persistent_obj, (EasyDict(**described, state=self.module.__dict__),)


def _reconstruct_persistent_obj(described: dict) -> object:
    raise AssertionError("the file's own code is run")


def save(path: Path, tensors: dict[str, torch.Tensor], source: str = "", protocol: int = 4, **more: object) -> Path:
    """Pickle tensors as the averaged generator of a network pickle; ``more`` are further entries of its dict."""
    generator = Persistent(_module(tensors), source)
    data = EasyDict(path="places.zip", resolution=np.int64(512), mean=np.ones(2))
    content = {"training_set_kwargs": data, "G": generator, "D": None, "G_ema": generator, "augment_pipe": None, **more}
    given = {"torch_utils.persistence": _reconstruct_persistent_obj, "dnnlib.util": EasyDict}
    modules = {part: ModuleType(part) for name in given for part in (name.partition(".")[0], name)}
    try:
        sys.modules.update(modules)
        for name, thing in given.items():
            setattr(modules[name], thing.__name__, thing)
            thing.__module__ = name
        path.write_bytes(pickle.dumps(content, protocol=protocol))
    finally:
        for thing in given.values():
            thing.__module__ = __name__
        for name in modules:
            del sys.modules[name]
    return path


def _module(tensors: dict[str, torch.Tensor]) -> torch.nn.Module:
    root = torch.nn.Module()
    for name, tensor in tensors.items():
        *inner, last = name.split(".")
        node = root
        for part in inner:
            if part not in node._modules:
                node.add_module(part, torch.nn.Module())
            node = node._modules[part]
        if last in BUFFERS:
            node.register_buffer(last, tensor)
        else:
            node.register_parameter(last, torch.nn.Parameter(tensor, requires_grad=False))
    return root
