"""fastai's U-Net that repairs pictures: `unet_learner` of fastai 1, as in lesson 7 of its course.

Source:
    fastai 1 (Howard and others), 2019, no paper. Tensor names are those that `learn.save` writes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from vsrestore.networks.layers.frame_by_frame import FrameByFrame
from vsrestore.networks.layers.normed_conv import WeightNormConv
from vsrestore.networks.layers.shuffle_unet import ShuffleUNet, sizes_of
from vsrestore.networks.state_dict import Shapes, compare
from vsrestore.networks.traits import Traits

Y_RANGE = (-3.0, 3.0)  # of the published recipe with self-attention
SKIP_BIAS = 1e-3  # of new batch norms
DERIVED = ("num_batches_tracked",)

LATE_ENCODER = 6  # where the second group of layers begins
# Names of torchvision's ResNet -> numbers of the encoder's layers.
ENCODER = {"conv1": "0", "bn1": "1", **{f"layer{number}": f"{number + 3}" for number in range(1, 5)}}

# Names of PyTorch's later weight norm -> those of the earlier.
LATER_NORM = {".parametrizations.weight.original0": ".weight_g", ".parametrizations.weight.original1": ".weight_v"}
# Networks trained at an odd size have a layer without tensors after layer 8.
LATE_LAYER = re.compile(r"^layers\.(11|12)\.")


class FastaiUNet(FrameByFrame, ShuffleUNet):
    """Repair pictures that have their final size already.

    Args:
        blocks: of the encoder's four groups; as it stands a ResNet-34.
        bottleneck: whether the encoder has bottlenecks (ResNet-50 and deeper).
        stem: channels of the encoder's first convolution.
        ups: channels after the pixel shuffle of each decoder block, and of the last one.
        widths: channels that each decoder block gives.
        attention: whether the second decoder block ends in self-attention.
        y_range: low and high end, in standard deviations, between which a sigmoid keeps the output; empty for none.
        legacy_blur: whether the last pixel shuffle is blurred too, as in fastai up to 1.0.55.
    """

    def __init__(
        self,
        blocks: Sequence[int] = (3, 4, 6, 3),
        bottleneck: bool = False,
        stem: int = 64,
        ups: Sequence[int] = (256, 256, 192, 128, 96),
        widths: Sequence[int] = (512, 384, 256, 96),
        attention: bool = False,
        y_range: Sequence[float] = (),
        legacy_blur: bool = False,
    ) -> None:
        super().__init__(
            "weight", blocks, bottleneck, stem, ups, widths, 2, attention, blur_last=legacy_blur, y_range=y_range
        )
        self.attention = attention

    def initialise(self) -> None:
        """Draw the weights that training starts from; those of the encoder stay as they are.

        Raises:
            ValueError: with self-attention, whose spectral norm does not follow weights that change.
        """
        if self.attention:
            raise ValueError("fastai_unet with self-attention cannot be trained here; build it without")
        for part in self.layers[1:].modules():
            if isinstance(part, WeightNormConv):
                nn.init.kaiming_normal_(part.weight_v)
                nn.init.zeros_(part.bias)
                part.weight_g.data.copy_(part.norm())
            elif isinstance(part, nn.BatchNorm2d):
                nn.init.constant_(part.bias, SKIP_BIAS)

    def load_encoder(self, tensors: Mapping[str, Tensor]) -> None:
        """Give the encoder the weights of a ResNet that recognises things.

        Args:
            tensors: a state dict of torchvision's ResNet of the same depth; its classifier is left out.

        Raises:
            NetworkError: the tensors are those of another network.
        """
        parts = ((name.partition("."), tensor) for name, tensor in tensors.items())
        named = {f"{ENCODER[first]}.{rest}": tensor for (first, _, rest), tensor in parts if first in ENCODER}
        encoder = self.layers[0]
        expected, actual = ({n: tuple(t.shape) for n, t in some.items()} for some in (encoder.state_dict(), named))
        compare(expected, actual, "the encoder of fastai_unet", DERIVED)
        encoder.load_state_dict(named, strict=False)

    def depths(self) -> list[list[nn.Parameter]]:
        """Return all parameters in the groups that learn at rates of their own: early encoder, late encoder, rest."""
        encoder = list(self.layers[0].children())
        groups = encoder[:LATE_ENCODER], encoder[LATE_ENCODER:], list(self.layers[1:])
        return [[parameter for part in group for parameter in part.parameters()] for group in groups]


class FrameRepair(nn.Module):
    """A U-Net between frames of any size, with what the published film "remastering" does around it.

    Args:
        network: with its weights.
        size: edge of the square that the network sees, even; None leaves frames, of even size, as they are.
        brightness: factor on what it gives.
    """

    def __init__(self, network: nn.Module, size: int | None, brightness: float) -> None:
        super().__init__()
        self.network = network
        self.size = size
        self.brightness = brightness

    def forward(self, frames: Tensor) -> Tensor:
        """Repair RGB frames (N, 3, H, W) in [0, 1], float32; the same shape comes back, not clamped at the end."""
        dtype = next(self.network.parameters()).dtype
        stretched = frames if self.size is None else _stretched(frames, self.size, self.size)
        repaired = self.network(stretched.to(dtype)).float().clamp(0, 1)
        if self.size is not None:
            repaired = _stretched(repaired, *frames.shape[-2:])
        return repaired * self.brightness


def describe(settings: Mapping[str, Any]) -> Traits:
    """Return what a network with these settings asks of its pictures; self-attention sees the whole frame."""
    tiles = not settings["attention"]
    return Traits(multiple=2, padding="replicate", tile_overlap=128, tiles=tiles, float32_frames=True)


def recognise(shapes: Shapes) -> dict[str, Any] | None:
    """Return constructor settings for a checkpoint of such a U-Net, None for other networks.

    No shape shows `y_range`, so it is that of the published recipes, or `legacy_blur`.
    """
    shapes = rename(shapes)
    if "layers.0.4.0.conv1.weight" not in shapes or "layers.4.shuf.conv.0.weight_g" not in shapes:
        return None
    attention = "layers.5.conv2.2.gamma" in shapes
    return {
        **sizes_of(shapes, "weight_v", "conv2"),
        "attention": attention,
        "y_range": Y_RANGE if attention else (),
    }


def rename[Value](state_dict: Mapping[str, Value]) -> dict[str, Value]:
    """Return the tensors under the names of PyTorch's earlier weight norm, counted without layers for odd sizes."""
    renamed = {}
    for name, value in state_dict.items():
        for later, earlier in LATER_NORM.items():
            name = f"{name.removesuffix(later)}{earlier}" if name.endswith(later) else name
        renamed[name] = value
    if any(name.startswith("layers.11.layers.") for name in renamed):
        return {LATE_LAYER.sub(_one_lower, name, count=1): value for name, value in renamed.items()}
    return renamed


def _one_lower(layer: re.Match[str]) -> str:
    return f"layers.{int(layer[1]) - 1}."


def _stretched(frames: Tensor, height: int, width: int) -> Tensor:
    """Return frames at another size; what becomes smaller is filtered over all that it covers, as Pillow does."""
    return F.interpolate(frames, (height, width), mode="bilinear", antialias=True)
