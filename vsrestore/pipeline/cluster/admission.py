"""Which workers may render a job: those whose frames are the frames of all others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vsrestore.errors import VsrestoreError

from ..commands import Task
from ..errors import RunError
from ..segments.cuts import Segment
from ..segments.folder import JobFolder
from . import on_worker
from .crew import FETCH_SECONDS
from .differences import distance
from .on_worker import CARD, CLASS, CONTENT, PROBLEM
from .wish import Cluster, mapped

if TYPE_CHECKING:
    from distributed import Client, Future

Known = Mapping[str, str]
Class = tuple[str, ...]


@dataclass(frozen=True)
class Trial:
    """A finished segment that a worker renders once more."""

    address: str
    segment: Segment
    future: Future


class Admission:
    """Decides on workers.

    Args:
        client: connected to their scheduler.
        wish: what the user says of the cluster.
        task: of the job.
        tell: takes one sentence that the user should read.

    """

    def __init__(self, client: Client, wish: Cluster, task: Task, tell: Callable[[str], None]) -> None:
        self._client, self._wish, self._tell = client, wish, tell
        self._folder = JobFolder(task.work)
        self.arguments = (str(mapped(task.work, wish.maps)), wish.maps)
        """The first two arguments of whatever workers are asked."""
        self._here = on_worker.description(str(task.work), ())
        identity = self._folder.identity() or {}
        self._class: Class | None = _class(identity) if identity.keys() >= set(CLASS) else None
        self.resources: dict[str, dict[str, float]] = {}
        """What a worker must have free for a segment, by its address: a card never gets two at once."""
        self._known: dict[str, Known] = {}
        self._cards: dict[str, str] = {}
        self._verdicts: dict[Class, str] = {}
        self._trials: dict[Class, Trial] = {}

    def __call__(self, addresses: Sequence[str]) -> dict[str, str]:
        """Return for each worker why it is refused, "" where it may render; it is not among them while that is open."""
        new = [address for address in addresses if address not in self._known]
        self._known |= {address: _plain(answer) for address, answer in self._described(new).items()}
        known = {address: self._known[address] for address in addresses if address in self._known}
        verdicts = {address: self._hard(one) for address, one in known.items()}
        fitting = [address for address, reason in verdicts.items() if not reason]
        self._settle_class([_class(known[address]) for address in fitting])
        for address in fitting:
            verdict = self._soft(address, known[address])
            if verdict is None:
                del verdicts[address]
            else:
                verdicts[address] = verdict or self._card_taken(address, known[address][CARD])
        return verdicts

    def _described(self, addresses: Sequence[str]) -> dict[str, Any]:
        """Return what each worker says of itself, or the error that came instead; those that have gone are left out."""
        if not addresses:
            return {}
        try:
            described: dict[str, Any] = self._client.run(
                on_worker.describe, *self.arguments, workers=list(addresses), on_error="return"
            )
        except (OSError, KeyError, ValueError):
            return {}
        return {address: answer for address, answer in described.items() if not isinstance(answer, OSError)}

    def _hard(self, known: Known) -> str:
        """Return why a worker cannot take part, whatever is allowed."""
        if PROBLEM in known:
            return known[PROBLEM]
        for name in CONTENT:
            if known[name] != self._here.get(name):
                return f"{name} is another there ({known[name] or 'none'}, here {self._here.get(name) or 'none'})"
        return ""

    def _settle_class(self, classes: Sequence[Class]) -> None:
        """The most frequent kind among the first workers is that of the job; the job's folder says so from then on.

        Of two that are as frequent it is the one of this machine.
        """
        if self._class is None and classes:
            counts, own = Counter(sorted(classes)), _class(self._here)
            self._class = max(counts, key=lambda kind: (counts[kind], kind == own))
            identity = self._folder.identity() or {}
            self._folder.keep_identity({**identity, **dict(zip(CLASS, self._class, strict=True))})

    def _soft(self, address: str, known: Known) -> str | None:
        """Return why a worker whose frames could differ is refused; None while that is measured."""
        kind = _class(known)
        assert self._class is not None
        if kind == self._class:
            return ""
        unlike = "; ".join(_unlike(*each) for each in zip(CLASS, kind, self._class, strict=True) if each[1] != each[2])
        if not self._wish.allow_mixed:
            return f"its frames could differ from the others' ({unlike}); --allow-mixed measures that and allows it"
        if kind not in self._verdicts:
            self._measure(address, kind, unlike)
        return self._verdicts.get(kind)

    def _measure(self, address: str, kind: Class, unlike: str) -> None:
        """Have a worker render a segment that is finished, and see by how much its frames differ."""
        if kind not in self._trials:
            segment = self._finished()
            if segment is not None:
                asked = (*self.arguments, segment.number)
                future = self._client.submit(on_worker.trial, *asked, workers=[address], pure=False)
                self._trials[kind] = Trial(address, segment, future)
            return
        trial = self._trials[kind]
        if not trial.future.done():
            if trial.address not in self._client.nthreads():
                del self._trials[kind]
            return
        self._verdicts[kind] = ""
        try:
            made = self._folder.path / self._made(trial)
            apart = distance(self._folder.picture(trial.segment), made)
            self._tell(f"worker {address} ({unlike}) may render: in segment {trial.segment.number} {apart}")
            made.unlink(missing_ok=True)
        except VsrestoreError as error:
            self._verdicts[kind] = str(error)

    def _made(self, trial: Trial) -> str:
        """Return the name of the file that a trial has written; whatever fails is said in words."""
        try:
            name: str = trial.future.result(timeout=FETCH_SECONDS)
        except VsrestoreError:
            raise
        except Exception as error:
            raise RunError(f"its trial failed ({type(error).__name__}: {error})") from None
        return name

    def _finished(self) -> Segment | None:
        """Return the shortest finished segment, None before there is one."""
        clip = self._folder.clip()
        done = [segment for segment in clip.segments if self._folder.record(segment)] if clip else []
        return min(done, key=lambda segment: segment.frames, default=None)

    def _card_taken(self, address: str, card: str) -> str:
        """Return why a worker is refused whose card another one has, and remember whose a card is."""
        other = self._cards.get(card)
        if card and other in self._client.nthreads():
            return f"it renders on the card of {other} ({card}); start each worker with a card of its own"
        if card:
            self._cards[card], self.resources[address] = address, {"GPU": 1}
        return ""


def _plain(answer: Any) -> Known:
    """Return what a worker says of itself, or that it cannot say it."""
    if isinstance(answer, dict):
        return answer
    return {PROBLEM: f"it has no vsrestore that can take part ({type(answer).__name__}: {answer})"}


def _class(known: Known) -> Class:
    return tuple(known.get(name, "") for name in CLASS)


def _unlike(name: str, there: str, others: str) -> str:
    """Return in what two lists differ."""
    own, theirs = ({*text.split(", ")} for text in (there, others))
    more, less = (", ".join(sorted(part)) or "nothing" for part in (own - theirs, theirs - own))
    return f"{name}: {more} instead of {less}"
