"""What the runtime asks of a device, whatever its kind."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import Tensor

    from ..networks.inputs import Inputs


class Work(NamedTuple):
    """One call of a network, or one of the parts that give the same."""

    inputs: Inputs
    """On the host, float32, in memory of the worker's."""
    network: Callable[[Inputs], Tensor]
    """Takes and gives tensors where networks run."""
    key: Hashable = None
    """Whatever the network goes by beside the pictures and their shapes; None where that cannot be told."""


class Worker(Protocol):
    """Has the memory for the frames that one engine's network sees, and runs its calls; many threads ask at once."""

    @property
    def splits(self) -> bool:
        """Whether it does well to compute two halves of a call side by side."""

    def memory(self, shape: Sequence[int], lent: bool = False) -> Tensor:
        """Return a float32 tensor (N, C, H, W) on the host with any values in it.

        Args:
            shape: its shape.
            lent: whether it is for the frames of a call, whose memory the worker may use again when that has ended.
        """

    def computed(self, works: Sequence[Work], dtype: torch.dtype) -> tuple[list[np.ndarray], bool]:
        """Return what each work gives, float32 on the host, and whether all of it is finite.

        Unless it is, the inputs can be given once more, in another type.

        Args:
            works: a whole call, or its halves.
            dtype: of the tensors that the network takes.
        """
