"""The clips beside each other in one labelled video."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import vapoursynth as vs

from vsrestore import ffmpeg
from vsrestore.pipeline.encode import encoder_options
from vsrestore.pipeline.run import Program, check_exit, stopping, wait_for
from vsrestore.pipeline.tags import Tags, filters, from_props, output_options
from vsrestore.video.frames import plane_views

from .sources import UNKNOWN_RATE

CRF, PRESET = 16.0, "superfast"
LABEL_HEIGHT, LABEL_WIDTH = 48, 160  # pixels that one line of VapourSynth's text needs
LABEL_MARGIN = 10  # of them empty above and below
LABEL_GROWS = 540  # lines of picture for which the text is made once larger


def side_by_side(clips: Mapping[str, vs.VideoNode]) -> vs.VideoNode:
    """Return RGB24 clips of one size and length beside each other, their names above them, as YUV420P8 in BT.709."""
    row = vs.core.std.StackHorizontal([_labelled(name, clip) for name, clip in clips.items()])
    even = row.std.AddBorders(right=row.width % 2, bottom=row.height % 2)
    return even.resize.Bicubic(
        format=vs.YUV420P8, matrix=vs.MATRIX_BT709, range=vs.RANGE_LIMITED, dither_type="error_diffusion"
    )


@contextmanager
def encoding(clip: vs.VideoNode, path: Path) -> Iterator[Callable[[vs.VideoFrame], None]]:
    """Give a function that takes the frames of the clip one after another; with the last one the video is finished.

    Args:
        clip: YUV420P8.
        path: the video to write, .mp4.

    Raises:
        PipelineError: the disk is full.
        RunError: ffmpeg failed.

    """
    tags = from_props(clip.get_frame(0).props)
    program = Program(_command(clip, tags, path), stdin=subprocess.PIPE)
    pipe = program.process.stdin
    assert pipe is not None

    def take(frame: vs.VideoFrame) -> None:
        try:
            for plane in plane_views(frame):
                pipe.write(plane.tobytes())
        except BrokenPipeError:
            _end(program)
            raise

    with stopping([program]):
        try:
            yield take
        finally:
            with suppress(BrokenPipeError):
                pipe.close()
        _end(program)


def _end(program: Program) -> None:
    wait_for(lambda: False, [program])
    check_exit("ffmpeg", program)


def _command(clip: vs.VideoNode, tags: Tags, path: Path) -> list[str]:
    size, rate = f"{clip.width}x{clip.height}", str(clip.fps or UNKNOWN_RATE)
    raw = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", size, "-r", rate, "-i", "pipe:0"]
    return [
        *(ffmpeg.program(), "-hide_banner", "-y", "-v", "error", *raw, "-filter:v:0", filters(tags)),
        *encoder_options("x264", CRF, PRESET), *output_options(tags), "-movflags", "+faststart",
        ffmpeg.file_url(path, utf8=False),
    ]  # fmt: skip


def _labelled(name: str, clip: vs.VideoNode) -> vs.VideoNode:
    scale = 1 + clip.height // LABEL_GROWS
    wide = max(clip.width, LABEL_WIDTH * scale)
    band = clip.std.BlankClip(width=wide, height=LABEL_HEIGHT * scale, color=[0, 0, 0], keep=True)
    text = band.text.Text(name, alignment=5, scale=scale)
    spare = wide - clip.width
    margin = LABEL_MARGIN * scale
    label = text.std.Crop(left=spare // 2, right=spare - spare // 2, top=margin, bottom=margin)
    return vs.core.std.StackVertical([label, clip]).std.CopyFrameProps(clip).std.RemoveFrameProps("_FieldBased")
