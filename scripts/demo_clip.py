"""Render the demo clip: photographs in motion, a cut in the middle, a tune, and our own film damage on top.

Writes damaged.mkv (what is to be restored, with sound) and truth.mkv (the same frames before the damage, lossless)
into a folder. The photographs come with scikit-image and are in the public domain; none was trained on.
"""

from __future__ import annotations

import argparse
import subprocess
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

from vsrestore import ffmpeg
from vsrestore.damage.blotches import Blotches
from vsrestore.damage.film import FilmDamage, damage_film
from vsrestore.damage.grain import Grain
from vsrestore.damage.hairs import Hairs
from vsrestore.damage.rain import Rain
from vsrestore.damage.scratches import Scratches
from vsrestore.damage.specks import Dirt

FPS = 24
WIDTH, HEIGHT = 640, 480
SECONDS = 5.0
SEED = 7
SAMPLE_RATE = 48_000
CHUNK = 12
"""Frames that are damaged at a time; bounds the memory and changes nothing."""

DAMAGE = FilmDamage(
    dirt=Dirt(rate=60, softness=1.2, opacity=0.4),
    hairs=Hairs(loose=1.2, lint=8),
    scratches=Scratches(count=4, strength=0.35),
    rain=Rain(rate=8),
    blotches=Blotches(rate=0.8, opacity=0.85),
    grain=Grain(amount=0.03),
)


@dataclass(frozen=True)
class Camera:
    """Where the frame's centre lies in the photograph (parts of its width and height) and how far it is enlarged."""

    x: float
    y: float
    zoom: float


@dataclass(frozen=True)
class Layer:
    """A photograph and the camera's way over it; `ellipse` (x, y, radius x, radius y, in parts) cuts it out softly."""

    photograph: str
    start: Camera
    end: Camera
    ellipse: tuple[float, float, float, float] | None = None

    def camera(self, progress: float) -> Camera:
        """Return the camera at `progress` in [0, 1] of the scene."""
        pairs = ((self.start.x, self.end.x), (self.start.y, self.end.y), (self.start.zoom, self.end.zoom))
        return Camera(*(a + (b - a) * progress for a, b in pairs))


# A scene is a background and, moving differently, a foreground.
SCENES = (
    (
        Layer("motorcycle_left", Camera(0.46, 0.50, 1.20), Camera(0.56, 0.48, 1.28)),
        Layer("astronaut", Camera(0.25, 0.48, 0.95), Camera(0.75, 0.46, 1.10), ellipse=(0.43, 0.52, 0.24, 0.56)),
    ),
    (
        Layer("coffee", Camera(0.54, 0.52, 1.50), Camera(0.47, 0.50, 1.36)),
        Layer("chelsea", Camera(0.78, 0.30, 1.00), Camera(0.42, 0.34, 1.25), ellipse=(0.47, 0.50, 0.38, 0.49)),
    ),
)


def photograph(name: str) -> np.ndarray:
    """Return a photograph as (H, W, 3) uint8."""
    return data.stereo_motorcycle()[0] if name == "motorcycle_left" else getattr(data, name)()


def soft_ellipse(height: int, width: int, ellipse: tuple[float, float, float, float]) -> np.ndarray:
    """Return a mask (H, W) uint8: 255 inside, falling off smoothly towards the ellipse's edge."""
    y, x = np.mgrid[0:height, 0:width]
    radius = np.hypot((x / width - ellipse[0]) / ellipse[2], (y / height - ellipse[1]) / ellipse[3])
    ramp = np.clip((1 - radius) / 0.12, 0, 1)
    return np.round(255 * ramp * ramp * (3 - 2 * ramp)).astype(np.uint8)


def seen(image: Image.Image, camera: Camera, width: int, height: int) -> np.ndarray:
    """Return what the camera sees of an image, (height, width, ...) float32 in [0, 1]; outside there is black."""
    step = HEIGHT / height / camera.zoom
    left, top = camera.x * image.width - step * width / 2, camera.y * image.height - step * height / 2
    affine = (step, 0, left, 0, step, top)
    picture = image.transform((width, height), Image.Transform.AFFINE, affine, Image.Resampling.BICUBIC)
    return np.asarray(picture, np.float32) / 255


