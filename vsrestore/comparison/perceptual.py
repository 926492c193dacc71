"""LPIPS: how unlike two pictures look to a network that was fitted to what people said; needs the package lpips.

Source:
    Zhang, Isola, Efros, Shechtman, Wang, "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric",
    CVPR 2018, arXiv 1801.03924. Version 0.1, AlexNet.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from .errors import ComparisonError
from .orders import Lpips

if TYPE_CHECKING:
    from torch import Tensor

TRUNK = "features."  # prefix of the layers of AlexNet that are looked at


def is_installed() -> bool:
    """Tell whether the package is there."""
    return find_spec("lpips") is not None


def lpips_measure(trunk: Mapping[str, Tensor], device: str = "cpu") -> Lpips:
    """Return what measures LPIPS; nothing is fetched for it.

    Args:
        trunk: torchvision's AlexNet, as published.
        device: what torch calls that by which is measured.

    Raises:
        ComparisonError: it is no AlexNet.

    """
    import lpips
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torchvision, about how the package calls it
        network = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
    layers = dict(network.net.named_parameters())
    # The package deals the layers out to slices and keeps their numbers.
    numbered = {name: trunk.get(TRUNK + name.partition(".")[2]) for name in layers}
    if any(tensor is None or tensor.shape != layers[name].shape for name, tensor in numbered.items()):
        raise ComparisonError("LPIPS: the trunk is not torchvision's AlexNet; fetch it again")
    network.net.load_state_dict(numbered)
    network.to(device).eval()

    def measure(one: np.ndarray, other: np.ndarray) -> float:
        with torch.inference_mode():
            pair = [torch.from_numpy(each.transpose(2, 0, 1).copy())[None].to(device) / 255 for each in (one, other)]
            return float(network(*pair, normalize=True))

    return measure
