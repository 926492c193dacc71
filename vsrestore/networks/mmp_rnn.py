"""MMP-RNN: a chunk of blurred frames in, sharp ones out; recurrent, guided by how far each pixel moved.

A prior (MMP-Net) tells how much every pixel moved during the exposure and scales the first features of a recurrent
cell; a decoder fuses what the cell gave for five consecutive frames into the sharp one in their middle. No flow, no
warping: all of it is plain convolution.

What a caller has to know:
    Chunks have 20 frames as published, of which the first and last 2 get no output, and start from a state of zeros.
    The order of colours is the checkpoint's (GoPro RGB, BSD BGR).

Source:
    Wang, Lu, Gao, Wang, Zhong, Zheng, Yamashita, "Efficient Video Deblurring Guided by Motion Magnitude", ECCV 2022,
    arXiv 2207.13374. Tensor names are the published ones.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.layers.activation import lrelu
from vsrestore.networks.layers.layout import channels_last
from vsrestore.networks.layers.normed_conv import fold_norms
from vsrestore.networks.layers.residual_dense import ResidualDenseBlock, ResidualDenseNet
from vsrestore.networks.mmp_net import GREY, MMPNet
from vsrestore.networks.state_dict import count_numbered
from vsrestore.networks.traits import Traits

DERIVED = ("num_batches_tracked",)
MULTIPLE = 4
MINIMUM = 16  # pixels: the prior halves four times
REDUCTION = 16  # of channels inside the channel attention


class State(NamedTuple):
    """What the cell hands on from frame to frame, at a quarter of the size."""

    middle: Tensor  # features of the frame alone, (N, 2F, h, w)
    memory: Tensor  # of all frames since the start of the chunk, (N, F, h, w)


class MotionAttention(nn.Module):
    """Factors for features from a map of motion magnitude.

    Args:
        features: channels that are scaled.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.MMAM_conv0 = nn.Conv2d(1, features // 2, 1)
        self.MMAM_conv1 = nn.Conv2d(features // 2, features, 1)

    def forward(self, magnitude: Tensor) -> Tensor:
        """Turn a map (N, 1, H, W) into factors (N, features, H, W)."""
        return self.MMAM_conv1(lrelu.after(self.MMAM_conv0, magnitude)).add_(1)


class DenseDown(nn.Module):
    """A residual dense block, then half the size.

    Args:
        inputs: channels that come in.
        growth: of the block.
        outputs: channels that go out.
    """

    def __init__(self, inputs: int, growth: int, outputs: int) -> None:
        super().__init__()
        self.rdb = ResidualDenseBlock(inputs, growth)
        self.down_sampling = nn.Conv2d(inputs, outputs, 5, stride=2, padding=2)

    def forward(self, x: Tensor) -> Tensor:
        """Turn (N, inputs, H, W) into (N, outputs, H / 2, W / 2)."""
        return self.down_sampling(self.rdb(x))


class Cell(nn.Module):
    """The recurrent encoder.

    Args:
        features: channels at full size.
        blocks: residual dense blocks of the recurrent part.
    """

    def __init__(self, features: int, blocks: int) -> None:
        super().__init__()
        f = features
        self.features = features
        self.F_B0 = nn.Conv2d(3, f, 5, padding=2)
        self.prior = MMPNet()
        self.MMAM1 = MotionAttention(f)
        self.F_B1 = DenseDown(f, f, 2 * f)
        self.F_B2 = DenseDown(2 * f, 3 * f // 2, 2 * f)
        self.F_R = ResidualDenseNet(5 * f, 2 * f, blocks)
        first, last = nn.Conv2d(5 * f, f, 3, padding=1), nn.Conv2d(f, f, 3, padding=1)
        self.F_h = nn.Sequential(first, ResidualDenseBlock(f, f), last)

    def middle(self, frame: Tensor) -> Tensor:
        """Turn a frame (N, 3, H, W) in [-0.5, 0.5] into what depends on it alone, (N, 2F, H / 4, W / 4)."""
        scaled = self.F_B0(frame) * self.MMAM1(self.prior.magnitude(frame))
        return cast("Tensor", self.F_B2(self.F_B1(scaled)))

    def forward(self, middle: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Go on by one frame.

        Args:
            middle: of the frame, (N, 2F, h, w).
            state: after the frame before; None at the start of a chunk.

        Returns:
            What the decoder sees of the frame, (N, 5F, h, w), and the new state.
        """
        if state is None:
            state = State(torch.zeros_like(middle), torch.zeros_like(middle[:, : self.features]))
        hidden = self.F_R(torch.cat((middle, *state), dim=1))
        return hidden, State(middle, self.F_h(hidden))


class Fusion(nn.Module):
    """What the cell gave for consecutive frames, joined to the features of the one in the middle.

    Args:
        channels: of what the cell gives for one frame.
        frames: how many are joined.
        attention: whether channels are weighed first; None: as `attention_is_trained` tells at `fold`.
    """

    def __init__(self, channels: int, frames: int, attention: bool | None) -> None:
        super().__init__()
        joined = frames * channels
        self.attention = attention
        squeeze, excite = nn.Conv2d(joined, joined // REDUCTION, 1), nn.Conv2d(joined // REDUCTION, joined, 1)
        self.ca = nn.ModuleDict({"conv_du": nn.Sequential(squeeze, nn.ReLU(), excite, nn.Sigmoid())})
        self.fusion = nn.Conv2d(joined, channels, 1)

    def forward(self, hidden: Sequence[Tensor]) -> Tensor:
        """Turn ``frames`` tensors (N, channels, h, w) into one."""
        joined = torch.cat(list(hidden), dim=1)
        if self.attention is not False:
            joined = joined * self.ca["conv_du"](joined.mean((2, 3), keepdim=True))
        return cast("Tensor", self.fusion(joined))


class Decoder(nn.Module):
    """From fused features to a picture four times as large.

    Args:
        features: channels of the last layer; five times as many come in.
        blocks: residual dense blocks.
    """

    def __init__(self, features: int, blocks: int) -> None:
        super().__init__()
        f = features
        self.D_Net = ResidualDenseNet(5 * f, 2 * f, blocks)
        self.model = nn.Sequential(_enlarge(5 * f, 2 * f), _enlarge(2 * f, f), nn.Conv2d(f, 3, 5, padding=2))

    def forward(self, x: Tensor) -> Tensor:
        """Turn (N, 5F, h, w) into (N, 3, 4h, 4w)."""
        return cast("Tensor", self.model(self.D_Net(x)))


class MMPRNN(nn.Module):
    """The whole network.

    Args:
        features: channels at full size.
        cell_blocks: residual dense blocks of the recurrent cell.
        decoder_blocks: residual dense blocks of the decoder.
        frames: consecutive frames that make one output, odd.
        skip: a convolution of the blurred frame is added to the output.
        attention: whether the fusion weighs its channels, which no shape shows. None: where the weights of the
            attention are those of training, see `attention_is_trained`.

    Attributes:
        radius: how many frames at either end of a chunk get no output.
    """

    def __init__(
        self,
        features: int = 18,
        cell_blocks: int = 9,
        decoder_blocks: int = 10,
        frames: int = 5,
        skip: bool = True,
        attention: bool | None = None,
    ) -> None:
        super().__init__()
        self.radius = frames // 2
        self.cell = Cell(features, cell_blocks)
        self.fusion = Fusion(5 * features, frames, attention)
        self.recons = Decoder(features, decoder_blocks)
        self.skip = nn.Conv2d(3, 3, 9, padding=4) if skip else None

    def fold(self) -> None:
        """Fold the prior's batch norms into its convolutions, and see whether the attention was trained."""
        fold_norms(self)
        if self.fusion.attention is None:
            self.fusion.attention = attention_is_trained(self.state_dict())

    def forward(self, frames: Tensor, keep: range | None = None) -> Tensor:
        """Deblur the frames of a chunk, from a state of zeros.

        Args:
            frames: (N, T, 3, H, W) in [0, 1], in the checkpoint's order of colours; H and W multiples of 4, at least
                16. In float32 the picture that the decoder's is added to stays so, whatever the weights are.
            keep: consecutive frames of T that are wanted (default: all that have ``radius`` frames on either side, as
                every wanted one must).

        Returns:
            (N, len(keep), 3, H, W), not clamped, dtype of the frames.

        Raises:
            ValueError: a size that is no multiple of 4 or too small, or frames to keep without neighbours.
        """
        keep = range(self.radius, frames.shape[1] - self.radius) if keep is None else keep
        self._check(frames, keep)
        state: State | None = None
        hidden: deque[Tensor] = deque(maxlen=2 * self.radius + 1)
        sharp = []
        for index in range(keep.stop + self.radius):
            output, state = self.cell(self.cell.middle(self._centred(frames[:, index])), state)
            hidden.append(output)
            if index - self.radius in keep:
                sharp.append(self._sharp(hidden, frames[:, index - self.radius]))
        return torch.stack(sharp, dim=1)

    def _check(self, frames: Tensor, keep: range) -> None:
        (length, _, height, width) = frames.shape[1:]
        if height % MULTIPLE or width % MULTIPLE or min(height, width) < MINIMUM:
            raise ValueError(
                f"frames are {width}x{height}; multiples of {MULTIPLE} from {MINIMUM} pixels on are accepted: pad them"
            )
        if not self.radius <= keep.start < keep.stop <= length - self.radius:
            raise ValueError(f"keep is {keep} of {length} frames; each needs {self.radius} more on either side")

    def _sharp(self, hidden: Sequence[Tensor], frame: Tensor) -> Tensor:
        """Return the frame (N, 3, H, W) in the middle of what the cell gave, in [0, 1]."""
        added = self.recons(self.fusion(hidden)).to(frame.dtype) + GREY
        if self.skip is None:
            return added
        weight, bias = self.skip.weight.to(frame.dtype), cast("Tensor", self.skip.bias).to(frame.dtype)
        return added + F.conv2d(frame - GREY, weight, bias, padding=self.skip.padding)

    def _centred(self, frame: Tensor) -> Tensor:
        return channels_last((frame - GREY).to(self.cell.F_B0.weight.dtype))


def _enlarge(inputs: int, outputs: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1)


def attention_is_trained(state_dict: Mapping[str, Tensor]) -> bool:
    """Tell whether the channel attention of a checkpoint was used in training.

    Its tensors are there either way. Where it was off they still are what PyTorch initialises a convolution with,
    uniform noise within 1 / sqrt(inputs).
    """
    names = ("fusion.ca.conv_du.0.weight", "fusion.ca.conv_du.2.weight")
    weights = [state_dict[name].float() for name in names]
    # Stored in half precision, the bound itself may be rounded up.
    return any(bool(weight.abs().max() > 1.001 * weight.shape[1] ** -0.5) for weight in weights)


def describe(_settings: Mapping[str, Any]) -> Traits:
    """Return what the network asks of its pictures.

    The attention weighs channels by their means over the frame, and the prior's map depends on its size, so tiles would
    change the picture everywhere. With seeded weights on 20 real frames the largest error, of the largest value, is
    0.016 in bfloat16 and 0.002 in float16, no larger at the end of a chunk than at its start.
    """
    return Traits(multiple=MULTIPLE, pads_to=MINIMUM, tiles=False, float32_frames=True)


def recognise(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any] | None:
    """Return constructor settings read off published names and shapes; None if it is no MMP-RNN."""
    if any(name not in shapes for name in ("cell.F_B0.weight", "cell.prior.conv9x9.weight", "fusion.fusion.weight")):
        return None
    features = shapes["cell.F_B0.weight"][0]
    return {
        "features": features,
        "cell_blocks": count_numbered(shapes, "cell.F_R.RDBs."),
        "decoder_blocks": count_numbered(shapes, "recons.D_Net.RDBs."),
        "frames": shapes["fusion.fusion.weight"][1] // (5 * features),
        "skip": "skip.weight" in shapes,
    }
