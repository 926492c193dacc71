"""ONNX Runtime, which is to send nothing."""

from __future__ import annotations

import importlib
import os
from typing import Any


def onnxruntime() -> Any:
    """Return the module ``onnxruntime``.

    What it would tell its makers is held back by the environment, which ``vsrestore/__init__.py`` sets; a script that
    loaded it before that has its events turned off here. A user who wants them sets ``ORT_DISABLE_TELEMETRY=0``.
    """
    library = importlib.import_module("onnxruntime")
    if os.environ.get("ORT_DISABLE_TELEMETRY") != "0":
        library.disable_telemetry_events()
    return library
