"""What is measured of pictures: PSNR, SSIM and temporal flicker.

Pictures are (H, W, 3) uint8, RGB.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

HIGHEST_PSNR = 100.0
"""dB that equal pictures count as, whose PSNR is infinite: averages need a number."""
BOX = 7
STEADY = (0.01**2, 0.03**2)
"""Keep the quotients of SSIM finite in flat places; as published, for values in [0, 1]."""
LUMA = (0.299, 0.587, 0.114)  # BT.601


def squared_error(one: np.ndarray, other: np.ndarray) -> float:
    """Return the mean square error of two pictures, of values in [0, 1]."""
    difference = (one.astype(np.int16) - other).ravel().astype(np.float32)
    return float(np.dot(difference, difference) / difference.size / 255**2)


def change(one: np.ndarray, other: np.ndarray) -> float:
    """Return the mean absolute difference of two pictures, in codes of 8 bits."""
    return float(np.abs(one.astype(np.int16) - other).mean(dtype=np.float64))


def ssim(one: np.ndarray, other: np.ndarray, device: str = "cpu") -> float:
    """Return how alike two pictures of at least 7x7 pixels are.

    SSIM (Wang et al., IEEE TIP 2004) is the mean over the three channels and over all boxes of 7x7 pixels that lie
    within the picture, with the unbiased variances of a sample.
    """
    import torch

    x, y = (_planes(each).to(device) / 255 for each in (one, other))
    x_mean, y_mean = _boxes(x), _boxes(y)
    unbiased = BOX * BOX / (BOX * BOX - 1)
    variance = (_boxes(x * x + y * y) - x_mean.square() - y_mean.square()) * unbiased
    covariance = (_boxes(x * y) - x_mean * y_mean) * unbiased
    same = (2 * x_mean * y_mean + STEADY[0]) * (2 * covariance + STEADY[1])
    same /= (x_mean.square() + y_mean.square() + STEADY[0]) * (variance + STEADY[1])
    return float(same.mean(dtype=torch.float64 if same.device.type != "mps" else None))


def psnr(error: float, highest: float = HIGHEST_PSNR) -> float:
    """Return the PSNR in dB, at most so many, of a mean square error of values in [0, 1]."""
    return min(-10 * math.log10(error), highest) if error else highest


class Flicker:
    """Temporal flicker: how much a picture differs from the one before it where nothing but motion lies between them.

    That is the mean over all pixels of ``|Y(n, p) - Y(n - 1, p + m(p))|`` in codes of 8 bits, where ``Y`` is BT.601
    luma of RGB and ``m`` the motion from frame n to frame n - 1 as block matching finds it in the leading clip, in
    whole pixels, the border repeated. All clips are followed along that one motion, so that their figures compare; what
    is uncovered and what moves by parts of a pixel counts in each of them. A clip that does not flicker has no more of
    it than the truth.

    Args:
        device: what torch calls it by.
    """

    def __init__(self, device: str = "cpu") -> None:
        self._device = device
        self._before: dict[str, Tensor] = {}

    def follow(
        self, pictures: Mapping[str, np.ndarray], begins_shot: bool, measured: bool = True
    ) -> dict[str, float | None]:
        """Return the flicker of the next frame of every clip, None for each where a shot begins.

        Args:
            pictures: the clips' pictures by name, the leading clip's first.
            begins_shot: whether the frame before belongs to another shot.
            measured: whether the flicker is wanted; None for each otherwise.

        """
        before = self._before
        self._before = {name: _luma(each).to(self._device) for name, each in pictures.items()}
        if begins_shot or not before or not measured:
            return dict.fromkeys(pictures)
        leader = next(iter(pictures))
        height, width = pictures[leader].shape[:2]
        flow = _motion(self._before[leader], before[leader])
        return {
            name: _difference(self._before[name], before[name], flow)[..., :height, :width].mean().item()
            for name in pictures
        }


def _motion(centre: Tensor, neighbour: Tensor) -> Tensor:
    import torch

    from vsrestore.networks.layers.block_matching import BlockSearch

    search = BlockSearch(torch.cat([centre, neighbour]))
    return search.flow(*(torch.tensor([number], device=centre.device) for number in (0, 1)))


def _difference(current: Tensor, before: Tensor, flow: Tensor) -> Tensor:
    from vsrestore.networks.layers.block_matching import moved

    return 255 * (current - moved(before, flow)).abs()


def _luma(picture: np.ndarray) -> Tensor:
    """Return luma (1, 1, H, W) in [0, 1], the border repeated until the size suits the block matching."""
    from vsrestore.networks.layers.block_matching import MULTIPLE
    from vsrestore.networks.layers.layout import pad_to_multiple

    red, green, blue = _planes(picture)
    luma = (LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue) / 255
    return pad_to_multiple(luma[None, None], MULTIPLE)


def _planes(picture: np.ndarray) -> Tensor:
    """Return a picture as (3, H, W) float32."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1))).float()


def _boxes(planes: Tensor) -> Tensor:
    """Return the mean of every box that lies within the picture."""
    from vsrestore.networks.layers.box import box_sum

    return box_sum(box_sum(planes, BOX, -1), BOX, -2) / (BOX * BOX)
