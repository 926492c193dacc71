"""What is in a source, packet by packet and frame by frame: one reading that decodes picture and sound once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from statistics import median
from typing import Any

import av

from vsrestore.ffmpeg import open_media

from .continued import continued, joints
from .interleaving import Interleaving
from .packets import Packets, all_packets, packets_of
from .probe import Media

# Flags on fewer frames than this share of the picture are taken for mistakes of whoever wrote them.
SINGLE_FLAGS = Fraction(1, 20)
# In a damaged file a frame that stands longer than so many usual ones stands for lost ones.
LOST = Fraction(7, 4)
# Damage that is so many seconds apart is told as one.
TOGETHER = Fraction(1, 2)
TIMELESS = "avi"  # whose frames have no times but their numbers
TOLD_STRETCHES = 8
# A header may count so many frames more than were recorded.
SPARE_FRAMES = 1


@dataclass(frozen=True)
class Stretch:
    """A part of the file's time, in seconds from its start."""

    start: Fraction
    end: Fraction

    def __str__(self) -> str:
        """Return when it is, as a player shows it."""
        return f"{clock(self.start)} to {clock(self.end)}"


@dataclass(frozen=True)
class Joint:
    """A place where the clock of a file begins anew, most often because recordings were joined.

    Attributes:
        at: when the first frame after it is shown, in seconds from the start of the file.
        offset: what the clock lacks from there on, in seconds, if the sound is to go on there without a gap.

    """

    at: Fraction
    offset: Fraction


@dataclass(frozen=True)
class Survey:
    """What decoding a source shows.

    Attributes:
        packets: of every stream, by its number.
        frames: how many pictures can be decoded.
        interlaced: how many of them are flagged so.
        first_interlaced: when the first of these is shown, in seconds from the start of the file.
        damage: of streams, by number, where they cannot be decoded or only in part; whole streams are missing here.
        joints: of the picture.
        lost_sound: where sound is missing and no time says so.

    """

    packets: dict[int, Packets]
    frames: int
    interlaced: int
    first_interlaced: Fraction
    damage: dict[int, list[Stretch]]
    joints: list[Joint] = field(default_factory=list)
    lost_sound: list[Stretch] = field(default_factory=list)

    @property
    def fields(self) -> bool:
        """Whether the picture is made of fields, and not merely flagged so here and there."""
        return self.interlaced > SINGLE_FLAGS * self.frames


@dataclass
class _Picture:
    """What the frames of the picture tell as they come."""

    base: Fraction
    leaps: bool
    frames: int = 0
    interlaced: int = 0
    first_interlaced: int = 0
    ticks: list[int] = field(default_factory=list)
    broken: list[int] = field(default_factory=list)
    joints: list[tuple[int, int]] = field(default_factory=list)

    def add(self, frame: Any) -> None:
        self.frames += 1
        tick = frame.pts
        if frame.interlaced_frame:
            self.first_interlaced = self.first_interlaced if self.interlaced else tick or 0
            self.interlaced += 1
        if tick is not None:
            self.ticks.append(tick)
        if frame.is_corrupt:
            self.broken.append(tick or 0)

    def settle(self) -> None:
        """Take note of what shows in the end: decoders give frames in the order in which they are shown."""
        self.joints = joints(self.ticks, self.base, leaps=self.leaps)
        self.ticks = continued(self.ticks, self.base, leaps=self.leaps)
        self.broken += [later for earlier, later in pairwise(self.ticks) if later < earlier]


