"""Networks that see frames from afar beside those around the wanted ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Sequence as Numbers
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import vapoursynth as vs

from ...networks.inputs import Inputs
from ...video.marks import is_marked
from ...video.reorder import picked, reordered
from ...video.shot_extents import shot_extents, shot_of
from ..call import Call, Companion
from ..run import Run
from .plan import Network, Plan
from .window import Window

if TYPE_CHECKING:
    from torch import Tensor

REFERENCE_FRAMES, REFERENCES = "reference_frames", "references"
ABSENT = "vsrestore_absent"
"""The property of a frame that stands for none."""


@dataclass(frozen=True, kw_only=True)
class StridedReferences(Plan):
    """``network(frames (1, L, C, H, W), references=(R, c, H', W'), companion=(1, L, c, H, W)...) -> (1, L, C', ...)``.

    There is a window around the first frame of every chunk, a chunk long to either side, and it gives all of its
    frames. What several windows give of a frame is halved: half of each later one counts, and half of what the earlier
    ones made. Beside its frames a window sees others of its shot, every ``stride`` frames; where it has none, the
    network is called without. A shot that begins and ends between the middles of two windows has one of its own.
    """

    stride: int = 10
    count: int = 8
    """References of a window in reach of it: those from half of them before its middle on."""
    everywhere: bool = False
    """Whether references are instead all frames of the clip whose numbers are multiples of ``stride``."""
    levels: int | None = None
    """The largest code of a picture whose codes are whole numbers: what is halved is cut down to one of them."""
    length: int = 0
    """Frames of the clip."""

    @property
    def reach(self) -> tuple[int, int]:
        """The window beyond the chunk."""
        return self.chunk, 1

    @property
    def span(self) -> tuple[int, int]:
        """How far references may lie."""
        far = max(self.length if self.everywhere else self._half, self.chunk)
        return far, far

    @property
    def joins(self) -> bool:
        """Windows overlap."""
        return True

    @property
    def shorter(self) -> None:
        """The length of a chunk is what it is."""
        return None

    def joined(self, pictures: Numbers[np.ndarray]) -> np.ndarray:
        """Halve pictures, one after another."""
        result = pictures[0]
        for picture in pictures[1:]:
            result = (result + picture) / 2
            if self.levels is not None:
                # The sum is a whole number of half codes, but for rounding.
                result = np.floor(np.rint(result * (2 * self.levels)) / 2) / np.float32(self.levels)
        return result

    def companions(self, clip: vs.VideoNode, features: vs.VideoNode, where: vs.VideoNode) -> list[vs.VideoNode]:
        """Return the clips of the companion "references": for every frame those of its window, in order.

        Args:
            clip: the one that windows lie in, with its cuts.
            features: what is seen of every frame.
            where: marks (see ``video.marks``): windows of other frames have no references, and nothing is asked for.

        """
        extents = shot_extents(clip, max(self.span))
        absent = vs.core.std.BlankClip(features, length=1, keep=True).std.SetFrameProps(**{ABSENT: 1})
        every = range(self.most)
        return [picked(features, absent, [extents, where], partial(self._picked, index)) for index in every]

    def calls(self, run: Run) -> Iterator[Call]:
        """Return one call for the shot of the window's middle, and one for each that lies between it and the next."""
        middle, following = run.before, run.before + run.chunk
        for shot in run.shots:
            if shot.first <= middle or shot.end <= following:
                place = max(shot.first, middle)
                beside = run.companions[REFERENCES]
                slots = [(place, i) for i, frames in enumerate(beside) if ABSENT not in frames[place - middle].props]
                frames = range(shot.first, shot.end)
                yield Call(frames, frames, slots={REFERENCES: slots})

    def ask(self, network: Network, call: Call, inputs: Inputs) -> Tensor:
        """Give the network the window and its references."""
        frames, companions = inputs.as_batch()
        return network(frames, **companions)[0]

    @property
    def _half(self) -> int:
        return self.stride * (self.count // 2)

    @property
    def most(self) -> int:
        """The most references of a window."""
        return -(-self.length // self.stride) if self.everywhere else 2 * (self.count // 2)

    def numbers(self, number: int, shot: range) -> list[int]:
        """Return the references of the window that lies around a frame, or begins the chunk that it lies in.

        Args:
            number: of the frame.
            shot: the frames of its shot, those in the span at least.

        """
        middle = number // self.chunk * self.chunk
        local = range(middle - self.chunk, middle + self.chunk + 1)
        if self.everywhere:
            candidates = range(0, self.length, self.stride)
        else:
            first, end = max(shot.start, middle - self._half), min(shot.stop, middle + self._half)
            candidates = range(first, end, self.stride)
        return [candidate for candidate in candidates if candidate in shot and candidate not in local]

    def _picked(self, index: int, number: int, frames: Numbers[vs.VideoFrame]) -> int | None:
        extent, mark = frames
        if not is_marked(mark):
            return None
        numbers = self.numbers(number, shot_of(extent))
        return numbers[index] if index < len(numbers) else None


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

        references = torch.tensor(call.tables["references"], dtype=torch.int64)
        beside = dict(inputs.beside_wanted)
        sequence = beside.pop(REFERENCE_FRAMES).unsqueeze(0)
        guided = partial(network, references=references, reference_frames=sequence)
        return super().ask(guided, call, replace(inputs, beside_wanted=beside))

    def _chosen(self, index: int, number: int) -> int:
        return self.choose(number)[index]
