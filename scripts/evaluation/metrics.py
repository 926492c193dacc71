"""PSNR and SSIM as the papers on video super-resolution and deblurring measure them.

Of two pictures (H, W, 3) uint8, in float64 with a peak of 255. PSNR from the mean square error over all samples of a
frame. SSIM with a Gaussian window of 11x11 and sigma 1.5, only where the window lies inside the picture; in RGB the
mean of the three channels. Y is BT.601 in 16 to 235, not rounded. Sequences are averaged over frames, test sets over
sequences.

Source:
    Wang, Bovik, Sheikh, Simoncelli, "Image Quality Assessment: From Error Visibility to Structural Similarity", IEEE
    Transactions on Image Processing 2004; ITU-R BT.601.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from skimage.metrics import structural_similarity

from vsrestore.comparison.measures import psnr

PEAK = 255.0
LUMA = np.array([65.481, 128.553, 24.966]) / PEAK
BLACK = 16.0
SMALLEST = 11


class Score(NamedTuple):
    """PSNR in dB and SSIM of a frame or means of them, in RGB and in Y."""

    psnr_rgb: float
    ssim_rgb: float
    psnr_y: float
    ssim_y: float


def score(picture: np.ndarray, truth: np.ndarray, border: int = 0) -> Score:
    """Measure a picture (H, W, 3) uint8 without ``border`` pixels at each edge; what is left is at least 11x11."""
    inside = np.s_[border : picture.shape[0] - border, border : picture.shape[1] - border]
    mine, right = picture[inside].astype(np.float64), truth[inside].astype(np.float64)
    rgb = [ssim(mine[..., channel], right[..., channel]) for channel in range(3)]
    mine_y, right_y = luma(mine), luma(right)
    errors = (float(np.square((one - other) / PEAK).mean()) for one, other in ((mine, right), (mine_y, right_y)))
    psnr_rgb, psnr_y = (psnr(error, math.inf) for error in errors)
    return Score(psnr_rgb, float(np.mean(rgb)), psnr_y, ssim(mine_y, right_y))


def mean(scores: Sequence[Score]) -> Score:
    """Return the mean of each figure."""
    return Score(*(float(np.mean(figures)) for figures in zip(*scores, strict=True)))


def luma(picture: np.ndarray) -> np.ndarray:
    """Return Y (H, W) of RGB (H, W, 3), from 16 to 235, as MATLAB's ``rgb2ycbcr`` computes it in floating point."""
    return picture @ LUMA + BLACK


def ssim(one: np.ndarray, other: np.ndarray) -> float:
    """Return the mean SSIM of two channels (H, W)."""
    return float(
        structural_similarity(
            one, other, data_range=PEAK, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
    )
