"""The correlation of all pairs of pixels of two images, looked up around where a flow points to.

Source:
    Teed, Deng, RAFT, ECCV 2020, arXiv 2003.12039, section 3.2.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from vsrestore.networks.layers.constant import constant

LEVELS = 4
RADIUS = 4
SAMPLES = LEVELS * (2 * RADIUS + 1) ** 2
"""What is looked up at every pixel."""
BYTES = 2**31
"""Of a correlation that is held; larger ones are computed anew at every look, some rows at a time."""
BYTES_AT_ONCE = 2**27


class Correlation:
    """Dot products of the features of two images, over the root of their length, both ways.

    Args:
        first: features of an image, (1, C, h, w).
        second: those of its partner.

    """

    def __init__(self, first: Tensor, second: Tensor) -> None:
        self.height, self.width = first.shape[-2:]
        self.features = torch.cat((first, second))
        scale = first.shape[1] ** -0.5
        self.queries = (self.features * scale).flatten(2).transpose(1, 2)  # (2, h * w, C)
        levels = [self.features.flip(0)]
        for _ in range(LEVELS - 1):
            levels.append(F.avg_pool2d(levels[-1], 2))
        self.partners = levels
        self.held = self._held() if self._bytes(self.height * self.width) <= BYTES else None
        self.offsets = _offsets(first.device)

    def around(self, flow: Tensor) -> Tensor:
        """Return the correlation around the pixels that ``flow`` points to.

        Args:
            flow: from every pixel of either image to its partner, (2, 2, h, w), in pixels of the features.

        Returns:
            (2, 324, h, w): for every level from fine to coarse 9 columns of 9 rows, four to either side, in pixels of
            the level; 0 outside.

        """
        columns = torch.arange(self.width, device=flow.device)
        rows = torch.arange(self.height, device=flow.device)[:, None]
        centres = torch.stack((flow[:, 0] + columns, flow[:, 1] + rows), -1).flatten(1, 2)  # (2, h * w, 2)
        samples = torch.empty(2, self.height * self.width, SAMPLES, device=flow.device, dtype=flow.dtype)
        for pixels, volumes in self._volumes():
            sampled = [self._sampled(volume, centres[:, pixels], level) for level, volume in enumerate(volumes)]
            samples[:, pixels] = torch.cat(sampled, -1)
        return samples.view(2, self.height, self.width, SAMPLES).permute(0, 3, 1, 2)

    def _sampled(self, volume: Tensor, centres: Tensor, level: int) -> Tensor:
        """Return (2, P, 81) of one level (2, P, rows, columns) around P centres of the finest level."""
        rows, columns = volume.shape[-2:]
        points = (centres / 2**level).flatten(0, 1)[:, None, None] + self.offsets
        size = constant((columns - 1, rows - 1), points)
        sampled = F.grid_sample(volume.reshape(-1, 1, rows, columns), 2 * points / size - 1, align_corners=True)
        return sampled.view(2, -1, self.offsets[..., 0].numel())

    def _volumes(self) -> Iterator[tuple[slice, list[Tensor]]]:
        """Yield runs of pixels, and for every level their correlation (2, P, rows, columns)."""
        if self.held is not None:
            yield slice(None), self.held
            return
        count = self.height * self.width
        step = max(count * BYTES_AT_ONCE // self._bytes(count), 1)
        for first in range(0, count, step):
            pixels = slice(first, first + step)
            yield pixels, [self._product(self.queries[:, pixels], partner) for partner in self.partners]

    def _held(self) -> list[Tensor]:
        """Return the whole correlation; that of the second image is that of the first, seen from the other side."""
        one_way = self._product(self.queries[:1], self.partners[0][:1])
        back = one_way.flatten(2).transpose(1, 2).view_as(one_way)
        levels = [torch.cat((one_way, back))]
        for _ in range(LEVELS - 1):
            levels.append(F.avg_pool2d(levels[-1], 2))
        return levels

    def _product(self, queries: Tensor, partners: Tensor) -> Tensor:
        return (queries @ partners.flatten(2)).unflatten(2, partners.shape[-2:])

    def _bytes(self, pixels: int) -> int:
        """Return the memory of the correlation of so many pixels of both images, all levels."""
        return 2 * 4 * pixels * self.height * self.width * 4 // 3


def _offsets(device: torch.device) -> Tensor:
    """Return the places around a centre, (9, 9, 2): the first axis moves to the right, the second down."""
    steps = torch.arange(-RADIUS, RADIUS + 1, device=device, dtype=torch.float32)
    return torch.stack(torch.meshgrid(steps, steps, indexing="ij"), -1)
