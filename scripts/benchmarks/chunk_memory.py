"""Peak memory of ``basicvsrpp``: it grows with the chunk, not with the clip.

Every figure comes from a process of its own, ``python -m benchmarks.chunk_memory CHECKPOINT FRAMES CHUNK``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import torch
from safetensors.torch import save_file

import vsrestore
from vsrestore.networks.basicvsrpp import DERIVED, BasicVSRpp

from .material import moving_clip
from .process import figures_of, resident_peak
from .published import seeded
from .report import Report, Requirement
from .timing import drain

WIDTH, HEIGHT = 256, 192
CHUNK, OVERLAP = 8, 2
CLIPS = (60, 300)
CHUNKS = (4, 8, 16, 32)
GROWTH = 1.05


def run(repeats: int, clips: tuple[int, int] = CLIPS, chunks: tuple[int, ...] = CHUNKS) -> list[Report]:
    """Compare the peak memory by length of the clip, then by length of the chunk, of which each clip holds three."""
    with TemporaryDirectory() as name:
        checkpoint = write_checkpoint(Path(name) / "seeded.safetensors")

        def peak(frames: int, chunk: int) -> float:
            return median(figures_of("chunk_memory", checkpoint, frames, chunk)[0] for _ in range(repeats))

        by_clip = [(frames, CHUNK, peak(frames, CHUNK)) for frames in clips]
        by_chunk = [(3 * chunk, chunk, peak(3 * chunk, chunk)) for chunk in chunks]
    growth = by_clip[1][2] / by_clip[0][2]
    requirement = Requirement(f"memory of {clips[1]} over {clips[0]} frames in chunks of {CHUNK}", growth, most=GROWTH)
    settings: dict[str, object] = {"repeats": repeats, "size": f"{WIDTH}x{HEIGHT}", "overlap": OVERLAP}
    columns = ("frames of the clip", "chunk", "peak, MiB")
    return [Report("basicvsrpp-memory", columns, [*by_clip, *by_chunk], [requirement], settings)]


def write_checkpoint(path: Path) -> Path:
    """Save a network of the same size with one residual block a branch: more blocks take time, but no memory."""
    network = seeded(BasicVSRpp(channels=64, blocks=1, same_size=True), 0.85)
    save_file({name: value for name, value in network.state_dict().items() if not name.endswith(DERIVED)}, path)
    return path


def main() -> None:
    """Restore a clip and print the peak."""
    checkpoint, frames, chunk = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(1)
    clip = moving_clip(frames, WIDTH, HEIGHT)
    drain(vsrestore.basicvsrpp(clip, checkpoint, chunk=chunk, overlap=OVERLAP, device="cpu"))
    print(resident_peak())


if __name__ == "__main__":
    main()
