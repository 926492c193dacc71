"""Measuring a network: PSNR on damaged and undamaged shots whose truth is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vsrestore.damage.film import FilmDamage, damage_film
from vsrestore.networks.temporal_unet import TemporalUNet
from vsrestore.runtime.descriptor import Border
from vsrestore.runtime.windows import window

CHUNK = 4  # frames restored per call
BORDER: Border = "reflect_circle"  # what stands for neighbours beyond the ends of a shot
COLUMNS = (
    "clip",
    "damage",
    "damaged",
    "grain 0",
    "gain",
    "with grain",
    "grain 1",
    "gain",
    "undamaged 0",
    "undamaged 1",
)


@dataclass(frozen=True)
class Scores:
    """PSNR in dB of one clip with one mixture of damage.

    damaged, grained: input and restored frame with grain left, against the undamaged frame with its grain.
    noisy, clean: input and restored frame with grain removed, against the clean frame.
    kept, kept_smooth: the undamaged clip sent through the network, with grain left and removed, against itself.
    """

    clip: str
    damage: str
    damaged: float
    grained: float
    noisy: float
    clean: float
    kept: float
    kept_smooth: float


def psnr(a: Tensor, b: Tensor) -> float:
    """PSNR in dB, at most 80, of frames (T, C, H, W) in [0, 1], from the mean square error over the whole clip.

    Not a mean over frames: one frame without a mark would outweigh all that are damaged.
    """
    error = (a.clamp(0, 1) - b).square().mean().clamp(min=1e-8)
    return float(-10 * torch.log10(error))


def restore_clip(network: TemporalUNet, frames: Tensor) -> tuple[Tensor, Tensor]:
    """Restore every frame of (T, 3, H, W): with grain left and with grain removed."""
    radius = network.radius
    table = torch.tensor([window(centre, len(frames), radius, radius, BORDER) for centre in range(len(frames))])
    heads: list[tuple[Tensor, ...]] = []
    with torch.inference_mode():
        for start in range(0, len(frames), CHUNK):
            windows = table[start : start + CHUNK]
            first = int(windows.min())
            piece = frames[first : int(windows.max()) + 1]
            heads.append(network.restore(piece[None], windows - first))
    grained, clean = (torch.cat([pair[i][0] for pair in heads]) for i in (0, -1))
    return grained, clean


def score(
    network: TemporalUNet, clip: str, frames: NDArray[np.uint8], damage: str, seed: int, film: FilmDamage
) -> Scores:
    """Damage frames (T, H, W, 3) uint8, restore them, and compare; also send them through undamaged."""
    source = frames.astype(np.float32) / np.float32(255)
    damaged, grained, clean = (to_planes(part) for part in damage_film(source, 0, seed, film)[:3])
    damaged = (damaged * 255).round() / 255
    plain = to_planes(source)
    with_grain, without_grain = restore_clip(network, damaged)
    kept, kept_smooth = restore_clip(network, plain)
    return Scores(
        clip,
        damage,
        psnr(damaged, grained),
        psnr(with_grain, grained),
        psnr(damaged, clean),
        psnr(without_grain, clean),
        psnr(kept, plain),
        psnr(kept_smooth, plain),
    )


def to_planes(frames: NDArray[np.float32]) -> Tensor:
    """(T, H, W, 3) array to (T, 3, H, W) tensor."""
    return torch.from_numpy(np.ascontiguousarray(frames.transpose(0, 3, 1, 2)))


def scores(
    network: TemporalUNet, clips: Mapping[str, NDArray[np.uint8]], damage: Mapping[str, tuple[int, FilmDamage]]
) -> Iterable[Scores]:
    """Scores of every clip with every damage (name: seed and parameters), one after another."""
    network.eval()
    for clip, frames in clips.items():
        for name, (seed, film) in damage.items():
            yield score(network, clip, frames, name, seed, film)


def table(rows: Sequence[Scores]) -> str:
    """Scores as a Markdown table with a last line of means.

    Columns: the damaged frame against the truth that keeps its grain, restored with grain=0, the gain; the same
    against the truth without grain, restored with grain=1; the undamaged clip restored with grain=0 and grain=1.
    """
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + " --- |" * len(COLUMNS)]
    figures = [(r.damaged, r.grained, r.noisy, r.clean, r.kept, r.kept_smooth) for r in rows]
    mean = tuple(float(column) for column in np.mean(figures, axis=0))
    names = [(r.clip, r.damage) for r in rows] + [("mean", "")]
    for (clip, damage), (damaged, grained, noisy, clean, kept, smooth) in zip(names, [*figures, mean], strict=True):
        values = (damaged, grained, grained - damaged, noisy, clean, clean - noisy, kept, smooth)
        lines.append(f"| {clip} | {damage} | " + " | ".join(f"{value:.2f}" for value in values) + " |")
    return "\n".join(lines)
