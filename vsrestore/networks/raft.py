"""RAFT: optical flow between neighbouring frames by a recurrent search in the correlation of all pairs of pixels.

Source:
    Teed, Deng, "RAFT: Recurrent All-Pairs Field Transforms for Optical Flow", ECCV 2020, arXiv 2003.12039. Tensor names
    are the published ones (princeton-vl/RAFT).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.layers.activation import relu
from vsrestore.networks.layers.correlation import SAMPLES, Correlation
from vsrestore.networks.layers.normed_conv import fold_norms
from vsrestore.networks.state_dict import Shapes
from vsrestore.networks.traits import Traits

MULTIPLE = 8  # pixels of a frame that one of the features stands for, each way
SMALLEST = 128  # height and width from which on the coarsest level of the correlation has more than one pixel
ITERATIONS = 20  # as ProPainter takes them
WIDTHS = (64, 96, 128)  # of the three stages of an encoder
FEATURES = 256
HIDDEN = 128  # channels of the recurrent state, and of the context beside it
NEIGHBOURS = 9  # coarse flows that a fine one is a mean of
UNUSED = ".norm3."  # a second name of the norm in `downsample`

Norm = Callable[[int], nn.Module]


class ResidualBlock(nn.Module):
    """Two normed 3x3 convolutions and a way around them."""

    def __init__(self, inputs: int, outputs: int, stride: int, norm: Norm) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1)
        self.norm1, self.norm2 = norm(outputs), norm(outputs)
        self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride), norm(outputs)) if stride > 1 else None
        if isinstance(self.norm1, nn.BatchNorm2d):
            self.FOLLOWED_BY_NORM = (("conv1", "norm1"), ("conv2", "norm2"))

    def forward(self, x: Tensor) -> Tensor:
        """Take (N, inputs, H, W) to (N, outputs, H / stride, W / stride)."""
        y = relu(self.norm2(self.conv2(relu(self.norm1(self.conv1(x))))))
        return relu((x if self.downsample is None else self.downsample(x)) + y)


class Encoder(nn.Module):
    """Features at an eighth of the size."""

    def __init__(self, norm: Norm) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, WIDTHS[0], 7, 2, 3)
        self.norm1 = norm(WIDTHS[0])
        if isinstance(self.norm1, nn.BatchNorm2d):
            self.FOLLOWED_BY_NORM = (("conv1", "norm1"),)
        layers = []
        for inputs, outputs in zip((WIDTHS[0], *WIDTHS), WIDTHS, strict=False):
            stride = 1 if inputs == outputs else 2
            blocks = ResidualBlock(inputs, outputs, stride, norm), ResidualBlock(outputs, outputs, 1, norm)
            layers.append(nn.Sequential(*blocks))
        self.layer1, self.layer2, self.layer3 = layers
        self.conv2 = nn.Conv2d(WIDTHS[-1], FEATURES, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Take images (N, 3, H, W) in [-1, 1] to (N, 256, H / 8, W / 8)."""
        x = relu(self.norm1(self.conv1(images)))
        return self.conv2(self.layer3(self.layer2(self.layer1(x))))


class MotionEncoder(nn.Module):
    """What the correlation around the present flow, and the flow itself, tell of the motion."""

    def __init__(self) -> None:
        super().__init__()
        self.convc1 = nn.Conv2d(SAMPLES, 256, 1)
        self.convc2 = nn.Conv2d(256, 192, 3, padding=1)
        self.convf1 = nn.Conv2d(2, 128, 7, padding=3)
        self.convf2 = nn.Conv2d(128, 64, 3, padding=1)
        self.conv = nn.Conv2d(256, HIDDEN - 2, 3, padding=1)

    def forward(self, flow: Tensor, correlation: Tensor) -> Tensor:
        """Take flow (N, 2, h, w) and correlation (N, 324, h, w) to (N, 128, h, w), the flow last."""
        matching = relu.after(self.convc2, relu.after(self.convc1, correlation))
        moved = relu.after(self.convf2, relu.after(self.convf1, flow))
        return torch.cat((relu.after(self.conv, torch.cat((matching, moved), 1)), flow), 1)


