"""The last way into a damaged picture: ffmpeg decodes it once, from its beginning to its end, into a lossless file.

BestSource knows frames again by what is in them. Where a decoder leaves in the gaps of a damaged frame what happened to
be in memory, each time something else, it finds them no more, not even in one thread.
"""

from __future__ import annotations

from pathlib import Path

from vsrestore import ffmpeg

from .probe import Media
from .run import complete

NAME = "decoded.mkv"
LOSSLESS = ("-c:v", "ffv1", "-level", "3", "-g", "1", "-slices", "4")


def decoded(media: Media, work: Path) -> Path:
    """Decode the picture of a source into a file in the folder ``work``; return its path.

    Raises:
        RunError: ffmpeg failed.
        PipelineError: the disk is full.

    """
    file = work / NAME
    # However much of it is damaged.
    command = [ffmpeg.program(), "-hide_banner", "-nostdin", "-y", "-v", "fatal", "-max_error_rate", "1"]
    command += [*ffmpeg.input_options(media.path), "-map", f"0:{media.picture.index}", *LOSSLESS]
    command += ["-color_range", str(media.picture.colour["range"])]  # else full range would become limited
    complete("ffmpeg", [*command, "-fps_mode", "vfr", "-f", "matroska", ffmpeg.file_url(file)])
    return file
