"""What a user says of the cluster that is to render."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..errors import PipelineError

LOCAL = re.compile(r"local:([1-9]\d{0,2})")
SCHEDULER = re.compile(r"(?:tcp|tls)://[^/\s]+:\d+")


@dataclass(frozen=True)
class Cluster:
    """A cluster of workers.

    Attributes:
        address: of a Dask scheduler, or ``local:N`` for N workers on this machine.
        maps: folders of this machine, each with the path by which workers see the same folder.
        allow_mixed: whether workers may render whose frames could differ from those of the others.

    """

    address: str
    maps: tuple[tuple[Path, Path], ...] = ()
    allow_mixed: bool = False

    @property
    def local(self) -> int:
        """How many workers run on this machine for this job alone, 0 where there is a scheduler."""
        local = LOCAL.fullmatch(self.address)
        return int(local[1]) if local else 0


def cluster_of(address: str | None, maps: Iterable[str], *, allow_mixed: bool) -> Cluster | None:
    """Return the cluster that a command names, None where it names none.

    Raises:
        PipelineError: something cannot be read, or is of no use without a cluster.

    """
    pairs = tuple(map(_pair, maps))
    if address is None:
        if pairs or allow_mixed:
            raise PipelineError(f"{'--map' if pairs else '--allow-mixed'} goes with --cluster")
        return None
    if not (LOCAL.fullmatch(address) or SCHEDULER.fullmatch(address)):
        raise PipelineError(
            f"--cluster {address}: cannot be read; give the address of a Dask scheduler (tcp://HOST:PORT, tls://HOST:PORT),"
            " or local:2 for two workers on this machine"
        )
    return Cluster(address, pairs, allow_mixed)


def mapped(path: Path, maps: Iterable[tuple[Path, Path]]) -> Path:
    """Return a path of this machine as workers see it: the first folder that it lies in counts."""
    for here, there in maps:
        if path.is_relative_to(here):
            return there / path.relative_to(here)
    return path


def _pair(text: str) -> tuple[Path, Path]:
    here, sign, there = text.partition("=")
    if not sign or not Path(here).is_absolute() or not Path(there).is_absolute():
        raise PipelineError(f"--map {text}: cannot be read; give two whole paths, --map /here=/on/workers")
    return Path(here), Path(there)
