"""What the tests of scripts/ share."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture(scope="session")
def script() -> Callable[[str], ModuleType]:
    """Import a file of scripts/, which is no package, by its name."""

    def load(name: str) -> ModuleType:
        pytest.importorskip("skimage")
        spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture
def part(monkeypatch):
    """Import a module of scripts/benchmarks by its name."""
    pytest.importorskip("skimage")
    monkeypatch.syspath_prepend(SCRIPTS)
    yield lambda name: importlib.import_module(f"benchmarks.{name}")
    for name in [name for name in sys.modules if name == "demo_clip" or name.partition(".")[0] == "benchmarks"]:
        del sys.modules[name]
