"""Making few shots stand for many: crops, sizes, tones, softness, and small fast things that are no dirt.

Arrays are frames (T, H, W, 3), float32 RGB in [0, 1], unless said otherwise.
"""

from __future__ import annotations

import io

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import correlate1d

from vsrestore.training.recipe import DataRecipe

Frames = NDArray[np.float32]
BALLS = 0.5  # share of the samples with flying things in which they are few and large
BODIES = (6.0, 40.0)  # px: half the width of large things that pass quickly
FASTEST_PAN = 10  # px from frame to frame
FASTEST_ZOOM, FASTEST_TURN = 0.05, 0.04  # share of the size, and radians, from frame to frame
WIDEST_EDGE, BLACKEST, EDGE_SHARE = 12, 0.06, 0.4  # px, level and share of each side of black edges
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # BT.601


def crop(frames: NDArray[np.uint8], data: DataRecipe, least: float, rng: np.random.Generator) -> Frames:
    """Cut the same random square out of frames (T, H, W, 3) uint8, sometimes a larger one that is reduced to the crop.

    Args:
        frames: the frames.
        data: crop size in px and share of reduced samples.
        least: smallest reduction, 0 to 1.
        rng: where chance comes from.
    """
    height, width = frames.shape[1:3]
    factor = float(rng.uniform(least, 1)) if rng.random() < data.shrunk else 1.0
    side = min(round(data.crop / factor), height, width)
    if data.whole and rng.random() < data.whole:
        side = min(height, width)
    if side < data.crop:
        raise ValueError(f"a shot of {width}x{height} px is smaller than the crop of {data.crop} px")
    y, x = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
    piece = frames[:, y : y + side, x : x + side].astype(np.float32) / np.float32(255)
    if side == data.crop:
        return piece
    planes = torch.from_numpy(piece.transpose(0, 3, 1, 2))
    reduced = F.interpolate(planes, size=(data.crop, data.crop), mode="bilinear", antialias=True)
    return np.ascontiguousarray(reduced.numpy().transpose(0, 2, 3, 1))


def pan(frame: NDArray[np.uint8], crop: int, count: int, rng: np.random.Generator) -> Frames:
    """Make ``count`` frames of one frame (H, W, 3): a square of ``crop`` px that moves over it at a steady speed.

    Half of the time over every second pixel of it: a picture as sharp as pixels allow, which video seldom is and scans
    of film are.
    """
    if rng.random() < 0.5 and min(frame.shape[:2]) >= 2 * crop:
        frame = frame[::2, ::2]
    room = np.array(frame.shape[:2]) - crop
    fastest = np.minimum(FASTEST_PAN, room / max(count - 1, 1))
    velocity = rng.uniform(-1, 1, 2) ** 3 * fastest
    start = rng.uniform(0, 1, 2) * (room - np.abs(velocity) * (count - 1)) + np.maximum(-velocity, 0) * (count - 1)
    places = np.round(start + velocity * np.arange(count)[:, None]).astype(int)
    pieces = [frame[y : y + crop, x : x + crop] for y, x in places]
    return np.stack(pieces).astype(np.float32) / np.float32(255)


def zoom(frame: NDArray[np.uint8], crop: int, count: int, rng: np.random.Generator) -> Frames:
    """Make ``count`` frames of one frame (H, W, 3): a square of ``crop`` px that moves, grows and turns steadily.

    It is sampled at fractions of pixels by a bicubic kernel; what lies beyond the frame is mirrored.
    """
    middle = (count - 1) / 2
    ages = torch.arange(count, dtype=torch.float64) - middle
    growth, turn = rng.uniform(-1, 1, 2) ** 3 * (FASTEST_ZOOM, FASTEST_TURN)
    speed = rng.uniform(-1, 1, 2) ** 3 * FASTEST_PAN
    size = np.array(frame.shape[1::-1], np.float64)
    place = rng.uniform(0, 1, 2) * np.maximum(size - crop, 0) + crop / 2
    scale, angle = torch.exp(ages * growth) * crop / 2, ages * turn
    rows = [torch.stack((scale * angle.cos(), -scale * angle.sin(), place[0] + ages * speed[0]), -1)]
    rows += [torch.stack((scale * angle.sin(), scale * angle.cos(), place[1] + ages * speed[1]), -1)]
    places = F.affine_grid(torch.stack(rows, 1), [count, 1, crop, crop], align_corners=False)
    grid = (places * 2 / torch.from_numpy(size) - 1).float()
    planes = torch.from_numpy(np.ascontiguousarray(frame.transpose(2, 0, 1))).float().div_(255)
    together = planes.expand(count, -1, -1, -1)
    warped = F.grid_sample(together, grid, mode="bicubic", padding_mode="reflection", align_corners=False)
    return np.ascontiguousarray(warped.clamp_(0, 1).numpy().transpose(0, 2, 3, 1))


