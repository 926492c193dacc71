"""BasicVSR++: recurrent restoration of a whole sequence of frames, forward and backward in time, twice each.

One architecture for x4 super-resolution and for restoration at the same size (deblurring, denoising, compressed
video).

Source:
    Chan, Zhou, Xu, Loy, "BasicVSR++: Improving Video Super-Resolution with Enhanced Propagation and Alignment", CVPR
    2022, arXiv 2104.13371. Tensor names are those of mmediting.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from vsrestore.networks import spynet
from vsrestore.networks.layers.activation import SLOPE
from vsrestore.networks.layers.deform_align import FlowGuidedDeformAlign
from vsrestore.networks.layers.layout import channels_last
from vsrestore.networks.layers.residual import ResidualTrunk
from vsrestore.networks.layers.store import Store
from vsrestore.networks.layers.upsample import FourfoldTail, enlarge, quarter_size_images
from vsrestore.networks.layers.warp import flow_warp
from vsrestore.networks.spynet import SPyNet
from vsrestore.networks.traits import Traits

BRANCHES = ("backward_1", "forward_1", "backward_2", "forward_2")
EDGE_BLOCKS = 5  # residual blocks of the features and of the reconstruction
DERIVED = ("spynet.mean", "spynet.std")


class Step(NamedTuple):
    """One frame of a branch, in the branch's own order."""

    frame: int  # its number
    flow: Tensor | None  # to the frame processed before it, (N, 2, h, w); None for the first one
    flow_before: Tensor | None  # from that frame to the one before it; None for the first two


class BasicVSRpp(FourfoldTail):
    """Restore a sequence of frames, each with the help of all others.

    Args:
        channels: of the features, 64 or 128.
        blocks: residual blocks of each branch, 7, 15 or 25.
        same_size: frames leave in the size they came (features have a quarter of it), instead of four times.
        groups: deformable groups.
        max_residue: largest correction of the flows in the alignment, pixels of the features.
        cpu_cache: in sequences longer than so many frames, features, flows and restored frames rest in host memory;
            only matters where the network runs on another device. None: never.

    Attributes:
        scale: 1 with ``same_size``, else 4.
        multiple: what height and width of the frames must be multiples of.
    """

    def __init__(
        self,
        channels: int = 64,
        blocks: int = 7,
        same_size: bool = False,
        groups: int = 16,
        max_residue: float = 10.0,
        cpu_cache: int | None = 100,
    ) -> None:
        super().__init__(channels)
        self.channels, self.same_size, self.cpu_cache = channels, same_size, cpu_cache
        self.scale, self.multiple = (1, 4) if same_size else (4, 1)
        self.spynet = SPyNet()
        self.feat_extract = quarter_size_features(channels) if same_size else ResidualTrunk(3, channels, EDGE_BLOCKS)
        self.deform_align = nn.ModuleDict(
            {branch: FlowGuidedDeformAlign(channels, groups, max_residue) for branch in BRANCHES}
        )
        self.backbone = nn.ModuleDict(
            {branch: ResidualTrunk((2 + j) * channels, channels, blocks) for j, branch in enumerate(BRANCHES)}
        )
        self.reconstruction = ResidualTrunk(5 * channels, channels, EDGE_BLOCKS)

    def forward(self, frames: Tensor, keep: range | None = None) -> Tensor:
        """Restore a sequence.

        Features of four kinds rest for every frame, the last branch and the pictures are made frame by frame.

        Args:
            frames: (N, T, 3, H, W) in [0, 1], RGB; with ``same_size`` H and W multiples of 4. Published networks
                were run on 64 pixels and more (256 with ``same_size``) only.
            keep: consecutive frames that are wanted (default: all); the others serve as context and are not
                reconstructed.

        Returns:
            (N, T or len(keep), 3, scale * H, scale * W), not clamped; in host memory where features rest there.

        Raises:
            ValueError: a size that is no multiple of 4 with ``same_size``, or ``keep`` outside the sequence.
        """
        t, height, width = frames.shape[1], *frames.shape[-2:]
        keep = range(t) if keep is None else keep
        self._check(height, width, t, keep)
        host = self.cpu_cache is not None and t > self.cpu_cache
        flows = self._flows(frames, host)
        features = {"spatial": Store(t, frames.device, host)}
        for index in range(t):
            x = channels_last(frames[:, index]).to(self.conv_last.weight.dtype)
            features["spatial"][index] = self.feat_extract(x)
        for branch in BRANCHES[:-1]:
            states = Store(t, frames.device, host)
            for index, state in self._propagate(branch, features, flows, t):
                states[index] = state
            features[branch] = states
        restored = []
        for index, state in self._propagate(BRANCHES[-1], features, flows, keep.stop):
            if index in keep:
                known = [store[index] for store in features.values()]
                picture = self._reconstruct(frames[:, index], [*known, state])
                restored.append(picture.cpu() if host else picture)
            for store in features.values():
                del store[index]  # nothing looks at it any more, and pictures take its room
        return torch.stack(restored, dim=1)

    def _check(self, height: int, width: int, length: int, keep: range) -> None:
        if height % self.multiple or width % self.multiple:
            raise ValueError(f"frames are {width}x{height}; multiples of {self.multiple} are accepted: pad them")
        if keep.step != 1 or not 0 <= keep.start < keep.stop <= length:
            raise ValueError(f"keep is {keep}; consecutive frames of 0 to {length - 1} are accepted")

    def _flows(self, frames: Tensor, host: bool) -> dict[str, Store]:
        """Return by direction the flows between features: at i, from frame i to i + 1 and from i + 1 to i."""
        t = frames.shape[1]
        flows = {direction: Store(t - 1, frames.device, host) for direction in ("backward", "forward")}
        if t > 1:
            images = quarter_size_images(frames) if self.same_size else frames
            onward, back = self.spynet.between_neighbours(images)
            for index in range(t - 1):
                flows["backward"][index], flows["forward"][index] = onward[:, index], back[:, index]
        return flows

    def _propagate(
        self, branch: str, features: Mapping[str, Store], flows: Mapping[str, Store], length: int
    ) -> Iterator[tuple[int, Tensor]]:
        """Yield every frame's number and its features (N, C, h, w) after one branch, in the order of the branch."""
        direction = branch.partition("_")[0]
        before: list[Tensor] = []  # states of the frames just processed, latest first
        for step in steps(direction, flows[direction], length):
            known = [store[step.frame] for store in features.values()]
            aligned = self._align(branch, known[0], before, step)
            state = self.backbone[branch](torch.cat([*known, aligned], dim=1)).add_(aligned)
            before = [state, *before[:1]]
            yield step.frame, state

    def _align(self, branch: str, spatial: Tensor, before: list[Tensor], step: Step) -> Tensor:
        """Align the states of the two frames processed before with the present one, (N, C, h, w)."""
        if step.flow is None:
            return torch.zeros_like(spatial)
        first, second = before[0], torch.zeros_like(spatial)
        flow1, flow2 = step.flow, torch.zeros_like(step.flow)
        warped2 = second
        if step.flow_before is not None:
            second = before[1]
            flow2 = flow1 + flow_warp(step.flow_before, flow1)
            warped2 = flow_warp(second, flow2)
        guides = (flow_warp(first, flow1), spatial, warped2)
        states = channels_last(torch.cat((first, second), dim=1))
        return self.deform_align[branch](states, guides, (flow1, flow2))

    def _reconstruct(self, frame: Tensor, features: list[Tensor]) -> Tensor:
        """Turn all features of a frame, (N, C, h, w) each, into its restored picture."""
        added = self.to_pixels(self.reconstruction(torch.cat(features, dim=1)))
        base = frame if self.same_size else enlarge(frame, self.scale)
        return base + added.to(base.dtype)


