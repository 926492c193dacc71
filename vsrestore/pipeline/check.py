"""What differs between a source and its restored copy."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from .containers import CopyPlan
from .errors import PipelineError
from .packets import Packets, read_packets
from .probe import Media, Picture, probe

FRAME_SHARE = Fraction(3, 2)
SOUND_TOLERANCE = Fraction(1, 10)
# Sound that is encoded anew loses its encoder's priming, some 20 to 45 ms.
SYNC_TOLERANCE = Fraction(1, 20)
COLOUR_UNSPECIFIED = {"matrix": 2, "primaries": 2, "transfer": 2, "range": 0, "chroma": 0}
RGB = 0  # its number among the matrices
# YUV whose range is not said is limited.
LIMITED_UNSAID = ("range", 1, 0)


@dataclass(frozen=True)
class Contents:
    """A file and the packets of its streams."""

    media: Media
    packets: dict[int, Packets]

    @property
    def picture(self) -> Packets:
        """The packets of the picture."""
        return self.packets[self.media.picture.index]


@dataclass(frozen=True)
class Difference:
    """A sentence on something in which an output does not agree with its source.

    Attributes:
        sentence: what differs.
        missing: whether picture or sound is missing that should be there.

    """

    sentence: str
    missing: bool = False

    def __str__(self) -> str:
        """Return the sentence."""
        return self.sentence


def differences(
    source: Contents, output: Path, plan: CopyPlan, frames: int, factor: Fraction = Fraction(1)
) -> list[Difference]:
    """Return everything in which the output does not agree with its source.

    Args:
        source: the source.
        output: the finished file.
        plan: which tracks of the source should have arrived.
        frames: how many frames the script gives.
        factor: how many of them its filters make of each frame of the source.

    """
    try:
        made = Contents(probe(output), read_packets(output))
    except PipelineError as error:
        return [_unreadable(output, error)]
    return [
        *_picture(source.picture, made.picture, frames, factor),
        *_shape(source.media.picture, made.media.picture),
        *_tracks(source, made, plan),
        *_chapters(source.media, made.media),
    ]


def picture_differences(output: Path, frames: int) -> list[Difference]:
    """Return in what the picture of an output, which holds a part of its source alone, is not what it should be.

    Args:
        output: the finished file.
        frames: how many there should be.

    """
    try:
        held = read_packets(output)[probe(output).picture.index].shown
    except PipelineError as error:
        return [_unreadable(output, error)]
    return [] if held == frames else [_count(frames, held)]


def _unreadable(output: Path, error: PipelineError) -> Difference:
    words = str(error).removeprefix(f"{output}: ")
    return Difference(f"the output cannot be read back: it {words}", missing=True)


def _count(frames: int, held: int) -> Difference:
    return Difference(f"the script gives {frames} frames, the output holds {held}", missing=held < frames)


def _picture(source: Packets, made: Packets, frames: int, factor: Fraction) -> Iterator[Difference]:
    if made.shown != frames:
        yield _count(frames, made.shown)
    # Several filters that change the rate round up one after the other.
    if abs(frames - source.shown * factor) >= max(factor, Fraction(1)):
        made_of_each = "" if factor == 1 else f", where {float(factor):.5g} should come of each"
        yield Difference(f"the source holds {source.shown} frames, the output {frames}{made_of_each}")
    before, after = source.span(), made.span()
    if before and abs(before - after) > FRAME_SHARE * before / max(len(source.ticks), 1):
        yield Difference(f"the picture lasts {float(before):.3f} s in the source, {float(after):.3f} s in the output")


def _shape(before: Picture, after: Picture) -> Iterator[Difference]:
    if before.sar * before.width / before.height != after.sar * after.width / after.height and before.sar != after.sar:
        yield Difference(f"the sample aspect ratio is {before.sar} in the source, {after.sar} in the output")
    if before.colour["matrix"] == RGB:  # which is encoded as YUV
        return
    for name, unspecified in COLOUR_UNSPECIFIED.items():
        old, new = before.colour[name], after.colour[name]
        if old not in (unspecified, new) and (name, old, new) != LIMITED_UNSAID:
            yield Difference(f"the colour {name} is {old} in the source, {new} in the output")


def _tracks(source: Contents, made: Contents, plan: CopyPlan) -> Iterator[Difference]:
    for kind in ("audio", "subtitle", "attachment", "cover"):
        expected = [track for track in plan.kept if track.kind == kind]
        streams = made.media.of_kind(kind)
        if len(expected) != len(streams):
            counts = f"{len(expected)} {kind} streams should be in the output, it holds {len(streams)}"
            yield Difference(counts, missing=kind == "audio" and len(streams) < len(expected))
        elif kind == "audio":
            for old, new in zip(expected, streams, strict=True):
                yield from _sound(source, made, old.index, new.index, plan.damaged)


def _sound(source: Contents, made: Contents, old: int, new: int, damaged: Collection[int]) -> Iterator[Difference]:
    packets = source.packets[old]
    before, after = packets.span(), made.packets[new].span()
    # Packets may announce more than is in them, and damaged ones any time.
    held = before if packets.heard is None else min(before, packets.heard)
    if min(abs(before - after), abs(held - after)) > SOUND_TOLERANCE:
        lengths = f"audio stream {old} lasts {float(before):.3f} s in the source, {float(after):.3f} s in the output"
        yield Difference(lengths, missing=after < held - SOUND_TOLERANCE and old not in damaged)
    first, later = _firsts(source, old, made, new)
    shift = later - made.picture.begins() - (first - source.picture.begins())
    if abs(shift) > SYNC_TOLERANCE:
        yield Difference(
            f"audio stream {old} is {float(shift) * 1000:.0f} ms later against the picture than in the source"
        )


def _firsts(source: Contents, old: int, made: Contents, new: int) -> tuple[Fraction, Fraction]:
    """Return when the first sound is due in the source and in the output.

    A copy has what no decoder gives, too. Sound that is encoded anew has the priming of its encoder before its start.
    """
    codecs = {track.index: track.codec for track in made.media.tracks}
    if codecs[new] == next(track.codec for track in source.media.tracks if track.index == old):
        return source.packets[old].first(), made.packets[new].first()
    return source.packets[old].begins(), max(made.packets[new].first(), Fraction(0))


def _chapters(source: Media, made: Media) -> Iterator[Difference]:
    if source.chapters != made.chapters:
        yield Difference(f"the source has {source.chapters} chapters, the output {made.chapters}")