class GRUPass:
    """One pass of the recurrent unit along rows or columns, for one context: what that brings is computed once.

    Args:
        gates: the convolutions of the update gate, the reset gate and the candidate, (128, 384, ...) each; of their
            inputs the first third is the state, the second the context, the third the motion.
        context: (N, 128, h, w).

    """

    def __init__(self, gates: tuple[nn.Conv2d, nn.Conv2d, nn.Conv2d], context: Tensor) -> None:
        update, reset, candidate = gates
        self.padding = update.padding
        weights = torch.cat((update.weight, reset.weight)), candidate.weight
        self.weights = [torch.cat((weight[:, :HIDDEN], weight[:, 2 * HIDDEN :]), 1) for weight in weights]
        biases = torch.cat((update.bias, reset.bias)), candidate.bias  # type: ignore[arg-type]
        self.shares = [
            F.conv2d(context, weight[:, HIDDEN : 2 * HIDDEN], bias, padding=self.padding)
            for weight, bias in zip(weights, biases, strict=True)
        ]

    def __call__(self, state: Tensor, motion: Tensor) -> Tensor:
        """Return the next state, (N, 128, h, w)."""
        gates = self._convolved(0, state, motion).sigmoid_()
        update, reset = gates.chunk(2, 1)
        candidate = self._convolved(1, reset * state, motion).tanh_()
        return torch.lerp(state, candidate, update)

    def _convolved(self, index: int, state: Tensor, motion: Tensor) -> Tensor:
        inputs = torch.cat((state, motion), 1)
        return F.conv2d(inputs, self.weights[index], padding=self.padding).add_(self.shares[index])


