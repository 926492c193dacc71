"""The containers, one row each, and what becomes of the source's other streams in them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from vsrestore import ffmpeg

from .errors import PipelineError
from .packets import Packets
from .probe import Media, Track, cover_picture
from .survey import Survey, times_of

TEXT_SUBTITLES = {"subrip", "ass", "ssa", "mov_text", "webvtt", "text", "eia_608"}
ISO_AUDIO = {"aac", "ac3", "eac3", "mp3", "mp2", "alac"}
MATROSKA_AUDIO = {
    "aac", "ac3", "eac3", "mp1", "mp2", "mp3", "dts", "truehd", "mlp", "flac", "alac", "opus", "vorbis", "wavpack",
    "tta", "pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le", "pcm_s16be", "pcm_s24be",
    "pcm_s32be", "pcm_alaw", "pcm_mulaw", "wmav1", "wmav2", "wmapro", "adpcm_ms", "adpcm_ima_wav",
}  # fmt: skip
MATROSKA_SUBTITLES = {
    "subrip", "ass", "ssa", "webvtt", "hdmv_pgs_subtitle", "dvd_subtitle", "dvb_subtitle", "hdmv_text_subtitle",
    "arib_caption", "dvb_teletext",
}  # fmt: skip
# codec -> ending and MIME type of a cover picture
COVERS = {"mjpeg": (".jpg", "image/jpeg"), "png": (".png", "image/png"), "webp": (".webp", "image/webp")}


# Some decoders tell how many channels there are and not which; ffmpeg's AAC encoder wants to know.
AAC_LAYOUTS = ["aformat=channel_layouts=mono|stereo|3.0|4.0|5.0|5.1|7.1"]
# Sound that comes more than 20 ms late has silence before it; ffmpeg's own limit, 100 ms, is more than two pictures.
FILLED = "aresample=async=1:min_hard_comp=0.02"


@dataclass(frozen=True)
class Container:
    """What a container takes.

    Attributes:
        muxer: ffmpeg's name.
        encoders: keys of ``ENCODERS`` whose video it takes.
        audio: codecs that are copied.
        audio_encoder: what other audio is encoded with.
        subtitles: codecs that are copied.
        text_encoder: what other text subtitles are converted to.
        attachments: whether it takes attached files.
        options: always given.

    """

    muxer: str
    encoders: frozenset[str]
    audio: frozenset[str]
    audio_encoder: tuple[str, ...]
    subtitles: frozenset[str]
    text_encoder: str
    attachments: bool
    options: tuple[str, ...] = ()


MATROSKA = Container(
    "matroska", frozenset({"x264", "x265", "ffv1", "svt-av1"}), frozenset(MATROSKA_AUDIO), ("flac",),
    frozenset(MATROSKA_SUBTITLES), "subrip", True, ("-default_mode", "passthrough", "-disposition:v:0", "default"),
)  # fmt: skip
MP4 = Container(
    "mp4", frozenset({"x264", "x265", "svt-av1"}), frozenset(ISO_AUDIO | {"flac", "opus"}), ("aac", "256k"),
    frozenset({"mov_text"}), "mov_text", False,
    # ffmpeg 5 takes FLAC in MP4 for an experiment.
    ("-movflags", "+faststart", "-strict", "experimental"),
)  # fmt: skip
MOV = Container(
    "mov", frozenset({"x264", "x265"}), frozenset(ISO_AUDIO | {"pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_s16be"}),
    ("pcm_s16le",), frozenset({"mov_text"}), "mov_text", False, ("-movflags", "+faststart"),
)  # fmt: skip
CONTAINERS = {".mkv": MATROSKA, ".mp4": MP4, ".m4v": MP4, ".mov": MOV}


@dataclass
class CopyPlan:
    """How the streams beside the picture go into the output.

    Attributes:
        options: for ffmpeg, with the source as input 1.
        damaged: numbers of the source's streams that cannot be decoded in places.
        kept: the tracks that arrive, in the order of the output.
        notes: one sentence for everything that is converted or left behind.

    """

    damaged: Collection[int] = ()
    options: list[str] = field(default_factory=list)
    kept: list[Track] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def container_of(output: Path, encoder: str) -> Container:
    """Return the row for an output file.

    Raises:
        PipelineError: an ending that has no row, or a container that does not take this encoder's video.

    """
    row = CONTAINERS.get(output.suffix.lower())
    if row is None:
        raise PipelineError(f"{output}: the ending {output.suffix!r} is unknown; accepted: {', '.join(CONTAINERS)}")
    if encoder not in row.encoders:
        able = ", ".join(suffix for suffix, other in CONTAINERS.items() if encoder in other.encoders)
        raise PipelineError(f"{output}: {row.muxer} does not take {encoder} video; accepted: {able}")
    return row


def copy_plan(media: Media, findings: Survey, container: Container, folder: Path) -> CopyPlan:
    """Return what becomes of the source's audio, subtitles, attachments, cover pictures, chapters and metadata.

    Args:
        media: the source.
        findings: what decoding it showed.
        container: of the output.
        folder: for cover pictures, which Matroska takes as files.

    """
    plan = CopyPlan(findings.damage)
    for track in media.of_kind("audio"):
        _add_audio(plan, track, container, findings)
    for track in media.of_kind("subtitle"):
        _add_subtitle(plan, track, container)
    for track in media.of_kind("attachment"):
        _add_attachment(plan, track, container)
    for track in media.of_kind("cover"):
        _add_cover(plan, track, container, media.path, folder)
    # A data stream beside chapters is how MP4 keeps their titles.
    data = () if media.chapters else media.of_kind("data")
    for track in (*media.of_kind("video"), *data):
        plan.notes.append(f"stream {track.index} ({track.kind}, {track.codec}) is not copied")
    plan.options += ["-map_chapters", "1", "-map_metadata", "1", *container.options]
    return plan


def picture_metadata(metadata: dict[str, str], kept: Iterable[str] = ("language", "title")) -> list[str]:
    """Return the options that give the new video stream the source's language and title."""
    return [word for key in kept if key in metadata for word in ("-metadata:s:v:0", f"{key}={metadata[key]}")]


