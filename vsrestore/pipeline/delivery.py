"""The script that vspipe runs: the user's script, whose output 0 is brought into a format that the encoder takes.

The properties of its first frame are written to a file, because ffmpeg must know them and y4m does not carry them.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import vapoursynth as vs

from vsrestore.pipeline.encode import ENCODERS, Encoder, accepted_chroma
from vsrestore.video.between import RATE
from vsrestore.video.cache import keep, keep_shared, uncached
from vsrestore.video.checks import constant_clip
from vsrestore.video.errors import fail
from vsrestore.video.formats import guessed_matrix

DITHERED_BELOW = 16
MARKER = b"FRAME\n"
CHROMA_OF_RGB = {False: (1, 1), True: (0, 0)}


def output_of(script: Path, folder: Path, source: str) -> tuple[vs.VideoNode, vs.VideoNode | None]:
    """Run the script in ``folder`` with ``source`` among its globals.

    Returns:
        The clip of its output 0, and what it calls ``before``, None where that is no clip.

    Raises:
        vs.Error: it sets no video output 0, or one of variable format or size.

    """
    os.chdir(folder)
    names: dict[str, Any] = {"__name__": "__vapoursynth__", "__file__": str(script), "source": source}
    exec(compile(script.read_bytes(), str(script), "exec"), names)
    outputs = vs.get_outputs()
    if 0 not in outputs:
        fail(script.name, "sets no output 0; end it with clip.set_output()")
    before = names.get("before")
    clip = constant_clip(script.name, getattr(outputs[0], "clip", outputs[0]), "output 0")
    return clip, before if isinstance(before, vs.VideoNode) else None


def previewed(clip: vs.VideoNode, before: vs.VideoNode, seconds: int) -> vs.VideoNode:
    """Return so many seconds of a clip, evenly spread, each frame to the right of what it was.

    Args:
        clip: the restored one.
        before: the source; where it has another number of frames, those that lie at the same place are taken.
        seconds: how many; a second of a clip without a constant rate is 25 frames.

    """
    length = min(round(clip.fps) or 25, clip.num_frames)
    last = clip.num_frames - length
    starts = [round((number + 0.5) * last / seconds) for number in range(seconds)]
    numbers = sorted({start + frame for start in starts for frame in range(length)})
    old = before.resize.Bicubic(clip.width, clip.height, format=clip.format.id, **_as_yuv(before, clip))
    places = [min(number * before.num_frames // clip.num_frames, before.num_frames - 1) for number in numbers]
    both = (uncached.Splice([part[place] for place in each]) for part, each in ((old, places), (clip, numbers)))
    return vs.core.std.StackHorizontal(list(both))


def _as_yuv(before: vs.VideoNode, clip: vs.VideoNode) -> dict[str, int]:
    """Return the argument without which RGB becomes no other."""
    crossing = before.format.color_family == vs.RGB != clip.format.color_family
    return {"matrix": guessed_matrix(clip.width, clip.height)} if crossing else {}


def for_encoder(clip: vs.VideoNode, encoder: Encoder) -> vs.VideoNode:
    """Return the clip in the nearest format that y4m carries and the encoder takes; the same clip where it is one.

    Raises:
        vs.Error: the size does not go with any chroma format of the encoder.

    """
    fmt, family = clip.format, clip.format.color_family
    working = fmt.sample_type == vs.FLOAT or fmt.bits_per_sample not in encoder.bits or fmt.bits_per_sample == 16
    bits = encoder.working_bits if working else fmt.bits_per_sample
    if family == vs.GRAY and encoder.gray:
        wanted = vs.core.query_video_format(vs.GRAY, vs.INTEGER, bits)
    else:
        wanted = vs.core.query_video_format(vs.YUV, vs.INTEGER, bits, *_chroma(clip, encoder, bits))
    if wanted.id == fmt.id:
        return clip
    rgb = family == vs.RGB
    matrix = guessed_matrix(clip.width, clip.height) if rgb else None
    limited = vs.RANGE_LIMITED if rgb else None
    dither = "error_diffusion" if bits < DITHERED_BELOW else "none"
    return keep(clip.resize.Bicubic(format=wanted.id, matrix=matrix, range=limited, dither_type=dither), 0)


def reported(clip: vs.VideoNode, report: Path) -> vs.VideoNode:
    """Return the clip; when its first frame is rendered, its properties, the clip's rate and size go to ``report``.

    Only that frame passes through Python.
    """

    def write(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        facts = {
            "props": _plain(dict(f.props)),
            "fps": [*clip.fps.as_integer_ratio()],
            "frames": clip.num_frames,
            "factor": [int(f.props.get(name, 1)) for name in RATE],
            "size": [clip.width, clip.height],
            "frame_bytes": frame_bytes(clip),
        }
        unfinished = report.with_suffix(".part")
        unfinished.write_text(json.dumps(facts), encoding="utf-8")
        unfinished.replace(report)
        return f

    first = uncached.Trim(keep_shared(clip), length=1)
    written = keep(first.std.ModifyFrame(clips=first, selector=write), 0)
    return uncached.Splice([written, uncached.Trim(clip, first=1)]) if clip.num_frames > 1 else written


def frame_bytes(clip: vs.VideoNode) -> int:
    """Return how many bytes y4m has of each frame, its marker included."""
    form, samples = clip.format, clip.width * clip.height
    chroma = (clip.width >> form.subsampling_w) * (clip.height >> form.subsampling_h)
    return len(MARKER) + (samples + (form.num_planes - 1) * chroma) * form.bytes_per_sample


def die_with_parent() -> None:
    """End this process, and those it has started, as soon as its standard input ends.

    vsrestore holds the other end of that pipe and writes nothing to it: it ends when vsrestore dies, be it killed.
    """

    def watch() -> None:
        while os.read(0, 1):
            pass
        if os.name == "posix":
            os.killpg(0, signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def deliver(script: str, folder: str, source: str, encoder: str, report: str, preview: str) -> None:
    """Set output 0 to what the script's output 0 is, as the encoder takes it.

    Args:
        script: path of the user's script.
        folder: from which the paths in it count.
        source: path of the source, for the script.
        encoder: a key of ``ENCODERS``.
        report: is written when the first frame is rendered: its properties and the clip's rate, as JSON.
        preview: instead of all, so many seconds of the clip, evenly spread, each beside what it was; 0 for all.

    """
    # Standard output is the picture's; what a script prints would spoil it.
    sys.stdout = sys.stderr
    die_with_parent()
    clip, before = output_of(Path(script), Path(folder), source)
    if seconds := int(preview):
        clip = previewed(clip, before or vs.core.bs.VideoSource(source, cachemode=0), seconds)
    clip = for_encoder(clip, ENCODERS[encoder])
    vs.clear_outputs()
    reported(clip, Path(report)).set_output(0)


def _chroma(clip: vs.VideoNode, encoder: Encoder, bits: int) -> tuple[int, int]:
    fmt = clip.format
    subsampling = (fmt.subsampling_w, fmt.subsampling_h)
    if fmt.color_family != vs.YUV:
        subsampling = CHROMA_OF_RGB[encoder.crf is None]
    chroma = accepted_chroma(encoder, subsampling, (clip.width, clip.height), bits)
    if chroma is None:
        fail(encoder.codec, f"{clip.width}x{clip.height} is an odd size; crop or pad the clip to an even one")
    return chroma


def _plain(props: dict[str, Any]) -> dict[str, int | float | str]:
    numbers = {key: value for key, value in props.items() if isinstance(value, int | float)}
    words = {key: str(value) for key, value in props.items() if isinstance(value, str)}
    return {**{key: int(value) if isinstance(value, int) else value for key, value in numbers.items()}, **words}


if __name__ == "__vapoursynth__":
    deliver(**{name: globals()[name] for name in ("script", "folder", "source", "encoder", "report", "preview")})