def vary(frames: Frames, data: DataRecipe, rng: np.random.Generator) -> Frames:
    """Flip, turn, change the tones of, and throw sparks into clean frames, each at its share."""
    if rng.random() < 0.5:
        frames = frames[:, :, ::-1]
    if rng.random() < 0.25:
        frames = frames[:, ::-1]
    if rng.random() < 0.15:
        frames = frames.transpose(0, 2, 1, 3)
    frames = np.ascontiguousarray(frames)
    if rng.random() < data.tones:
        gamma, contrast, lift = rng.uniform(0.7, 1.5), rng.uniform(0.6, 1.1), rng.uniform(-0.04, 0.1)
        frames = np.clip(frames**gamma * contrast + lift, 0, 1).astype(np.float32)
    if rng.random() < data.sparks:
        frames = throw_sparks(frames, rng)
    if data.edged and rng.random() < data.edged:  # without, samples are those of runs before there was such a share
        frames = with_black_edges(frames, rng)
    return frames


def with_black_edges(frames: Frames, rng: np.random.Generator) -> Frames:
    """Lay black along some of the edges (T, H, W, 3), as a capture shows it beyond the picture."""
    frames, level = frames.copy(), np.float32(rng.uniform(0, BLACKEST))
    for axis in (1, 2):
        for side in (frames, np.flip(frames, axis)):
            if rng.random() < EDGE_SHARE:
                side[(slice(None),) * axis + (slice(int(rng.integers(1, WIDEST_EDGE + 1))),)] = level
    return frames


def gray(frames: Frames) -> Frames:
    """Frames without colour."""
    return np.repeat((frames @ LUMA)[..., None], 3, axis=-1)


def in_codes(frames: Frames) -> Frames:
    """Frames rounded to the values that 8 bits can hold."""
    return np.asarray(np.round(frames * np.float32(255)) / np.float32(255), np.float32)


def blur(frames: Frames, sigma: float) -> Frames:
    """Soften frames (T, H, W) or (T, H, W, 3) by a Gaussian of ``sigma`` px, one kernel of five taps each way."""
    taps = np.exp(-0.5 * (np.arange(-2, 3) / sigma) ** 2).astype(np.float32)
    taps /= taps.sum()
    return correlate1d(correlate1d(frames, taps, axis=1, mode="nearest"), taps, axis=2, mode="nearest")


def compress(frames: Frames, quality: int) -> Frames:
    """Send every frame through JPEG at ``quality``, 1 to 95."""
    out = np.empty_like(frames)
    for target, frame in zip(out, frames, strict=True):
        file = io.BytesIO()
        Image.fromarray((frame * 255 + 0.5).astype(np.uint8)).save(file, "jpeg", quality=quality)
        target[...] = np.asarray(Image.open(file), np.float32) / 255
    return out


