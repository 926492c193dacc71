"""Restore old film, tape and compressed video with neural networks, as VapourSynth filters.

Every filter is a function ``vsrestore.NAME(clip, ...) -> clip``. Importing this package loads neither torch nor any
filter: a filter is looked up when it is first named.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .filters.analog_swin_unet import analog_swin_unet
    from .filters.basicvsrpp import basicvsrpp
    from .filters.bsrnet import bsrnet
    from .filters.ddcolor import ddcolor
    from .filters.deoldify import deoldify
    from .filters.digital_damage import digital_damage
    from .filters.edvr import edvr
    from .filters.esrgan import esrgan
    from .filters.film import film
    from .filters.film_damage import film_damage
    from .filters.image_model import image_model
    from .filters.mat import mat
    from .filters.mmp_rnn import mmp_rnn
    from .filters.onnx import onnx
    from .filters.psrt import psrt
    from .filters.realbasicvsr import realbasicvsr
    from .filters.rvrt import rvrt
    from .filters.scunet import scunet
    from .filters.style import style
    from .filters.swinir import swinir
    from .filters.tape import tape
    from .filters.tape_damage import tape_damage
    from .filters.uformer import uformer
    from .filters.unet import unet
    from .filters.upscale import upscale
    from .video.scenes import scenes

__version__ = "0.1.0"

# From 1.31 on, ONNX Runtime tells its makers of the machine and of every model, unless this is set before it is loaded.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# Filter -> the module that holds it.
FILTERS = {
    "analog_swin_unet": "vsrestore.filters.analog_swin_unet",
    "basicvsrpp": "vsrestore.filters.basicvsrpp",
    "bsrnet": "vsrestore.filters.bsrnet",
    "ddcolor": "vsrestore.filters.ddcolor",
    "deoldify": "vsrestore.filters.deoldify",
    "digital_damage": "vsrestore.filters.digital_damage",
    "edvr": "vsrestore.filters.edvr",
    "esrgan": "vsrestore.filters.esrgan",
    "film": "vsrestore.filters.film",
    "film_damage": "vsrestore.filters.film_damage",
    "image_model": "vsrestore.filters.image_model",
    "mat": "vsrestore.filters.mat",
    "mmp_rnn": "vsrestore.filters.mmp_rnn",
    "onnx": "vsrestore.filters.onnx",
    "psrt": "vsrestore.filters.psrt",
    "realbasicvsr": "vsrestore.filters.realbasicvsr",
    "rvrt": "vsrestore.filters.rvrt",
    "scenes": "vsrestore.video.scenes",
    "scunet": "vsrestore.filters.scunet",
    "style": "vsrestore.filters.style",
    "swinir": "vsrestore.filters.swinir",
    "tape": "vsrestore.filters.tape",
    "tape_damage": "vsrestore.filters.tape_damage",
    "uformer": "vsrestore.filters.uformer",
    "unet": "vsrestore.filters.unet",
    "upscale": "vsrestore.filters.upscale",
}

__all__ = [
    "FILTERS",
    "analog_swin_unet",
    "basicvsrpp",
    "bsrnet",
    "ddcolor",
    "deoldify",
    "digital_damage",
    "edvr",
    "esrgan",
    "film",
    "film_damage",
    "image_model",
    "mat",
    "mmp_rnn",
    "onnx",
    "psrt",
    "realbasicvsr",
    "rvrt",
    "scenes",
    "scunet",
    "style",
    "swinir",
    "tape",
    "tape_damage",
    "uformer",
    "unet",
    "upscale",
]


def __getattr__(name: str) -> Any:
    if name in FILTERS:
        return getattr(import_module(FILTERS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *FILTERS])
