"""The encoders, one row each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .errors import PipelineError

X26X_PRESETS = (
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow", "placebo",
)  # fmt: skip


@dataclass(frozen=True)
class Encoder:
    """What an encoder is called and what it takes.

    Attributes:
        codec: ffmpeg's name.
        bits: depths that are encoded as they are.
        working_bits: depth for clips in a working format (float, 16 bit) or of a depth that is not in ``bits``.
        chroma: accepted subsamplings (log2 across, log2 down) that y4m carries, too, coarsest first.
        gray: whether clips without chroma stay so; else they get neutral 4:2:0 chroma, which every player shows.
        interlaced: whether the bitstream can say that a picture is made of two fields.
        crf: default and highest quality number, None for a lossless encoder.
        preset: default, None where there is no such thing.
        presets: accepted ones.
        options: always given.

    """

    codec: str
    bits: tuple[int, ...]
    working_bits: int
    chroma: tuple[tuple[int, int], ...]
    gray: bool
    interlaced: bool
    crf: tuple[float, float] | None
    preset: str | None
    presets: tuple[str, ...]
    options: tuple[str, ...] = ()


QUARTER, QUARTER_BITS = (2, 0), 8
COMMON_CHROMA = ((1, 1), (1, 0), (0, 0))
ENCODERS = {
    "x264": Encoder("libx264", (8, 10), 8, COMMON_CHROMA, False, True, (16, 51), "medium", X26X_PRESETS),
    "x265": Encoder(
        "libx265", (8, 10, 12), 10, COMMON_CHROMA, False, False, (18, 51), "medium", X26X_PRESETS,
        ("-x265-params", "log-level=error"),
    ),
    "ffv1": Encoder(
        "ffv1", (8, 9, 10, 12, 14, 16), 16, ((2, 0), *COMMON_CHROMA), True, True,
        None, None, (),
        ("-level", "3", "-slicecrc", "1", "-g", "1"),
    ),
    "svt-av1": Encoder(
        "libsvtav1", (8, 10), 10, ((1, 1),), False, False, (24, 63), "6", tuple(str(number) for number in range(14))
    ),
}  # fmt: skip


def encoder_named(name: str, available: frozenset[str]) -> Encoder:
    """Return the row of an encoder.

    Args:
        name: as the user calls it.
        available: ffmpeg's names of the encoders that the ffmpeg at hand was built with.

    Raises:
        PipelineError: no such row, or this ffmpeg lacks it.

    """
    if name not in ENCODERS:
        raise PipelineError(f"--encoder {name}: unknown; accepted: {', '.join(ENCODERS)}")
    encoder = ENCODERS[name]
    if encoder.codec not in available:
        able = ", ".join(key for key, row in ENCODERS.items() if row.codec in available)
        raise PipelineError(f"--encoder {name}: this ffmpeg was built without {encoder.codec}; it has: {able}")
    return encoder


def encoder_options(name: str, crf: float | None, preset: str | None) -> list[str]:
    """Return the options that choose the encoder and its quality.

    Raises:
        PipelineError: a quality or preset that this encoder does not know.

    """
    encoder = ENCODERS[name]
    options = ["-c:v:0", encoder.codec, *encoder.options]
    if encoder.crf is None and crf is not None:
        raise PipelineError(f"--crf {crf:g}: {name} is lossless; leave --crf out")
    if encoder.crf is not None:
        chosen, highest = encoder.crf[0] if crf is None else crf, encoder.crf[1]
        if not 0 <= chosen <= highest:
            raise PipelineError(f"--crf {chosen:g}: {name} accepts 0 to {highest:g} (lower is better)")
        options += ["-crf", f"{chosen:g}"]
    if preset is not None and preset not in encoder.presets:
        accepted = ", ".join(encoder.presets) or "none; leave --preset out"
        raise PipelineError(f"--preset {preset}: not one of {name}; accepted: {accepted}")
    if encoder.preset is not None:
        options += ["-preset", preset or encoder.preset]
    return options


def accepted_chroma(
    encoder: Encoder, subsampling: tuple[int, int], size: Sequence[int], bits: int
) -> tuple[int, int] | None:
    """Return the coarsest subsampling of the encoder that loses nothing of ``subsampling``, else its coarsest.

    Args:
        encoder: its row.
        subsampling: of the clip (log2 across, log2 down).
        size: (width, height); one that a subsampling does not divide rules that subsampling out.
        bits: of a sample; y4m carries 4:1:1 in 8 bits alone.

    Returns:
        None when no subsampling of the encoder fits the size.

    """
    fitting = [chroma for chroma in encoder.chroma if not (size[0] % (1 << chroma[0]) or size[1] % (1 << chroma[1]))]
    fitting = [chroma for chroma in fitting if chroma != QUARTER or bits == QUARTER_BITS]
    lossless = [chroma for chroma in fitting if chroma[0] <= subsampling[0] and chroma[1] <= subsampling[1]]
    return next(iter([*lossless, *fitting]), None)
