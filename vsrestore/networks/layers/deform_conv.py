"""Modulated deformable 3x3 convolution: torchvision's operator, and a faster exact way on the CPU.

Source:
    Zhu et al., Deformable ConvNets v2, CVPR 2019.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

TAPS = 9
MARGIN = 2  # rows and columns of zeros around the image, where every point outside it is sent
# Bytes of samples gathered together; from 32 MiB on, memory comes fresh from the system, at a high price.
BYTES_AT_ONCE = 2**24
SAMPLES_ON_CARD = 2**29  # bytes likewise, where torchvision gathers them
IMAGES = 16  # from so many on, a 1x1 convolution runs as fast as it can with one thread, too


class DeformConv2d(nn.Module):
    """The weights of a deformable 3x3 convolution (stride 1, padding 1); offsets and mask come with every call.

    Args:
        inputs: channels that come in.
        outputs: channels that go out.
        groups: groups of input channels that have offsets of their own.
    """

    def __init__(self, inputs: int, outputs: int, groups: int) -> None:
        super().__init__()
        self.groups = groups
        self.weight = nn.Parameter(torch.empty(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.zeros(outputs))
        nn.init.kaiming_uniform_(self.weight, a=5**0.5)

    def sample(self, x: Tensor, offset: Tensor, mask: Tensor) -> Tensor:
        """Convolve ``x`` (N, C, H, W) at displaced points; see `deform_conv`."""
        return deform_conv(x, offset, mask, self.weight, self.bias)

    def split(self, raw: Tensor) -> tuple[Tensor, Tensor]:
        """Split what an offset convolution gives, (N, 27 * groups, H, W), into offsets and mask, both float32."""
        count = 2 * TAPS * self.groups
        return raw[:, :count].float(), raw[:, count:].float().sigmoid()


def deform_conv(x: Tensor, offset: Tensor, mask: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Convolve with a 3x3 kernel whose taps are displaced and weighted at every pixel; always in float32.

    Coordinates in half precision would be wrong beyond a few hundred columns, and the operator is a few percent of
    the arithmetic, so all of it runs in float32 and only the result gets the dtype of ``x``.

    Args:
        x: features (N, C, H, W).
        offset: displacements in pixels, (N, 2 * 9 * G, H, W): group-major, then tap, then down / right.
        mask: weight of every tap, (N, 9 * G, H, W): group-major, then tap.
        weight: (outputs, C, 3, 3).
        bias: (outputs,).

    Returns:
        (N, outputs, H, W).
    """
    tensors = [tensor.float() for tensor in (x, offset, mask, weight, bias)]
    recorded = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
    if x.device.type == "cpu" and not recorded:
        return gather_deform_conv(*tensors).to(x.dtype)
    return torchvision_deform_conv(*tensors).to(x.dtype)


