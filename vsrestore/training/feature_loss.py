"""The feature loss: pictures compared by what a network that recognises things sees in them."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import vgg16_bn

from vsrestore import checkpoints
from vsrestore.networks.layers.imagenet import imagenet_statistics
from vsrestore.networks.state_dict import compare, strip
from vsrestore.networks.without_memory import WithoutMemory

LAYERS = (22, 32, 42)  # of the trunk: the ReLUs before its third, fourth and fifth pooling
FEATURE_WEIGHTS = (5.0, 15.0, 2.0)
GRAM_WEIGHT = 5000.0
DERIVED = ("num_batches_tracked",)


class FeatureLoss(nn.Module):
    """Mean absolute differences of pixels, of features of VGG-16 with batch norms, and of their Gram matrices.

    Args:
        tensors: a state dict of torchvision's ``vgg16_bn``; its classifier is left out.
        mse: weight of an additional mean square error of pixels; 0 leaves it out. The other terms alone over-sharpen.

    Raises:
        NetworkError: the tensors are not those of VGG-16 with batch norms.

    Source:
        Johnson, Alahi, Fei-Fei, Perceptual Losses for Real-Time Style Transfer and Super-Resolution, ECCV 2016, with
        the layers and weights of fastai's course, lesson 7, 2019.
    """

    def __init__(self, tensors: Mapping[str, Tensor], mse: float = 0.0) -> None:
        super().__init__()
        self.trunk = _trunk(tensors)
        self.mse = mse
        mean, std = imagenet_statistics()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)
        self.mean: Tensor
        self.std: Tensor

    @property
    def names(self) -> tuple[str, ...]:
        """What ``parts`` returns, in order."""
        numbers = range(len(LAYERS))
        mse = ("feature_mse",) if self.mse else ()
        return ("pixel", *(f"feat_{index}" for index in numbers), *(f"gram_{index}" for index in numbers), *mse)

    def train(self, mode: bool = True) -> FeatureLoss:
        """Stay in evaluation mode: what is compared must not depend on the batch."""
        return super().train(False)

    def forward(self, restored: Tensor, target: Tensor) -> Tensor:
        """Return the sum of :meth:`parts`, a scalar."""
        return torch.stack(list(self.parts(restored, target).values())).sum()

    def parts(self, restored: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Return the weighted terms: "pixel", "feat_0" to "feat_2", "gram_0" to "gram_2", and "feature_mse".

        Args:
            restored: RGB (N, 3, H, W) in [0, 1]; H and W at least 16.
            target: the same shape.
        """
        ours, truth = ((picture - self.mean) / self.std for picture in (restored, target))
        parts = {"pixel": F.l1_loss(ours, truth)}
        with torch.no_grad():
            wanted = self.features(truth)
        pairs = list(zip(FEATURE_WEIGHTS, self.features(ours), wanted, strict=True))
        for index, (weight, layer, expected) in enumerate(pairs):
            parts[f"feat_{index}"] = weight * F.l1_loss(layer, expected)
        for index, (weight, layer, expected) in enumerate(pairs):
            parts[f"gram_{index}"] = GRAM_WEIGHT * weight**2 * F.l1_loss(gram(layer), gram(expected))
        if self.mse:
            parts["feature_mse"] = self.mse * F.mse_loss(ours, truth)
        return parts

    def features(self, pictures: Tensor) -> list[Tensor]:
        """Return what the layers of the trunk give for normalised pictures (N, 3, H, W)."""
        layers = []
        for index, layer in enumerate(self.trunk):
            pictures = layer(pictures)
            if index in LAYERS:
                layers.append(pictures)
        return layers


def load_feature_loss(model: str, mse: float = 0.0) -> FeatureLoss:
    """Return the feature loss with the weights of a registry entry or a file.

    Raises:
        CheckpointError: the checkpoint is not here; the message gives the command that fetches it.
        NetworkError: it is another network's.
    """
    return FeatureLoss(checkpoints.read(checkpoints.find(model)), mse)


def gram(features: Tensor) -> Tensor:
    """Return how much the channels of features (N, C, H, W) go together, (N, C, C): f f^T / (C H W)."""
    flat = features.flatten(2)
    return flat @ flat.transpose(1, 2) / features[0].numel()


def _trunk(tensors: Mapping[str, Tensor]) -> nn.Sequential:
    """Return the convolutions of VGG-16 up to the last layer that is compared, frozen."""
    with WithoutMemory():  # the classifier alone would take half a gigabyte
        trunk = vgg16_bn(weights=None).features[: LAYERS[-1] + 1]
    expected = {f"features.{name}": tuple(tensor.shape) for name, tensor in trunk.state_dict().items()}
    trunk_tensors = {name: tensor for name, tensor in tensors.items() if name in expected}
    compare(expected, {name: tuple(tensor.shape) for name, tensor in trunk_tensors.items()}, "vgg16_bn", DERIVED)
    trunk.load_state_dict(strip(trunk_tensors, "features."), strict=False, assign=True)
    return trunk.eval().requires_grad_(False)