def quarter_size_features(channels: int) -> nn.Sequential:
    """Return the layers that turn a frame (N, 3, H, W) into features (N, C, H / 4, W / 4)."""
    return nn.Sequential(
        nn.Conv2d(3, channels, 3, stride=2, padding=1),
        nn.LeakyReLU(SLOPE, inplace=True),
        nn.Conv2d(channels, channels, 3, stride=2, padding=1),
        nn.LeakyReLU(SLOPE, inplace=True),
        ResidualTrunk(channels, channels, EDGE_BLOCKS),
    )


def steps(direction: str, flows: Store, length: int) -> Iterator[Step]:
    """Yield the frames of a branch in its order, each with the flows that lead back along it.

    Args:
        direction: "backward" or "forward" in time.
        flows: of that direction, at i between frames i and i + 1.
        length: number of frames.
    """
    order = range(length) if direction == "forward" else range(length - 1, -1, -1)
    flow_before: Tensor | None = None
    for position, index in enumerate(order):
        flow = None if position == 0 else flows[index - 1 if direction == "forward" else index]
        yield Step(index, flow, flow_before)
        flow_before = flow


def rename[Value](state_dict: Mapping[str, Value]) -> dict[str, Value]:
    """Return the entries of the mmediting or the BasicSR layout under our names, those of mmediting.

    Args:
        state_dict: tensors, or their shapes, by published name, without wrappers such as ``generator.``.
    """
    renamed = spynet.rename(state_dict)
    return {re.sub(r"^upconv([12])\.", r"upsample\1.upsample_conv.", name): renamed[name] for name in renamed}


def describe(settings: Mapping[str, Any]) -> Traits:
    """Return what a network with these settings asks of its pictures."""
    scale, multiple = (1, 4) if settings["same_size"] else (4, 1)
    # In smaller pictures the coarsest level of the flow has less than a pixel.
    shared = Traits(padding="replicate", minimum=32, tile_overlap=64, float32_frames=True)
    return replace(shared, scale=scale, multiple=multiple)


def recognise(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any] | None:
    """Return constructor settings read off published names and shapes; None if it is no BasicVSR++."""
    shapes = rename(shapes)
    same_size = "feat_extract.4.main.0.weight" in shapes
    offsets = "deform_align.backward_1.conv_offset.6.weight"
    last = "upsample1.upsample_conv.weight"
    if offsets not in shapes or last not in shapes or not (same_size or "feat_extract.main.0.weight" in shapes):
        return None
    block = re.compile(r"backbone\.backward_1\.main\.2\.\d+\.conv1\.weight")
    return {
        "channels": shapes[last][0] // 4,
        "blocks": sum(block.fullmatch(name) is not None for name in shapes),
        "same_size": same_size,
        "groups": shapes[offsets][0] // 27,
    }
