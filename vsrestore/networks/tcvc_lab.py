"""CIELAB as TCVC takes it, and the pictures in [0, 1] that carry it between its parts."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.layers.constant import constant

SPAN = 256.0
"""a and b are stored as c / SPAN + 0.5, L as L / 100."""
MIDDLE = 50.0  # L that counts as 0

TO_XYZ = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))
TO_RGB = (
    (3.24048134, -1.53715152, -0.49853633),
    (-0.96925495, 1.87599, 0.04155593),
    (0.05564664, -0.20404134, 1.05731107),
)
WHITE = (0.95047, 1.0, 1.08883)


class SmallLab(nn.Module):
    """Frames as Lab at the size at which the networks work.

    Args:
        size: height and width.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size

    def forward(self, frames: Tensor) -> Tensor:
        """Turn sRGB (N, 3, H, W) in [0, 1] into Lab (N, 3, *size) as ``encoded`` gives it.

        As published, only the four pixels around each place count, however much smaller the frames become.
        """
        return encoded(F.interpolate(lab_of(frames), self.size, mode="bilinear", align_corners=False))


def encoded(lab: Tensor) -> Tensor:
    """Return (L - 50, a, b), (N, 3, H, W), as a picture in [0, 1]."""
    return torch.cat(((lab[:, :1] + MIDDLE) / 100, lab[:, 1:] / SPAN + 0.5), dim=1)


def decoded(picture: Tensor) -> Tensor:
    """Return the (L - 50, a, b) of an encoded picture (N, 3, H, W)."""
    return torch.cat((picture[:, :1] * 100 - MIDDLE, (picture[:, 1:] - 0.5) * SPAN), dim=1)


def lab_of(rgb: Tensor) -> Tensor:
    """Return (L - 50, a, b) of sRGB (N, 3, H, W) in [0, 1], D65."""
    rgb = rgb.clamp(0, 1)
    linear = torch.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    xyz = _mixed(linear, TO_XYZ) / _column(WHITE, rgb)
    x, y, z = torch.where(xyz > 0.008856, xyz.clamp_min(0.008856) ** (1 / 3), 7.787 * xyz + 16 / 116).unbind(1)
    return torch.stack((116 * y - 16 - MIDDLE, 500 * (x - y), 200 * (y - z)), dim=1)


def rgb_of(lab: Tensor) -> Tensor:
    """Return the sRGB in [0, 1] of (L - 50, a, b), (N, 3, H, W), as the second stage reckons it."""
    y = (lab[:, 0] + MIDDLE + 16) / 116
    roots = torch.stack((lab[:, 1] / 500 + y, y, (y - lab[:, 2] / 200).clamp_min(0)), dim=1)
    xyz = torch.where(roots > 0.2068966, roots**3, (roots - 16 / 116) / 7.787) * _column(WHITE, lab)
    linear = _mixed(xyz, TO_RGB)
    curved = 1.055 * linear.clamp_min(0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear > 0.0031308, curved, 12.92 * linear).clamp(0, 1)


def _mixed(x: Tensor, rows: tuple[tuple[float, ...], ...]) -> Tensor:
    return torch.einsum("oc,nchw->nohw", constant([value for row in rows for value in row], x).view(len(rows), -1), x)


def _column(values: tuple[float, ...], like: Tensor) -> Tensor:
    return constant(values, like).view(1, -1, 1, 1)