def survey(media: Media) -> Survey:
    """Read a source from its beginning to its end.

    Every picture and sound is decoded and thrown away, because only so it shows what is damaged: the opener of the
    script must then decode in one thread, in which damaged pictures come out the same each time.
    """
    with open_media(media.path) as container:
        packets = packets_of(container)
        decoded = {media.picture.index, *(track.index for track in media.of_kind("audio"))}
        picture = _Picture(packets[media.picture.index].base, packets[media.picture.index].leaps)
        broken: dict[int, list[Stretch]] = {}
        for stream in container.streams.video:
            stream.thread_type = "AUTO"
        timeless = Interleaving() if container.format.name == TIMELESS else None
        for packet in all_packets(container):
            index = packet.stream.index  # the packet itself does not say it at the end of a stream
            base = packets[index].base
            packets[index].add(packet)
            if timeless and index in decoded:
                timeless.add(packet, base, picture=index == media.picture.index)
            # An empty packet stands for the frame before it; a decoder would take it for the end.
            if index not in decoded or not (packet.size or packet.dts is None):
                continue
            if not _decoded(packet, packets[index], picture if index == media.picture.index else None):
                tick = packet.pts if packet.pts is not None else packet.dts or 0
                broken.setdefault(index, []).append(_stretch(tick, packet.duration or 0, base, media.zero))
    picture.settle()
    lost_sound = _note_losses(media, packets[media.picture.index], timeless) if timeless else []
    if picture.broken or media.picture.index in broken:
        broken.setdefault(media.picture.index, []).extend(_of_picture(picture, media.zero))
    first = picture.first_interlaced * picture.base - media.zero
    damage = {index: _joined(stretches) for index, stretches in broken.items()}
    places = _joints(media, packets, picture)
    return Survey(packets, picture.frames, picture.interlaced, first, damage, places, lost_sound)


def times_of(stretches: Sequence[Stretch]) -> str:
    """Return when stretches are, the first few of many."""
    named = ", ".join(map(str, stretches[:TOLD_STRETCHES]))
    more = len(stretches) - TOLD_STRETCHES
    return f"{named} and {more} times more" if more > 0 else named


def clock(seconds: Fraction) -> str:
    """Return a time as h:mm:ss.ss."""
    hundredths = round(max(seconds, Fraction(0)) * 100)
    minutes, rest = divmod(hundredths, 6000)
    return f"{minutes // 60}:{minutes % 60:02}:{rest / 100:05.2f}"


def _decoded(packet: Any, packets: Packets, picture: _Picture | None) -> bool:
    """Decode a packet and take note of what is in it; return whether nothing was wrong with it."""
    try:
        frames = packet.decode()
    except av.error.FFmpegError:
        return False
    for frame in frames:
        packets.note_decoded(frame.pts)
        if picture:
            picture.add(frame)
        else:
            packets.heard = (packets.heard or 0) + Fraction(frame.samples, frame.sample_rate)
    return not packet.is_corrupt


def _note_losses(media: Media, picture: Packets, timeless: Interleaving) -> list[Stretch]:
    """Take note of where pictures are missing, if the header agrees that some are; return where sound is."""
    gaps, lost_sound = timeless.losses(picture.base)
    if sum(lost for _, lost in gaps) <= media.picture.frames - picture.count + SPARE_FRAMES:
        picture.gaps = gaps
    return [_stretch(tick, lost, picture.base, media.zero) for tick, lost in lost_sound]


def _joints(media: Media, packets: dict[int, Packets], picture: _Picture) -> list[Joint]:
    """Return the joints of the picture. Programs that copy sound let it go on without a gap, so its offsets hold."""
    offsets = [offset * picture.base for _, offset in picture.joints]
    for track in media.of_kind("audio"):
        sound = packets[track.index]
        others = [offset * sound.base for _, offset in joints(sound.ticks, sound.base, leaps=sound.leaps)]
        if len(others) == len(offsets):
            offsets = others
            break
    times = [picture.ticks[place] * picture.base - media.zero for place, _ in picture.joints]
    return [Joint(at, offset) for at, offset in zip(times, offsets, strict=True)]


def _of_picture(picture: _Picture, zero: Fraction) -> Iterator[Stretch]:
    ticks = sorted(picture.ticks)
    usual = median(later - earlier for earlier, later in pairwise(ticks)) if len(ticks) > 1 else 0
    for tick in picture.broken:
        yield _stretch(tick, round(usual), picture.base, zero)
    for earlier, later in pairwise(ticks):
        if later - earlier > LOST * Fraction(usual):
            yield _stretch(earlier + round(usual), later - earlier - round(usual), picture.base, zero)


def _stretch(tick: int, ticks: int, base: Fraction, zero: Fraction) -> Stretch:
    return Stretch(tick * base - zero, (tick + ticks) * base - zero)


def _joined(stretches: list[Stretch]) -> list[Stretch]:
    """Return the stretches in order, those that lie together as one."""
    joined: list[Stretch] = []
    for stretch in sorted(stretches, key=lambda one: one.start):
        if joined and stretch.start - joined[-1].end < TOGETHER:
            joined[-1] = Stretch(joined[-1].start, max(joined[-1].end, stretch.end))
        else:
            joined.append(stretch)
    return joined
