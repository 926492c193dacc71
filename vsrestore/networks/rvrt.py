"""RVRT: recurrent restoration of a sequence of frames, two at a time, with guided deformable attention.

One architecture for x4 super-resolution and, at the same size, for deblurring and for denoising at a known level.

Source:
    Liang, Fan, Xiang, Ranjan, Ilg, Green, Cao, Zhang, Timofte, Van Gool, "Recurrent Video Restoration Transformer with
    Guided Deformable Attention", NeurIPS 2022, arXiv 2206.02146.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from vsrestore.networks import spynet
from vsrestore.networks.layers.activation import SLOPE, lrelu
from vsrestore.networks.layers.guided_attention import FRAMES, TAPS, GuidedDeformAlign
from vsrestore.networks.layers.store import Store
from vsrestore.networks.layers.swin_groups import SwinTrunk
from vsrestore.networks.layers.upsample import PixelShuffleUpsample, enlarge, quarter_size_images
from vsrestore.networks.layers.warp import flow_warp
from vsrestore.networks.layers.window_attention import WINDOW
from vsrestore.networks.spynet import SPyNet
from vsrestore.networks.state_dict import count_numbered
from vsrestore.networks.traits import Traits

PASSES = ("backward_1", "forward_1", "backward_2", "forward_2")
CHANNELS = 3
TAIL = 64  # channels in which features are enlarged
SMALLEST = spynet.MULTIPLE + 1  # height and width of the features that the flow needs
DERIVED = ("spynet.mean", "spynet.std", "relative_position_index")
PADDED_MULTIPLE = 8  # to which published scripts mirror whole frames
MARGIN = 16  # pixels of the features on both sides of a tile, from which on the cut is hard to see


def _sizes(same_size: bool) -> tuple[int, int]:
    """Return the scale, and how many pixels of the frames are one of the features."""
    return (1, 4) if same_size else (4, 1)


class RVRT(nn.Module):
    """Restore a sequence of frames, each with the help of all others.

    Frames are processed in groups of two, (0, 1), (2, 3) and so on from the first one that is given: chunks of one clip
    should begin at even frames, else they never agree with the whole clip.

    Args:
        channels: of the features, 144 (x4) or 192.
        same_size: frames leave in the size they came (features have a quarter of it), instead of four times.
        denoises: the network is told the noise level of what it gets.
        conv_groups: of the first convolutions of features, passes and reconstruction.
        attention_heads: of the windows.
        residual_groups: of features, passes and reconstruction.
        heads: of the guided deformable attention.
        groups: of channels with offsets of their own in it.
        max_residue: largest correction of the flows in the alignment, pixels of the features.
        noise_level: what is taken where `forward` gets none, as there.
        cpu_cache: in sequences longer than so many frames, features, flows and restored frames rest in host memory;
            only matters where the network runs on another device. None: never.

    """

    def __init__(
        self,
        channels: int = 144,
        same_size: bool = False,
        denoises: bool = False,
        conv_groups: Sequence[int] = (1,) * 6,
        attention_heads: int = 6,
        residual_groups: Sequence[int] = (1, 2, 1),
        heads: int = 12,
        groups: int = 12,
        max_residue: float = 10.0,
        noise_level: float = 0.0,
        cpu_cache: int | None = 100,
    ) -> None:
        super().__init__()
        self.same_size, self.denoises, self.noise_level, self.cpu_cache = same_size, denoises, noise_level, cpu_cache
        self.scale, self.multiple = _sizes(same_size)
        ahead, within, behind = residual_groups

        def trunk(inputs: int, conv_groups: int, frames: int, count: int) -> SwinTrunk:
            return SwinTrunk(inputs, channels, conv_groups, attention_heads, frames, count)

        self.spynet = SPyNet()
        first = trunk(channels if same_size else CHANNELS, conv_groups[0], 1, ahead)
        self.feat_extract = quarter_size_features(CHANNELS + denoises, channels, first) if same_size else first
        self.deform_align = nn.ModuleDict(
            {name: GuidedDeformAlign(channels, heads, groups, max_residue) for name in PASSES}
        )
        self.backbone = nn.ModuleDict(
            {name: trunk((2 + j) * channels, conv_groups[1 + j], FRAMES, within) for j, name in enumerate(PASSES)}
        )
        self.reconstruction = trunk(5 * channels, conv_groups[5], 1, behind)
        self.conv_before_upsampler = nn.Conv2d(channels, TAIL, 1)
        self.upsample1 = PixelShuffleUpsample(TAIL, TAIL)
        self.upsample2 = PixelShuffleUpsample(TAIL, TAIL)
        self.conv_hr = nn.Conv2d(TAIL, TAIL, 3, padding=1)
        self.conv_last = nn.Conv2d(TAIL, CHANNELS, 3, padding=1)

    def forward(self, frames: Tensor, keep: range | None = None, noise_level: float | Tensor | None = None) -> Tensor:
        """Restore a sequence.

        Features of four kinds rest for every frame, the last pass and the pictures are made group by group. Of an odd
        number of frames the last one is seen twice, as published.

        Args:
            frames: (N, T, 3, H, W) in [0, 1], RGB; H and W at least 33, or at the same size at least 132 and
                multiples of 4. Published networks were run with both sides mirrored to multiples of 8.
            keep: consecutive frames that are wanted (default: all); the others serve as context and are not
                reconstructed.
            noise_level: standard deviation of the noise where frames are in [0, 1] (trained on 0 to 50 / 255), one for
                all or a map that fits (N, T, 1, H, W); published networks saw one level for all pixels of a sequence.
                None: that of the constructor.

        Returns:
            (N, T or len(keep), 3, scale * H, scale * W), not clamped; in host memory where features rest there.

        Raises:
            ValueError: a size that does not fit, ``keep`` outside the sequence, or a noise level for a network that
                takes none.
        """
        keep = range(frames.shape[1]) if keep is None else keep
        self._check(frames, keep, noise_level)
        inputs = whole_groups(self._inputs(frames, noise_level))
        length = inputs.shape[1]
        host = self.cpu_cache is not None and length > self.cpu_cache
        flows = self._flows(inputs[:, :, :CHANNELS], host)
        features = {"shallow": self._shallow(inputs, host)}
        refined = {direction: Store(length // FRAMES, frames.device, host) for direction in flows}
        for name in PASSES[:-1]:
            states = Store(length // FRAMES, frames.device, host)
            for index, state in self._propagate(name, features, flows, refined, length):
                states[index] = state
            features[name] = states
        needed = keep.stop + keep.stop % FRAMES
        restored = []
        for index, state in self._propagate(PASSES[-1], features, flows, refined, needed):
            for frame in range(FRAMES):
                if index * FRAMES + frame in keep:
                    group = [store[index][:, frame] for store in features.values()]
                    picture = self._reconstruct(frames[:, index * FRAMES + frame], [*group, state[:, frame]])
                    restored.append(picture.cpu() if host else picture)
        return torch.stack(restored, dim=1)

    def _check(self, frames: Tensor, keep: range, noise_level: float | Tensor | None) -> None:
        (length, _, height, width), multiple = frames.shape[1:], self.multiple
        if min(height, width) < SMALLEST * multiple or height % multiple or width % multiple:
            accepted = f"at least {SMALLEST * multiple} pixels each way, multiples of {multiple}"
            raise ValueError(f"frames are {width}x{height}; {accepted} are accepted: pad them")
        if keep.step != 1 or not 0 <= keep.start < keep.stop <= length:
            raise ValueError(f"keep is {keep}; consecutive frames of 0 to {length - 1} are accepted")
        if noise_level is not None and not self.denoises:
            raise ValueError("this network takes no noise level; leave it out, or take weights for denoising")

    def _inputs(self, frames: Tensor, noise_level: float | Tensor | None) -> Tensor:
        """Return frames (N, T, 3, H, W), with the noise level as fourth channel where the network takes it."""
        if not self.denoises:
            return frames
        level = torch.as_tensor(self.noise_level if noise_level is None else noise_level).to(frames)
        return torch.cat((frames, level.expand_as(frames[:, :, :1])), dim=2)

    def _shallow(self, inputs: Tensor, host: bool) -> Store:
        """Return the features of every frame alone, by groups (N, 2, C, h, w)."""
        features = Store(inputs.shape[1] // FRAMES, inputs.device, host)
        for index, group in enumerate(inputs.split(FRAMES, dim=1)):
            frames = [self.feat_extract(frame.to(self.conv_last.weight.dtype)) for frame in group.unbind(1)]
            features[index] = torch.stack(frames, dim=1)
        return features

    def _flows(self, frames: Tensor, host: bool) -> dict[str, Store]:
        """Return by direction the flows between features: at i, from frame i to i + 1 and from i + 1 to i."""
        t = frames.shape[1]
        flows = {direction: Store(t - 1, frames.device, host) for direction in ("backward", "forward")}
        images = quarter_size_images(frames) if self.same_size else frames
        onward, back = self.spynet.between_neighbours(images)
        for index in range(t - 1):
            flows["backward"][index], flows["forward"][index] = onward[:, index], back[:, index]
        return flows

    def _propagate(
        self,
        name: str,
        features: Mapping[str, Store],
        flows: Mapping[str, Store],
        refined: Mapping[str, Store],
        length: int,
    ) -> Iterator[tuple[int, Tensor]]:
        """Yield every group's number and its features (N, 2, C, h, w) after one pass, in the order of the pass.

        The first pass of a direction leaves its corrected flows in ``refined``, which guide the second one.
        """
        direction, _, number = name.partition("_")
        order = Order(direction, length)
        state, before = None, None
        for step, group in enumerate(order.groups()):
            known = [order.turned(store[group]) for store in features.values()]
            if state is None or before is None:
                aligned = torch.zeros_like(known[0])
            else:
                guides = order.guides(step, flows[direction]) if number == "1" else refined[direction][step]
                aligned, corrected = self.deform_align[name](known[-1], before, state, guides)
                if number == "1":
                    refined[direction][step] = corrected
            joined = torch.cat([*known, aligned], dim=2).flatten(0, 1)
            state = self.backbone[name](joined).unflatten(0, (-1, FRAMES)).add_(aligned)
            before = known[-1]
            yield group, order.turned(state)

    def _reconstruct(self, frame: Tensor, features: list[Tensor]) -> Tensor:
        """Turn all features of a frame, (N, C, h, w) each, into its restored picture."""
        x = lrelu.after(self.conv_before_upsampler, self.reconstruction(torch.cat(features, dim=1)))
        added = self.conv_last(self.conv_hr(self.upsample2(self.upsample1(x))))
        base = frame if self.same_size else enlarge(frame, self.scale)
        return base + added.to(base.dtype)


class Order:
    """The order in which a pass goes through groups of frames.

    Args:
        direction: "backward" or "forward" in time.
        length: number of frames.
    """

    def __init__(self, direction: str, length: int) -> None:
        self.forward, self.length = direction == "forward", length

    def groups(self) -> range:
        """Return the numbers of the groups."""
        count = self.length // FRAMES
        return range(count) if self.forward else range(count - 1, -1, -1)

    def turned(self, group: Tensor) -> Tensor:
        """Turn a group (N, 2, ...) from the order of time into that of the pass, or back."""
        return group if self.forward else group.flip(1)

    def guides(self, step: int, flows: Store) -> Tensor:
        """Return the flows from the frames of a group to those of the group before it, (2, N, 2, 2, h, w).

        First from each frame to the frame two before it, then to the other one of that group.

        Args:
            step: of the pass, from 1 on.
            flows: of its direction, at i between frames i and i + 1.
        """
        one, two, three = (self._flow(FRAMES * step + position, flows) for position in (-1, 0, 1))
        two_back, next_two_back = follow(two, one), follow(three, two)
        three_back = follow(three, two_back)
        pairs = (two_back, next_two_back), (two, three_back)
        return torch.stack([torch.stack(pair, dim=1) for pair in pairs])

    def _flow(self, position: int, flows: Store) -> Tensor:
        """Return the flow from a position in this order to the one before it, (N, 2, h, w)."""
        return flows[position - 1 if self.forward else self.length - 1 - position]


def follow(flow: Tensor, further: Tensor) -> Tensor:
    """Return the flow that leads along ``flow`` and from there along ``further``; all (N, 2, H, W)."""
    return flow + flow_warp(further, flow)


def whole_groups(frames: Tensor) -> Tensor:
    """Repeat the last of frames (N, T, C, H, W) where their number is odd."""
    return torch.cat((frames, frames[:, -1:]), dim=1) if frames.shape[1] % FRAMES else frames


def quarter_size_features(inputs: int, channels: int, trunk: SwinTrunk) -> nn.Sequential:
    """Return the layers that turn a frame (N, inputs, H, W) into features (N, C, H / 4, W / 4)."""
    return nn.Sequential(
        nn.Conv2d(inputs, channels, 3, stride=2, padding=1),
        nn.LeakyReLU(SLOPE, inplace=True),
        nn.Conv2d(channels, channels, 3, stride=2, padding=1),
        nn.LeakyReLU(SLOPE, inplace=True),
        trunk,
    )


# Parts of published names, which count what has no weights too, and what stands for them here.
NAMES = {
    r"^feat_extract\.1\.": "feat_extract.0.",
    r"^feat_extract\.3\.": "feat_extract.2.",
    r"^feat_extract\.6\.": "feat_extract.4.",
    r"\.main\.1\.": ".conv.",
    r"\.main\.3\.": ".norm_in.",
    r"\.main\.5\.(\d+)\.residual_group\.blocks\.": r".groups.\1.layers.",
    r"\.main\.5\.": ".groups.",
    r"\.main\.7\.": ".norm_out.",
    r"\.(proj|proj_q|proj_k|proj_v|mlp)\.1\.": r".\1.",
    r"^conv_before_upsampler\.0\.": "conv_before_upsampler.",
    r"^upsampler\.0\.": "upsample1.upsample_conv.",
    r"^upsampler\.5\.": "upsample2.upsample_conv.",
    r"^upsampler\.10\.": "conv_hr.",
}


def rename[Value](state_dict: Mapping[str, Value]) -> dict[str, Value]:
    """Return the published entries under our names; kernels (outputs, inputs, 1, h, w) lose their axis of time.

    Args:
        state_dict: tensors, or their shapes, by published name, without wrappers such as ``params.``.
    """
    return {_our_name(name): _flat(value) for name, value in spynet.rename(state_dict).items()}


def _our_name(name: str) -> str:
    for theirs, ours in NAMES.items():
        name = re.sub(theirs, ours, name)
    return name


def _flat(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.squeeze(2) if value.ndim == 5 else value
    return (*value[:2], *value[3:]) if len(value) == 5 and value[2] == 1 else value


def describe(settings: Mapping[str, Any]) -> Traits:
    """Return what a network with these settings asks of its pictures.

    Whole frames are mirrored to multiples of 8, the last row and column included, as published. Tiles begin where
    windows do, else they never agree with the whole frame. Flows, offsets and sampling are float32 in any precision; on
    crops of real clips, with seeded weights, the largest error of the largest value is 7.6e-4 to 1.1e-3 in float16 (69
    to 70 dB) and 5.9e-3 to 8.1e-3 in bfloat16 (52 to 53 dB).
    """
    scale, pixels = _sizes(settings["same_size"])
    least = SMALLEST * pixels
    return Traits(
        scale=scale,
        multiple=PADDED_MULTIPLE,
        padding="symmetric",
        pads_to=least + -least % PADDED_MULTIPLE,
        tile_overlap=2 * MARGIN * pixels,
        tile_grid=WINDOW * pixels,
        float32_frames=True,
    )


def recognise(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any] | None:
    """Return constructor settings read off published names and shapes; None if it is no RVRT."""
    shapes = rename(shapes)
    offsets, queries = "deform_align.backward_1.conv_offset.10.weight", "deform_align.backward_1.proj_q.weight"
    if offsets not in shapes or queries not in shapes or "reconstruction.norm_in.weight" not in shapes:
        return None
    same_size = "feat_extract.0.weight" in shapes
    first = "feat_extract.4" if same_size else "feat_extract"
    channels = shapes["reconstruction.norm_in.weight"][0]
    inputs = {first: channels if same_size else CHANNELS, "reconstruction": 5 * channels}
    inputs |= {f"backbone.{name}": (2 + j) * channels for j, name in enumerate(PASSES)}
    trunks = [first, *(f"backbone.{name}" for name in PASSES), "reconstruction"]
    return {
        "channels": channels,
        "same_size": same_size,
        "denoises": same_size and shapes["feat_extract.0.weight"][1] > CHANNELS,
        "conv_groups": tuple(inputs[trunk] // shapes[f"{trunk}.conv.weight"][1] for trunk in trunks),
        "attention_heads": shapes[f"{first}.groups.0.layers.0.attn.relative_position_bias_table"][1],
        "residual_groups": tuple(count_numbered(shapes, f"{trunks[i]}.groups.") for i in (0, 1, 5)),
        "groups": shapes[offsets][0] // (4 * TAPS),
    }
