"""Tiny clips of every kind, made by ffmpeg when they are first asked for."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from vsrestore import ffmpeg
from vsrestore.pipeline import programs
from vsrestore.pipeline.encode import ENCODERS
from vsrestore.pipeline.job import Job
from vsrestore.pipeline.restore import restore

FAST_PRESETS = {"x264": "ultrafast", "x265": "ultrafast", "ffv1": None, "svt-av1": "12"}

PICTURE = ("-f", "lavfi", "-i", "testsrc2=size=96x64:rate=24:duration=1")
BEEP = ("-f", "lavfi", "-i", "aevalsrc='if(lt(t,0.4),0,sin(2*PI*1000*t)*0.5)':d=1:s=48000")
FAST = ("-c:v", "libx264", "-preset", "ultrafast")
SOUND = ("-map", "0:v", "-map", "1:a", "-c:a", "aac")
LATE = "settb=1/1000,setpts=PTS+310"
COLOURS = "setparams=range=pc:color_primaries=bt470bg:color_trc=smpte170m:colorspace=bt470bg"
SUBTITLES = "1\n00:00:00,200 --> 00:00:00,400\nHello\n\n2\n00:00:00,600 --> 00:00:00,900\nworld\n"
CHAPTERS = """;FFMETADATA1
title=A film
artist=Somebody
[CHAPTER]
TIMEBASE=1/1000
START=0
END=500
title=One
[CHAPTER]
TIMEBASE=1/1000
START=500
END=1000
title=Two
"""
RICH = (
    *("-itsoffset", "0.25", *BEEP, "-i", "subtitles.srt", "-i", "chapters.txt"),
    *("-map", "0:v", "-map", "1:a", "-map", "1:a", "-map", "2:s", "-map", "2:s"),
    *("-map_metadata", "3", "-map_chapters", "3", "-c:a:0", "aac", "-c:a:1", "flac", "-c:s:0", "srt", "-c:s:1", "ass"),
    *("-attach", "font.ttf", "-metadata:s:t", "mimetype=application/x-truetype-font"),
    *("-metadata:s:v:0", "language=deu", "-metadata:s:v:0", "title=Main"),
)

# name -> options of ffmpeg
CLIPS: dict[str, tuple[str, ...]] = {
    "plain.mp4": (*PICTURE, *BEEP, *SOUND, *FAST),
    "long.mp4": (*PICTURE[:3], PICTURE[3].replace("duration=1", "duration=8"), *FAST),
    "film.mkv": ("-f", "lavfi", "-i", "testsrc2=size=96x64:rate=24000/1001:duration=1", *BEEP, *SOUND, *FAST),
    "rich.mkv": (*PICTURE, *RICH, *FAST),
    "late_picture.mkv": (
        *PICTURE,
        *BEEP,
        *SOUND,
        "-vf",
        LATE,
        "-enc_time_base",
        "1:1000",
        "-fps_mode",
        "passthrough",
        *FAST,
    ),
    "streamed.mp4": (*PICTURE, *BEEP, *SOUND, *FAST, "-movflags", "+faststart"),
    "covered.mp4": (
        *(
            *PICTURE,
            *BEEP,
            "-f",
            "lavfi",
            "-i",
            "color=red:size=32x32:duration=0.04",
            "-map",
            "0",
            "-map",
            "1",
            "-map",
            "2",
        ),
        *("-c:v:1", "png", "-disposition:v:1", "attached_pic", "-c:v:0", "libx264", "-c:a", "aac"),
    ),
    "late_sound.mp4": (*PICTURE, "-itsoffset", "0.3", *BEEP, *SOUND, *FAST),
    "tagged.mkv": (*PICTURE, "-vf", f"setsar=32/27,{COLOURS}", "-chroma_sample_location", "topleft", *FAST),
    "ten_bit.mkv": (*PICTURE, "-pix_fmt", "yuv422p10le", "-c:v", "ffv1"),
    "gray.mkv": (*PICTURE, "-pix_fmt", "gray", "-c:v", "ffv1"),
    "fields.mkv": (*PICTURE, "-vf", "tinterlace=interleave_top,setfield=tff", "-flags", "+ildct+ilme", *FAST),
    "uneven.mp4": (*PICTURE, *BEEP, *SOUND, "-vf", "select=not(eq(mod(n\\,5)\\,3))", "-fps_mode", "vfr", *FAST),
    "sound.m4a": (*BEEP, "-c:a", "aac"),
}


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function that gives the path of one of ``CLIPS``."""
    folder = tmp_path_factory.mktemp("clips")
    (folder / "subtitles.srt").write_text(SUBTITLES)
    (folder / "chapters.txt").write_text(CHAPTERS)
    (folder / "font.ttf").write_bytes(b"not really a font")

    def made(name: str) -> Path:
        if not (folder / name).exists():
            command = [ffmpeg.program(), "-v", "error", "-nostdin", *CLIPS[name], name]
            subprocess.run(command, cwd=folder, check=True, capture_output=True)
        return folder / name

    return made


@pytest.fixture(scope="session")
def script(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function that writes a script: the source as ``clip``, then the given line, then output 0."""
    folder = tmp_path_factory.mktemp("scripts")

    def written(line: str = "") -> Path:
        path = folder / f"script{len(list(folder.iterdir()))}.vpy"
        opening = "import vapoursynth as vs\ncore = vs.core\nclip = core.bs.VideoSource(source, cachemode=0)\n"
        path.write_text(f"{opening}{line}\nclip.set_output()\n")
        return path

    return written


@pytest.fixture
def run(tmp_path, script):
    """Restore through a script; return the output and everything that was told."""

    def done(
        source: Path,
        ending: str = ".mkv",
        line: str = "",
        encoder: str = "x264",
        told: list[str] | None = None,
        count: Callable[[int, int], None] = lambda done, total: None,
        **wishes,
    ):
        if ENCODERS[encoder].codec not in programs.ffmpeg_encoders():
            pytest.skip(f"this ffmpeg has no {encoder}")
        output, told = tmp_path / f"restored{ending}", [] if told is None else told
        wishes = {"preset": FAST_PRESETS[encoder], **wishes}
        wishes = wishes if "filters" in wishes else {"script": script(line), **wishes}
        job = Job(str(source), output, encoder=encoder, **wishes)
        restore(job, told.append, count)
        return output, told

    return done
