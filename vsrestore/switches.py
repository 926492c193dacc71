"""Environment variables by which users turn on or off how a card runs networks (docs/cards.md)."""

import os

COMPILE = "VSRESTORE_COMPILE"
"""1 turns compiled networks on."""
GRAPHS = "VSRESTORE_CUDA_GRAPHS"
"""0 turns CUDA graphs off."""


def compiles() -> bool:
    """Tell whether networks are to be compiled, which makes them round otherwise."""
    return os.environ.get(COMPILE) == "1"


def uses_graphs() -> bool:
    """Tell whether CUDA graphs may be used."""
    return os.environ.get(GRAPHS) != "0"