def torchvision_deform_conv(x: Tensor, offset: Tensor, mask: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Run `deform_conv` by torchvision: on a GPU, in training, and as the measure for the faster way.

    It holds the samples of all taps at once, so that large pictures are summed over their groups, some at a time.
    """
    from torchvision.ops import deform_conv2d  # takes seconds to import, and the CPU does without

    groups = mask.shape[1] // TAPS
    size = 4 * TAPS * x.numel()
    some = max(groups * SAMPLES_ON_CARD // size, 1)
    cuts = zip(
        *(
            tensor.split(tensor.shape[axis] // groups * some, axis)
            for tensor, axis in ((x, 1), (offset, 1), (mask, 1), (weight, 1))
        ),
        strict=True,
    )
    result: Tensor | None = None
    for part, displaced, weighted, kernel in cuts:
        convolved = deform_conv2d(part, displaced, kernel, bias if result is None else None, padding=1, mask=weighted)
        result = convolved if result is None else result.add_(convolved)
    assert result is not None
    return result


def gather_deform_conv(x: Tensor, offset: Tensor, mask: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Run `deform_conv` as a weighted gather of pixels, channels last, and one matrix product.

    A sample of a group is the sum of four neighbouring pixels, weighted by the bilinear weights times the mask. That
    is what an embedding bag computes: a bag of four rows of a table whose rows are the channels of one group at one
    pixel. Arguments as for `deform_conv`, all float32 on the CPU.
    """
    (n, channels, height, width), outputs = x.shape, weight.shape[0]
    groups = mask.shape[1] // TAPS
    table = F.pad(x.permute(0, 2, 3, 1), (0, 0, *(MARGIN,) * 4)).view(-1, channels // groups)
    # (outputs, groups, channels of a group, taps) to the order of the gathered samples
    matrix = weight.view(outputs, groups, -1, TAPS).transpose(2, 3).reshape(outputs, -1, 1, 1)
    points = offset.permute(0, 2, 3, 1).flatten(0, 2).unflatten(-1, (-1, 2))
    masks = mask.permute(0, 2, 3, 1).flatten(0, 2)
    result = x.new_empty(n * height * width, outputs)
    at_once = max(1, BYTES_AT_ONCE // (4 * TAPS * channels * IMAGES)) * IMAGES
    bags = _Bags(min(at_once, len(result)), height, width, groups)
    for first in range(0, len(result), at_once):
        part = slice(first, first + at_once)
        samples = bags.gather(table, points[part], masks[part], first)
        result[part] = _multiply(samples, matrix, bias)
    return result.view(n, height, width, outputs).permute(0, 3, 1, 2)


def _multiply(samples: Tensor, matrix: Tensor, bias: Tensor) -> Tensor:
    """Return ``samples @ matrix.T + bias``, (P, outputs), as a 1x1 convolution.

    PyTorch's matrix product is more than twice as slow on some processors as its convolution, and for one image's
    1x1 convolution it may take the slow way too: so the samples pose as several images.
    """
    images = IMAGES if len(samples) % IMAGES == 0 else 1
    posed = samples.view(images, 1, -1, samples.shape[1]).permute(0, 3, 1, 2)
    return F.conv2d(posed, matrix, bias).permute(0, 2, 3, 1).flatten(0, 2)


class _Bags:
    """Bilinear samples for runs of up to ``count`` pixels; holds what all runs have in common."""

    def __init__(self, count: int, height: int, width: int, groups: int) -> None:
        self.height, self.width, self.groups = height, width, groups
        self.stride = width + 2 * MARGIN  # pixels in a row of the table
        samples = groups * TAPS
        sample = torch.arange(samples, dtype=torch.int32)
        tap = sample % TAPS
        self.down, self.right = (tap // 3 - 1).float(), (tap % 3 - 1).float()
        self.first = sample // TAPS + (MARGIN * self.stride + MARGIN) * groups  # table row of pixel (0, 0)
        corners = (0, 1, self.stride, self.stride + 1)
        self.corners = torch.tensor([corner * groups for corner in corners], dtype=torch.int32)
        shape = (count, samples, len(corners))
        self.index = torch.empty(shape, dtype=torch.int32)
        self.weight = torch.empty(shape)
        self.starts = torch.arange(0, self.index.numel(), len(corners), dtype=torch.int32)

    def gather(self, table: Tensor, points: Tensor, mask: Tensor, first: int) -> Tensor:
        """Sample around a run of pixels.

        Args:
            table: (pixels of all images with their margins * groups, channels of a group).
            points: displacements (P, groups * 9, 2), down and right.
            mask: (P, groups * 9).
            first: the number of the first pixel, counted over all images.

        Returns:
            (P, groups * 9 * channels of a group).
        """
        pixel = torch.arange(first, first + len(points), dtype=torch.int32)[:, None]
        row = pixel // self.width
        image, row = row // self.height, row % self.height
        y = (points[..., 0] + row).add_(self.down)
        x = (points[..., 1] + pixel % self.width).add_(self.right)
        y0, x0 = y.floor(), x.floor()
        self._set_weights(y.sub_(y0), x.sub_(x0), mask)
        # Clamping comes after the weights are known: from two pixels outside on, all four corners are zeros.
        index = x0.int().clamp_(-MARGIN, self.width)
        index.add_(y0.int().clamp_(-MARGIN, self.height), alpha=self.stride)
        index.add_(image, alpha=self.stride * (self.height + 2 * MARGIN)).mul_(self.groups).add_(self.first)
        rows = torch.add(index[..., None], self.corners, out=self.index[: len(index)])
        starts, weight = self.starts[: index.numel()], self.weight[: len(index)].view(-1)
        bags = F.embedding_bag(rows.view(-1), table, starts, mode="sum", per_sample_weights=weight)
        return bags.view(len(points), -1)

    def _set_weights(self, down: Tensor, right: Tensor, mask: Tensor) -> None:
        """Fill in the weights of the four corners from the fractions of a pixel, times the mask."""
        upper_left, upper_right, lower_left, lower_right = self.weight[: len(mask)].unbind(-1)
        right.mul_(mask)
        left = mask - right
        torch.mul(right, down, out=lower_right)
        torch.mul(left, down, out=lower_left)
        torch.sub(right, lower_right, out=upper_right)
        torch.sub(left, lower_left, out=upper_left)
