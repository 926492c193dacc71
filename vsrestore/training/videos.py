"""Frames of a video file by number, without reading the rest of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream
from numpy.typing import NDArray

from vsrestore.ffmpeg import FFmpegError, open_media
from vsrestore.training.errors import DataError


@dataclass(frozen=True, eq=False)
class Video:
    """A video file and the time of each of its frames, in the order of showing and in units of the file."""

    path: Path
    height: int
    width: int
    times: NDArray[np.int64]

    @classmethod
    def open(cls, path: Path) -> Video:
        """Read the times of all frames, which decodes none of them, and the first frame.

        Raises:
            DataError: the file is no video, its frames have no times, or the first cannot be decoded.
        """
        with _stream(path) as (container, stream):
            packets = [packet for packet in container.demux(stream) if packet.size and not packet.is_discard]
            times = [packet.pts for packet in packets if packet.pts is not None]
            if not times or len(times) < len(packets):
                raise DataError(f"{path}: cannot be decoded by frame number: frames without times; remux it to .mkv")
            video = cls(path, stream.height, stream.width, np.unique(np.array(times, np.int64)))
        video.read(np.zeros(1, np.intp))
        return video

    def read(self, numbers: NDArray[np.intp]) -> NDArray[np.uint8]:
        """Return frames of these numbers, RGB (T, H, W, 3); memory is taken for these alone.

        Raises:
            DataError: one of them cannot be decoded.
        """
        wanted = self.times[numbers]
        # A seek lands on the key frame before; where a container's index misleads, the whole is decoded up to there.
        for seek in (True, False):
            pictures = self._decoded(set(wanted.tolist()), seek)
            if len(pictures) == len(set(wanted.tolist())):
                return np.stack([pictures[time] for time in wanted.tolist()])
        missing = next(int(n) for n, time in zip(numbers, wanted.tolist(), strict=True) if time not in pictures)
        raise DataError(f"{self.path}: frame {missing} cannot be decoded")

    def _decoded(self, wanted: set[int], seek: bool) -> dict[int, NDArray[np.uint8]]:
        pictures: dict[int, NDArray[np.uint8]] = {}
        with _stream(self.path) as (container, stream):
            if seek:
                container.seek(min(wanted), stream=stream)
            for frame in container.decode(stream):
                if frame.pts in wanted and (frame.height, frame.width) == (self.height, self.width):
                    pictures[frame.pts] = frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
                if frame.pts is not None and frame.pts >= max(wanted):
                    break
        return pictures


@contextmanager
def _stream(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open the first video stream that is no cover picture; whatever fails inside is told with the file's name."""
    try:
        with open_media(path, utf8=False) as container:
            streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
            if not streams:
                raise DataError(f"{path}: cannot be decoded: it has no video")
            yield container, streams[0]
    except FFmpegError as error:
        raise DataError(str(error)) from error
    except (av.FFmpegError, OSError) as error:
        raise DataError(f"{path}: cannot be decoded: {error.strerror or error}") from error
