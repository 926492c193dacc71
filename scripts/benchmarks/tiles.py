"""Time and memory of deblurring 1920x1080 by the size of the tiles.

One tile of every size is restored, with all frames of a chunk, in a process of its own: ``python -m benchmarks.tiles
NETWORK HEIGHT WIDTH CHUNK THREADS``. A frame takes as long as all its tiles; the memory is that of one tile, for tiles
follow each other, and of the whole frames of a chunk, which wait beside it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from vsrestore.networks import describe
from vsrestore.networks.basicvsrpp import BasicVSRpp
from vsrestore.networks.edvr import EDVR
from vsrestore.networks.tiles import Tiling
from vsrestore.networks.traits import Traits

from .process import MIB, figures_of, resident_now, resident_peak
from .published import moving_noise, seeded
from .report import Cell, Report, Requirement
from .timing import duration, processor_time

WIDTH, HEIGHT = 1920, 1080
WHOLE = 0
TILES = (128, 256, 512)
CARD = 8.0
"""Memory in GiB that the work must fit into."""


class Case(NamedTuple):
    """A network, and what its filter does with it."""

    build: Callable[[], torch.nn.Module]
    traits: Traits
    chunk: int
    context: int
    """Frames before, and as many after the chunk."""


EDVR_L: dict[str, Any] = {"channels": 128, "back_blocks": 40, "predeblur": True, "hr_in": True, "frames": 5}
BASICVSRPP: dict[str, Any] = {"channels": 64, "blocks": 15, "same_size": True}
CASES = {
    "EDVR L deblur": Case(lambda: seeded(EDVR(**EDVR_L), 0.9), describe("edvr", EDVR_L), 8, 2),
    "BasicVSR++ deblur": Case(
        lambda: seeded(BasicVSRpp(**BASICVSRPP), 0.85), describe("basicvsrpp", BASICVSRPP), 16, 2
    ),
}
COLUMNS = ("network", "tile", "tiles", "seconds per frame", "one tile, MiB", "frames, MiB", "together, GiB")


def run(tiles: tuple[int, ...] = TILES, chunk: int | None = None, processor: bool = False) -> list[Report]:
    """Restore one tile of each size.

    Args:
        tiles: edges of tiles in pixels; 0 is the whole frame.
        chunk: frames of a chunk; by default that of each filter.
        processor: seconds are those of the processor, with one thread.

    """
    rows = [_row(name, tile, chunk or case.chunk, processor) for name, case in CASES.items() for tile in tiles]
    requirements = [
        Requirement(f"{name}: GiB for {WIDTH}x{HEIGHT} in the best tiles", _least(rows, name), most=CARD)
        for name in CASES
    ]
    settings: dict[str, object] = {
        "chunk": chunk or {name: case.chunk for name, case in CASES.items()},
        "threads": 1 if processor else torch.get_num_threads(),
        "clock": "processor" if processor else "wall",
    }
    return [Report("tiles", COLUMNS, rows, requirements, settings)]


def tiles_of(case: Case, tile: int) -> list[tuple[int, int]]:
    """Return height and width of every tile of a frame."""
    whole = padded(case)
    if tile == WHOLE:
        return [whole]
    rows, columns = (Tiling.of(case.traits, tile).along(length) for length in whole)
    return [(row.stop - row.start, column.stop - column.start) for row in rows for column in columns]


def padded(case: Case) -> tuple[int, int]:
    """Return height and width of a frame, padded to multiples of what the network takes."""
    return HEIGHT + -HEIGHT % case.traits.multiple, WIDTH + -WIDTH % case.traits.multiple


def _row(name: str, tile: int, chunk: int, processor: bool) -> tuple[Cell, ...]:
    case = CASES[name]
    tiles = tiles_of(case, tile)
    threads = 1 if processor else torch.get_num_threads()
    seconds, memory = figures_of("tiles", name, *max(tiles), chunk, threads)
    height, width = padded(case)
    # Whole frames are among what was measured.
    frames = 0.0 if tile == WHOLE else (chunk + 2 * case.context) * 3 * height * width * 4 / MIB
    label = "whole" if tile == WHOLE else str(tile)
    return name, label, len(tiles), seconds * len(tiles) / chunk, memory, frames, (memory + frames) / 1024


def _least(rows: list[tuple[Cell, ...]], name: str) -> float:
    return min(float(row[-1]) for row in rows if row[0] == name)


def restored(network: torch.nn.Module, frames: Tensor, case: Case) -> Tensor:
    """Restore the frames of a chunk, which lie between those that it only sees."""
    wanted = range(case.context, frames.shape[1] - case.context)
    if isinstance(network, BasicVSRpp):
        return network(frames, keep=wanted)
    windows = torch.tensor([list(range(n - case.context, n + case.context + 1)) for n in wanted])
    return network(frames, windows)


def main() -> None:
    """Restore one tile and print seconds and MiB: those that the frames, all features and the pictures add."""
    name = sys.argv[1]
    height, width, chunk, threads = map(int, sys.argv[2:])
    case = CASES[name]
    torch.set_num_threads(threads)
    network = case.build().to(memory_format=torch.channels_last)
    before = resident_now()
    frames = moving_noise(chunk + 2 * case.context, height, width)
    with torch.inference_mode():
        seconds = (processor_time if threads == 1 else duration)(lambda: restored(network, frames, case))
    print(seconds, resident_peak() - before)


if __name__ == "__main__":
    main()
