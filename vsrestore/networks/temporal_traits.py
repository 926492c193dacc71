"""What our own networks for several frames ask of the pictures they get, told without loading torch."""

from __future__ import annotations

from dataclasses import replace

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

PLANES = replace(TEMPORAL, channels_last=False)
"""The same for networks that work on the planes of frames, as the one does that takes scratches off."""

BETWEEN = Traits(tile_overlap=64, float32_frames=True)
"""A pair of frames of any size: the network pads them itself, as it has to know where the picture ends."""

ENLARGING_OVERLAP = 48
"""Tiles of networks that enlarge share this much."""
