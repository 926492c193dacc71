"""Tables on stdout and figures as JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

Cell = str | float | int

OUTPUT = Path("out/bench")
PACKAGES = ("vapoursynth", "torch", "onnxruntime-gpu", "onnxruntime", "vapoursynth-mlrt-ort", "numpy")


@dataclass(frozen=True)
class Requirement:
    """A figure that must be reached."""

    what: str
    value: float
    least: float | None = None
    most: float | None = None

    @property
    def met(self) -> bool:
        """Whether the figure lies within its bounds."""
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)

    def __str__(self) -> str:
        """Return one line for the table."""
        bound = f"at least {self.least:g}" if self.least is not None else f"at most {self.most:g}"
        return f"{'met    ' if self.met else 'NOT MET'}  {self.what}: {self.value:.3f} ({bound})"


@dataclass(frozen=True)
class Report:
    """What a benchmark found."""

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    requirements: Sequence[Requirement] = ()
    settings: dict[str, object] = field(default_factory=dict)
    details: object = None
    """What goes into the JSON file only."""

    def show(self) -> None:
        """Print the table and the requirements."""
        table = Table(title=self.name, title_justify="left")
        for column in self.columns:
            numeric = all(not isinstance(row[self.columns.index(column)], str) for row in self.rows)
            table.add_column(column, justify="right" if numeric else "left")
        for row in self.rows:
            table.add_row(*map(_cell, row))
        console = Console(width=None if Console().is_terminal else 160)
        console.print(table)
        for requirement in self.requirements:
            console.print(str(requirement), highlight=False)

    def save(self, folder: Path = OUTPUT) -> Path:
        """Write everything, and what it was measured on, to ``folder/NAME.json``."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}.json"
        rows = [dict(zip(self.columns, row, strict=True)) for row in self.rows]
        requirements = [{**asdict(requirement), "met": requirement.met} for requirement in self.requirements]
        content: dict[str, object] = {
            "machine": machine(),
            "settings": self.settings,
            "requirements": requirements,
            "rows": rows,
        }
        if self.details is not None:
            content["details"] = self.details
        path.write_text(json.dumps({"name": self.name, **content}, indent=2) + "\n")
        return path


def machine() -> dict[str, object]:
    """Return what a figure depends on beside the code."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _version(package: str) -> str | None:
    try:
        return version(package)
    except ModuleNotFoundError:
        return None


def _cell(value: Cell) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
