"""Losses: how far restored frames are from the truth."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vsrestore.networks.layers.luma import luma
from vsrestore.training.feature_loss import FeatureLoss
from vsrestore.training.recipe import LossRecipe

PLAIN = ("log", "chroma", "l1", "charbonnier", "mse", "temporal")
"""The terms that need no other network, by the key of their weight."""


BLUE_SPAN, RED_SPAN = 1.772, 1.402  # of B - Y and R - Y


def log_error(restored: Tensor, target: Tensor, floor: float) -> Tensor:
    """Mean over frames of the logarithm of the mean square error: PSNR, up to sign and scale.

    Args:
        restored: (N, K, C, H, W).
        target: the same shape.
        floor: mean square error below which little is to be gained. A high floor makes heavily damaged frames count
            more than nearly clean ones, which is what a network learns to repair damage from; a low one makes it leave
            clean frames alone.

    """
    errors = (restored - target).square().mean(dim=(-3, -2, -1))
    return torch.log(errors + floor).mean()


def chroma_error(restored: Tensor, target: Tensor, floor: float) -> Tensor:
    """Mean over frames of the logarithm of the mean square error of the two colour differences of BT.601.

    Most of an RGB error is luma; this term makes a network look after the colours as well.

    Args:
        restored: RGB (N, K, 3, H, W).
        target: the same shape.
        floor: as for ``log_error``.

    """
    return log_error(colour_differences(restored), colour_differences(target), floor)


def colour_differences(frames: Tensor) -> Tensor:
    """U and V of BT.601, (N, K, 2, H, W), -0.5 to 0.5."""
    red, _, blue = frames.unbind(2)
    bright = luma(frames.flatten(0, 1)).view_as(red)
    return torch.stack(((blue - bright) / BLUE_SPAN, (red - bright) / RED_SPAN), dim=2)


def charbonnier(restored: Tensor, target: Tensor, epsilon: float) -> Tensor:
    """Mean of ``sqrt(d^2 + epsilon^2)`` over all differences d: absolute where they are large, square where small.

    Source:
        Charbonnier et al., Two deterministic half-quadratic regularization algorithms, ICIP 1994; as a loss of networks
        Lai et al., LapSRN, CVPR 2017.
    """
    return ((restored - target).square() + epsilon**2).sqrt().mean()


def temporal_error(restored: Tensor, target: Tensor) -> Tensor:
    """Mean of ``|(out_t - truth_t) - (out_{t-1} - truth_{t-1})|``: how much the error itself changes in time.

    An error that stays costs nothing here (the other terms see to it); what flickers or boils does. No motion need be
    known, because the truth has the same.

    Args:
        restored: (N, K, C, H, W), consecutive frames, K at least 2.
        target: the same shape.
    """
    errors = restored - target
    return (errors[:, 1:] - errors[:, :-1]).abs().mean()


class Criterion(nn.Module):
    """The mixture of losses that a recipe asks for.

    Args:
        recipe: weights of the terms.
        feature: the feature loss; needed where its weight is not 0.
    """

    def __init__(self, recipe: LossRecipe, feature: FeatureLoss | None = None) -> None:
        super().__init__()
        if recipe.feature and feature is None:
            raise ValueError("the recipe has a feature loss, which needs VGG-16")
        self.recipe = recipe
        self.feature = feature

    @property
    def names(self) -> tuple[str, ...]:
        """What ``forward`` returns, in order."""
        plain = tuple(name for name in PLAIN if getattr(self.recipe, name))
        return (*plain, *(self.feature.names if self.feature and self.recipe.feature else ()))

    def forward(self, restored: Tensor, target: Tensor, floor: float, consecutive: int) -> dict[str, Tensor]:
        """Return the weighted terms by name.

        Args:
            restored: RGB (N, K, 3, H, W) in [0, 1].
            target: the same shape.
            floor: of the logarithmic error.
            consecutive: how many frames from the first on follow each other, for the temporal term.
        """
        terms = {}
        for name in (name for name in PLAIN if getattr(self.recipe, name)):
            count = consecutive if name == "temporal" else restored.shape[1]
            error = self._error(name, restored[:, :count], target[:, :count], floor)
            terms[name] = _weighted(getattr(self.recipe, name), error)
        if self.feature is not None and self.recipe.feature:
            parts = self.feature.parts(restored.float().flatten(0, 1), target.flatten(0, 1))
            terms |= {name: _weighted(self.recipe.feature, part) for name, part in parts.items()}
        return terms

    def _error(self, name: str, restored: Tensor, target: Tensor, floor: float) -> Tensor:
        match name:
            case "log":
                return log_error(restored, target, floor)
            case "chroma":
                return chroma_error(restored, target, floor)
            case "charbonnier":
                return charbonnier(restored, target, self.recipe.epsilon)
            case "temporal":
                return temporal_error(restored, target)
        difference = restored - target
        return difference.abs().mean() if name == "l1" else difference.square().mean()


def _weighted(weight: float, term: Tensor) -> Tensor:
    return term if weight == 1 else weight * term
