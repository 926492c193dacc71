"""Media files of every kind that people have: codecs, formats, sizes, rates, times, shapes, sound, and damage.

Each shows a white picture and sounds a tone from the same moment on, so that any change of the sound against the
picture can be measured.
"""

from __future__ import annotations

import random
import struct
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vsrestore import ffmpeg

Change = Callable[[bytes], bytes]

X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
AAC = ("-c:a", "aac")
COPY = ("-c", "copy")
TS_PACKET = 188


@dataclass(frozen=True)
class Medium:
    """How a file is made.

    Attributes:
        name: with its ending.
        options: of ffmpeg, after the inputs picture (0) and tone (1).
        size: of the picture.
        rate: frames in a second.
        seconds: how long it lasts.
        at: when the picture turns white and the tone begins.
        sound: whether there is any.
        channels: of the tone.
        samples: of the tone in a second.
        picture: filters of the picture, after the white.
        before: options of ffmpeg before the picture.
        between: options of ffmpeg before the tone.
        texts: files that the options name.
        turn: how the file says that the picture is to be turned (degrees) or mirrored.
        then: options of a second run of ffmpeg, which has the first file as its input.
        earlier: another recording, which comes before it in the file.
        change: of the bytes.
        refused: what is said where it cannot be restored; a regular expression.
        damaged: whether frames may be missing or come twice.
        lag: by how much the tone comes after the white when it is restored; None where that is as the file has it.

    """

    name: str
    options: tuple[str, ...] = (*X264, *AAC)
    size: str = "96x64"
    rate: str = "24"
    seconds: float = 1
    at: float = 0.5
    sound: bool = True
    channels: int = 1
    samples: int = 48000
    picture: str = ""
    before: tuple[str, ...] = ()
    between: tuple[str, ...] = ()
    texts: tuple[tuple[str, bytes], ...] = ()
    turn: int | str = 0
    then: tuple[str, ...] = ()
    earlier: Medium | None = None
    change: Change = bytes
    refused: str = ""
    damaged: bool = False
    lag: float | None = None


def make(medium: Medium, folder: Path) -> Path:
    """Make the file in an empty folder."""
    for name, content in medium.texts:
        (folder / name).write_bytes(content)
    white = f"drawbox=enable='gte(t,{medium.at})':color=white:t=fill"
    picture = f"testsrc2=size={medium.size}:rate={medium.rate}:duration={medium.seconds},{white}{medium.picture}"
    wave = "|".join([f"if(lt(t,{medium.at}),0,sin(2*PI*1000*t)*0.5)"] * medium.channels)
    tone = ("-f", "lavfi", "-i", f"aevalsrc='{wave}':d={medium.seconds}:s={medium.samples}")
    inputs = (*medium.before, "-f", "lavfi", "-i", picture, *((*medium.between, *tone) if medium.sound else ()))
    target = folder / medium.name
    first = target.with_stem("first") if medium.then else target
    _run(folder, *inputs, *medium.options, first.name)
    if medium.then:
        turn = ("-display_hflip",) if medium.turn == "hflip" else ("-display_rotation", str(medium.turn))
        _run(folder, *(turn if medium.turn else ()), "-i", first.name, *medium.then, target.name)
    content = target.read_bytes()
    if medium.earlier:
        content = make(medium.earlier, folder).read_bytes() + content
    target.write_bytes(medium.change(content))
    return target


