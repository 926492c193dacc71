"""AdaCoF and its descendants SF-AdaCoF: the frame half-way between two, from freely displaced samples of both.

Lee, Kim, Chung, Pak, Ban, Lee, AdaCoF, CVPR 2020, arXiv 1907.10244. SF-AdaCoF (Go-MinSeong/VFI-with-AdaCoF, 2023) has
no paper; it sends both frames through one U-Net, whose encoders look at each other through gates.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import isqrt
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.layers.activation import relu
from vsrestore.networks.layers.collaborating_flows import adaptive_collaboration
from vsrestore.networks.layers.float32 import Float32
from vsrestore.networks.layers.layout import channels_last
from vsrestore.networks.traits import Traits

LEVELS = 5
MULTIPLE = 1 << LEVELS
MEAN = (0.4631, 0.4352, 0.3990)
SMALLEST = MULTIPLE // 2 + 1  # a frame is mirrored to the next multiple
# The frame at any other time comes about by halving, so often at most.
HALVINGS = 3
TIMES = 1 << HALVINGS

Pair = list[Tensor]
"""What belongs to the earlier frame and to the later one."""


@dataclass(frozen=True)
class Variant:
    """How a published network differs from the others."""

    joined: bool = False
    """Whether one encoder sees both frames at once."""
    shares: bool = True
    """Whether both frames pass the same encoder and decoder."""
    pools: bool = True
    """Whether pooling is learned; otherwise it is the mean."""
    gates: int = 0
    """Gates of a level, by which each frame's features learn of the other's."""
    differences: bool = False
    """Whether the decoder sees the differences of both frames' features beside them."""


VARIANTS = {
    "sf_adacof": Variant(gates=3),
    "sf_adacof_noshare": Variant(gates=3, shares=False),
    "sf_adacof_rwtd": Variant(pools=False),
    "sf_adacof_rwtdcp": Variant(),
    "sf_adacof_fd1": Variant(gates=1),
    "sf_adacof_diff": Variant(differences=True),
    "adacof": Variant(joined=True, pools=False),
    "adacof_cp": Variant(joined=True),
}
# Gates of a level -> channels that they add to each frame's features.
GATED = {0: 0, 1: 1, 3: 2}
MAPS = ("weight1", "down1", "across1", "weight2", "down2", "across2")

# Published -> ours.
NAMES = [
    (r"module(Conv|Pool)(\d)(_1)?", lambda m: f"coders.{'01'[m[3] is not None]}.{m[1].lower()}s.{int(m[2]) - 1}"),
    (r"moduleDeconv1", lambda _: "last"),
    (r"moduleDeconv(\d)(_1)?", lambda m: f"coders.{'01'[m[2] is not None]}.deconvs.{LEVELS - int(m[1])}"),
    (r"moduleUpsample(\d)(_1)?", lambda m: f"coders.{'01'[m[2] is not None]}.upsamples.{LEVELS - int(m[1])}"),
    (r"flowconv(\d)(?:_(FD|pr|ne))?", lambda m: f"gates.{int(m[1]) - 1}.{(m[2] or 'both').lower()}"),
    (r"moduleWeight(\d)", lambda m: f"heads.weight{m[1]}"),
    (r"moduleAlpha(\d)", lambda m: f"heads.down{m[1]}"),
    (r"moduleBeta(\d)", lambda m: f"heads.across{m[1]}"),
    (r"moduleOcclusion", lambda _: "heads.visibility"),
]


class Layers(nn.Sequential):
    """Layers one after the other; where it is sooner, a convolution and the ReLU after it are one pass."""

    def forward(self, x: Tensor) -> Tensor:
        """Return what the last layer gives."""
        for layer, after in pairwise((*self, None)):
            if isinstance(layer, nn.Conv2d) and isinstance(after, nn.ReLU):
                x = relu.after(layer, x)
            elif layer is not None and not isinstance(layer, nn.ReLU):
                x = layer(x)
        return x


def convs(channels: int, *widths: int) -> Layers:
    """Return convolutions of such widths, each with a ReLU."""
    pairs = pairwise((channels, *widths))
    return Layers(*(layer for before, own in pairs for layer in (nn.Conv2d(before, own, 3, padding=1), nn.ReLU())))


def larger() -> nn.Upsample:
    """Return the layer that makes features twice as large."""
    return nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)


def grown(width: int) -> Layers:
    """Return the layers that make features twice as large, with a convolution and a ReLU."""
    return Layers(larger(), *convs(width, width))


class LastConv(Float32, nn.Conv2d):
    """A convolution in float32: half precision cannot name fractions of pixels far away."""

    def forward(self, x: Tensor) -> Tensor:
        """Return float32 for features of any type."""
        return super().forward(x.float())


