"""What a network is trained to undo: the interface of the files in `vsrestore.training.tasks`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vsrestore.training.recipe import DataRecipe

Frames = NDArray[np.float32]
"""(T, H, W, 3) RGB in [0, 1]."""


class Sample(NamedTuple):
    """What the network sees, (T, h, w, 3), and what each of its heads should give, (T, s * h, s * w, 3).

    marks: (T, h, w, K) how opaque the damage of each of the task's K kinds lies where, 0 to 1; None where the task does
        not know.
    """

    seen: Frames
    targets: tuple[Frames, ...]
    marks: Frames | None = None


def known_cases[Damage](
    damage: Mapping[str, tuple[int, Damage]], damaged: Callable[[Frames, int, Damage], Sample], heads: int
) -> dict[str, Callable[[Frames], Sample]]:
    """Return measures by name, from seed and parameters each, laid on by ``damaged``; "undamaged" comes last."""
    known = {name: partial(_laid, damaged=damaged, seed=seed, params=params) for name, (seed, params) in damage.items()}
    return {**known, "undamaged": lambda frames: Sample(frames, (frames,) * heads)}


def _laid[Damage](
    frames: Frames, damaged: Callable[[Frames, int, Damage], Sample], seed: int, params: Damage
) -> Sample:
    return damaged(frames, seed, params)


class Restorer(Protocol):
    """A network that can be trained: from windows of frames to one restored frame each, for every head."""

    @property
    def radius(self) -> int:
        """Neighbours on each side of the centre."""

    def restore(self, frames: Tensor, windows: Tensor) -> tuple[Tensor, ...]:
        """From frames (N, T, 3, H, W) and windows (K, 2 * radius + 1): (N, K, 3, s * H, s * W) for every head."""


@runtime_checkable
class Marking(Restorer, Protocol):
    """A restorer that says where the damage lies."""

    def restore_and_mark(self, frames: Tensor, windows: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        """What ``restore`` gives, and logits of damage in cells of the frames, (N, K, C, h, w)."""


@runtime_checkable
class Between(Protocol):
    """A restorer that makes the centre of a window from its ends alone, as interpolation does."""

    makes_between: bool


class Task(Protocol):
    """A kind of damage, and how the repair is measured."""

    @property
    def heads(self) -> tuple[str, ...]:
        """What the network's heads give, in a word each, for logs and tables."""

    @property
    def flips(self) -> tuple[int, ...]:
        """Axes of tensors (T, 3, H, W) along which damaged and clean frames may be flipped together."""

    def damaged(self, clean: Frames, data: DataRecipe, rng: np.random.Generator) -> Sample:
        """Damage clean frames at random, for training."""

    def cases(self) -> Mapping[str, Callable[[Frames], Sample]]:
        """Damage for measuring, by name: the same at every call."""
