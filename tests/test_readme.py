"""The README says what is so."""

from __future__ import annotations

import configparser
import inspect
import re
import tomllib
from pathlib import Path

import vsrestore

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """The cells of all tables under a heading of the second level, without their head and rule."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = re.findall(r"(?:^\|.*\n){2}((?:\|.*\n)*)", section, re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split("|")] for table in lines for line in table.splitlines()]


def test_dependencies_are_justified() -> None:
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    lists = [settings["options"]["install_requires"], *settings["options.extras_require"].values()]
    names = {re.split(r"[^\w.-]", line, maxsplit=1)[0] for text in lists for line in text.split("\n") if line}
    justified = {name for cells in rows("Dependencies") for name in re.findall(r"`([^`]+)`", cells[0])}
    assert justified == names - {"vsrestore"}


def test_every_folder_is_explained() -> None:
    explained = {name for cells in rows("Develop") for name in re.findall(r"`([^`]+)/`", cells[0])}
    folders = {path.parent.relative_to(ROOT).as_posix() for path in (ROOT / "vsrestore").glob("*/__init__.py")}
    assert explained == folders | {"scripts", "weights", "tests"}


def test_files_it_names_are_there() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    commands = re.findall(r"(?:scripts|tests|\.ci|weights)/[\w./-]*\w", README)
    missing = [name for name in (*links, *commands) if not (ROOT / name).exists()]
    assert not missing


def test_what_was_never_measured_on_a_card_is_marked() -> None:
    assert "**Nothing here was measured on a card.**" in (ROOT / "docs" / "tiles.md").read_text()
    claims = {name: inspect.getdoc(getattr(vsrestore, name)) or "" for name in vsrestore.FILTERS}
    fast = {name: " ".join(text.split()) for name, text in claims.items() if "twice as fast" in text}
    assert {"film", "tape", "upscale"} <= set(fast)
    assert {name for name, text in fast.items() if "on cards not measured" not in text} == set()


def test_the_suite_is_run_whole_and_markers_are_known() -> None:
    assert "-m" not in (ROOT / ".ci" / "run").read_text().split()
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    assert [marker.partition(":")[0] for marker in settings["markers"]] == ["slow"]
    assert "--strict-markers" in settings["addopts"]
    assert '-m "not slow"' in README
