"""Which frames of a clip a network sees for each that it gives, in training and for measuring."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vsrestore.networks.traits import Border
from vsrestore.networks.windows import window
from vsrestore.training.task import Between, Restorer

BORDER: Border = "reflect_circle"  # what stands for neighbours beyond the ends of a shot
FURTHER = 4  # every so manieth step, a network that makes frames between others gets those furthest apart


def training_windows(network: Restorer, count: int, step: int) -> Tensor:
    """Windows into a sample of ``count`` frames, (K, 2 * radius + 1), int64.

    The frames that have all their neighbours come first, one after another; then, for networks that see neighbours, one
    of the first frames and one of the last. Networks that make frames between others have none at the ends; now and
    then they get the first frame of the sample and the last one, and make those between at several times.
    """
    radius = network.radius
    inner = range(radius, count - radius)
    if not isinstance(network, Between):
        return clip_windows(network, count, [*inner, *ends(count, radius, step)])
    if step % FURTHER == FURTHER - 1:
        return torch.tensor([(0, wanted, count - 1) for wanted in inner])
    return clip_windows(network, count)


def clip_windows(network: Restorer, count: int, centres: Sequence[int] | None = None) -> Tensor:
    """Windows around frames of a clip of ``count``, (K, 2 * radius + 1), int64: all that the network can give."""
    radius = network.radius
    if centres is None:
        centres = range(radius, count - radius) if isinstance(network, Between) else range(count)
    return torch.tensor([window(centre, count, radius, radius, BORDER) for centre in centres])


def ends(count: int, radius: int, step: int) -> tuple[int, ...]:
    """One of the first ``radius`` of ``count`` frames and one of the last, others at every step; none for radius 0."""
    return (step % radius, count - 1 - (step + 1) % radius) if radius else ()
