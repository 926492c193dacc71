from __future__ import annotations

import configparser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def filter_lists(script):
    return script("filter_lists")


def test_the_stub_is_as_the_table_gives_it(filter_lists):
    assert (ROOT / "vsrestore" / "__init__.pyi").read_text() == filter_lists.stub()


def test_the_readme_is_as_table_and_docstrings_give_it(filter_lists):
    readme = (ROOT / "README.md").read_text()
    assert readme == filter_lists.with_table(readme)


def test_a_row_is_made_anew(filter_lists):
    readme = (ROOT / "README.md").read_text()
    other = readme.replace("| `scenes` | Mark the cuts", "| `scenes` | Find the cuts")
    assert other != readme
    assert filter_lists.with_table(other) == readme


def test_the_stub_is_installed():
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    assert "*.pyi" in settings["options.package_data"]["vsrestore"].split(", ")
