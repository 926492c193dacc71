"""Convolutions whose weight is stored with its norm taken out, and the folding of norms once weights are loaded."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

Conv = nn.Conv1d | nn.Conv2d


class SpectralConv(nn.Module):
    """Stride-1 convolution under spectral norm, as it is in evaluation: no power iteration, u and v as stored.

    The weight is ``weight_orig / (u^T W v)``, W being ``weight_orig`` as a matrix (outputs, rest).

    Args:
        inputs: channels that come in.
        outputs: channels that go out.
        size: edge of the kernel; zero padding keeps the size.
        bias: whether there is one.
        dimensions: 2, or 1 for signals (N, C, L).

    Source:
        Miyato et al., Spectral Normalization for GANs, ICLR 2018.
    """

    def __init__(self, inputs: int, outputs: int, size: int = 1, bias: bool = False, dimensions: int = 2) -> None:
        super().__init__()
        self.weight_orig = nn.Parameter(torch.empty(outputs, inputs, *[size] * dimensions))
        self.register_buffer("weight_u", torch.empty(outputs))
        self.register_buffer("weight_v", torch.empty(inputs * size**dimensions))
        self.weight_u: Tensor
        self.weight_v: Tensor
        self.bias = nn.Parameter(torch.empty(outputs)) if bias else None

    @property
    def weight(self) -> Tensor:
        """The weight that convolves."""
        sigma = self.weight_u @ self.weight_orig.flatten(1) @ self.weight_v
        return self.weight_orig / sigma

    def plain(self) -> Conv:
        """Return the same convolution with the norm folded into its weight."""
        return plain_conv(self.weight, self.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (N, inputs, ...) to (N, outputs, ...)."""
        return convolved(x, self.weight, self.bias)


class WeightNormConv(nn.Module):
    """Stride-1 convolution under weight norm: ``weight_g * weight_v / |weight_v|``, a norm per output.

    Args:
        inputs: channels that come in.
        outputs: channels that go out.
        size: edge of the kernel; zero padding keeps the size.

    Source:
        Salimans, Kingma, Weight Normalization, NeurIPS 2016.
    """

    def __init__(self, inputs: int, outputs: int, size: int = 1) -> None:
        super().__init__()
        self.weight_g = nn.Parameter(torch.empty(outputs, 1, 1, 1))
        self.weight_v = nn.Parameter(torch.empty(outputs, inputs, size, size))
        self.bias = nn.Parameter(torch.empty(outputs))

    @property
    def weight(self) -> Tensor:
        """The weight that convolves."""
        return self.weight_g * self.weight_v / self.norm()

    def norm(self) -> Tensor:
        """Return the norm of every output's kernel, (outputs, 1, 1, 1)."""
        return self.weight_v.flatten(1).norm(dim=1).view_as(self.weight_g)

    def plain(self) -> Conv:
        """Return the same convolution with the norm folded into its weight."""
        return plain_conv(self.weight, self.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (N, inputs, H, W) to (N, outputs, H, W)."""
        return convolved(x, self.weight, self.bias)


class PointwiseConv(nn.Conv2d):
    """1x1 convolution as the product of matrices that it is: torch's own takes three times as long with channels last.

    Args and shapes are those of ``nn.Conv2d`` with a kernel of 1.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (N, inputs, H, W) to (N, outputs, H, W), channels last."""
        return F.linear(x.permute(0, 2, 3, 1), self.weight.flatten(1), self.bias).permute(0, 3, 1, 2)


def convolved(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return ``x`` (N, C, L) or (N, C, H, W) convolved with stride 1 and zeros around it, which keep the size."""
    convolve = F.conv2d if weight.ndim == 4 else F.conv1d
    return convolve(x, weight, bias, padding=weight.shape[-1] // 2)


def plain_conv(weight: Tensor, bias: Tensor | None) -> Conv:
    """Return the stride-1 convolution, padded with zeros to keep the size, that has this weight and bias."""
    outputs, inputs, *kernel = weight.shape
    kind: type[Conv] = nn.Conv1d if len(kernel) == 1 else PointwiseConv if kernel[0] == 1 else nn.Conv2d
    with torch.device("meta"):
        conv = kind(inputs, outputs, kernel[0], padding=kernel[0] // 2, bias=bias is not None)
    conv.weight = nn.Parameter(weight.detach(), requires_grad=False)
    if bias is not None:
        conv.bias = nn.Parameter(bias.detach(), requires_grad=False)
    return conv.eval()


def fold_norms(network: nn.Module) -> None:
    """Fold spectral and weight norms, and every batch norm that directly follows its convolution; for evaluation only.

    In an ``nn.Sequential`` the order tells what follows what; other modules name the pairs in ``FOLLOWED_BY_NORM``.
    """
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, SpectralConv | WeightNormConv):
                setattr(parent, name, child.plain())
        for conv, norm in _pairs(parent):
            fused = fuse_conv_bn_eval(getattr(parent, conv), getattr(parent, norm))
            setattr(parent, conv, fused)
            setattr(parent, norm, nn.Identity())


def complete_spectral[Value](state_dict: Mapping[str, Value]) -> dict[str, Value]:
    """Return the state dict with the vectors v that files of very old PyTorch versions lack.

    Such files may hold the normed ``weight`` beside ``weight_orig``; it then takes the place of the latter, with
    vectors that leave it as it is. Without it v is ``W^T u / |W^T u|``. Values may be tensors or shapes.
    """
    complete = dict(state_dict)
    for name in state_dict:
        prefix, _, last = name.rpartition("weight_orig")
        if last or not name.endswith("weight_orig") or f"{prefix}weight_v" in state_dict:
            continue
        normed = complete.pop(f"{prefix}weight", None)
        original = complete[name] if normed is None else normed
        u, v = _vectors(original, complete[f"{prefix}weight_u"], normed is not None)
        complete |= {name: original, f"{prefix}weight_u": u, f"{prefix}weight_v": v}
    return complete


def _vectors(weight: Any, u: Any, is_normed: bool) -> tuple[Any, Any]:
    """Return u and v for a weight; so scaled that the norm they give is 1 where the weight has been normed."""
    if not isinstance(weight, Tensor):
        return u, (int(torch.tensor(weight[1:]).prod()),)
    v = nn.functional.normalize(weight.flatten(1).T @ u, dim=0)
    return (u / (u @ weight.flatten(1) @ v) if is_normed else u), v


def _pairs(module: nn.Module) -> list[tuple[str, str]]:
    if not isinstance(module, nn.Sequential):
        return [pair for pair in getattr(module, "FOLLOWED_BY_NORM", ()) if hasattr(module, pair[1])]
    children = list(module.named_children())
    return [
        (name, follower)
        for (name, child), (follower, next_child) in pairwise(children)
        if isinstance(child, nn.Conv2d) and isinstance(next_child, nn.BatchNorm2d)
    ]