def scene_frames(layers: tuple[Layer, Layer], count: int, width: int, height: int) -> Iterator[np.ndarray]:
    """Yield `count` frames of a scene, (height, width, 3) uint8."""
    back, front = layers
    scenery, figure = photograph(back.photograph), photograph(front.photograph)
    assert front.ellipse is not None
    mask = Image.fromarray(soft_ellipse(figure.shape[0], figure.shape[1], front.ellipse))
    behind, before = Image.fromarray(scenery), Image.fromarray(figure)
    for index in range(count):
        progress = index / max(count - 1, 1)
        camera = front.camera(progress)
        alpha = seen(mask, camera, width, height)[..., None]
        frame = seen(behind, back.camera(progress), width, height)
        frame += alpha * (seen(before, camera, width, height) - frame)
        yield np.round(frame * 255).clip(0, 255).astype(np.uint8)


def clip_frames(count: int, width: int, height: int) -> Iterator[np.ndarray]:
    """Yield the frames of the undamaged clip; the cut lies at count // 2."""
    yield from scene_frames(SCENES[0], count // 2, width, height)
    yield from scene_frames(SCENES[1], count - count // 2, width, height)


def tune(seconds: float) -> np.ndarray:
    """Return a few plucked notes, (samples, 2) int16."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    sound = np.zeros((len(time), 2))
    semitones = (0, 4, 7, 12, 16, 12, 7, 4, 5, 9, 12, 17, 14, 11, 7, 2)
    for beat in range(int(seconds * 4)):
        pitch = 261.63 * 2 ** (semitones[beat % len(semitones)] / 12)
        since = np.clip(time - beat / 4, 0, None)
        attack, pan = 1 - np.exp(-since * 300), 0.5 + 0.3 * np.sin(beat)
        for overtone in (1, 2, 3):
            note = attack * np.sin(2 * np.pi * pitch * overtone * since) * np.exp(-since * 4 * overtone) / overtone
            sound += note[:, None] * [1 - pan, pan]
    return np.round(sound / np.abs(sound).max() * 0.6 * 32767).astype(np.int16)


def write_tune(path: Path, seconds: float) -> None:
    """Write the tune as a WAV file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(tune(seconds).tobytes())


def encoder(path: Path, width: int, height: int, arguments: list[str]) -> subprocess.Popen[bytes]:
    """Start an ffmpeg that encodes raw RGB frames from its standard input."""
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(FPS), "-i", "-"]
    command = [ffmpeg.program(), "-y", "-loglevel", "error", *source, *arguments, str(path)]
    return subprocess.Popen(command, stdin=subprocess.PIPE)


def write_clip(folder: Path, seconds: float = SECONDS, width: int = WIDTH, height: int = HEIGHT) -> None:
    """Write damaged.mkv and truth.mkv into `folder`.

    Raises:
        RuntimeError: ffmpeg failed; it has said why on standard error.

    """
    sound = folder / "tune.wav"
    write_tune(sound, seconds)
    colour = ["-vf", "scale=out_color_matrix=smpte170m:out_range=tv:flags=accurate_rnd+full_chroma_int"]
    colour += ["-colorspace", "smpte170m", "-color_primaries", "smpte170m", "-color_trc", "smpte170m"]
    picture = [*colour, "-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "fast", "-crf", "8"]
    with_sound = ["-i", str(sound), *picture, "-c:a", "aac", "-b:a", "128k"]
    damaged = encoder(folder / "damaged.mkv", width, height, with_sound)
    truth = encoder(folder / "truth.mkv", width, height, ["-c:v", "ffv1", "-pix_fmt", "bgr0"])
    frames = np.stack(list(clip_frames(round(seconds * FPS), width, height)))
    for first in range(0, len(frames), CHUNK):
        chunk = np.divide(frames[first : first + CHUNK], 255, dtype=np.float32)
        result = damage_film(chunk, first, SEED, DAMAGE)
        for file, part in ((damaged, result.damaged), (truth, result.clean)):
            assert file.stdin is not None
            file.stdin.write(np.round(part * 255).astype(np.uint8).tobytes())
    for file in (damaged, truth):
        file.communicate()
        if file.returncode:
            raise RuntimeError(f"ffmpeg failed with exit code {file.returncode}")
    sound.unlink()


def main() -> None:
    """Read the command line and render."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where damaged.mkv and truth.mkv go; made if need be")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="length of the clip (default: %(default)s)")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    write_clip(arguments.folder, arguments.seconds)


if __name__ == "__main__":
    main()
