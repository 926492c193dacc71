"""Convolutions with few outputs, on the processor in two steps: what ends most networks takes half the time so.

A processor computes 16 outputs at once, or 8, and a convolution that gives the three colours leaves most of them
empty. The rows of its kernel fill them: one convolution along the lines gives the sums of every row as outputs of
their own, and another one down the columns adds each of them where it belongs. Apart from the order in which float32
adds, the result is the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

OUTPUTS_AT_ONCE = 16
LEAST_GAIN = 2.0
"""Multiplications saved for which writing and reading the sums between the steps costs less than it spares."""


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


def in_two(weight: np.ndarray, sums: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights of the steps across and down for a weight (outputs, inputs, rows, columns).

    Args:
        weight: of the convolution.
        sums: channels between the steps, the last of them empty; None for as many as are needed.

    Returns:
        ``(sums, inputs, 1, columns)`` and ``(outputs, sums, rows, 1)``.

    """
    outputs, inputs, rows, columns = weight.shape
    needed = rows * outputs
    across = np.zeros((sums or needed, inputs, 1, columns), weight.dtype)
    across[:needed] = weight.transpose(2, 0, 1, 3).reshape(needed, inputs, 1, columns)
    down = np.zeros((outputs, len(across), rows, 1), weight.dtype)
    for row in range(rows):
        for output in range(outputs):
            down[output, row * outputs + output, row] = 1
    return across, down


def whole_blocks(sums: int) -> int:
    """Return the next number of channels that processors compute without leaving outputs empty."""
    return OUTPUTS_AT_ONCE * _blocks(sums)


def _blocks(channels: int) -> int:
    return -(-channels // OUTPUTS_AT_ONCE)
