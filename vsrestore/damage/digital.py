"""Synthetic digital damage: parameters, presets, the order of the faults, and random mixtures for training.

The order is that of a camera and a cheap copy: blur, down-scaling, noise and faults of the sensor, wrong conversions,
banding, a codec and what gets lost of its stream, enlarging back; last, frames at the wrong time.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from .banding import Banding, banded
from .blur import Defocus, MotionBlur, blurred, disc_kernel, motion_kernel
from .compression import Codec, Compression, compressed
from .conversion import Conversion, converted
from .frames import FrameFaults
from .grain import Grain, add_grain
from .noise import Array, between, generator
from .scaling import Kernel, Scaling, reduced_size, resized
from .sensor import Sensor, sensed
from .slices import LostSlices, lost_slices, with_lost_slices


@dataclass(frozen=True, kw_only=True)
class DigitalDamage:
    """Parameters of all digital faults, in their order; every default is "off", and off is the identity, bit by bit.

    noise: of the sensor, of the same kinds as the grain of film.
    slices: where they are lost, a frame depends on its group of pictures, with or without a codec.
    timing: no matter of one frame: `frames.frame_map` tells which frame is shown when, `frames.shown` puts them in that
        order, and the filter `digital_damage` follows it.
    """

    motion_blur: MotionBlur = field(default_factory=MotionBlur)
    defocus: Defocus = field(default_factory=Defocus)
    scaling: Scaling = field(default_factory=Scaling)
    noise: Grain = field(default_factory=Grain)
    sensor: Sensor = field(default_factory=Sensor)
    conversion: Conversion = field(default_factory=Conversion)
    banding: Banding = field(default_factory=Banding)
    compression: Compression = field(default_factory=Compression)
    slices: LostSlices = field(default_factory=LostSlices)
    timing: FrameFaults = field(default_factory=FrameFaults)

    @property
    def grouped(self) -> bool:
        """Whether a frame depends on others of its group of pictures."""
        return self.compression.codec != "none" or self.slices.rate > 0


def damage_digital(
    frames: Array, first: int, seed: int, params: DigitalDamage, frame_width: int | None = None
) -> Array:
    """Damage frames of a clip as cameras and codecs do; a pure function of its arguments.

    Without compression and lost slices, frame t depends on itself alone. With them, on its group of pictures: give
    frames that begin at a multiple of `compression.gop` where the result must not depend on which frames are given.

    Args:
        frames: (T, H, W, 3) float32 RGB in [0, 1], gamma-coded. Left unchanged.
        first: frame number of frames[0].
        seed: any integer.
        params: the faults. Lengths in px hold for 720 px width and scale with frame_width / 720; those of noise do not.
        frame_width: width in px of the frame that the pixels were cut from; None: they are whole frames.

    Returns:
        (T, H, W, 3) in [0, 1]; (T, h, w, 3) where `scaling` does not enlarge: `reduced_size` of each side.

    Raises:
        ValueError: the array is not (T, H, W, 3).
        CompressionError: ffmpeg is missing or refuses; a ValueError.
    """
    height, width = frames.shape[1:3]
    coded = compressed(before_codec(frames, first, seed, params, frame_width), first, params.compression)
    if params.slices.rate > 0:
        rows, columns = coded.shape[1:3]
        lost = [lost_slices(seed, first + i, rows, columns, params.slices) for i in range(len(coded))]
        coded = with_lost_slices(coded, np.stack(lost), first, params.compression.gop)
    return enlarged(coded, height, width, params.scaling)


def before_codec(frames: Array, first: int, seed: int, params: DigitalDamage, frame_width: int | None = None) -> Array:
    """Return what `damage_digital` gives to the codec, (T, h, w, 3) in [0, 1]; frame t depends on itself alone."""
    if frames.ndim != 4 or frames.shape[3] != 3:
        raise ValueError(f"damage_digital: frames have the shape {frames.shape}; give (T, H, W, 3)")
    scale = (frame_width or frames.shape[2]) / 720.0
    scaling = params.scaling
    done = []
    for i, picture in enumerate(frames.astype(np.float32, copy=False)):
        small = _reduced(_camera(picture, first + i, seed, params, scale), scaling)
        noisy = sensed(add_grain(small, seed, first + i, params.noise), seed, first + i, params.sensor)
        noisy = converted(noisy, params.conversion)
        done.append(banded(noisy, params.banding, scale / scaling.factor) if params.banding.bits > 0 else noisy)
    return np.clip(np.stack(done), 0, 1)


def enlarged(frames: Array, height: int, width: int, scaling: Scaling) -> Array:
    """Return frames (T, h, w, 3) in their old size, where they were made smaller and are to be enlarged again."""
    if scaling.factor == 1 or not scaling.enlarge:
        return frames
    return np.clip(resized(frames, height, width), 0, 1)


def _reduced(picture: Array, scaling: Scaling) -> Array:
    if scaling.factor == 1:
        return picture
    height, width = (reduced_size(side, scaling.factor) for side in picture.shape[:2])
    return resized(picture[None], height, width, scaling.kernel, scaling.antialias)[0]


def _camera(picture: Array, frame: int, seed: int, params: DigitalDamage, scale: float) -> Array:
    if params.motion_blur.length > 0:
        picture = blurred(picture, motion_kernel(seed, frame, params.motion_blur, scale))
    if params.defocus.radius > 0:
        picture = blurred(picture, disc_kernel(seed, frame, params.defocus, scale))
    return picture


def sample_digital(seed: int, compress: bool = True) -> DigitalDamage:
    """Return a random mixture of faults for training and checks, from almost clean to heavy.

    Args:
        compress: False leaves out the codec, which starts two programs for each group of pictures.
    """
    rng, on = generator(seed, "sample digital"), generator(seed, "sample digital on").random(6)
    kernels: tuple[Kernel, ...] = ("area", "bilinear", "bicubic", "lanczos")
    damage = DigitalDamage(
        motion_blur=MotionBlur(length=between(rng, 1.5, 15), straight=float(rng.random()))
        if on[0] < 0.25
        else MotionBlur(),
        defocus=Defocus(radius=between(rng, 0.5, 4)) if on[1] < 0.3 else Defocus(),
        scaling=Scaling(factor=float(1.3 + 2.7 * rng.random()), kernel=kernels[rng.integers(4)])
        if on[2] < 0.5
        else Scaling(),
        noise=Grain(method="signal", amount=between(rng, 0.003, 0.04), size=float(rng.random()), coloured=True)
        if on[3] < 0.5
        else Grain(),
        banding=Banding(bits=int(rng.integers(5, 8)), smooth=float(2 * rng.random())) if on[4] < 0.15 else Banding(),
    )
    return replace(damage, compression=_sample_codec(rng)) if compress and on[5] < 0.9 else damage


def _sample_codec(rng: np.random.Generator) -> Compression:
    codecs: tuple[Codec, ...] = ("h264", "h264", "h265", "mpeg2")
    codec = codecs[rng.integers(4)]
    return Compression(
        codec=codec,
        quality=between(rng, 2, 16) if codec == "mpeg2" else float(20 + 20 * rng.random()),
        gop=int(rng.integers(12, 49)),
        b_frames=int(rng.integers(0, 4)),
        deblock=bool(rng.random() < 0.85),
    )


PRESETS = MappingProxyType(
    {
        "dvd": DigitalDamage(compression=Compression(codec="mpeg2", quality=7, gop=12)),
        "web-low": DigitalDamage(
            scaling=Scaling(factor=2, kernel="bilinear"),
            banding=Banding(bits=7),
            compression=Compression(codec="h264", quality=33, gop=48),
        ),
    }
)
"""The presets by name: "dvd" is a disc with too much on it, "web-low" a video of the early web, enlarged."""
