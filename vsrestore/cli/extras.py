"""Packages that only some of what the command can do needs: what they are called, and how to install them."""

from __future__ import annotations

# What an import statement names -> the extra of setup.cfg that brings it.
EXTRAS = {"PIL": "train", "scipy": "train"}


def how_to_install(error: ModuleNotFoundError) -> str | None:
    """Return what to do about a package that is not there, in one line; None where no extra brings it."""
    package = (error.name or "").partition(".")[0]
    extra = EXTRAS.get(package)
    if extra is None:
        return None
    return f"{package} is not installed; it comes with pip install 'vsrestore[{extra}]', in a checkout '.[{extra}]'"
