"""The libraries that the parts of Stable Diffusion are built from, loaded when a part is built."""

from __future__ import annotations

import importlib
import importlib.util
import os
from typing import Any

from vsrestore.networks.state_dict import NetworkError

PIP = "pip install 'vsrestore[diffusion]'"
PACKAGES = {"diffusers": "diffusers", "transformers": "transformers", "open_clip": "open-clip-torch"}


def library(module: str) -> Any:
    """Return a module of diffusers, transformers or open_clip.

    Neither is let call anybody: nothing is fetched here, and no telemetry is sent.

    Raises:
        NetworkError: it is not installed; names the command that does so.
    """
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = PACKAGES[module.partition(".")[0]]
        raise NetworkError(f"the package {package} is needed ({error}); get it with: {PIP}") from error


def check_libraries() -> None:
    """Raise ``NetworkError`` where one of the packages is not installed, without importing any."""
    missing = [package for module, package in PACKAGES.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise NetworkError(f"the package {missing[0]} is not installed; get it with: {PIP}")
