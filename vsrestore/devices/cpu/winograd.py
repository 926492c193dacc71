"""3x3 convolutions with many channels by Winograd's F(6, 3), with fewer multiplications than they are written with.

Six lines of the result come from eight lines of the picture. Written out they take eighteen products of a line with a
row of the kernel; Winograd's minimal filtering takes eight: Y = A^T [(G g) * (B^T d)] for lines d and kernel g. It is
applied down the columns; along the lines, for each column of the kernel, there is one product of matrices. The result
is rounded about twice as coarsely as float32 rounds it anyway.

Source:
    Winograd, Arithmetic Complexity of Computations, 1980; Lavin and Gray, Fast Algorithms for Convolutional Neural
    Networks, CVPR 2016.
"""

from __future__ import annotations

import platform
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.polynomial import polynomial
from torch import Tensor, nn

from ...networks.layers.activation import Activation
from .convolutions import FusedConv

KERNEL, PADDING = (3, 3), (1, 1)
POINTS = (0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5)  # and infinity; small powers of two are rounded least
TAKEN = len(POINTS) + 1
GIVEN = TAKEN - KERNEL[0] + 1
# Pixels from which on a convolution gains, by inputs * outputs / (inputs + outputs): what is spared grows with the
# former, what the transforms cost with the latter. Measured with a cold cache: with AVX-512 2 threads; with AVX2, where
# multiplications cost twice as much and memory the same, one.
FEWEST_PIXELS = {
    "AVX512": ((64, 2**11), (42, 2**12), (32, 2**16)),
    "AVX2": ((96, 2**8), (48, 2**9), (32, 2**11), (24, 2**12)),
}
# Inputs and outputs per thread that are under way at once: few enough that what was transformed is still in the
# cache when it is transformed back.
UNDER_WAY = 3 * 2**16
CPU = Path("/proc/cpuinfo")


