"""Measuring a network: PSNR on damaged and undamaged shots whose truth is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from vsrestore.comparison.measures import psnr
from vsrestore.training.task import Between, Frames, Restorer, Sample
from vsrestore.training.windows import clip_windows

Measure = Callable[[Tensor, Tensor, Tensor], dict[str, float]]
"""Further figures from what is seen, what the last head gives, and the truth, (T, 3, H, W) each."""
CPU = torch.device("cpu")
CHUNK = 4  # frames restored per call
HIGHEST = 80.0  # dB that equal clips count as
KEPT = 79.0  # dB from which on what is seen is what should come out


@dataclass(frozen=True)
class Scores:
    """PSNR in dB of a clip with one kind of damage against what each head should give: before and after restoring.

    Before: of the frames as they are seen, enlarged by a bicubic kernel where the truth is larger.
    more: further figures, by name.
    """

    clip: str
    case: str
    before: tuple[float, ...]
    after: tuple[float, ...]
    more: Mapping[str, float] = field(default_factory=dict)


def clip_psnr(a: Tensor, b: Tensor) -> float:
    """PSNR in dB, at most 80, of frames (T, C, H, W) in [0, 1], from the mean square error over the whole clip.

    Not a mean over frames: one frame without a mark would outweigh all that are damaged.
    """
    return psnr(float((a.clamp(0, 1) - b).square().mean()), HIGHEST)


def restore_clip(
    network: Restorer, frames: Tensor, device: torch.device = CPU, centres: Sequence[int] | None = None
) -> tuple[Tensor, ...]:
    """Restore frames of (T, 3, H, W), by default all that the network can give, computed on ``device``.

    Returns:
        (T, 3, s * H, s * W) for every head.
    """
    table = clip_windows(network, len(frames), centres)
    heads: list[tuple[Tensor, ...]] = []
    with torch.inference_mode():
        for start in range(0, len(table), CHUNK):
            windows = table[start : start + CHUNK]
            first = int(windows.min())
            piece = frames[first : int(windows.max()) + 1]
            heads.append(network.restore(piece[None].to(device), windows - first))
    return tuple(torch.cat([part[0].cpu() for part in head]) for head in zip(*heads, strict=True))


def score(
    network: Restorer,
    clip: str,
    case: str,
    sample: Sample,
    device: torch.device = CPU,
    more: Measure | None = None,
) -> Scores:
    """Restore what is seen of a clip and compare it with the truth."""
    seen = to_planes(sample.seen)
    restored = restore_clip(network, seen, device)
    inner = slice(network.radius, -network.radius) if isinstance(network, Between) else slice(None)
    seen, targets = seen[inner], [to_planes(target)[inner] for target in sample.targets]
    plain = plainly(seen, targets[0])
    return Scores(
        clip,
        case,
        tuple(clip_psnr(plain, target) for target in targets),
        tuple(clip_psnr(ours, target) for ours, target in zip(restored, targets, strict=True)),
        more(seen, restored[-1], targets[-1]) if more else {},
    )


def plainly(seen: Tensor, truth: Tensor) -> Tensor:
    """Frames (T, 3, h, w) at the size of the truth, by a bicubic kernel where that is another."""
    return seen if seen.shape == truth.shape else F.interpolate(seen, size=truth.shape[-2:], mode="bicubic")


def to_planes(frames: Frames) -> Tensor:
    """(T, H, W, 3) array to (T, 3, H, W) tensor."""
    return torch.from_numpy(np.ascontiguousarray(frames.transpose(0, 3, 1, 2)))


def scores(
    network: Restorer,
    clips: Mapping[str, NDArray[np.uint8]],
    cases: Mapping[str, Callable[[Frames], Sample]],
    device: torch.device = CPU,
    more: Measure | None = None,
) -> Iterable[Scores]:
    """Scores of every clip (T, H, W, 3) uint8 with every kind of damage, one after another."""
    for clip, frames in clips.items():
        clean = frames.astype(np.float32) / np.float32(255)
        for name, damaged in cases.items():
            yield score(network, clip, name, damaged(clean), device, more)


def means(rows: Sequence[Scores], heads: Sequence[str]) -> dict[str, float]:
    """Means over clips: the gain of every head in every case, or the PSNR where the case damages nothing."""
    figures: dict[str, float] = {}
    for case in dict.fromkeys(row.case for row in rows):
        for index, head in enumerate(heads):
            pairs = [(row.before[index], row.after[index]) for row in rows if row.case == case]
            kept = all(before >= KEPT for before, _ in pairs)
            figures[f"{case} {head}"] = float(np.mean([after - (0 if kept else before) for before, after in pairs]))
    return figures


def table(rows: Sequence[Scores], heads: Sequence[str]) -> str:
    """Scores as a Markdown table with a line of means for every kind of damage.

    Columns, for every head: what is seen against the truth, what is restored, the gain; then the further figures.
    """
    names = [name for head in heads for name in (f"before ({head})", "after", "gain")]
    names += rows[0].more if rows else ()
    lines = ["| " + " | ".join(("clip", "damage", *names)) + " |", "|" + " --- |" * (2 + len(names))]
    for row in (*rows, *_mean_rows(rows)):
        pairs = zip(row.before, row.after, strict=True)
        figures = [f"{figure:.2f}" for before, after in pairs for figure in (before, after, after - before)]
        figures += [f"{figure:.2f}" for figure in row.more.values()]
        lines.append("| " + " | ".join((row.clip, row.case, *figures)) + " |")
    return "\n".join(lines)


def _mean_rows(rows: Sequence[Scores]) -> list[Scores]:
    scores = []
    for case in dict.fromkeys(row.case for row in rows):
        some = [row for row in rows if row.case == case]
        before, after = (np.mean([getattr(row, part) for row in some], axis=0) for part in ("before", "after"))
        more = {name: float(np.mean([row.more[name] for row in some])) for name in some[0].more}
        scores.append(Scores("mean", case, tuple(before.tolist()), tuple(after.tolist()), more))
    return scores
