"""When the packets of a file are due: one reading of the whole file, nothing is decoded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import av

from vsrestore.ffmpeg import open_media
from vsrestore.interrupts import check

from .continued import continued, spread
from .probe import Media, exact

# A container may announce a little more than its packets last.
SPARE = Fraction(1, 4)
SPARE_FRAMES = 2
# That many packets before the first that is shown may be an audio encoder's priming.
PRIMING_PACKETS = 3
LEAPING = 0x200  # FFmpeg's AVFMT_TS_DISCONT


@dataclass
class Packets:
    """The packets of one stream.

    Attributes:
        base: seconds of one tick.
        leaps: whether the file's clock may leap ahead where another recording begins.
        count: all packets, those that are only decoded and not shown included.
        shown: those that are shown.
        opening: when the first one starts, be it only decoded; in ticks.
        ticks: when each shown one starts, on the file's clock, in coding order.
        durations: how long each shown one lasts, 0 where that is not known; in ticks.
        before: when those before the first shown one start; in ticks.
        gaps: where packets are missing and no time says so: from which tick on, and how many ticks.
        heard: seconds of sound that were decoded from them, None where nobody did.
        decoded: when the earliest frame is due that was decoded from them, in ticks; None where nobody did.

    """

    base: Fraction
    leaps: bool = False
    count: int = 0
    shown: int = 0
    opening: int = 0
    ticks: list[int] = field(default_factory=list)
    durations: list[int] = field(default_factory=list)
    before: list[int] = field(default_factory=list)
    gaps: list[tuple[int, int]] = field(default_factory=list)
    heard: Fraction | None = None
    decoded: int | None = None

    def add(self, packet: av.Packet) -> None:
        """Take note of the next packet."""
        if not self.count:
            self.opening = packet.pts or 0
        self.count += packet.size > 0
        self.shown += packet.size > 0 and not packet.is_discard
        if packet.pts is None:
            return
        if packet.is_discard:
            if not self.ticks:
                self.before.append(packet.pts)
            return
        self.ticks.append(packet.pts)
        self.durations.append(packet.duration or 0)

    def times(self) -> list[Fraction]:
        """Return when each packet is due, in seconds on the file's clock, rising; it goes on where it begins anew."""
        return [tick * self.base for tick in sorted(self.continued)]

    @cached_property
    def continued(self) -> list[int]:
        """:attr:`ticks`, which go on where the file's clock begins anew, with gaps where some are missing.

        Made once, so that none may be added any more.
        """
        return spread(continued(self.ticks, self.base, leaps=self.leaps), self.gaps)

    @property
    def end(self) -> int:
        """When the last shown one ends, as far as durations are known; in ticks."""
        return max(map(sum, zip(self.continued, self.durations, strict=True)), default=0)

    @property
    def clock_end(self) -> Fraction:
        """When the last shown one ends on the file's own clock, in seconds."""
        return max(map(sum, zip(self.ticks, self.durations, strict=True)), default=0) * self.base

    def first(self) -> Fraction:
        """Return when the first packet is due, in seconds on the file's clock.

        That holds for copies in any container, while the announced start of an audio stream may or may not count the
        encoder's priming. Of a longer lead, which an edit list cut off, a copy keeps the last packet alone.
        """
        return (self.before[-1] if self.cut_off() else self.opening) * self.base

    def note_decoded(self, tick: int | None) -> None:
        """Take note of when a decoded frame is due; decoders give them in the order in which they are shown."""
        if self.decoded is None:
            self.decoded = tick

    def begins(self) -> Fraction:
        """Return when the first frame is due that can be decoded, in seconds on the file's clock.

        Packets before it may need others that are not there, and what a container says of its start may be the time of
        a later picture that is coded first.
        """
        tick = min(self.ticks, default=0) if self.decoded is None else self.decoded
        return tick * self.base

    def cut_off(self) -> int:
        """Return how many packets at the beginning a copy leaves out, because an edit list cuts them off.

        The last one before the cut stays, because the decoder needs it to begin.
        """
        return 0 if len(self.before) <= PRIMING_PACKETS else len(self.before) - 1

    def span(self) -> Fraction:
        """Return the seconds from the earliest start to the latest end.

        A last packet without a duration counts as long as the one before it.
        """
        if not self.ticks:
            return Fraction(0)
        ordered = sorted(self.continued)
        last = ordered[-1] - ordered[-2] if len(ordered) > 1 else 0
        end = self.end
        return ((end if end > ordered[-1] else ordered[-1] + last) - ordered[0]) * self.base


def packets_of(container: Any) -> dict[int, Packets]:
    """Return what is to hold the packets of each stream of an open file, by the stream's number."""
    leaps = bool(container.format.flags & LEAPING)
    return {stream.index: Packets(exact(stream.time_base), leaps) for stream in container.streams}


def read_packets(path: Path) -> dict[int, Packets]:
    """Return the packets of every stream of a file, by the stream's number."""
    with open_media(path) as container:
        by_stream = packets_of(container)
        for packet in all_packets(container):
            by_stream[packet.stream.index].add(packet)
    return by_stream


def all_packets(container: Any) -> Iterator[Any]:
    """Yield the packets of an open file as far as they can be read: where reading fails, the file ends."""
    try:
        for packet in container.demux():
            check()
            yield packet
    except av.error.FFmpegError:
        return


def loss(media: Media, packets: dict[int, Packets]) -> str | None:
    """Return a sentence when the file announces more than it holds, as one does whose end is missing, else None."""
    picture = packets[media.picture.index]
    announced, held = media.picture.frames, picture.count
    if announced > held + sum(lost for _, lost in picture.gaps) + SPARE_FRAMES:
        return f"the source announces {announced} frames but holds {held}; its end is missing"
    lost = sum(lost for _, lost in picture.gaps) * picture.base
    end = max(stream.clock_end for stream in packets.values()) - media.zero
    end = max(end, picture.clock_end - media.zero + lost)
    if media.duration is not None and media.duration - end > SPARE:
        lengths = f"announces {float(media.duration):.2f} s but ends after {float(end):.2f} s"
        return f"the source {lengths}; its end is missing"
    return None