def throw_sparks(frames: Frames, rng: np.random.Generator) -> Frames:
    """Draw things that fly through the frames: many small ones (sparks, debris) or a few larger ones (balls).

    Dirt is in one frame; these are in several, along a path, and streaked along it: the network has to learn the
    difference, because neither has a counterpart at the same place in the next frame.
    """
    frames = frames.copy()
    size = np.array(frames.shape[1:3], np.float64)
    source, speed = rng.uniform(0, 1, 2) * size, 2 * 10 ** rng.uniform(0, 1.1)
    balls = rng.random() < BALLS
    for _ in range(int(rng.integers(1, 5 if balls else 25))):
        heading = rng.uniform(0, 2 * np.pi)
        velocity = speed * rng.uniform(0.3, 1.2) * np.array([np.sin(heading), np.cos(heading)])
        path = _Path(
            start=rng.uniform(0, 1, 2) * size if rng.random() < 0.6 else source,
            velocity=velocity,
            fall=float(rng.uniform(0, 0.6)),
            radius=float(rng.uniform(2, 12) if balls else 0.7 + min(rng.exponential(0.9), 4.3)),
            colour=_spark_colour(rng),
            birth=float(rng.uniform(-4, len(frames)) - 4 * balls),
            life=float(rng.uniform(2.5, 12) + 8 * balls),
        )
        path.cross(frames)
    return frames


def pass_bodies(frames: Frames, rng: np.random.Generator) -> Frames:
    """Draw one to three large things that cross frames quickly, as limbs do before the camera."""
    frames = frames.copy()
    size = np.array(frames.shape[1:3], np.float64)
    for _ in range(int(rng.integers(1, 4))):
        radius, heading = float(rng.uniform(*BODIES)), rng.uniform(0, 2 * np.pi)
        velocity = radius * 10 ** rng.uniform(-1, 0.5) * np.array([np.sin(heading), np.cos(heading)])
        path = _Path(
            start=rng.uniform(0, 1, 2) * size - velocity * len(frames) / 2,
            velocity=velocity,
            fall=0.0,
            radius=radius,
            colour=np.clip(rng.random() + 0.1 * rng.standard_normal(3), 0, 1).astype(np.float32),
            birth=0.0,
            life=float(len(frames)),
        )
        path.cross(frames)
    return frames


def _spark_colour(rng: np.random.Generator) -> NDArray[np.float32]:
    if rng.random() < 0.3:
        return np.full(3, rng.uniform(0, 0.2), np.float32)
    return np.array([1, rng.uniform(0.6, 1), rng.uniform(0.2, 1)], np.float32) * np.float32(rng.uniform(0.7, 1))


class _Path:
    """A thing that flies: where it is at time t (in frames), and how it is drawn. Places are (y, x) in px."""

    def __init__(
        self,
        *,
        start: NDArray[np.float64],
        velocity: NDArray[np.float64],
        fall: float,
        radius: float,
        colour: NDArray[np.float32],
        birth: float,
        life: float,
    ) -> None:
        self.start, self.velocity, self.fall = start, velocity, fall
        self.radius, self.colour = radius, colour
        self.birth, self.life = birth, life

    def place(self, age: float) -> NDArray[np.float64]:
        """Where it is at an age: a parabola."""
        return self.start + self.velocity * age + np.array([0.5 * self.fall * age * age, 0])

    def cross(self, frames: Frames) -> None:
        """Draw it into frames (T, H, W, 3), where it exists."""
        for t, frame in enumerate(frames):
            self.draw(frame, t)

    def draw(self, frame: Frames, t: int) -> None:
        """Draw it into frame (H, W, 3) number t, streaked over half a frame's time, if it exists then."""
        age = t - self.birth
        if not 0 <= age <= self.life:
            return
        tail, head = self.place(age - 0.5), self.place(age)
        reach = self.radius + 2
        top, left = np.maximum(np.floor(np.minimum(tail, head) - reach), 0).astype(int)
        bottom, right = (np.ceil(np.maximum(tail, head) + reach) + 1).astype(int)
        patch = frame[top : max(bottom, 0), left : max(right, 0)]
        if not patch.size:
            return
        y, x = np.mgrid[top : top + patch.shape[0], left : left + patch.shape[1]]
        along = head - tail
        share = ((y - tail[0]) * along[0] + (x - tail[1]) * along[1]) / max(float(along @ along), 1e-6)
        share = np.clip(share, 0, 1)
        distance = np.hypot(y - tail[0] - share * along[0], x - tail[1] - share * along[1])
        cover = np.clip(self.radius + 0.5 - distance, 0, 1).astype(np.float32)[..., None]
        patch += cover * (self.colour - patch)
