"""Networks on a device: one, or several parts with a checkpoint, a precision and a place of rest each."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Literal

from ..networks.traits import Precision
from .card import empty_cache
from .cpu import trim_heap

if TYPE_CHECKING:
    import torch
    from torch import nn

Build = Callable[[], "nn.Module"]


@dataclass(frozen=True)
class Part:
    """One of several networks that work together."""

    build: Build
    """Returns it with its weights, loaded strictly."""
    precision: Precision | None = None
    """Its own; None takes that of the call."""
    rests_on: Literal["device", "machine"] = "device"
    """Where it lies while others work: on the device, or in the machine's memory."""
    channels_last: bool = True
    """Whether its weights are laid out with channels last, where the traits say so."""


@dataclass(frozen=True)
class Parts:
    """Networks with a checkpoint each, and what joins them to one."""

    parts: Mapping[str, Part]
    join: Callable[[Mapping[str, nn.Module]], nn.Module]
    """Takes the networks by name and returns the one that the plan calls. Each is on the device while it is called."""


class Networks:
    """One network on one device, built when it is first needed, in the precision of its calls.

    Args:
        build: returns the network with its weights, or tells its parts.
        device: returns the device; asked at the first frame.
        channels_last: whether weights are laid out with channels last.

    """

    def __init__(self, build: Build | Parts, device: Callable[[], torch.device], channels_last: bool = True) -> None:
        self._build = build
        self._pick = device
        self._channels_last = channels_last
        self._built: dict[Precision, nn.Module] = {}
        self._device: torch.device | None = None
        self._failures: list[str] = []
        self._lock = Lock()
        # The networks die with this, and their memory goes back only after them.
        weakref.finalize(self, _release, self._built).atexit = False

    @property
    def device(self) -> torch.device:
        """The device, chosen at the first frame."""
        if self._device is None:
            self._device = self._pick()
        return self._device

    def get(self, precision: Precision) -> nn.Module:
        """Return the network in evaluation mode and in ``precision``."""
        with self._lock:  # halves of a chunk ask at once
            if precision not in self._built:
                self._built[precision] = self._made(precision)
            return self._built[precision]

    def failures(self) -> list[str]:
        """Return what went wrong since this was last asked, and could be done without."""
        return [self._failures.pop() for _ in range(len(self._failures))]

    @contextmanager
    def instead(self, precision: Precision) -> Iterator[Precision]:
        """Lend the network in another precision for a while; its memory goes back afterwards.

        It is read from its checkpoint again and not widened from the half one, whose weights are rounded.
        """
        try:
            yield precision
        finally:
            with self._lock:
                self._built.pop(precision, None)
            empty_cache()

    def _made(self, precision: Precision) -> nn.Module:
        from .compiled import compiled

        if isinstance(self._build, Parts):
            network = self._build.join({name: self._part(part, precision) for name, part in self._build.parts.items()})
        else:
            network = self._placed(self._build(), precision, self.device, self._channels_last)
        # Not worth it: what stands in for half precision later and does not stay. Not possible: weights that move.
        return network if self._built or self._moves else compiled(network, self.device, self._failures)

    @property
    def _moves(self) -> bool:
        """Whether weights leave the device between calls."""
        return isinstance(self._build, Parts) and any(p.rests_on == "machine" for p in self._build.parts.values())

    def _part(self, part: Part, precision: Precision) -> nn.Module:
        import torch

        rest = torch.device("cpu") if part.rests_on == "machine" else self.device
        layout = self._channels_last and part.channels_last
        network = self._placed(part.build(), part.precision or precision, rest, layout)
        if rest != self.device:
            network.register_forward_pre_hook(lambda module, _: module.to(self.device) and None)
            network.register_forward_hook(lambda module, *_: module.to(rest) and None)
        return network

    def _placed(self, network: nn.Module, precision: Precision, device: torch.device, channels_last: bool) -> nn.Module:
        import torch

        from .cpu import tune

        network = network.eval().requires_grad_(False).to(device=device, dtype=getattr(torch, precision))
        if channels_last:
            _lay_channels_last(network)
        return tune(network) if self.device.type == "cpu" else network


def _lay_channels_last(network: nn.Module) -> None:
    """Lay the kernels of convolutions over pictures and over sequences of them out with channels last."""
    import torch

    layouts = {4: torch.channels_last, 5: torch.channels_last_3d}
    for tensor in (*network.parameters(), *network.buffers()):
        if tensor.dim() in layouts:
            tensor.data = tensor.data.contiguous(memory_format=layouts[tensor.dim()])


def _release(built: dict[Precision, nn.Module]) -> None:
    """Free networks, and give what they held back to the system."""
    built.clear()
    empty_cache()
    trim_heap()
