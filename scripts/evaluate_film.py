"""Measure film weights on clean clips: damage them, restore them, print a table of PSNR as Markdown.

    python scripts/evaluate_film.py weights/film.safetensors CLIP... [--frames N] [--width W] [--seeds S...]

Every clip is damaged by both presets and by a random mixture per seed.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import asdict
from pathlib import Path

import imageio_ffmpeg
import torch
from safetensors.torch import load_file

from vsrestore import networks
from vsrestore.damage.film import PRESETS, sample_film
from vsrestore.networks.temporal_unet import TemporalUNet
from vsrestore.training.data import decode
from vsrestore.training.validate import scores, table


def main() -> None:
    options = arguments()
    network = networks.load(load_file(options.weights), "temporal_unet").to(memory_format=torch.channels_last)
    assert isinstance(network, TemporalUNet)
    damage = {name: (1000 + number, film) for number, (name, film) in enumerate(PRESETS.items())}
    damage |= {f"mixture {seed}": (seed, sample_film(seed)) for seed in options.seeds}
    rows = []
    for path in options.clips:
        frames = decode(path, *size_of(path, options.width))[: options.frames]
        for row in scores(network, {path.stem: frames}, damage):
            rows.append(row)
            if options.csv:
                write(options.csv, rows)
    print(table(rows))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--frames", type=int, default=12, help="frames from the start of every clip (default 12)")
    parser.add_argument("--width", type=int, default=720, help="wider clips are reduced to this width (default 720)")
    parser.add_argument("--seeds", type=int, nargs="*", default=[101, 102, 103, 104, 105, 106])
    parser.add_argument("--csv", type=Path, help="write all figures to this file as well")
    return parser.parse_args()


def size_of(path: Path, widest: int) -> tuple[int, int]:
    """Width and height to decode to, even."""
    reader = imageio_ffmpeg.read_frames(path)
    width, height = next(reader)["size"]
    reader.close()
    scale = min(1.0, widest / width)
    return 2 * round(width * scale / 2), 2 * round(height * scale / 2)


def write(path: Path, rows: list) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(asdict(rows[0])))
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


if __name__ == "__main__":
    main()