def _add_audio(plan: CopyPlan, track: Track, container: Container, findings: Survey) -> None:
    position = _position(plan, track)
    damage = findings.damage.get(track.index)
    if track.codec in container.audio and not damage:
        plan.options += [f"-c:a:{position}", "copy", *_without_lead(position, findings.packets[track.index])]
        return
    codec, *rate = container.audio_encoder
    plan.options += [f"-c:a:{position}", codec]
    plan.options += [f"-b:a:{position}", rate[0]] if rate else []
    # Copied, damaged sound would end the muxer; decoded, what is lost becomes silence of the same length.
    chain = [FILLED, *(AAC_LAYOUTS if codec == "aac" else [])]
    plan.options += [f"-filter:a:{position}", ",".join(chain)]
    if damage:
        plan.notes.append(
            f"audio stream {track.index}: is damaged at {times_of(damage)}; silent there, encoded as {codec}"
        )
    else:
        takes = f"{container.muxer} does not take {track.codec}"
        plan.notes.append(f"audio stream {track.index}: {takes}; encoded as {codec}")


def _without_lead(position: int, packets: Packets) -> list[str]:
    """Return the options that leave out the sound that an edit list cut off, of which a copy would know nothing.

    By number: ffmpeg 5 does not know the times of packets here.
    """
    cut_off = packets.cut_off()
    return [f"-bsf:a:{position}", f"noise=drop=lt(n\\,{cut_off})"] if cut_off else []


def _add_subtitle(plan: CopyPlan, track: Track, container: Container) -> None:
    if track.codec in container.subtitles:
        plan.options += [f"-c:s:{_position(plan, track)}", "copy"]
    elif track.codec in TEXT_SUBTITLES:
        plan.options += [f"-c:s:{_position(plan, track)}", container.text_encoder]
        plan.notes.append(f"subtitle stream {track.index}: {track.codec} is converted to {container.text_encoder}")
    else:
        advice = "; an .mkv output keeps it" if track.codec in MATROSKA_SUBTITLES else ""
        plan.notes.append(f"subtitle stream {track.index} ({track.codec}) does not fit {container.muxer}{advice}")


def _add_attachment(plan: CopyPlan, track: Track, container: Container) -> None:
    if container.attachments:
        plan.options += [f"-c:t:{_position(plan, track)}", "copy"]
    else:
        plan.notes.append(f"attachment {track.index} does not fit {container.muxer}; an .mkv output keeps it")


def _add_cover(plan: CopyPlan, track: Track, container: Container, source: Path, folder: Path) -> None:
    if not container.attachments and not track.sized:
        plan.notes.append(f"cover picture {track.index} ({track.codec}) cannot be read; it is left out")
        return
    if not container.attachments:
        number = 1 + sum(kept.kind == "cover" for kept in plan.kept)
        plan.options += ["-map", f"1:{track.index}", f"-c:v:{number}", "copy"]
        plan.options += [f"-disposition:v:{number}", "attached_pic"]
        plan.kept.append(track)
        return
    ending, kind = COVERS.get(track.codec, ("", ""))
    if not ending:
        plan.notes.append(f"cover picture {track.index} ({track.codec}) does not fit {container.muxer}")
        return
    file = folder / f"cover{track.index}{ending}"
    file.write_bytes(cover_picture(source, track.index))
    position = sum(kept.kind in ("attachment", "cover") for kept in plan.kept)
    name = track.metadata.get("filename", f"cover{ending}")
    plan.options += ["-attach", ffmpeg.file_url(file), f"-metadata:s:t:{position}", f"mimetype={kind}"]
    plan.options += [f"-metadata:s:t:{position}", f"filename={name}"]
    plan.kept.append(track)


def _position(plan: CopyPlan, track: Track) -> int:
    """Map the track and return its number among the output's streams of its kind."""
    position = sum(kept.kind == track.kind for kept in plan.kept)
    plan.kept.append(track)
    plan.options += ["-map", f"1:{track.index}"]
    return position