def _run(folder: Path, *options: str) -> None:
    command = [ffmpeg.program(), "-v", "error", "-nostdin", "-y", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (options, done.stderr)


def coded(ending: str, codec: str, *options: str, audio: str = "pcm_s16le", **more: object) -> Medium:
    """A picture and a tone of the given codecs."""
    return Medium(f"{codec}{ending}", ("-c:v", codec, *options, "-c:a", audio), **more)


def formatted(form: str, codec: str = "ffv1", ending: str = ".mkv", **more: object) -> Medium:
    """A picture of a pixel format."""
    return Medium(f"{form}{ending}", ("-c:v", codec, "-pix_fmt", form, *AAC), **more)


def sized(size: str, form: str = "yuv420p", **more: object) -> Medium:
    """A picture of a size."""
    return Medium(f"{size}-{form}.mkv", ("-c:v", "ffv1", "-pix_fmt", form, *AAC), size=size, **more)


def timed(rate: str, **more: object) -> Medium:
    """A picture of a rate."""
    return Medium(f"rate-{rate.replace('/', '-')}.mkv", rate=rate, **more)


def uneven(ending: str, kept: str, *options: str) -> Medium:
    """A picture of which only some frames are kept, each until the next."""
    return Medium(
        f"uneven-{kept.translate(str.maketrans('', '', '()*,'))}{ending}",
        (*(options or X264), *("-fps_mode", "passthrough"), *AAC),
        seconds=2,
        picture=f",select='{kept}'",
    )


def sounding(codec: str, ending: str = ".mkv", *options: str, **more: object) -> Medium:
    """A tone of a codec."""
    return Medium(f"{codec}{ending}", (*X264, "-c:a", codec, "-strict", "experimental", *options), **more)


def damaged(name: str, change: Change, *options: str, seconds: float = 4, **more: object) -> Medium:
    """A file that is damaged before the picture turns white."""
    chosen = options or ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "24", *AAC)
    return Medium(name, chosen, seconds=seconds, at=seconds - 1, change=change, damaged=True, **more)


def joined(name: str, clock: float, codecs: Sequence[str], heard: float, **more: object) -> Medium:
    """Two recordings in one file: the clock of the first begins at 100 s, its sound lasts so long, its picture 2 s."""
    of_first = (*codecs, "-filter:a", f"apad,atrim=end={heard}", "-output_ts_offset", "100")
    options = {"rate": "25", "seconds": 2, **more}
    first = Medium(f"first-{name}", of_first, at=99, **options)
    return Medium(name, (*codecs, "-output_ts_offset", str(clock)), at=1, earlier=first, damaged=True, **options)


def lost_packets(first: float, count: int) -> Change:
    """Take packets out of a transport stream."""

    def change(content: bytes) -> bytes:
        packets = [content[at : at + TS_PACKET] for at in range(0, len(content), TS_PACKET)]
        start = int(len(packets) * first)
        return b"".join(packets[:start] + packets[start + count :])

    return change


def flipped(share: float, start: float = 0.2, end: float = 0.6) -> Change:
    """Spoil a share of the bytes of a stretch."""

    def change(content: bytes) -> bytes:
        generator, spoilt = random.Random(11), bytearray(content)
        low, high = int(len(content) * start), int(len(content) * end)
        for at in generator.sample(range(low, high), int((high - low) * share)):
            spoilt[at] ^= 0x55
        return bytes(spoilt)

    return change


def zeroed(start: float, end: float) -> Change:
    """Overwrite a stretch with nothing, as a bad sector is read."""

    def change(content: bytes) -> bytes:
        low, high = int(len(content) * start), int(len(content) * end)
        return content[:low] + bytes(high - low) + content[high:]

    return change


def cut(share: float) -> Change:
    """Leave the end out."""
    return lambda content: content[: int(len(content) * share)]


def without_chunks(wanted: bytes, first: int, count: int) -> Change:
    """Take chunks of a stream out of an AVI and out of its index."""

    def change(content: bytes) -> bytes:
        movi = content.index(b"movi")
        length = struct.unpack("<I", content[movi - 4 : movi])[0]
        at, end, kept, number = movi + 4, movi - 0 + length, [b"movi"], 0
        while at < end:
            name, size = content[at : at + 4], struct.unpack("<I", content[at + 4 : at + 8])[0]
            chunk = content[at : at + 8 + size + size % 2]
            number += name == wanted
            if name != wanted or not first < number <= first + count:
                kept.append(chunk)
            at += len(chunk)
        body = b"".join(kept)
        head = content[: movi - 4] + struct.pack("<I", len(body)) + body
        return head[:4] + struct.pack("<I", len(head) - 8) + head[8:]

    return change


