"""The shell scripts, as far as they come without installing anything."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SYSTEM = "/usr/bin:/bin"
# Answers the probe as this Python and refuses to make an environment, so that its name comes up in the error.
STAND_IN = f'[ "$1" = -c ] && exec {shlex.quote(sys.executable)} "$@"; exit 1'

pytestmark = pytest.mark.skipif(os.name == "nt", reason="shell scripts")


@pytest.fixture
def checkout(tmp_path):
    """A copy of the scripts in a folder with a space, and an empty home beside it."""
    folder = tmp_path / "a checkout"
    (folder / "scripts").mkdir(parents=True)
    for name in ("setup", "demo", "test"):
        shutil.copy(ROOT / "scripts" / name, folder / "scripts")
    for name in ("setup.cfg", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    (tmp_path / "home").mkdir()
    (tmp_path / "bin").mkdir()
    return folder


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def run(checkout: Path, name: str, *arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    home = checkout.parent / "home"
    environment = {"HOME": str(home), "PATH": path or f"{checkout.parent / 'bin'}:{SYSTEM}"}
    command = [str(checkout / "scripts" / name), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, cwd=home, check=False)


def hide_system_pythons(folder: Path) -> None:
    for name in ("python3.12", "python3.13", "python3.14", "python3", "python", "uv"):
        program(folder / name, "exit 127")


def test_no_python_is_one_line(checkout):
    hide_system_pythons(checkout.parent / "bin")
    done = run(checkout, "test")
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("setup: no Python >= 3.12 found")


def test_python_in_pyenv_is_found_behind_shims_that_fail(checkout):
    hide_system_pythons(checkout.parent / "bin")
    versions = checkout.parent / "home" / ".pyenv" / "versions"
    program(versions / "3.11.7" / "bin" / "python3", "exit 1")
    right = program(versions / "3.12.1" / "bin" / "python3", STAND_IN)
    done = run(checkout, "test")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"setup: {right} cannot make a virtual environment (Debian: apt install python3-venv)"
    ]


def test_python_from_uv(checkout):
    binaries = checkout.parent / "bin"
    hide_system_pythons(binaries)
    fetched = program(checkout.parent / "fetched python", STAND_IN)
    marker = shlex.quote(str(checkout.parent / "installed"))
    find = f"[ -e {marker} ] && echo {shlex.quote(str(fetched))}"
    program(
        binaries / "uv",
        f'case "$1 $2" in --version*) ;; *install) touch {marker} ;; *find) {find} ;; *) exit 1 ;; esac',
    )
    assert run(checkout, "test").stderr.startswith(f"setup: {fetched} cannot make a virtual environment")


def test_missing_video_is_one_line_before_anything_is_installed(checkout):
    done = run(checkout, "demo", "no such film.mp4")
    assert done.returncode == 2
    assert done.stderr.splitlines() == ["demo: there is no file no such film.mp4"]
    assert not (checkout / ".venv").exists()


def test_demo_takes_one_argument(checkout):
    done = run(checkout, "demo", "--fast")
    assert done.returncode == 2
    assert done.stderr.splitlines() == ["usage: scripts/demo [VIDEO-OR-URL]"]
