"""What our own networks for several frames ask of the pictures they get, told without loading torch."""

from __future__ import annotations

from vsrestore.networks.traits import Traits

TEMPORAL = Traits(
    multiple=32,
    padding="replicate",
    tile_overlap=64,
    float32_frames=True,
    frames=5,
    border="reflect_circle",
)
"""Two frames on each side, whole blocks of search."""

BETWEEN = Traits(multiple=32, padding="replicate", tile_overlap=64, float32_frames=True)
"""A pair of frames, whole pixels of the smallest size of the search for motion."""

ENLARGING_OVERLAP = 48
"""Tiles of networks that enlarge share this much."""
