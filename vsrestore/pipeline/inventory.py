"""Versions and devices of everything that takes part in a restoration."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from vsrestore import ffmpeg

from . import programs

PACKAGES = ("vsutil", "numpy", "safetensors", "av", "yt-dlp", "imageio-ffmpeg")


def inventory() -> Iterator[tuple[str, str]]:
    """Yield (name, what there is); what cannot be found out says why."""
    import vsrestore

    yield "vsrestore", vsrestore.__version__
    yield "python", f"{platform.python_version()} ({sys.executable})"
    yield "system", platform.platform()
    yield "processor", f"{processor()}, {os.cpu_count()} threads"
    for name, find in (("vapoursynth", _vapoursynth), ("plugins", _plugins), ("torch", _torch), ("GPU", _gpu)):
        yield name, _tried(find)
    for name, find in (("onnxruntime", _onnxruntime), ("vspipe", programs.vspipe), ("ffmpeg", _ffmpeg)):
        yield name, _tried(find)
    yield "encoders", _tried(_encoders)
    for package in PACKAGES:
        yield package, _version(package)


def _tried(find: Callable[[], str]) -> str:
    """Any way in which a part is broken is what a bug report should show."""
    try:
        return find()
    except Exception as error:
        return f"not usable: {type(error).__name__}: {error}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def processor() -> str:
    """Return the name of the processor, as far as the system tells it."""
    if sys.platform == "linux":
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as listing:  # noqa: PTH123
            for line in listing:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def cards() -> list[str]:
    """Return the names of the NVIDIA cards, as far as the driver on Linux tells them; torch would take seconds."""
    listings = (path.read_text(errors="replace") for path in Path("/proc/driver/nvidia/gpus").glob("*/information"))
    return sorted({name for text in listings for name in re.findall(r"^Model:\s*(.+)$", text, re.MULTILINE)})


def _vapoursynth() -> str:
    import vapoursynth as vs

    return f"R{vs.core.core_version.release_major}, API {vs.core.api_version.api_major}.{vs.core.api_version.api_minor}"


def _plugins() -> str:
    import vapoursynth as vs

    plugins = sorted(vs.core.plugins(), key=lambda plugin: str(plugin.namespace))
    return ", ".join(f"{plugin.namespace} {plugin.version.major}.{plugin.version.minor}" for plugin in plugins)


def _torch() -> str:
    import torch

    return f"{torch.__version__}, torchvision {_version('torchvision')}, {torch.get_num_threads()} threads"


def _gpu() -> str:
    import torch

    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        names.append("Apple MPS")
    return ", ".join(names) or "none that torch can use"


def _onnxruntime() -> str:
    import onnxruntime

    return f"{onnxruntime.__version__}: {', '.join(onnxruntime.get_available_providers())}"


def _ffmpeg() -> str:
    return f"{ffmpeg.version_text()} ({ffmpeg.program()})"


def _encoders() -> str:
    from .encode import ENCODERS

    available = programs.ffmpeg_encoders()
    return ", ".join(name for name, row in ENCODERS.items() if row.codec in available) or "none"
