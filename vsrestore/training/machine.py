"""Where a run computes, and how precisely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from vsrestore.networks.traits import Precision
from vsrestore.training.errors import TrainingError


@dataclass(frozen=True)
class Machine:
    """A torch device, and the precision of convolutions there; weights, losses and optimisers stay float32.

    With float16, gradients are scaled, because small ones would vanish.
    """

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    precision: Precision = field(default_factory=lambda: safe_precision(torch.device("cpu")))

    def autocast(self) -> torch.autocast:
        """Return the context in which a network runs."""
        full = self.precision == "float32"
        dtype = torch.bfloat16 if full else getattr(torch, self.precision)
        return torch.autocast(self.device.type, dtype, enabled=not full)

    def scaler(self) -> torch.amp.GradScaler:
        """Return what scales gradients; it does nothing but with float16."""
        return torch.amp.GradScaler(self.device.type, enabled=self.precision == "float16")

    def layout(self, radius: int) -> torch.memory_format:
        """Return how the weights of a network with so many neighbours are laid out: channels last, where that is safe.

        With channels last, bf16 and several threads, torch 2.15 on the processor writes beyond its memory in the
        gradient of fastai's U-Net (glibc's MALLOC_CHECK_=3 shows it; each of its layers alone is sound).
        """
        unsafe = self.device.type == "cpu" and radius == 0
        return torch.contiguous_format if unsafe else torch.channels_last

    @property
    def pins(self) -> bool:
        """Whether batches are best kept in memory from which the device copies by itself."""
        return self.device.type == "cuda"

    def take(self, batch: Sequence[Tensor]) -> list[Tensor]:
        """Return a batch on the device; the copy runs beside the computing where memory is pinned."""
        return [part.to(self.device, non_blocking=self.pins) for part in batch]


def machine(device: str | None = None, precision: Precision | None = None) -> Machine:
    """Return the machine of these names.

    Args:
        device: what torch calls it by; None takes the one that filters take, the best there is.
        precision: of convolutions; None takes `safe_precision`.

    Raises:
        TrainingError: torch knows no such device, or this machine has none.
    """
    chosen = _best() if device is None else _present(device)
    return Machine(chosen, precision or safe_precision(chosen))


def safe_precision(device: torch.device) -> Precision:
    """Return bfloat16 where the device computes in it, not in its place, else float32.

    Training in float16 can fail, as gradients vanish or overflow in it; it is never chosen unasked.
    """
    from vsrestore.devices.pick import computes_bfloat16  # here: it loads VapourSynth

    return "bfloat16" if computes_bfloat16(device) else "float32"


def _best() -> torch.device:
    from vsrestore.devices.pick import pick  # likewise

    return pick(None)


def _present(device: str) -> torch.device:
    try:
        chosen = torch.device(device)
        torch.zeros(1, device=chosen)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise TrainingError(
            f"device {device!r} cannot be used ({reason}); give cpu, cuda, cuda:N, xpu or mps"
        ) from None
    return chosen