def replaced(old: bytes, new: bytes) -> Change:
    """Put other bytes in the place of some."""

    def change(content: bytes) -> bytes:
        assert old in content
        return content.replace(old, new)

    return change


def _subtitles(ending: str, codec: str, *options: str) -> Medium:
    srt = b"1\n00:00:00,200 --> 00:00:00,400\nHello\n\n2\n00:00:00,600 --> 00:00:00,900\n\xc3\xa4\n"
    return Medium(
        f"{codec}{ending}",
        ("-i", "a.srt", "-map", "0", "-map", "1", "-map", "2", *X264, *AAC, "-c:s", codec, *options),
        texts=(("a.srt", srt),),
    )


CHAPTERS = b";FFMETADATA1\ntitle=Gr\xc3\xbc\xc3\x9fe\nartist=\xe6\x98\xa0\n" + b"".join(
    b"[CHAPTER]\nTIMEBASE=1/1000\nSTART=%d\nEND=%d\ntitle=%d\n" % (at, at + 100, at) for at in range(0, 1000, 100)
)
COVER = ("-f", "lavfi", "-i", "color=red:size=32x32:duration=0.04", "-map", "0", "-map", "1", "-map", "2")
PQ = "setparams=range=tv:color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc"
FIELDS = ("-flags", "+ildct+ilme")
NO_FORMAT = "Unsupported video format from decoder"
INTERLACED = "is interlaced; filters need whole frames"
BROADCAST = ("-c:v", "mpeg2video", "-c:a", "mp2")
LONG_GOP = ("-c:v", "libx264", "-preset", "fast", "-g", "50", "-pix_fmt", "yuv420p", *AAC)

