"""Networks that see frames from afar beside those around the wanted ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Sequence as Numbers
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from ...video.reorder import reordered
from ..call import Call, Companion, Inputs
from ..run import Run
from .plan import Network, Plan
from .window import Window

if TYPE_CHECKING:
    import vapoursynth as vs
    from torch import Tensor

REFERENCE_FRAMES = "reference_frames"


@dataclass(frozen=True, kw_only=True)
class StridedReferences(Plan):
    """``network(frames (1, L + R, C, H, W), local=L, keep=range, ...) -> (1, K, C', s*H, s*W)``.

    The first L frames are the chunk and its surroundings as far as the shot reaches, ``keep`` the wanted ones of them;
    then come those of the frames further away whose numbers are multiples of ``stride``.
    """

    around: int = 0
    """Frames before and after a chunk that belong to L."""
    stride: int = 10
    span: int = 40
    """How far references may lie before and after a chunk."""

    @property
    def reach(self) -> tuple[int, int]:
        """The further of both."""
        both = max(self.around, self.span)
        return both, both

    def calls(self, run: Run) -> Iterator[Call]:
        """Return one call for each shot."""
        for shot in run.shots:
            first, end = shot.wanted.start - self.around, shot.wanted.stop + self.around
            local = range(max(first, shot.first), min(end, shot.end))
            afar = [p for p in range(shot.first, shot.end) if p not in local and not run.number(p) % self.stride]
            keep = [shot.wanted.start - local.start, shot.wanted.stop - local.start]
            yield Call([*local, *afar], shot.wanted, {"local": [[len(local)]], "keep": [keep]})

    def ask(self, network: Network, call: Call, inputs: Inputs) -> Tensor:
        """Give the network local frames and references, one after the other."""
        frames, companions = inputs.as_batch()
        keep = range(*map(int, call.tables["keep"][0]))
        return network(frames, local=int(call.tables["local"][0][0]), keep=keep, **companions)[0]


@dataclass(frozen=True, kw_only=True)
class ChosenReferences(Window):
    """``network(frames (1, T, C, H, W), windows (K, W), references=(K, R), reference_frames=(1, U, C, H, W), ...)``.

    A window network that sees R frames from anywhere in the clip for each wanted one; row k of ``references`` holds
    their positions in ``reference_frames``, in which each frame stands once.
    """

    choose: Callable[[int], Numbers[int]]
    """A pure function: for a frame number those of its references, always R of them."""
    count: int
    """R."""

    def beside(self, clip: vs.VideoNode) -> tuple[vs.VideoNode, Mapping[str, Companion]]:
        """Return the clip, and one clip for each of the R references."""
        clips = [reordered(clip, partial(self._chosen, index)) for index in range(self.count)]
        return clip, {REFERENCE_FRAMES: Companion(clips, at="wanted")}

    def calls(self, run: Run) -> Iterator[Call]:
        """Return one call for each shot, each with its references."""
        for call in super().calls(run):
            slots: dict[int, tuple[int, int]] = {}
            rows = []
            for position in call.wanted:
                numbers = self.choose(run.number(position))
                for index, number in enumerate(numbers):
                    slots.setdefault(number, (position, index))
                rows.append([list(slots).index(number) for number in numbers])
            tables = {**call.tables, "references": rows}
            yield replace(call, tables=tables, slots={REFERENCE_FRAMES: list(slots.values())})

    def ask(self, network: Network, call: Call, inputs: Inputs) -> Tensor:
        """Give the network windows and references."""
        import torch

        references = torch.tensor(call.tables["references"], dtype=torch.int64, device=inputs.frames.device)
        beside = dict(inputs.beside_wanted)
        sequence = beside.pop(REFERENCE_FRAMES).unsqueeze(0)
        guided = partial(network, references=references, reference_frames=sequence)
        return super().ask(guided, call, replace(inputs, beside_wanted=beside))

    def _chosen(self, index: int, number: int) -> int:
        return self.choose(number)[index]
