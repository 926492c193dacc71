"""What differs between a source and its restored copy."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from .containers import CopyPlan
from .probe import Media, Picture, Track, first_packet, packet_times, packets_span, probe

FRAME_SHARE = Fraction(3, 2)
SOUND_TOLERANCE = Fraction(1, 10)
# Sound that is encoded anew loses its encoder's priming, some 20 to 45 ms.
SYNC_TOLERANCE = Fraction(1, 20)
COLOUR_UNSPECIFIED = {"matrix": 2, "primaries": 2, "transfer": 2, "range": 0, "chroma": 0}
# YUV whose range is not said is limited.
LIMITED_UNSAID = ("range", 1, 0)


def differences(source: Media, output: Path, plan: CopyPlan, frames: int) -> list[str]:
    """Return one sentence for everything in which the output does not agree with its source.

    Args:
        source: the source.
        output: the finished file.
        plan: which tracks of the source should have arrived.
        frames: how many frames the script gave.

    """
    made = probe(output)
    return [
        *_picture(source, made, frames),
        *_shape(source.picture, made.picture),
        *_tracks(source, made, plan),
        *_chapters(source, made),
    ]


def _picture(source: Media, made: Media, frames: int) -> Iterator[str]:
    shown = packet_times(made.path, made.picture.index)
    original = packet_times(source.path, source.picture.index)
    if len(shown) != frames:
        yield f"the script gave {frames} frames, the output holds {len(shown)}"
    if len(original) != frames:
        yield f"the source holds {len(original)} frames, the output {frames}"
    before = packets_span(source.path, source.picture.index) or Fraction(0)
    after = packets_span(made.path, made.picture.index) or Fraction(0)
    tolerance = FRAME_SHARE * before / max(len(original), 1)
    if abs(before - after) > tolerance:
        yield f"the picture lasts {float(before):.3f} s in the source, {float(after):.3f} s in the output"


def _shape(before: Picture, after: Picture) -> Iterator[str]:
    if before.sar * before.width / before.height != after.sar * after.width / after.height and before.sar != after.sar:
        yield f"the sample aspect ratio is {before.sar} in the source, {after.sar} in the output"
    for name, unspecified in COLOUR_UNSPECIFIED.items():
        old, new = before.colour[name], after.colour[name]
        if old not in (unspecified, new) and (name, old, new) != LIMITED_UNSAID:
            yield f"the colour {name} is {old} in the source, {new} in the output"


def _tracks(source: Media, made: Media, plan: CopyPlan) -> Iterator[str]:
    for kind in ("audio", "subtitle", "attachment", "cover"):
        expected = [track for track in plan.kept if track.kind == kind]
        found = made.of_kind(kind)
        if len(expected) != len(found):
            yield f"{len(expected)} {kind} streams should be in the output, it holds {len(found)}"
        elif kind == "audio":
            for old, new in zip(expected, found, strict=True):
                yield from _sound(source, made, old, new)


def _sound(source: Media, made: Media, old: Track, new: Track) -> Iterator[str]:
    before = packets_span(source.path, old.index) or Fraction(0)
    after = packets_span(made.path, new.index) or Fraction(0)
    if abs(before - after) > SOUND_TOLERANCE:
        yield (
            f"audio stream {old.index} lasts {float(before):.3f} s in the source, {float(after):.3f} s in the output"
        )
    shift = _lag(made, new) - _lag(source, old)
    if abs(shift) > SYNC_TOLERANCE:
        yield f"audio stream {old.index} is {float(shift) * 1000:.0f} ms later against the picture than in the source"


def _lag(media: Media, track: Track) -> Fraction:
    """Return by how many seconds the first sound comes after the first picture."""
    return first_packet(media.path, track.index) - media.picture.start


def _chapters(source: Media, made: Media) -> Iterator[str]:
    if source.chapters != made.chapters:
        yield f"the source has {source.chapters} chapters, the output {made.chapters}"