class Winograd(FusedConv):
    """A 3x3 convolution whose result is computed in strips of six lines, several at once."""

    @staticmethod
    def suits(conv: nn.Conv2d) -> bool:
        """Tell whether ``conv`` is sooner done so, in pictures that are not too small.

        A weight that is worked out anew at every call, by a hook, rules it out.
        """
        plain = not (conv._forward_pre_hooks or conv._forward_hooks) and conv.padding_mode == "zeros"
        steady = (conv.stride, conv.dilation, conv.groups) == ((1, 1), (1, 1), 1)
        shape = (conv.kernel_size, conv.padding, conv.weight.dtype) == (KERNEL, PADDING, torch.float32)
        return plain and steady and shape and _fewest_pixels(conv) > 0 and _full_speed()

    def takes(self, x: Tensor) -> bool:
        """Tell whether ``x`` is large enough, and laid out so that its lines are matrices."""
        large = x.shape[-2] * x.shape[-1] >= _fewest_pixels(self)
        return large and x.is_contiguous(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        """Return what the convolution gives for ``x`` (N, inputs, H, W)."""
        return self._in_strips(x) if self.takes(x) else super().forward(x)

    def activated(self, x: Tensor, activation: Activation) -> Tensor:
        """Return the same activated, each part while it is in the cache."""
        return self._in_strips(x, activation) if self.takes(x) else super().activated(x, activation)

    @cached_property
    def transformed_kernel(self) -> list[Tensor]:
        """G g: for each column of the kernel (TAKEN, inputs, outputs). Made when first needed."""
        columns = torch.einsum("pr,oirc->cpio", transforms().g, self.weight.double())
        return list(columns.float().contiguous())

    def _in_strips(self, x: Tensor, activation: Activation | None = None) -> Tensor:
        n, inputs, h, w = x.shape
        result = torch.empty(n, self.out_channels, h, w, memory_format=torch.channels_last)
        strips = max(UNDER_WAY // (w * (inputs + self.out_channels)), 1) * torch.get_num_threads()
        band = _Band(self, w, min(strips, -(-h // GIVEN)))
        for picture, target in zip(x, result, strict=True):
            lines, rows = (image.permute(1, 2, 0).view(h, -1) for image in (picture, target))
            for first in range(0, h, band.strips * GIVEN):
                part = rows[first : first + band.strips * GIVEN]
                band.compute(lines, first, part)
                if activation is not None:
                    activation(part)
        return result


class _Band:
    """Memory for a few strips of ``width`` pixels on their way through the transforms."""

    def __init__(self, conv: Winograd, width: int, strips: int) -> None:
        self.strips = strips
        self._kernel = conv.transformed_kernel
        self._width = width
        # One empty pixel before each line is also the one after the line before it.
        self._pitch = width + 1
        new = conv.weight.new_empty
        self._inputs = new(TAKEN, strips * self._pitch + 2, conv.in_channels)
        self._inputs[:, :: self._pitch] = 0
        self._inputs[:, -1] = 0
        # The bias is one more product, which every line of the result has in it.
        self._products = new(TAKEN + 1, strips * self._pitch, conv.out_channels)
        self._products[TAKEN] = 0 if conv.bias is None else conv.bias

    def compute(self, lines: Tensor, first: int, target: Tensor) -> None:
        """Fill ``target`` (L, W * outputs), the lines of the result from ``first`` on.

        Args:
            lines: of the picture, (H, W * inputs).
            first: the line at which ``target`` begins.
            target: at most as many lines as the strips have; short at the end of the picture.

        """
        a, b = transforms().a, transforms().b
        strips = -(-len(target) // GIVEN)
        tiles = _lines(lines, first - 1, first + strips * GIVEN + 1).unfold(0, TAKEN, GIVEN).transpose(1, 2)
        torch.bmm(b.expand(strips, -1, -1), tiles, out=self._by_strip(self._inputs[:, 1:], strips))
        self._multiply(strips * self._pitch)
        whole = len(target) == strips * GIVEN
        outputs = target if whole else target.new_empty(strips * GIVEN, target.shape[1])
        products = self._by_strip(self._products, strips)
        torch.bmm(a.expand(strips, -1, -1), products, out=outputs.view(strips, GIVEN, -1))
        if not whole:
            target.copy_(outputs[: len(target)])

    def _multiply(self, pixels: int) -> None:
        """Sum the products with the columns of the kernel, each from one pixel further on."""
        products = self._products[:TAKEN, :pixels]
        torch.bmm(self._inputs[:, :pixels], self._kernel[0], out=products)
        for column in range(1, KERNEL[1]):
            products.baddbmm_(self._inputs[:, column : pixels + column], self._kernel[column])

    def _by_strip(self, pixels: Tensor, strips: int) -> Tensor:
        """Return (TAKEN, pixels, C) as (strips, TAKEN, W * C), without the empty pixels."""
        lines = pixels[:, : strips * self._pitch].unflatten(1, (strips, self._pitch))[:, :, : self._width]
        return lines.flatten(2).transpose(0, 1)


def _lines(lines: Tensor, first: int, end: int) -> Tensor:
    """Return the lines from ``first`` to ``end``; those above and below the picture are 0."""
    inside = lines[max(first, 0) : end]
    above, below = max(-first, 0), max(end - len(lines), 0)
    return F.pad(inside, (0, 0, above, below)) if above or below else inside


class Transforms(NamedTuple):
    """The matrices of F(6, 3)."""

    a: Tensor
    """A^T of the result, (GIVEN, TAKEN + 1), with a last column for the bias."""
    g: Tensor
    """G of the kernel, (TAKEN, 3), float64."""
    b: Tensor
    """B^T of the lines, (TAKEN, TAKEN)."""


@cache
def transforms() -> Transforms:
    """Return the matrices, worked out from the points at which polynomials are multiplied (Toom and Cook)."""
    a, g, b = np.zeros((GIVEN, TAKEN)), np.zeros((TAKEN, KERNEL[0])), np.zeros((TAKEN, TAKEN))
    for index, point in enumerate(POINTS):
        others = [other for other in POINTS if other != point]
        a[:, index] = point ** np.arange(GIVEN)
        b[index, :-1] = polynomial.polyfromroots(others)
        # Powers of two, which round nothing, keep both factors of a product alike in size.
        size = 2.0 ** np.round(np.log2(np.abs(b[index]).max()))
        b[index] /= size
        g[index] = point ** np.arange(KERNEL[0]) * size / np.prod(point - np.array(others))
    a[-1, -1] = g[-1, -1] = 1
    b[-1] = polynomial.polyfromroots(POINTS)
    a = np.concatenate([a, np.ones((GIVEN, 1))], axis=1)
    return Transforms(torch.from_numpy(a).float(), torch.from_numpy(g), torch.from_numpy(b).float())


def _fewest_pixels(conv: nn.Conv2d) -> int:
    """Return from how many pixels on a convolution gains, 0 for one that never does."""
    channels = conv.in_channels * conv.out_channels / (conv.in_channels + conv.out_channels)
    rows = FEWEST_PIXELS.get(torch.backends.cpu.get_cpu_capability(), FEWEST_PIXELS["AVX512"])
    return next((pixels for least, pixels in rows if channels >= least), 0)


@cache
def _full_speed() -> bool:
    """Tell whether products of matrices use the whole width of the processor.

    That is not known of Intel's MKL on processors with AVX-512 by others; with half the width all gain would be gone.
    """
    if not torch.backends.mkl.is_available():
        return False
    maker = CPU.read_text(encoding="utf-8") if CPU.exists() else platform.processor()
    return torch.backends.cpu.get_cpu_capability() != "AVX512" or "GenuineIntel" in maker
