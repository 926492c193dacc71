"""What the runtime must know about our own sliding-window networks: two frames on each side, whole blocks of search."""

from __future__ import annotations

from ..runtime.descriptor import Descriptor

TEMPORAL = Descriptor(
    name="temporal",
    kind="window",
    chunk=4,
    before=2,
    after=2,
    border="reflect_circle",
    multiple=32,
    padding="replicate",
    tile_overlap=64,
    float32_frames=True,
    skips_repeats=True,
    halves=True,
)
"""Each filter gives it its own name."""
