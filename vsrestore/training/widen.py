"""A wider network that computes what a narrow one does, to learn on from there.

Net2WiderNet (Chen et al., "Net2Net: Accelerating Learning via Knowledge Transfer", ICLR 2016).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

SPREAD = 0.3  # of the logarithm of the shares: a channel and its copy must differ in something, or would learn alike


def widened(narrow: Mapping[str, Tensor], wide: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors of the shapes of a wider network.

    Channels that a layer gains are copies of its first ones, and what reads a channel takes a share of each of its
    copies. So the network computes the same where layers follow each other or are added up, and not where they are laid
    side by side.

    Args:
        narrow: kernels (outputs, inputs, ...) and biases (outputs,) by name.
        wide: tensors of the wider network. What is larger than there, or has no tensor of its name, stays as it is.
    """
    grown = dict(narrow)
    for name, tensor in narrow.items():
        shape = wide[name].shape if name in wide else tensor.shape
        if tensor.ndim != len(shape) or any(new < old for old, new in zip(tensor.shape, shape, strict=True)):
            continue
        whole = tensor if tensor.ndim == 1 else _shared(tensor, shape[1])
        grown[name] = whole[_copied(tensor.shape[0], shape[0])]
    return grown


def _copied(channels: int, wanted: int) -> Tensor:
    """Return of which channel each of those that are wanted is a copy."""
    return torch.arange(wanted) % channels


def _shared(kernel: Tensor, inputs: int) -> Tensor:
    """Return a kernel that reads so many inputs, copies of those that it reads now."""
    copied = _copied(kernel.shape[1], inputs)
    shares = (SPREAD * torch.randn(kernel.shape[0], inputs, *kernel.shape[2:])).exp()
    totals = torch.zeros_like(kernel).index_add_(1, copied, shares)
    return kernel[:, copied] * (shares / totals[:, copied])
