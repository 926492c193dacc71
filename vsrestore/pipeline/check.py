"""What differs between a source and its restored copy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from .containers import CopyPlan
from .packets import Packets, read_packets
from .probe import Media, Picture, probe

FRAME_SHARE = Fraction(3, 2)
SOUND_TOLERANCE = Fraction(1, 10)
# Sound that is encoded anew loses its encoder's priming, some 20 to 45 ms.
SYNC_TOLERANCE = Fraction(1, 20)
COLOUR_UNSPECIFIED = {"matrix": 2, "primaries": 2, "transfer": 2, "range": 0, "chroma": 0}
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


def differences(source: Contents, output: Path, plan: CopyPlan, frames: int) -> list[str]:
    """Return one sentence for everything in which the output does not agree with its source.

    Args:
        source: the source.
        output: the finished file.
        plan: which tracks of the source should have arrived.
        frames: how many frames the script gave.

    """
    made = Contents(probe(output), read_packets(output))
    return [
        *_picture(source.picture, made.picture, frames),
        *_shape(source.media.picture, made.media.picture),
        *_tracks(source, made, plan),
        *_chapters(source.media, made.media),
    ]


def _picture(source: Packets, made: Packets, frames: int) -> Iterator[str]:
    if len(made.ticks) != frames:
        yield f"the script gave {frames} frames, the output holds {len(made.ticks)}"
    if len(source.ticks) != frames:
        yield f"the source holds {len(source.ticks)} frames, the output {frames}"
    before, after = source.span(), made.span()
    if abs(before - after) > FRAME_SHARE * before / max(len(source.ticks), 1):
        yield f"the picture lasts {float(before):.3f} s in the source, {float(after):.3f} s in the output"


def _shape(before: Picture, after: Picture) -> Iterator[str]:
    if before.sar * before.width / before.height != after.sar * after.width / after.height and before.sar != after.sar:
        yield f"the sample aspect ratio is {before.sar} in the source, {after.sar} in the output"
    for name, unspecified in COLOUR_UNSPECIFIED.items():
        old, new = before.colour[name], after.colour[name]
        if old not in (unspecified, new) and (name, old, new) != LIMITED_UNSAID:
            yield f"the colour {name} is {old} in the source, {new} in the output"


def _tracks(source: Contents, made: Contents, plan: CopyPlan) -> Iterator[str]:
    for kind in ("audio", "subtitle", "attachment", "cover"):
        expected = [track for track in plan.kept if track.kind == kind]
        found = made.media.of_kind(kind)
        if len(expected) != len(found):
            yield f"{len(expected)} {kind} streams should be in the output, it holds {len(found)}"
        elif kind == "audio":
            for old, new in zip(expected, found, strict=True):
                yield from _sound(source, made, old.index, new.index)


def _sound(source: Contents, made: Contents, old: int, new: int) -> Iterator[str]:
    before, after = source.packets[old].span(), made.packets[new].span()
    if abs(before - after) > SOUND_TOLERANCE:
        yield f"audio stream {old} lasts {float(before):.3f} s in the source, {float(after):.3f} s in the output"
    shift = _lag(made, new) - _lag(source, old)
    if abs(shift) > SYNC_TOLERANCE:
        yield f"audio stream {old} is {float(shift) * 1000:.0f} ms later against the picture than in the source"


def _lag(contents: Contents, track: int) -> Fraction:
    """Return by how many seconds the first sound comes after the first picture."""
    return contents.packets[track].first() - min(contents.picture.times(), default=Fraction(0))


def _chapters(source: Media, made: Media) -> Iterator[str]:
    if source.chapters != made.chapters:
        yield f"the source has {source.chapters} chapters, the output {made.chapters}"
