"""Run a network over the frames of one chunk: tensors, cuts, padding, tiles, precision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from . import device as devices
from .buffers import Buffers
from .descriptor import Descriptor, Options, Precision
from .memory import Heap
from .padding import padded
from .precision import Networks, all_finite
from .processor import PROCESSOR
from .tiles import in_tiles
from .windows import Shot, halved, windows

if TYPE_CHECKING:
    from torch import Tensor, nn

Build = Callable[[], "nn.Module"]
Warn = Callable[[str], None]


class Engine:
    """A network with everything between arrays and its tensors.

    Networks do not run in VapourSynth's own threads: the intra-op threads of torch belong to the thread that calls it,
    so each would start a pool of its own. On a card every engine has its own thread, so that one uploads while another
    computes.
    """

    def __init__(self, descriptor: Descriptor, options: Options, build: Build, **arguments: object) -> None:
        self.descriptor = descriptor
        self.options = options
        self.arguments = arguments
        self.networks = Networks(build, lambda: devices.pick(options.device), descriptor.channels_last)
        self._heap = Heap()
        self._buffers = Buffers()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"vsrestore-{descriptor.name}")

    def run(self, frames: Sequence[list[np.ndarray]], found: Sequence[Shot], warn: Warn) -> list[np.ndarray]:
        """Return the finished pictures (C, H, W), float32, of all wanted positions, in order; not limited to [0, 1].

        What needs no network is done in the calling thread, while the network may be busy for another chunk.

        Args:
            frames: the planes (H, W) of every position of the run, float32.
            found: the shots that hold wanted positions.
            warn: told when half precision broke and float32 stood in; gets the positions in words.

        """
        pictures = [picture for shot in found for picture in self._finite(frames, shot, warn)]
        taken = sum(plane.nbytes for planes in frames for plane in planes)
        self._heap.passed(taken + sum(picture.nbytes for picture in pictures))
        return pictures

    def memory_advice(self) -> str:
        """Return where memory ended and what to do, to follow the words "out of memory"."""
        tile, descriptor = self.options.tile, self.descriptor
        smaller = "tile=512" if tile is None else f"tile={max(tile // 2, 64)}"
        cure = f"try {smaller}" if descriptor.tiles else "try a smaller frame"
        if descriptor.output_size:
            cure = "let the network paint at a smaller size"
        if descriptor.kind == "recurrent":
            cure += f" or chunk={max(descriptor.chunk // 2, 1)}"
        return f" on {self.networks.device}; {cure}, or precision='float16'"

    def _finite(self, frames: Sequence[list[np.ndarray]], shot: Shot, warn: Warn) -> list[np.ndarray]:
        """Return K * factor pictures (C, H, W) for the K wanted frames of a shot, without NaN and infinity."""
        seen = self._seen(frames, shot)
        precision = self.options.precision
        results = self._computed(seen, shot, precision)
        finite = all(map(all_finite, results))
        if not finite and precision != "float32":
            warn(f"{precision} gave NaN or infinity; computed again in float32")
            results = self._computed(seen, shot, "float32")
            finite = all(map(all_finite, results))
        if not finite:
            raise ArithmeticError("the network gave NaN or infinity")
        if not any(np.may_share_memory(result, seen.numpy()) for result in results):
            self._buffers.give_back(seen)
        pictures = [picture for result in results for picture in result]
        return [picture[::-1] for picture in pictures] if self.descriptor.channel_order == "bgr" else pictures

    def _seen(self, frames: Sequence[list[np.ndarray]], shot: Shot) -> Tensor:
        """Return the frames (T, C, H, W) that the network sees for a shot, on the CPU."""
        first, end = shot.first, shot.end
        if self.descriptor.kind == "image":
            first, end = shot.wanted_first, shot.wanted_end
        if self.descriptor.kind == "window":
            needed = windows(shot, self.descriptor)[0]
            first, end = needed.start, needed.stop
        shape = (end - first, len(frames[0]), *frames[0][0].shape)
        held = self._buffers.lend(shape, self.descriptor.channels_last)
        pixels = held.numpy()
        order = slice(None, None, -1 if self.descriptor.channel_order == "bgr" else 1)
        for index, planes in enumerate(frames[first:end]):
            for channel, plane in enumerate(planes[order]):
                pixels[index, channel] = plane
        return held

    def _computed(self, seen: Tensor, shot: Shot, precision: Precision) -> list[np.ndarray]:
        """Let the network run in its thread, or both halves of the shot side by side; results as of ``_compute``."""
        if self.networks.device.type != "cpu":
            return [self._thread.submit(self._compute, seen, shot, precision).result()]
        if not (self.descriptor.halves and shot.wanted > 1 and PROCESSOR.has_halves):
            return [PROCESSOR.run(partial(self._compute, seen, shot, precision))]
        first = windows(shot, self.descriptor)[0].start
        calls = []
        for half in halved(shot):
            needed = windows(half, self.descriptor)[0]
            part = seen[needed.start - first : needed.stop - first]
            calls.append(partial(self._compute, part, half, precision))
        return PROCESSOR.side_by_side(calls)

    def _compute(self, seen: Tensor, shot: Shot, precision: Precision) -> np.ndarray:
        """Return (K * factor, C, H, W) for the K wanted frames of a shot, of which ``seen`` has all that is needed."""
        import torch

        dtype = torch.float32 if self.descriptor.float32_frames else getattr(torch, precision)
        with torch.inference_mode():
            frames = seen.to(device=self.networks.device, dtype=dtype)
            return self._shot(frames, shot, precision).float().cpu().numpy()

    def _shot(self, frames: Tensor, shot: Shot, precision: Precision) -> Tensor:
        """Return (K * factor, C, H, W) for the K wanted frames of a shot, on the network's device."""
        import torch

        network = partial(self.networks.get(precision), **self.arguments)
        if self.descriptor.kind == "image":
            return self._sized(frames, network)
        sequence = frames.unsqueeze(0)
        if self.descriptor.kind == "recurrent":
            factor = self.descriptor.frame_factor
            keep = range(shot.wanted_first - shot.first, shot.wanted_end - shot.first)
            if self.descriptor.keeps:
                return self._sized(sequence, partial(network, keep=keep))[0]
            return self._sized(sequence, network)[0][keep.start * factor : keep.stop * factor]
        table = torch.tensor(windows(shot, self.descriptor)[1], device=self.networks.device)
        return self._sized(sequence, lambda piece: network(piece, table))[0]

    def _sized(self, frames: Tensor, call: Callable[[Tensor], Tensor]) -> Tensor:
        """Pad to the network's multiple, run whole or in tiles, crop."""
        height, width = frames.shape[-2:]
        frames = padded(frames, self.descriptor)
        multiple, scale, tile = self.descriptor.multiple, self.descriptor.scale, self.options.tile
        if tile is not None and tile < max(frames.shape[-2:]):
            result = in_tiles(frames, call, tile, self.descriptor.tile_overlap, multiple, scale)
        else:
            result = call(frames)
        if self.descriptor.output_size:
            return result
        return result[..., : height * scale, : width * scale]


def out_of_memory(error: BaseException) -> bool:
    """Tell whether an error means that the device's or the machine's memory is exhausted."""
    import torch

    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "out of memory" in str(error).lower()


def empty_cache(*_: Any) -> None:
    """Give GPU memory that no network holds any more back to the system."""
    import sys

    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