def head(width: int, inner: int, maps: int) -> Layers:
    """Return the layers that turn features (N, width, H, W) into maps (N, maps, 2 * H, 2 * W), float32."""
    return Layers(*convs(width, width, width, inner), larger(), LastConv(inner, maps, 3, padding=1))


class Coder(nn.Module):
    """The convolutions of an encoder and a decoder over five sizes.

    Args:
        channels: of its pictures.
        width: channels of the first size, doubled from size to size.
        gated: of them, those that gates add.
        pools: whether pooling is learned.

    """

    def __init__(self, channels: int, width: int, gated: int, pools: bool) -> None:
        super().__init__()
        widths = [width << level for level in range(LEVELS)]
        self.convs = nn.ModuleList(
            convs(before, *[own - gated] * 3) for before, own in zip((channels, *widths[:-1]), widths, strict=True)
        )
        self.pools = nn.ModuleList(nn.Conv2d(own, own, 2, stride=2) if pools else nn.AvgPool2d(2) for own in widths)
        coarse = widths[:0:-1]
        self.deconvs = nn.ModuleList(
            convs(before, own, own, own) for before, own in zip((coarse[0], *coarse[:-1]), coarse, strict=True)
        )
        self.upsamples = nn.ModuleList(map(grown, coarse))


class Gates(nn.ModuleDict):
    """Where the features of two frames differ: one channel, or one for each frame, added to both."""

    def __init__(self, width: int, count: int) -> None:
        small, large = partial(nn.Conv2d, width, 1, 1), partial(nn.Conv2d, width, width, 3, padding=1)
        if count == 1:
            last = nn.Conv2d(1, 1, 3, padding=1)
            super().__init__({"both": nn.Sequential(small(), nn.ReLU(), last, nn.ReLU())})
        else:
            gates = {name: nn.Sequential(large(), nn.ReLU(), small(), nn.ReLU()) for name in ("fd", "pr", "ne")}
            super().__init__(gates)

    def forward(self, earlier: Tensor, later: Tensor) -> Pair:
        """Return the features of both frames (N, width, H, W) with the gates' channels."""
        if "both" in self:
            added = [self["both"](later - earlier)]
        else:
            difference = self["fd"]((later - earlier).abs())
            added = [self["pr"](earlier) * difference, self["ne"](later) * difference]
        return [channels_last(torch.cat((x, *added), dim=1)) for x in (earlier, later)]


