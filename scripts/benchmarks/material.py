"""Clean clips, our own film damage on them, and how far a clip is from the truth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import vapoursynth as vs
from demo_clip import SCENES, scene_frames
from skimage.metrics import structural_similarity

from vsrestore.comparison.measures import psnr
from vsrestore.damage.film import PRESETS, FilmDamage, damage_film
from vsrestore.damage.film_mixtures import sample_film
from vsrestore.video.formats import with_matrix
from vsrestore.video.frames import plane_views, write_planes

from .looped import looped

VIDEO_SUFFIXES = (".mp4", ".mkv", ".mov", ".webm", ".avi")
PEAK = 1.0
MOVING_FRAMES = 16


class Trial(NamedTuple):
    """One clip under one damage; all clips are RGBS of the same size and length."""

    clip: str
    damage: str
    damaged: vs.VideoNode
    clean: np.ndarray
    """The truth, (T, H, W, 3): without marks and grain, but with the tone, fading, weave and flicker."""


class Quality(NamedTuple):
    """Mean over the frames of a clip."""

    psnr: float
    ssim: float


def find_clips(folder: Path, patterns: Sequence[str]) -> list[Path]:
    """Return the video files of a folder whose names fit one of the patterns, sorted."""
    found = {path for pattern in patterns for path in folder.glob(pattern) if path.suffix in VIDEO_SUFFIXES}
    return sorted(found)


def read_frames(path: Path, count: int, width: int) -> np.ndarray:
    """Return the first ``count`` frames as float32 RGB (T, H, W, 3) in [0, 1], scaled down to ``width`` if wider."""
    clip = with_matrix("bench", vs.core.bs.VideoSource(str(path), cachemode=0))
    clip = clip[: min(count, clip.num_frames)]
    if clip.width > width:
        height = round(clip.height * width / clip.width / 2) * 2
        clip = clip.resize.Bicubic(width, height)
    return frames_of(clip.resize.Bicubic(format=vs.RGBS).std.Expr("x 0 max 1 min"))


def frames_of(clip: vs.VideoNode) -> np.ndarray:
    """Return all frames of an RGBS clip as (T, H, W, 3)."""
    return np.stack([np.stack(plane_views(frame), axis=-1) for frame in clip.frames(close=True)])


def clip_of(frames: np.ndarray) -> vs.VideoNode:
    """Return (T, H, W, 3) as an RGBS clip whose cuts are marked: there are none."""
    length, height, width = frames.shape[:3]
    blank = vs.core.std.BlankClip(format=vs.RGBS, width=width, height=height, length=length, keep=True)
    blank = blank.std.SetFrameProps(_SceneChangePrev=0, _SceneChangeNext=0)

    def paint(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        return write_planes(f, np.moveaxis(frames[n], -1, 0))

    return blank.std.ModifyFrame(clips=blank, selector=paint)


def moving_frames(width: int, height: int) -> np.ndarray:
    """Return a few frames of a moving scene, float32 RGB (T, H, W, 3)."""
    frames = np.stack(list(scene_frames(SCENES[0], MOVING_FRAMES, width, height)))
    return np.divide(frames, 255, dtype=np.float32)


def moving_clip(length: int, width: int, height: int, format: int = vs.RGBS) -> vs.VideoNode:
    """Return a clip of a moving scene that plays again and again (see :func:`looped`)."""
    return looped(moving_frames(width, height), length, format)


def damage_of(name: str) -> tuple[FilmDamage, int]:
    """Return the damage and the seed that a name stands for: a preset, or the number of a random mixture."""
    if name in PRESETS:
        return PRESETS[name], 1
    return sample_film(int(name)), int(name)


def trial(path: Path, frames: np.ndarray, damage: str) -> Trial:
    """Damage the frames of a clip."""
    parameters, seed = damage_of(damage)
    done = damage_film(frames, 0, seed, parameters)
    return Trial(path.stem, damage, clip_of(done.damaged), done.clean)


def quality(clip: vs.VideoNode, truth: np.ndarray) -> Quality:
    """Return the mean PSNR in dB and the mean SSIM of the frames of an RGBS clip, in RGB."""
    ratios, similarities = [], []
    for frame, right in zip(clip.frames(close=True), truth, strict=True):
        picture = np.clip(np.stack(plane_views(frame), axis=-1), 0, PEAK)
        error = float(np.square(picture - right).mean(dtype=np.float64))
        ratios.append(psnr(error))
        similarities.append(structural_similarity(picture, right, channel_axis=-1, data_range=PEAK))
    return Quality(float(np.mean(ratios)), float(np.mean(similarities)))