CODECS = (
    coded(".mp4", "libx264", audio="aac"),
    coded(".mkv", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none", audio="aac"),
    coded(".webm", "libvpx", audio="libvorbis"),
    coded(".webm", "libvpx-vp9", audio="libopus"),
    coded(".mp4", "libsvtav1", audio="aac"),
    coded(".avi", "mpeg4", audio="libmp3lame"),
    Medium("packed.avi", ("-c:v", "mpeg4", "-bf", "2", "-c:a", "mp2")),
    coded(".avi", "mjpeg"),
    coded(".avi", "huffyuv"),
    coded(".avi", "ffvhuff"),
    coded(".avi", "utvideo"),
    coded(".avi", "rawvideo", "-pix_fmt", "yuv420p"),
    coded(".avi", "msmpeg4", audio="libmp3lame"),
    coded(".avi", "cinepak"),
    coded(".avi", "zmbv"),
    coded(".avi", "msvideo1", refused=NO_FORMAT),
    coded(".avi", "ffv1"),
    coded(".avi", "magicyuv"),
    coded(".wmv", "wmv1", audio="wmav1"),
    coded(".wmv", "wmv2", audio="wmav2"),
    coded(".flv", "flv", audio="libmp3lame", samples=44100),
    coded(".f4v", "libx264", audio="aac"),
    coded(".mpg", "mpeg1video", audio="mp2"),
    coded(".vob", "mpeg2video", audio="ac3"),
    coded(".ts", "mpeg2video", audio="mp2"),
    coded(".m2ts", "libx264", audio="ac3"),
    coded(".mov", "prores_ks"),
    coded(".mov", "dnxhd", "-profile:v", "dnxhr_sq", size="256x120"),
    coded(".mov", "qtrle"),
    coded(".mov", "png"),
    coded(".mov", "mjpeg", audio="alac"),
    coded(".mov", "svq1", audio="adpcm_ima_qt"),
    coded(".mov", "rpza", refused=NO_FORMAT),
    coded(".mov", "cfhd", size="256x120"),
    coded(".mov", "v210"),
    coded(".3gp", "h263", audio="aac", size="176x144", rate="15"),
    coded(".ogv", "libtheora", audio="libvorbis", picture=",noise=alls=8:allf=t"),
    coded(".nut", "snow"),
    coded(".mxf", "mpeg2video", rate="25"),
    coded(".rm", "rv20", audio="ac3"),
    coded(".mkv", "libvvenc", audio="aac"),
    coded(".mkv", "jpeg2000", audio="flac"),
    coded(".mkv", "vc2", audio="flac"),
    Medium("picture.gif", (), sound=False),
    Medium("picture.apng", ("-c:v", "apng"), sound=False),
    Medium("raw.h264", (*X264, "-bf", "2"), sound=False),
    Medium("raw.hevc", ("-c:v", "libx265", "-x265-params", "log-level=none"), sound=False),
    Medium("raw.m4v", ("-c:v", "mpeg4"), sound=False),
    Medium("raw.mjpeg", ("-c:v", "mjpeg"), sound=False, rate="25"),
    Medium("raw.y4m", (), sound=False),
    Medium("raw.dv", ("-s", "720x576", "-pix_fmt", "yuv420p", "-ar", "48000", "-ac", "2"), rate="25",
           refused=INTERLACED),
)  # fmt: skip
FORMATS = (
    *(formatted(form) for form in ("yuv422p", "yuv444p", "yuv410p", "yuv411p", "yuv440p", "yuvj420p", "yuva420p")),
    *(formatted(form) for form in ("yuv420p10le", "yuv422p12le", "yuv444p16le", "gray", "gray10le", "gray16le")),
    *(formatted(form) for form in ("bgr0", "gbrp", "gbrp10le", "gbrap")),
    *(formatted(form, "rawvideo", ".nut") for form in ("rgb48le", "nv12", "uyvy422", "y210le", "gbrpf32le", "ya8")),
    *(formatted(form, "rawvideo", ".nut", refused=NO_FORMAT) for form in ("monow", "rgb565le", "grayf32le")),
    *(formatted(form, "rawvideo", ".nut") for form in ("pal8", "xyz12le")),
)
SIZES = (
    *(sized(size) for size in ("2x2", "4x4", "16x16", "37x53", "38x54", "2048x16", "18x1024")),
    *(sized(size, "yuv444p") for size in ("3x3", "37x53", "95x63")),
    sized("33x17", "yuv422p"),
    sized("31x31", "gray"),
)
RATES = (
    *(timed(rate) for rate in ("24000/1001", "30000/1001", "60000/1001", "120", "25/2", "15", "18", "1000")),
    timed("1", seconds=4, at=2),
    timed("1/2", seconds=8, at=4),
    Medium("rate.mp4", rate="30000/1001"),
    Medium("odd-rate.avi", ("-c:v", "mpeg4", "-c:a", "libmp3lame"), rate="16667/1000"),
)
TIMES = (
    *(uneven(ending, "not(eq(mod(n,5),3))") for ending in (".mp4", ".mkv", ".mov", ".ts")),
    uneven(".mkv", "mod(n,3)", "-c:v", "libvpx-vp9"),
    uneven(".mkv", "gt(mod(n,24),12)"),
    uneven(".mp4", "lt(mod(n,24),3)"),
    uneven(".mkv", "eq(n,0)+gt(n,20)"),
    uneven(".mp4", "lt(n,24)+eq(n,47)"),
    Medium("two-frames.mp4", seconds=0.0834, at=0.02),
    Medium("one-frame.mp4", seconds=0.04, at=0),
    Medium("trimmed.mp4", (*X264, "-bf", "0", "-g", "24", *AAC), seconds=4, at=2, then=("-ss", "1.5", *COPY)),
    Medium("trimmed-b.mp4", ("-c:v", "libx264", "-g", "24", *AAC), seconds=4, at=2, then=("-ss", "1.3", *COPY)),
    Medium("trimmed.mov", (*X264, "-g", "24", "-c:a", "pcm_s16le"), seconds=4, at=2, then=("-ss", "1.3", *COPY)),
    Medium("late-sound.mp4", (*X264, *AAC), between=("-itsoffset", "0.3")),
    Medium("late-sound.mkv", (*X264, *AAC), between=("-itsoffset", "0.3")),
    Medium("late-picture.mp4", before=("-itsoffset", "0.25")),
    Medium("late-picture.mkv", before=("-itsoffset", "0.31")),
    Medium("late-picture.ts", before=("-itsoffset", "0.25")),
    Medium("early-sound.mkv", (*X264, *AAC, "-avoid_negative_ts", "disabled"), between=("-itsoffset", "-0.2")),
    Medium("offset.ts", (*X264, *AAC, "-output_ts_offset", "1000")),
    Medium("wrapped.ts", (*X264, *AAC, "-output_ts_offset", "95443.2"), seconds=2, at=1.5),
    Medium("offset.mkv", (*X264, *AAC, "-output_ts_offset", "7")),
    Medium("fragmented.mp4", (*X264, *AAC, "-movflags", "frag_keyframe+empty_moov")),
    Medium("streamed.mkv", (*X264, *AAC, "-live", "1")),
    Medium("negative.mp4", ("-c:v", "libx264", *AAC, "-movflags", "negative_cts_offsets")),
    Medium("no-edits.mp4", ("-c:v", "libx264", *AAC, "-use_editlist", "0")),
    Medium("long-sound.mkv", (*X264, *AAC), seconds=2, at=0.5, picture=",trim=end=1"),
    Medium("short-sound.mkv", ("-filter:a", "atrim=end=0.7", *X264, *AAC)),
    Medium(
        "open-gop.mp4", ("-c:v", "libx264", "-x264-params", "open-gop=1:keyint=10:bframes=3", *AAC), seconds=2, at=1
    ),
)
SHAPES = (
    *(
        Medium(f"turned{angle}.{ending}", turn=angle, then=COPY)
        for angle, ending in ((90, "mp4"), (180, "mov"), (270, "mp4"), (90, "mkv"))
    ),
    Medium("mirrored.mp4", turn="hflip", then=COPY),
    Medium("sar.mkv", picture=",setsar=32/27"),
    Medium("sar.mp4", picture=",setsar=16/15"),
    Medium("narrow.mov", picture=",setsar=1/2"),
    Medium("sar.vob", ("-c:v", "mpeg2video", "-aspect", "16:9", "-c:a", "ac3")),
    Medium("shaped.mkv", picture=",setsar=16/15", then=(*COPY, "-aspect", "16:9")),
    Medium("pq.mkv", ("-c:v", "libx265", "-x265-params", "log-level=none", "-pix_fmt", "yuv420p10le", "-vf", PQ, *AAC)),
    Medium("full.mp4", (*X264, "-vf", "setparams=range=pc:colorspace=bt470bg", "-color_range", "pc", *AAC)),
    Medium("top-left.mkv", (*X264, "-chroma_sample_location", "topleft", *AAC)),
    Medium("fields.mkv", ("-vf", "setfield=tff", *FIELDS, *X264, *AAC), refused=INTERLACED),
    Medium("fields.mpg", ("-vf", "setfield=bff", *FIELDS, "-c:v", "mpeg2video", "-c:a", "mp2"), rate="25",
           refused=INTERLACED),
)  # fmt: skip
SOUNDS = (
    *(sounding(codec) for codec in ("flac", "libopus", "libvorbis", "libmp3lame", "mp2", "ac3", "eac3", "alac")),
    *(sounding(codec) for codec in ("tta", "wavpack", "wmav2", "adpcm_ms", "adpcm_ima_wav", "pcm_u8", "pcm_f32le")),
    *(sounding(codec) for codec in ("pcm_s24be", "pcm_mulaw", "pcm_f64le", "dca", "truehd")),
    sounding("adpcm_swf", ".flv", samples=44100),
    sounding("nellymoser", ".flv", samples=44100),
    sounding("pcm_s16be", ".mov"),
    sounding("pcm_s8", ".mov"),
    sounding("libopus", ".mp4"),
    sounding("flac", ".mp4"),
    sounding("pcm_bluray", ".m2ts", channels=2),
    sounding("libopencore_amrnb", ".3gp", samples=8000),
    sounding("aac", "-8k.mkv", samples=8000),
    sounding("aac", "-96k.mp4", samples=96000),
    sounding("pcm_s16le", "-192k.mkv", samples=192000),
    sounding("aac", "-5.1.mp4", "-filter:a", "channelmap=channel_layout=5.1", channels=6),
    sounding("flac", "-7.1.mkv", "-filter:a", "channelmap=channel_layout=7.1", channels=8),
    sounding("pcm_s16le", "-3.mkv", channels=3),
    sounding("pcm_s16le", "-6.mov", channels=6),
    Medium("no-sound.mp4", X264, sound=False),
    Medium("three-tracks.mkv", ("-map", "0", "-map", "1", "-map", "1", "-map", "1", *X264, "-c:a:0", "ac3",
                                "-c:a:1", "flac", "-c:a:2", "libopus", "-disposition:a:1", "default")),
    Medium("two-tracks.ts", ("-map", "0", "-map", "1", "-map", "1", *X264, "-c:a:0", "mp2", "-c:a:1", "aac")),
    Medium("sound-first.mkv", ("-map", "1", "-map", "0", *X264, *AAC)),
)  # fmt: skip
COMPANY = (
    _subtitles(".mkv", "srt"),
    _subtitles(".mkv", "ass"),
    _subtitles(".mkv", "webvtt"),
    _subtitles(".mp4", "mov_text"),
    Medium("attached.mkv", (*X264, *AAC, "-attach", "font.ttf", "-metadata:s:t", "mimetype=font/ttf"),
           texts=(("font.ttf", b"no font"),)),
    Medium("covered.mkv", (*X264, *AAC, "-attach", "cover.jpg", "-metadata:s:t", "mimetype=image/jpeg"),
           texts=(("cover.jpg", b"\xff\xd8\xff\xd9"),)),
    Medium("covered.mp4", (*COVER, "-c:v:1", "png", "-disposition:v:1", "attached_pic", "-c:v:0", "libx264", *AAC)),
    Medium("chapters.mkv", ("-i", "chapters.txt", "-map", "0", "-map", "1", "-map_metadata", "2", *X264, *AAC),
           texts=(("chapters.txt", CHAPTERS),)),
    Medium("chapters.mp4", ("-i", "chapters.txt", "-map", "0", "-map", "1", "-map_metadata", "2", *X264, *AAC),
           texts=(("chapters.txt", CHAPTERS),)),
    Medium("two-pictures.mkv", ("-map", "0", "-map", "0", "-map", "1", *X264, *AAC)),
    Medium("timecode.mov", (*X264, *AAC, "-timecode", "01:00:00:00")),
    Medium("data.ts", ("-map", "0", "-map", "1", "-map", "0", *X264, "-c:v:1", "mpeg2video", *AAC,
                       "-program", "st=0:st=1", "-program", "st=2")),
    Medium("no-picture.m4a", ("-map", "1", *AAC), refused="has no video stream"),
    Medium("still.png", ("-frames:v", "1"), sound=False),
    Medium("still.jpg", ("-frames:v", "1"), sound=False),
)  # fmt: skip
DAMAGES = (
    damaged("lost-few.ts", lost_packets(0.3, 3), *LONG_GOP),
    damaged("lost-many.ts", lost_packets(0.3, 60), *LONG_GOP),
    damaged("begins-late.ts", lost_packets(0, 40), *LONG_GOP),
    damaged("begins-late.mpg", zeroed(0.02, 0.1), "-c:v", "mpeg2video", "-c:a", "mp2", rate="25"),
    damaged("lost.m2ts", cut(0.999)),
    damaged("spoilt.ts", flipped(0.002)),
    damaged("spoilt.mkv", flipped(0.002)),
    damaged("spoilt.mp4", flipped(0.002), *X264, *AAC, "-movflags", "+faststart"),
    damaged("spoilt.mpg", flipped(0.002), "-c:v", "mpeg2video", "-c:a", "mp2", rate="25"),
    damaged("spoilt.avi", flipped(0.002), "-c:v", "mpeg4", "-c:a", "libmp3lame"),
    damaged("spoilt.flv", flipped(0.002), "-c:v", "flv", "-c:a", "libmp3lame", samples=44100),
    damaged("spoilt.webm", flipped(0.002), "-c:v", "libvpx", "-c:a", "libvorbis"),
    damaged("spoilt.wmv", flipped(0.002), "-c:v", "wmv2", "-c:a", "wmav2"),
    damaged("spoilt.mov", flipped(0.002), "-c:v", "mjpeg", "-c:a", "pcm_s16le"),
    damaged("sector.avi", zeroed(0.3, 0.35), "-c:v", "mpeg4", "-c:a", "libmp3lame"),
    damaged("sector.mpg", zeroed(0.3, 0.35), "-c:v", "mpeg2video", "-c:a", "mp2", rate="25"),
    damaged("sector.mkv", zeroed(0.3, 0.35)),
    damaged("sector.ts", zeroed(0.3, 0.35)),
    damaged("lost-pictures.avi", without_chunks(b"00dc", 20, 6), "-c:v", "mjpeg", "-c:a", "pcm_s16le", lag=0),
    damaged("lost-pictures-b.avi", without_chunks(b"00dc", 20, 6), "-c:v", "mpeg4", "-c:a", "libmp3lame", lag=0),
    damaged("lost-sound.avi", without_chunks(b"01wb", 8, 3), "-c:v", "mjpeg", "-c:a", "pcm_s16le"),
    damaged("no-index.avi", replaced(b"idx1", b"JUNK"), "-c:v", "mpeg4", "-c:a", "libmp3lame"),
    damaged("cut.avi", cut(0.9), "-c:v", "mpeg4", "-c:a", "libmp3lame"),
    damaged("cut.mkv", cut(0.97)),
    damaged("cut.ts", cut(0.97)),
    damaged("cut-streamed.mp4", cut(0.97), *X264, *AAC, "-movflags", "+faststart"),
    damaged("cut-fragmented.mp4", cut(0.97), *X264, "-g", "12", *AAC, "-movflags", "frag_keyframe+empty_moov"),
    Medium("cut.mp4", change=cut(0.5), refused="is no video file that can be read"),
    *(joined(f"joined-{clock}.ts", clock, BROADCAST, 1.6) for clock in (0, 104, 1000)),
    joined("joined.mpg", 1000, BROADCAST, 1.6),
    joined("joined-avc.ts", 1000, ("-c:v", "libx264", *AAC), 2.5),
    joined("joined-silent.ts", 1000, ("-c:v", "mpeg2video", "-an"), 2, sound=False),
    Medium("twice.ts", seconds=2, at=0.5, change=lambda content: content * 2, damaged=True),
    Medium("empty.mkv", change=lambda content: b"", refused="the file is empty"),
    Medium("zeros.mkv", change=lambda content: bytes(len(content)), refused="is no video file that can be read"),
    Medium("text.mp4", change=lambda content: b"not a film\n" * 99, refused="is no video file that can be read"),
    Medium("misnamed.avi", (*X264, *AAC, "-f", "matroska")),
    Medium("head-only.mp4", change=cut(0.02), refused="is no video file that can be read"),
)
MEDIA: Sequence[Medium] = (
    *CODECS, *FORMATS, *SIZES, *RATES, *TIMES, *SHAPES, *SOUNDS, *COMPANY, *DAMAGES,
)  # fmt: skip
