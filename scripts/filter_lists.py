"""Write what lists the filters: the stub that editors and type checkers read, and the README's table.

Both are made from ``vsrestore/filters/table.py``; run this after it, or the first sentence of a filter, changed:

    .venv/bin/python scripts/filter_lists.py
"""

from __future__ import annotations

import inspect
from pathlib import Path

import vsrestore
from vsrestore.filters.table import FILTERS

ROOT = Path(__file__).parents[1]
STUB, README = ROOT / "vsrestore" / "__init__.pyi", ROOT / "README.md"
HEAD = "| filter | what it does |\n| --- | --- |\n"


def stub() -> str:
    """Return the stub of the package: every filter by the module that holds it."""
    lines = ["# Written by scripts/filter_lists.py."]
    lines += [f"from {module.removeprefix('vsrestore')} import {name} as {name}" for name, module in _by_module()]
    lines += ["", "FILTERS: dict[str, str]", "__version__: str", ""]
    return "\n".join(lines)


def table() -> str:
    """Return the README's table: every filter with the first sentence of its docstring."""
    return HEAD + "".join(f"| `{name}` | {_first_sentence(name)} |\n" for name in FILTERS)


def with_table(readme: str) -> str:
    """Return the README with the table in place of the one it holds."""
    before, after = readme.split(HEAD)
    rest = after[after.index("\n\n") + 1 :]
    return before + table() + rest


def _by_module() -> list[tuple[str, str]]:
    return sorted(FILTERS.items(), key=lambda row: row[1])


def _first_sentence(name: str) -> str:
    text = inspect.getdoc(getattr(vsrestore, name)) or ""
    sentence = text.split("\n\n")[0].replace("\n", " ").rstrip(".")
    return sentence.replace("``", "`").replace("|", "\\|")


if __name__ == "__main__":
    STUB.write_text(stub(), encoding="utf-8")
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
