"""Where two flows, there and back, agree: the check by which occlusions are told.

Source:
    Sundaram, Brox, Keutzer, "Dense Point Trajectories by GPU-accelerated Large Displacement Optical Flow", ECCV 2010,
    section 3.2; the thresholds are those of ProPainter.
"""

from __future__ import annotations

from torch import Tensor

from vsrestore.networks.layers.warp import flow_warp

RELATIVE, ABSOLUTE = 0.01, 0.5


def consistent(flow: Tensor, back: Tensor) -> Tensor:
    """Tell where ``back``, at the place that ``flow`` leads to, leads back.

    Args:
        flow: from a frame to another, (N, 2, H, W), float32, pixels.
        back: from that to the former one, on its own grid.

    Returns:
        (N, 1, H, W), float32: 1 where they agree, else 0.

    """
    returned = flow_warp(back, flow)
    lengths = flow.square().sum(1, keepdim=True) + returned.square().sum(1, keepdim=True)
    apart = (flow + returned).square().sum(1, keepdim=True)
    return (apart < RELATIVE * lengths + ABSOLUTE).float()
