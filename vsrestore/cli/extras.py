"""Packages that only some of what the command can do needs: what they are called, and how to install them."""

from __future__ import annotations

from importlib.util import find_spec

# What an import statement names -> the extra of setup.cfg that brings it.
EXTRAS = {"PIL": "train", "scipy": "train", "distributed": "cluster"}


def how_to_install(error: ModuleNotFoundError) -> str | None:
    """Return what to do about a package that is not there, in one line; None where no extra brings it."""
    return _advice((error.name or "").partition(".")[0])


def lacking(package: str) -> str | None:
    """Return what to do about a package of ours that is not there, in one line; None where it is."""
    try:
        there = find_spec(package) is not None
    except ValueError:  # of one that was taken out of the import system
        there = False
    return None if there else _advice(package)


def _advice(package: str) -> str | None:
    extra = EXTRAS.get(package)
    if extra is None:
        return None
    return f"{package} is not installed; it comes with pip install 'vsrestore[{extra}]', in a checkout '.[{extra}]'"
