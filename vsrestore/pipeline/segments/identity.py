"""What decides the picture of a job: two runs with the same give the same frames, and only such are one job."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from vsrestore import ffmpeg
from vsrestore.switches import compiles

from ..inventory import cards, processor
from ..job import Job
from ..script import FilterCall
from ..source import is_url

PACKAGES = ("torch", "onnxruntime", "onnxruntime-gpu", "numpy", "vapoursynth", "vapoursynth-bestsource")
CARDS = "nvidia[0-9]*"
ENDS = 1 << 20  # bytes at the head and at the tail of a source
Identity = dict[str, str]


def identity_of(job: Job, calls: Iterable[FilterCall]) -> Identity:
    """Return all that decides the picture, by what it is called in a message.

    Args:
        job: the wish.
        calls: its filters, resolved.

    Raises:
        CheckpointError: a checkpoint cannot be read.

    """
    calls = list(calls)
    script = "" if job.script is None else _digest([job.script.read_bytes()])
    places = (job.start, job.end, job.preview or None)
    return {
        "the source": job.input if is_url(job.input) else source_identity(Path(job.input)),
        "yt-dlp's choice": str(job.quality),
        "the filters": "; ".join(map(_without_device, calls)),
        "the script": script,
        "the checkpoints": ", ".join(sorted(f"{name} {digest}" for name, digest in checkpoints_of(calls))),
        "the part of the clip": ", ".join(str(place) for place in places),
        "the encoder": f"{job.encoder}, crf {job.crf}, preset {job.preset}, {' '.join(job.ffmpeg_args)}",
        **({} if job.cluster else machine_identity(calls)),  # of those of a cluster, each is asked
        "the ending of the output": job.output.suffix.lower(),
    }


def machine_identity(calls: Iterable[FilterCall]) -> Identity:
    """Return what frames depend on that is not the same on each machine."""
    return {"the versions": ", ".join(_versions()), "the devices": ", ".join(sorted(set(_devices(calls))))}


def content_of(source: Path) -> str:
    """Return size and a hash of head and tail of a file.

    Raises:
        OSError: it cannot be read.

    """
    size = source.stat().st_size
    with source.open("rb") as file:
        head = file.read(ENDS)
        file.seek(max(size - ENDS, 0))
        return f"{size} bytes, {_digest([head, file.read()])}"


def source_identity(source: Path) -> str:
    """Return name, size, time of change and a hash of head and tail of a file; nothing where there is none."""
    try:
        return f"{source.absolute()}, {source.stat().st_mtime_ns} ns, {content_of(source)}"
    except OSError:
        return ""


def told_differences(old: Mapping[str, Any], new: Identity) -> str:
    """Return what differs between two jobs, in words; empty where they are one."""
    return "; ".join(
        f"{name}: was {old.get(name) or 'nothing'}, is {value or 'nothing'}"
        for name, value in new.items()
        if old.get(name) != value
    )


def checkpoints_of(calls: Iterable[FilterCall]) -> Iterator[tuple[str, str]]:
    """Yield the checkpoints that arguments name, each with its SHA-256.

    A published one that is not here is left out: the filter says whether it needs it.

    Raises:
        CheckpointError: one cannot be read.

    """
    import vsrestore
    from vsrestore.checkpoints import entries, find, is_here
    from vsrestore.checkpoints.verify import sha256_of

    known = entries()
    for call in calls:
        for value in _arguments(vsrestore, call).values():
            if isinstance(value, str) and (is_here(known[value]) if value in known else Path(value).is_file()):
                yield value, sha256_of(find(value))[:16]


def _without_device(call: FilterCall) -> str:
    """Which of several cards of a kind it is does not matter."""
    return str(FilterCall(call.name, {key: value for key, value in call.arguments.items() if key != "device"}))


def _arguments(package: Any, call: FilterCall) -> dict[str, object]:
    """Return all arguments of a call, those that it leaves at their defaults, too."""
    import inspect

    defaults = {key: one.default for key, one in inspect.signature(getattr(package, call.name)).parameters.items()}
    return {**defaults, **call.arguments}


def _versions() -> Iterator[str]:
    import vsrestore

    yield f"vsrestore {vsrestore.__version__}"
    for name in PACKAGES:
        try:
            yield f"{name} {version(name)}"
        except PackageNotFoundError:
            continue
    yield f"ffmpeg {ffmpeg.version_text()}"
    if compiles():
        yield "networks compiled"


def _devices(calls: Iterable[FilterCall]) -> Iterator[str]:
    """Yield the kinds of devices that calls name, and what there is where one names none.

    What torch would choose is not asked, for that takes seconds.
    """
    import vsrestore

    for call in calls:
        arguments = _arguments(vsrestore, call)
        if "device" in arguments:
            device = arguments["device"]
            yield str(device).partition(":")[0] if device else "a card" if list(Path("/dev").glob(CARDS)) else "no card"
            yield from cards() if device != "cpu" else ()
    yield processor()


def _digest(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()[:16]