class SeparableGRU(nn.Module):
    """A gated recurrent unit whose convolutions run along rows, then along columns."""

    def __init__(self) -> None:
        super().__init__()
        for number, kernel in ((1, (1, 5)), (2, (5, 1))):
            for gate in "zrq":
                padding = (kernel[0] // 2, kernel[1] // 2)
                setattr(self, f"conv{gate}{number}", nn.Conv2d(3 * HIDDEN, HIDDEN, kernel, padding=padding))

    def passes(self, context: Tensor) -> list[GRUPass]:
        """Return both passes for a context (N, 128, h, w)."""
        gates = [[getattr(self, f"conv{gate}{number}") for gate in "zrq"] for number in (1, 2)]
        return [GRUPass((update, reset, candidate), context) for update, reset, candidate in gates]


class FlowHead(nn.Module):
    """The change of the flow."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(HIDDEN, 256, 3, padding=1)
        self.conv2 = nn.Conv2d(256, 2, 3, padding=1)

    def forward(self, state: Tensor) -> Tensor:
        """Take (N, 128, h, w) to (N, 2, h, w)."""
        return self.conv2(relu.after(self.conv1, state))


class UpdateBlock(nn.Module):
    """One step of the search, and the weights by which its flow is enlarged."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = MotionEncoder()
        self.gru = SeparableGRU()
        self.flow_head = FlowHead()
        self.mask = nn.Sequential(
            nn.Conv2d(HIDDEN, 256, 3, padding=1), nn.ReLU(True), nn.Conv2d(256, NEIGHBOURS * MULTIPLE**2, 1)
        )


class RAFT(nn.Module):
    """Optical flow between neighbouring frames, both ways.

    Features of a frame are computed once, the correlation of a pair for both directions, what the context brings to the
    recurrent unit before the search, and the weights of the enlargement after its last step. All of it is float32,
    whatever the network is turned into: half precision cannot name a pixel of a large frame.

    Args:
        iterations: steps of the search.

    """

    def __init__(self, iterations: int = ITERATIONS) -> None:
        super().__init__()
        if iterations < 1:
            raise ValueError(f"iterations is {iterations}; at least 1 is accepted")
        self.iterations = iterations
        self.fnet = Encoder(nn.InstanceNorm2d)
        self.cnet = Encoder(nn.BatchNorm2d)
        self.update_block = UpdateBlock()

    def fold(self) -> None:
        """Fold the norms of the context's encoder into its convolutions."""
        fold_norms(self)

    def forward(self, frames: Tensor, keep: range | None = None) -> Tensor:
        """Return the flows between neighbours of a sequence.

        Args:
            frames: (1, T, 3, H, W) in [0, 1], float32; H and W multiples of 8 from 128 up.
            keep: consecutive frames whose flows are wanted (default: all).

        Returns:
            (1, T or len(keep), 4, H, W), float32, pixels, at frame t the flow from it to the next frame (to the right,
            down), and the one from the next frame back to it, which lies on the grid of that. 0 at the last frame.

        Raises:
            ValueError: a size that the network cannot take.

        """
        count, height, width = frames.shape[1], *frames.shape[-2:]
        if height % MULTIPLE or width % MULTIPLE or min(height, width) < SMALLEST:
            raise ValueError(f"frames are {width}x{height}; multiples of {MULTIPLE} from {SMALLEST} up are accepted")
        wanted = range(count) if keep is None else keep
        images = [frames[:, t].mul(2).sub_(1) for t in range(wanted.start, min(wanted.stop + 1, count))]
        flows = [x.flatten(0, 1) for x in self._between_neighbours(images)]
        if wanted.stop == count:
            flows.append(torch.zeros_like(frames[0, 0, :1]).expand(4, -1, -1))
        return torch.stack(flows).unsqueeze(0)

    def _between_neighbours(self, images: list[Tensor]) -> list[Tensor]:
        """Return for each but the last of images (1, 3, H, W) the flows to the next one and back, (2, 2, H, W)."""
        flows: list[Tensor] = []
        earlier = None
        for image in images if len(images) > 1 else ():
            later = self.fnet(image), self.cnet(image)
            if earlier is not None:
                correlation = Correlation(earlier[0], later[0])
                flows.append(self.search(correlation, torch.cat((earlier[1], later[1]))))
            earlier = later
        return flows

    def search(self, correlation: Correlation, context: Tensor) -> Tensor:
        """Search for the flow from each of N images to its partner.

        Args:
            correlation: of the features of each with those of its partner.
            context: features of each, (N, 256, h, w).

        Returns:
            (N, 2, 8h, 8w), pixels.

        """
        block = self.update_block
        state, beside = context.chunk(2, 1)
        state, passes = state.tanh(), block.gru.passes(beside.relu())
        flow = torch.zeros_like(context[:, :2])
        for _ in range(self.iterations):
            motion = block.encoder(flow, correlation.around(flow))
            for step in passes:
                state = step(state, motion)
            flow = flow + block.flow_head(state)
        return enlarged(flow, 0.25 * block.mask(state))


def enlarged(flow: Tensor, weights: Tensor) -> Tensor:
    """Enlarge a flow eightfold: every fine pixel has a weighted mean of the nine coarse ones around it.

    Args:
        flow: (N, 2, h, w), in pixels of its own.
        weights: logits, (N, 9 * 8 * 8, h, w): neighbour, row and column within the coarse pixel.

    Returns:
        (N, 2, 8h, 8w), in pixels of its own.

    """
    n, _, h, w = flow.shape
    shares = weights.view(n, 1, NEIGHBOURS, MULTIPLE, MULTIPLE, h, w).softmax(2)
    around = F.unfold(MULTIPLE * flow, 3, padding=1).view(n, 2, NEIGHBOURS, 1, 1, h, w)
    fine = (shares * around).sum(2)
    return fine.permute(0, 1, 4, 2, 5, 3).reshape(n, 2, MULTIPLE * h, MULTIPLE * w)


def rename[Value](state_dict: Mapping[str, Value]) -> dict[str, Value]:
    """Return the entries without those that stand twice."""
    return {name: value for name, value in state_dict.items() if UNUSED not in name}


def describe(_settings: Mapping[str, Any]) -> Traits:
    """Return what the network asks of its pictures."""
    return Traits(
        multiple=MULTIPLE,
        padding="replicate",
        pads_to=SMALLEST,
        tiles=False,
        precisions=("float32",),
        float32_frames=True,
    )


def recognise(shapes: Shapes) -> dict[str, Any] | None:
    """Return the (empty) constructor settings of a RAFT with these names and shapes; None if it is none."""
    lookup, gate = "update_block.encoder.convc1.weight", "update_block.gru.convz1.weight"
    return {} if shapes.get(lookup) == (256, SAMPLES, 1, 1) and gate in shapes else None
