"""``vsrestore info``: what to paste into a bug report."""

from __future__ import annotations


def info() -> None:
    """Print the versions of everything that takes part, and the devices."""
    from vsrestore.pipeline.inventory import inventory

    for name, value in inventory():
        print(f"{name + ':':<14}{value}")