class AdaCoF(nn.Module):
    """One of ``VARIANTS``.

    Args:
        variant: its name.
        width: channels of the first size.
        kernel: F, of F x F samples.
        dilation: pixels between neighbouring samples; no tensor shows it.

    """

    def __init__(self, variant: str = "sf_adacof", width: int = 16, kernel: int = 5, dilation: int = 1) -> None:
        super().__init__()
        if variant not in VARIANTS or (kernel - 1) * dilation % 2 or dilation < 1:
            raise ValueError(f"variant={variant!r}, kernel={kernel}, dilation={dilation} fit no network")
        row = VARIANTS[variant]
        self.variant, self.dilation = row, dilation
        channels, gated = 6 if row.joined else 3, GATED[row.gates]
        self.coders = nn.ModuleList(Coder(channels, width, gated, row.pools) for _ in range(1 if row.shares else 2))
        if row.gates:
            self.gates = nn.ModuleList(Gates((width << level) - gated, row.gates) for level in range(LEVELS))
        if row.differences:
            self.last = convs(2 * width, width, width, width)
        features = width * (2 if row.joined else 4)
        heads = {name: head(features, kernel * kernel, kernel * kernel) for name in MAPS}
        self.heads = nn.ModuleDict({**heads, "visibility": head(features, features, 1)})
        self.mean: Tensor
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)

    def forward(self, frames: Tensor, following: Tensor, times: Tensor) -> Tensor:
        """Return the frames at times between each two.

        The network knows the time half-way alone. Others are reached by halving, as published for quarters, and
        rounded to eighths; a time that is rounded to 0 or 1 is that frame.

        Args:
            frames: (N, 3, H, W) in [0, 1], RGB, float32 whatever the dtype of the weights, at least 17 pixels each way.
            following: those after them, the same shape.
            times: (N,) from 0 to 1.

        Returns:
            (N, 3, H, W), float32, not limited.

        """
        pairs = zip(frames.split(1), following.split(1), times.tolist(), strict=True)
        return torch.cat([self._at(round(time * TIMES), earlier, later) for earlier, later, time in pairs])

    def halfway(self, earlier: Tensor, later: Tensor) -> Tensor:
        """Return the frames (N, 3, H, W) half-way between two of any size from 17 pixels on."""
        height, width = earlier.shape[-2:]
        below, right = -height % MULTIPLE, -width % MULTIPLE
        earlier, later = (F.pad(x, (0, right, 0, below), mode="reflect") for x in (earlier, later))
        maps = self.maps(earlier, later)
        first, second = (
            adaptive_collaboration(frame, maps[f"weight{n}"], maps[f"down{n}"], maps[f"across{n}"], self.dilation)
            for n, frame in ((1, earlier), (2, later))
        )
        return torch.lerp(second, first, maps["visibility"])[..., :height, :width]

    def maps(self, earlier: Tensor, later: Tensor) -> dict[str, Tensor]:
        """Return weights, displacements (rows, columns) and the share of the first frame, (N, maps, H, W), float32.

        Args:
            earlier: (N, 3, H, W), H and W multiples of 32.
            later: the same shape.

        """
        features = self.features(earlier, later)
        maps = {name: head(features) for name, head in self.heads.items()}
        for name in ("weight1", "weight2"):
            maps[name] = maps[name].softmax(1)
        return {**maps, "visibility": maps["visibility"].sigmoid()}

    def features(self, earlier: Tensor, later: Tensor) -> Tensor:
        """Return what the heads read, (N, 4 or 2 * width, H / 2, W / 2)."""
        dtype = next(self.parameters()).dtype
        frames = [channels_last((x - self.mean.float()).to(dtype)) for x in (earlier, later)]
        xs = [channels_last(torch.cat(frames, dim=1))] if self.variant.joined else frames
        skips: list[list[Tensor]] = []
        for level in range(LEVELS):
            xs = self._each("convs", level, xs)
            if self.variant.gates:
                xs = self.gates[level](*xs)
            skips.append(self._with_differences(xs))
            xs = self._each("pools", level, xs)
        for step in range(LEVELS - 1):
            xs = self._each("deconvs", step, xs)
            xs = self._with_differences(xs) if not step else xs
            xs = self._each("upsamples", step, xs)
            xs = [x + skip for x, skip in zip(xs, skips[LEVELS - 1 - step], strict=True)]
        if self.variant.differences:
            xs = list(self.last(torch.cat(xs)).chunk(len(xs)))
        return channels_last(torch.cat(xs, dim=1))

    def _at(self, eighth: int, earlier: Tensor, later: Tensor) -> Tensor:
        """Return the frame at so many eighths of the way between two."""
        if eighth in (0, TIMES):
            return later if eighth else earlier
        half, span = TIMES // 2, TIMES
        middle = self.halfway(earlier, later)
        while eighth != half:
            span //= 2
            if eighth > half:
                earlier, half = middle, half + span // 2
            else:
                later, half = middle, half - span // 2
            middle = self.halfway(earlier, later)
        return middle

    def _each(self, part: str, index: int, xs: Sequence[Tensor]) -> list[Tensor]:
        """Return what a layer makes of the features of every frame: as one batch where all pass the same."""
        layers = [getattr(coder, part)[index] for coder in self.coders]
        if len(layers) == 1:
            return list(layers[0](torch.cat(tuple(xs))).chunk(len(xs)))
        return [layer(x) for layer, x in zip(layers, xs, strict=True)]

    def _with_differences(self, xs: list[Tensor]) -> list[Tensor]:
        if not self.variant.differences:
            return xs
        earlier, later = xs
        return [earlier, later, later - earlier, earlier - later]


def rename[Value](state_dict: Mapping[str, Value]) -> dict[str, Value]:
    """Return the entries under our names.

    Args:
        state_dict: tensors, or their shapes, by published name; ``get_kernel.`` in front or not.

    """
    return {_renamed(name.removeprefix("get_kernel.")): value for name, value in state_dict.items()}


def _renamed(name: str) -> str:
    module, dot, rest = name.partition(".")
    for pattern, ours in NAMES:
        if match := re.fullmatch(pattern, module):
            return f"{ours(match)}{dot}{rest}"
    return name


def describe(_settings: Mapping[str, Any]) -> Traits:
    """Return what the network asks of its pictures.

    It mirrors frames to multiples of 32 by itself, before every halving. Displacements and sampling are float32 in any
    precision.
    """
    return Traits(minimum=SMALLEST, tile_overlap=64, tile_grid=MULTIPLE, float32_frames=True)


def recognise(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any] | None:
    """Return constructor settings read off published names and shapes; None if it is no AdaCoF."""
    names = rename(shapes)
    first, last = names.get("coders.0.convs.0.0.weight"), names.get("heads.weight1.7.weight")
    if first is None or last is None:
        return None
    own = Variant(
        joined=first[1] == 6,
        shares="coders.1.convs.0.0.weight" not in names,
        pools="coders.0.pools.0.weight" in names,
        gates=3 if "gates.0.fd.0.weight" in names else int("gates.0.both.0.weight" in names),
        differences="last.0.weight" in names,
    )
    variant = next((name for name, row in VARIANTS.items() if row == own), None)
    if variant is None:
        return None
    return {"variant": variant, "width": first[0] + GATED[own.gates], "kernel": isqrt(last[0])}
