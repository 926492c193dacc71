"""Run a network over the frames of one chunk: tensors, padding, tiles, precision."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from ..devices import pick
from ..devices.parts import Build, Networks, Parts
from ..devices.worker import Work, Worker
from ..networks.inputs import Inputs
from ..video import errors
from ..video.frames import picture_of, plane_views
from .advice import advice
from .call import Call, Companion, Copy, Slot
from .descriptor import Descriptor, Options, Precision
from .run import Run

if TYPE_CHECKING:
    import vapoursynth as vs
    from torch import Tensor

IMITATED = (
    "precision='bfloat16' is slow here: this device does not compute in it and takes many times as long as in float32; "
    "leave precision out"
)
Warn = Callable[[str], None]
Pictures = dict[int, np.ndarray]
"""Position in the run -> the finished picture (C, H, W), float32."""


class Engine:
    """A network with everything between frames and its tensors.

    Args:
        descriptor: of the network.
        options: of the user.
        build: returns the network with its weights, or tells its parts.
        arguments: what its forward takes beside frames and companions (a strength, say).
        companions: clips beside the frames, by the keyword that it takes them as.

    """

    def __init__(
        self,
        descriptor: Descriptor,
        options: Options,
        build: Build | Parts,
        arguments: Mapping[str, object] | None = None,
        companions: Mapping[str, Companion] | None = None,
    ) -> None:
        self.descriptor = descriptor
        self.options = options
        self.companions = dict(companions or {})
        self.networks = Networks(build, lambda: pick.pick(options.device), descriptor.traits.channels_last)
        self._arguments = dict(arguments or {})
        self._picked: Worker | None = None
        self._lock = Lock()

    @cached_property
    def precision(self) -> Precision:
        """What networks compute in: the user's choice, or the device's."""
        return self.options.precision or pick.precision(self.networks.device, self.descriptor.traits)

    @property
    def _worker(self) -> Worker:
        with self._lock:  # turns come at once, and are to have one together
            if self._picked is None:
                device, name, last = self.networks.device, self.descriptor.name, self.descriptor.traits.channels_last
                self._picked = pick.worker(device, name, last, self.options.elsewhere)
                if self.precision == "bfloat16" and not pick.computes_bfloat16(device):
                    errors.warn(name, IMITATED)
            return self._picked

    def run(self, run: Run, warn: Warn) -> Pictures:
        """Return the finished pictures of all that the run's calls give; not limited to [0, 1].

        What needs no network is done in the calling thread, while the network may be busy for another chunk.

        Args:
            run: the frames around a chunk.
            warn: told when half precision broke and float32 stood in.

        """
        pictures: Pictures = {}
        for call in self.descriptor.plan.calls(run):
            if isinstance(call, Copy):
                pictures[call.wanted] = picture_of(run.frames[call.frame])
            else:
                pictures.update(self._called(run, call, warn))
        return pictures

    def memory_advice(self) -> str:
        """Return where memory ended and what to do, to follow the words "out of memory"."""
        return advice(self.descriptor, replace(self.options, precision=self.precision), self.networks.device)

    def _called(self, run: Run, call: Call, warn: Warn) -> Pictures:
        """Return the pictures of one call, without NaN and infinity."""
        if self.descriptor.numbered:
            call = replace(call, numbers=[run.number(position) for position in call.wanted])
        if self._changes_nothing(run, call):
            return {wanted: picture_of(run.frames[wanted]) for wanted in call.wanted}
        results = self._finite(self._inputs(run, call), call, warn)
        pictures = [picture for result in results for picture in result]
        if self.descriptor.traits.channels == "bgr":
            pictures = [picture[::-1] for picture in pictures]
        return dict(zip(call.wanted, pictures, strict=True))

    def _changes_nothing(self, run: Run, call: Call) -> bool:
        """Tell whether the companion that says where the network acts is 0 in all frames of a call."""
        where = self.descriptor.only_where
        if where is None:
            return False
        masks = run.companions[where][0]
        return not any(plane.any() for position in call.frames for plane in plane_views(masks[position]))

    def _finite(self, inputs: Inputs, call: Call, warn: Warn) -> list[np.ndarray]:
        """Return what the network gives, (K, C, H, W) for the K wanted frames of a call or of each of its parts."""
        precision = self.precision
        results, finite = self._computed(inputs, call, precision)
        if not finite and precision != "float32":
            warn(f"{precision} gave NaN or infinity; computed again in float32")
            with self.networks.instead("float32") as precision:
                results, finite = self._computed(inputs, call, precision)
        if not finite:
            raise ArithmeticError("the network gave NaN or infinity")
        return results

    def _inputs(self, run: Run, call: Call) -> Inputs:
        """Return the tensors of a call, on the CPU."""
        beside_frames, beside_wanted = {}, {}
        for name, companion in self.companions.items():
            clips = run.companions[name]
            if companion.at == "frames":
                beside_frames[name] = self._pictures([clips[0][p] for p in call.frames], companion.channels)
            else:
                slots: Sequence[Slot] = call.slots.get(name, [(p, 0) for p in call.wanted])
                frames = [clips[index][position - run.before] for position, index in slots]
                if frames:  # else the network takes what it takes for none
                    beside_wanted[name] = self._pictures(frames, companion.channels)
        return Inputs(
            self._pictures([run.frames[p] for p in call.frames], None, lent=True), beside_frames, beside_wanted
        )

    def _pictures(self, frames: Sequence[vs.VideoFrame], channels: int | None, lent: bool = False) -> Tensor:
        """Return frames as one tensor (N, C, H, W), colours in the network's order.

        Args:
            frames: RGBS or GRAYS.
            channels: of values that stand below each other, None for pictures.
            lent: whether they are the frames of a call (see ``Worker.memory``).

        """
        planes = [plane_views(frame) for frame in frames]
        if channels is not None:
            planes = [np.split(frame[0], channels) for frame in planes]
        elif self.descriptor.traits.channels == "bgr":
            planes = [frame[::-1] for frame in planes]
        held = self._worker.memory((len(planes), len(planes[0]), *planes[0][0].shape), lent)
        for picture, frame in zip(held.numpy(), planes, strict=True):
            for channel, plane in enumerate(frame):
                picture[channel] = plane
        return held

    def _computed(self, inputs: Inputs, call: Call, precision: Precision) -> tuple[list[np.ndarray], bool]:
        """Return what the network gives for a call, whole or in halves, and whether it is finite."""
        import torch

        whole = not self._worker.splits or self.companions or call.numbers
        halves = () if whole else self.descriptor.plan.halved(call)
        parts = [(_part(inputs, call, half), half) for half in halves] or [(inputs, call)]
        # Of a second precision the network does not stay, and tiles go through the host.
        recurs = precision == self.precision and self.options.tile is None
        works = [
            Work(piece, partial(self._compute, part, precision), part.key if recurs else None) for piece, part in parts
        ]
        float32 = self.descriptor.traits.float32_frames
        made = self._worker.computed(works, torch.float32 if float32 else getattr(torch, precision))
        for failure in self.networks.failures():
            errors.note(self.descriptor.name, failure)
        return made

    def _compute(self, call: Call, precision: Precision, inputs: Inputs) -> Tensor:
        import torch

        network = partial(self.networks.get(precision), **self._arguments, **_numbers(call))
        with torch.inference_mode():
            return self._sized(inputs, lambda piece: self.descriptor.plan.ask(network, call, piece))

    def _sized(self, inputs: Inputs, run: Callable[[Inputs], Tensor]) -> Tensor:
        """Pad to what the network takes, run whole or in tiles, crop."""
        from ..networks.padding import padded
        from ..networks.tiles import Tiling, in_tiles

        traits, tile = self.descriptor.traits, self.options.tile
        height, width = inputs.frames.shape[-2:]
        inputs = inputs.mapped(lambda pictures: padded(pictures, traits))
        if tile is not None and tile < max(inputs.frames.shape[-2:]):
            result = in_tiles(inputs, run, Tiling.of(traits, tile))
        else:
            result = run(inputs)
        if self.descriptor.output_size:
            return result
        return result[..., : height * traits.scale, : width * traits.scale]


def _part(inputs: Inputs, call: Call, half: Call) -> Inputs:
    """Return what a half of a call sees of its frames, which lie side by side."""
    span = slice(half.frames[0] - call.frames[0], half.frames[-1] + 1 - call.frames[0])
    return inputs.mapped(lambda pictures: pictures[span])


def _numbers(call: Call) -> dict[str, Tensor]:
    """Return the numbers of the wanted frames as the network takes them, if it does."""
    import torch

    return {"numbers": torch.tensor(call.numbers, dtype=torch.int64)} if call.numbers else {}
