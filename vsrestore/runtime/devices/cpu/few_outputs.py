"""Convolutions with few outputs in two steps: what ends most networks takes half the time so.

A processor computes 16 outputs at once, or 8, and a convolution that gives the three colours leaves most of them
empty. The rows of its kernel fill them: one convolution along the lines gives the sums of every row as outputs of
their own, and another one down the columns adds each of them where it belongs. Apart from the order in which float32
adds, the result is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .convolutions import SteppedConv

OUTPUTS_AT_ONCE = 16
LEAST_GAIN = 2.0
"""Multiplications saved for which writing and reading the sums between the steps costs less than it spares."""


class TwoSteps(SteppedConv):
    """A convolution with few outputs, first across and then down."""

    @staticmethod
    def suits(conv: nn.Conv2d) -> bool:
        """Tell whether ``conv`` is sooner done in two steps."""
        return SteppedConv.is_plain(conv) and gains(conv.weight.shape)

    @cached_property
    def steps(self) -> tuple[Tensor, Tensor]:
        """The weights across, (sums, inputs, 1, columns), and down, (outputs, sums, rows, 1), made once needed."""
        outputs, inputs, rows, columns = self.weight.shape
        across = self.weight.permute(2, 0, 1, 3).reshape(rows * outputs, inputs, 1, columns).contiguous()
        down = torch.eye(rows * outputs).view(rows, outputs, rows * outputs).permute(1, 2, 0)
        return across, down.unsqueeze(3).contiguous()

    def forward(self, x: Tensor) -> Tensor:
        """Return what the convolution gives in one."""
        assert not isinstance(self.padding, str)
        above, left = self.padding
        across, down = self.steps
        return F.conv2d(F.conv2d(x, across, padding=(0, left)), down, self.bias, padding=(above, 0))

    def _in_one_pass(self, x: Tensor) -> bool:
        return False


def gains(shape: Sequence[int]) -> bool:
    """Tell whether a convolution, stride and dilation 1, is sooner done in two steps.

    Args:
        shape: of its weight (outputs, inputs, rows, columns).

    """
    outputs, inputs, rows, columns = shape
    sums = rows * outputs
    at_once = inputs * rows * columns * _blocks(outputs)
    across = inputs * columns * _blocks(sums)
    down = OUTPUTS_AT_ONCE * _blocks(sums) * rows * _blocks(outputs)
    return at_once >= LEAST_GAIN * (across + down)


def _blocks(channels: int) -> int:
    return -(-channels // OUTPUTS_AT_ONCE)
