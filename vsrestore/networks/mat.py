"""MAT: holes of an image filled in, by a transformer that attends to what is known and a style-modulated decoder.

The first stage paints the whole picture from an unnormalised transformer at 64x64; the second, a U of convolutions,
paints it again over the first. Both are steered by one random code, and random maps mix noise into their middles.

Source:
    Li, Lin, Zhou, Qi, Wang, Jia, "MAT: Mask-Aware Transformer for Large Hole Image Inpainting", CVPR 2022, arXiv
    2203.15270; layers after Karras et al., StyleGAN2, CVPR 2020. Tensor names are the published ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import sqrt
from typing import Any, Literal, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.layers.constant import constant
from vsrestore.networks.traits import Traits

# What the network computes itself, and what a third party's extraction of the weights leaves out.
DERIVED = ("resample_filter", "attn_mask", "noise_const", "noise_strength", "w_avg")

SEED = 240  # of the published script
TOKENS = 64  # edge of the picture that the transformer sees first
MIDDLE = 16  # edge at its deepest, and of the second stage
HEADS = 6
GROUPS = ((2, 64, 8), (3, 32, 16), (4, 16, 16), (3, 32, 16), (2, 64, 8))  # blocks, edge in tokens, edge of a window
MAPPING_LAYERS = 8
MAPPING_RATE = 0.01
APART = -100.0

Resample = Literal["up", "down"] | None


def activate(x: Tensor) -> Tensor:
    """Leaky ReLU with slope 0.2, gain sqrt(2) so that the variance stays."""
    return F.leaky_relu(x, 0.2).mul_(sqrt(2))


class Scaled(nn.Module):
    """A layer whose weight is stored with unit variance and used divided by the root of its fan-in.

    Args:
        shape: of the weight.
        fan_in: inputs of one output.
        outputs: biases; None has no bias here.
        rate: learning rate of the layer, which stored weight and bias are to be multiplied by.
    """

    def __init__(self, shape: tuple[int, ...], fan_in: int, outputs: int | None, rate: float = 1.0) -> None:
        super().__init__()
        self.gain, self.rate = rate / sqrt(fan_in), rate
        self.weight = nn.Parameter(torch.zeros(shape))
        self.bias = nn.Parameter(torch.zeros(outputs)) if outputs else None

    def fold(self) -> None:
        """Multiply the gains into weight and bias, once, after the stored ones are loaded."""
        self.weight.data.mul_(self.gain)
        if self.bias is not None:
            self.bias.data.mul_(self.rate)
        self.gain = self.rate = 1.0

    def scaled(self) -> tuple[Tensor, Tensor | None]:
        """Return weight and bias as the layer uses them."""
        if self.gain == self.rate == 1.0:
            return self.weight, self.bias
        return self.weight * self.gain, None if self.bias is None else self.bias * self.rate


class Dense(Scaled):
    """Linear layer; ``active`` ones end in :func:`activate`."""

    def __init__(self, inputs: int, outputs: int, active: bool = False, rate: float = 1.0) -> None:
        super().__init__((outputs, inputs), inputs, outputs, rate)
        self.active = active

    def forward(self, x: Tensor) -> Tensor:
        """Turn (..., inputs) into (..., outputs)."""
        x = F.linear(x, *self.scaled())
        return activate(x) if self.active else x


class Conv(Scaled):
    """Convolution, activated; at twice or half the size with a low-pass filter against aliasing."""

    def __init__(self, inputs: int, outputs: int, size: int = 3, resample: Resample = None) -> None:
        super().__init__((outputs, inputs, size, size), inputs * size**2, outputs)
        self.resample = resample

    def forward(self, x: Tensor) -> Tensor:
        """Turn (N, inputs, H, W) into (N, outputs, sH, sW)."""
        weight, bias = self.scaled()
        return activate(convolve(x, weight, self.resample) + cast("Tensor", bias)[:, None, None])


class PartialConv(nn.Module):
    """Convolution that counts known pixels only: the fewer a kernel sees, the more they are amplified."""

    def __init__(self, inputs: int, outputs: int, resample: Resample = None) -> None:
        super().__init__()
        self.conv = Conv(inputs, outputs, resample=resample)

    def forward(self, x: Tensor, known: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Turn (N, inputs, H, W) and what is known of it, (N, 1, H, W) float32 or None, into both at the new size."""
        x = self.conv(x)
        if known is None:
            return x, None
        count = 9 * F.avg_pool2d(known, 3, 2 if self.conv.resample == "down" else 1, padding=1)
        known = count.clamp(0, 1)
        return x * (9 / (count + 1e-8) * known).to(x.dtype), known


class Modulated(Scaled):
    """Convolution whose inputs a style scales; demodulated, its outputs have unit variance for any style."""

    def __init__(self, inputs: int, outputs: int, style: int, size: int = 3, resample: Resample = None) -> None:
        super().__init__((outputs, inputs, size, size), inputs * size**2, None)
        self.affine = Dense(style, inputs)
        self.resample = resample

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """Turn (N, inputs, H, W) and style (N, style) into (N, outputs, sH, sW).

        Inputs and outputs are scaled instead of the kernel, so that the kernel is the same for every image.
        """
        weight, scale = self.scaled()[0], self.affine(style)
        x = convolve(x * scale[..., None, None], weight, self.resample)
        if weight.shape[-1] == 1:
            return x
        squares = weight.float().square().sum((2, 3))
        demodulation = (scale.float().square() @ squares.T + 1e-8).rsqrt()
        return x * demodulation[..., None, None].to(x.dtype)


class StyleConv(nn.Module):
    """Modulated convolution, noise (in the second stage), bias, activation.

    Args:
        inputs: channels that come in.
        outputs: channels that go out.
        style: length of the style.
        resample: "up" doubles the size.
        noise: edge of the stored noise map; None has none.
    """

    noise_const: Tensor

    def __init__(
        self, inputs: int, outputs: int, style: int, resample: Resample = None, noise: int | None = None
    ) -> None:
        super().__init__()
        self.conv = Modulated(inputs, outputs, style, resample=resample)
        self.bias = nn.Parameter(torch.zeros(outputs))
        if noise:
            self.register_buffer("noise_const", torch.zeros(noise, noise))
            self.noise_strength = nn.Parameter(torch.zeros(()))
        self.noisy = noise is not None

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """Turn (N, inputs, H, W) and style (N, style) into (N, outputs, sH, sW)."""
        x = self.conv(x, style)
        if self.noisy:
            x = x + self.noise_const * self.noise_strength
        return activate(x + self.bias[:, None, None])


class ToRGB(nn.Module):
    """A picture from features, added to the smaller one that was made before."""

    def __init__(self, inputs: int, style: int) -> None:
        super().__init__()
        self.conv = Modulated(inputs, 3, style, size=1)
        self.bias = nn.Parameter(torch.zeros(3))

    def forward(self, x: Tensor, style: Tensor, smaller: Tensor | None) -> Tensor:
        """Return (N, 3, H, W) for features (N, C, H, W), given (N, 3, H/2, W/2) or None."""
        rgb = self.conv(x, style) + self.bias[:, None, None]
        return rgb if smaller is None else rgb + low_pass(stuff(smaller), (2, 1, 2, 1), gain=4)


class DecoderLevel(nn.Module):
    """One size of a decoder: features of the size below, a skip, a style and the picture so far."""

    def __init__(self, inputs: int, outputs: int, style: int, noise: int | None = None, first: bool = False) -> None:
        super().__init__()
        self.conv0 = Conv(inputs, outputs) if first else StyleConv(inputs, outputs, style, "up", noise)
        self.conv1 = StyleConv(outputs, outputs, style, noise=noise)
        self.toRGB = ToRGB(outputs, style)
        self.first = first

    def forward(self, x: Tensor, skip: Tensor, style: Tensor, rgb: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return features (N, outputs, H, W) and picture (N, 3, H, W)."""
        x = (self.conv0(x) if self.first else self.conv0(x, style)) + skip
        x = self.conv1(x, style)
        return x, self.toRGB(x, style, rgb)


class Attention(nn.Module):
    """Attention within windows, with likeness by direction: queries and keys come from tokens of unit length."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.q, self.k, self.v, self.proj = (Dense(width, width) for _ in range(4))

    def forward(self, windows: Tensor, bias: Tensor | None) -> Tensor:
        """Attend within windows (M, L, C), with a bias broadcast to (M, heads, L, L); the same shape."""
        unit = F.normalize(windows, dim=-1, eps=1e-12)
        projections = self.q(unit), self.k(unit), self.v(windows)
        query, key, value = (x.unflatten(-1, (HEADS, -1)).transpose(1, 2) for x in projections)
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        return cast("Tensor", self.proj(attended.transpose(1, 2).flatten(2)))


class Block(nn.Module):
    """Window attention and two linear layers, without norms and without skips: holes must not be passed on.

    Args:
        width: channels of a token.
        edge: of the picture in tokens.
        window: edge of a window.
        shifted: windows lie half a window further down and right.
    """

    seams: Tensor

    def __init__(self, width: int, edge: int, window: int, shifted: bool) -> None:
        super().__init__()
        self.edge, self.window = edge, window
        self.shift = window // 2 if shifted and edge > window else 0
        if self.shift:
            self.register_buffer("seams", self._seams(), persistent=False)
        self.attn = Attention(width)
        self.fuse = Dense(2 * width, width, active=True)
        self.mlp = nn.ModuleDict({"fc1": Dense(width, 2 * width, active=True), "fc2": Dense(2 * width, width)})

    def forward(self, x: Tensor, known: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Turn tokens (N, H, W, C) and what is known, (N, H, W, 1) or None, into both.

        A window of which anything is known is known as a whole afterwards.
        """
        bias = self.seams.repeat(len(x), 1, 1)[:, None] if self.shift else None
        if known is not None:
            windows = self._windows(known)
            unknown = ((1 - windows) * APART).transpose(1, 2)[:, None].to(x.dtype)
            bias = unknown if bias is None else bias + unknown
            known = self._merged(windows.amax(1, keepdim=True).expand_as(windows))
        attended = self._merged(self.attn(self._windows(x), bias))
        x = self.fuse(torch.cat((x, attended), dim=-1))
        return self.mlp["fc2"](self.mlp["fc1"](x)), known

    def _windows(self, x: Tensor) -> Tensor:
        """Cut (N, H, W, C) into windows (M, L, C)."""
        if self.shift:
            x = x.roll((-self.shift, -self.shift), dims=(1, 2))
        n, height, width, channels = x.shape
        w = self.window
        return x.reshape(n, height // w, w, width // w, w, channels).transpose(2, 3).reshape(-1, w * w, channels)

    def _merged(self, windows: Tensor) -> Tensor:
        """Join windows (M, L, C) to (N, H, W, C)."""
        w, across = self.window, self.edge // self.window
        x = windows.reshape(-1, across, across, w, w, windows.shape[-1]).transpose(2, 3)
        x = x.reshape(-1, self.edge, self.edge, windows.shape[-1])
        return x.roll((self.shift, self.shift), dims=(1, 2)) if self.shift else x

    def _seams(self) -> Tensor:
        """Return APART for pairs of tokens that the roll brought into one window from opposite sides, (M, L, L)."""
        at = torch.arange(self.edge)
        strip = (at >= self.edge - self.window).float() + (at >= self.edge - self.shift).float()
        region = (strip[:, None] * 3 + strip)[None, :, :, None]
        w, across = self.window, self.edge // self.window
        windows = region.reshape(across, w, across, w).transpose(1, 2).reshape(-1, w * w)
        return (windows[:, :, None] != windows[:, None, :]).float() * APART


class Group(nn.Module):
    """Blocks at one size, with the convolution that leads there and one after them, around which is a skip."""

    def __init__(self, width: int, blocks: int, edge: int, window: int, resample: Resample) -> None:
        super().__init__()
        if resample:
            self.downsample = nn.ModuleDict({"conv": PartialConv(width, width, resample)})
        self.blocks = nn.ModuleList(Block(width, edge, window, i % 2 == 1) for i in range(blocks))
        self.conv = PartialConv(width, width)
        self.resampled = resample is not None

    def forward(self, x: Tensor, known: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Turn features (N, C, H, W) and what is known, (N, 1, H, W) or None, into both at the group's size."""
        if self.resampled:
            x, known = self.downsample["conv"](x, known)
        start, known = x, None if known is None else _tokens(known)
        x = _tokens(x)
        for block in self.blocks:
            x, known = block(x, known)
        x, known = self.conv(_image(x), None if known is None else _image(known))
        return x + start, known


class FirstStage(nn.Module):
    """Transformer and decoder that paint the picture for the first time.

    Args:
        size: edge of the picture.
        width: channels everywhere.
        code: length of the random code.
    """

    def __init__(self, size: int, width: int, code: int) -> None:
        super().__init__()
        halvings = _exponent(size // TOKENS)
        self.conv_first = PartialConv(4, width)
        self.enc_conv = nn.ModuleList(PartialConv(width, width, "down") for _ in range(halvings))
        ways: tuple[Resample, ...] = (None, "down", "down", "up", "up")
        self.tran = nn.ModuleList(Group(width, *group, way) for group, way in zip(GROUPS, ways, strict=True))
        self.ws_style = Dense(code, width, active=True)
        self.to_square = Dense(width, MIDDLE**2, active=True)
        self.down_conv = nn.Sequential(*(Conv(width, width, resample="down") for _ in range(_exponent(MIDDLE))))
        self.to_style = Dense(width, 2 * width, active=True)
        self.dec_conv = nn.ModuleList(DecoderLevel(width, width, 3 * width) for _ in range(halvings))

    def forward(self, image: Tensor, known: Tensor, code: Tensor, kept: Tensor) -> Tensor:
        """Paint the picture (N, 3, H, W) in [-1, 1].

        Args:
            image: (N, 3, H, W) in [-1, 1].
            known: (N, 1, H, W), 1 where the image is known.
            code: (1, code).
            kept: (1, H * W, C) at the deepest size, 1 where features stay, 0 where noise takes their place.
        """
        x, valid = self.conv_first(torch.cat((known - 0.5, image * known), dim=1), known.float())
        skips = [x]
        for conv in self.enc_conv:
            x, valid = conv(x, valid)
            skips.append(x)
        skips.pop()
        groups = list(self.tran)
        x, valid = groups[0](x, valid)
        middle, valid = groups[1](x, valid)
        deepest, style = self._mixed(groups[2](middle, None)[0], code, kept)
        x = groups[4](groups[3](deepest, None)[0] + middle, None)[0] + x
        rgb = None
        for level in self.dec_conv:
            x, rgb = level(x, skips.pop(), style, rgb)
        return cast("Tensor", rgb)

    def _mixed(self, x: Tensor, code: Tensor, kept: Tensor) -> tuple[Tensor, Tensor]:
        """Mix noise into the deepest features; return them and the style of the decoder."""
        own = self.ws_style(code)
        noise = self.to_square(own).view(1, 1, *x.shape[-2:])
        kept = kept.transpose(1, 2).unflatten(2, x.shape[-2:])
        x = x * kept + noise * (1 - kept)
        whole = self.to_style(self.down_conv(x).mean((2, 3)))
        return x, torch.cat((whole, own.expand(len(x), -1)), dim=1)


class Encoder(nn.Module):
    """Features at every size, from the picture's down to 16x16, of the second stage."""

    def __init__(self, size: int, widths: Mapping[int, int]) -> None:
        super().__init__()
        inputs = 7
        self.edges = _edges(size)
        for edge in self.edges:
            top = edge == size
            conv0 = Conv(inputs, widths[edge], 1) if top else Conv(inputs, widths[edge], resample="down")
            level = nn.ModuleDict({"conv0": conv0, "conv1": Conv(widths[edge], widths[edge])})
            self.add_module(f"EncConv_Block_{edge}x{edge}", level)
            inputs = widths[edge]

    def forward(self, x: Tensor) -> dict[int, Tensor]:
        """Turn (N, 7, H, W) into features by their edge."""
        skips = {}
        for edge in self.edges:
            level = getattr(self, f"EncConv_Block_{edge}x{edge}")
            skips[edge] = x = level["conv1"](level["conv0"](x))
        return skips


class Synthesis(nn.Module):
    """Both stages.

    Args:
        size: edge of the picture.
        width: channels of the first stage.
        code: length of the random code.
        widths: channels of the second stage, by edge.
    """

    def __init__(self, size: int, width: int, code: int, widths: Mapping[int, int]) -> None:
        super().__init__()
        deepest = widths[MIDDLE]
        self.first_stage = FirstStage(size, width, code)
        self.enc = Encoder(size, widths)
        self.to_square = Dense(code, MIDDLE**2, active=True)
        downs = nn.Sequential(*(Conv(deepest, deepest, resample="down") for _ in range(3)))
        self.to_style = nn.ModuleDict({"conv": downs, "fc": Dense(deepest, 2 * deepest, active=True)})
        self.edges = _edges(size)[::-1]
        self.dec, inputs = nn.Module(), deepest
        for edge in self.edges:
            level = DecoderLevel(inputs, widths[edge], code + 2 * deepest, edge, first=edge == MIDDLE)
            self.dec.add_module(f"Dec_{edge}x{edge}", level)
            inputs = widths[edge]

    def forward(self, image: Tensor, known: Tensor, code: Tensor, kept: tuple[Tensor, Tensor]) -> Tensor:
        """Paint the picture (N, 3, H, W); arguments as of the first stage, and its keep map with that of this one."""
        painted = self.first_stage(image, known, code, kept[0])
        composite = image * known + painted * (1 - known)
        skips = self.enc(torch.cat((known - 0.5, composite, image * known), dim=1))
        noise = self.to_square(code).view(1, 1, MIDDLE, MIDDLE)
        x = skips[MIDDLE] = skips[MIDDLE] * kept[1] + noise * (1 - kept[1])
        whole = self.to_style["fc"](self.to_style["conv"](x).mean((2, 3)))
        style, rgb = torch.cat((code.expand(len(x), -1), whole), dim=1), None
        for edge in self.edges:
            x, rgb = getattr(self.dec, f"Dec_{edge}x{edge}")(x, skips[edge], style, rgb)
        return cast("Tensor", rgb)


class MAT(nn.Module):
    """The whole network, for pictures of one size.

    Args:
        size: edge of the picture, a power of two of at least 128; published are 512 and 256.
        width: channels of the first stage, a multiple of 6.
        code: length of the random code.
        most: channels of the second stage, at most.
        capacity: channels of the second stage times the edge of the features, at most.
        seed: of the random code and the keep maps, which stay the same for all pictures. The code is that which the
            published script draws for its first picture.
    """

    z: Tensor
    folded_code: Tensor | None
    kept1: Tensor
    kept2: Tensor

    def __init__(
        self,
        size: int = 512,
        width: int = 180,
        code: int = 512,
        most: int = 512,
        capacity: int = 32768,
        seed: int = SEED,
    ) -> None:
        super().__init__()
        widths = {edge: min(capacity // edge, most) for edge in _edges(size)}
        self.size = size
        self.synthesis = Synthesis(size, width, code, widths)
        self.mapping = nn.Sequential()
        for i in range(MAPPING_LAYERS):
            self.mapping.add_module(f"fc{i}", Dense(code, code, active=True, rate=MAPPING_RATE))
        self.register_buffer("z", _drawn(np.random.RandomState(seed).standard_normal((1, code))), persistent=False)
        self.register_buffer("folded_code", None, persistent=False)
        maps = np.random.default_rng(seed)
        for name, shape in (("kept1", (1, MIDDLE**2, width)), ("kept2", (1, most, MIDDLE, MIDDLE))):
            self.register_buffer(name, _drawn(maps.integers(0, 2, shape)), persistent=False)

    def fold(self) -> None:
        """Multiply the gains of all layers into their weights and map the code, which stays the same, once for all."""
        for module in self.modules():
            if isinstance(module, Scaled):
                module.fold()
        with torch.no_grad():
            self.folded_code = self.code()

    def code(self) -> Tensor:
        """Return the code (1, code) that steers both stages."""
        if self.folded_code is not None:
            return self.folded_code
        length = (self.z.square().mean(1, keepdim=True) + 1e-8).sqrt()
        return cast("Tensor", self.mapping(self.z / length))

    def forward(self, pictures: Tensor) -> Tensor:
        """Fill the holes of pictures.

        Args:
            pictures: (N, 4, size, size), float32 whatever the dtype of the weights: RGB in [0, 1], and 1 in holes.

        Returns:
            (N, 3, size, size); RGB as it came where there is no hole.
        """
        rgb, holes = pictures[:, :3], pictures[:, 3:]
        dtype = next(self.parameters()).dtype
        image, known = (2 * rgb - 1).to(dtype), (1 - holes).to(dtype)
        painted = self.synthesis(image, known, self.code(), (self.kept1, self.kept2))
        return torch.where(holes > 0, (painted.to(rgb.dtype) + 1) / 2, rgb)


def convolve(x: Tensor, weight: Tensor, resample: Resample) -> Tensor:
    """Convolve (N, C, H, W) with (outputs, C, k, k), zeros around it, at the same, half or twice the size."""
    if resample == "down":
        return F.conv2d(low_pass(x, (2, 2, 2, 2)), weight, stride=2)
    if resample == "up":
        return low_pass(F.conv_transpose2d(x, weight.transpose(0, 1).flip(2, 3), stride=2), (1, 1, 1, 1), gain=4)
    return F.conv2d(x, weight, padding=weight.shape[-1] // 2)


def stuff(x: Tensor) -> Tensor:
    """Put a zero after every pixel, right and below: (N, C, H, W) to (N, C, 2H, 2W)."""
    n, channels, height, width = x.shape
    stuffed = x.new_zeros(n, channels, height, 2, width, 2)
    stuffed[:, :, :, 0, :, 0] = x
    return stuffed.view(n, channels, 2 * height, 2 * width)


def low_pass(x: Tensor, around: tuple[int, int, int, int], gain: float = 1.0) -> Tensor:
    """Filter with (1, 3, 3, 1) / 8 both ways, zeros ``around`` it (left, right, top, bottom)."""
    taps = constant((1.0, 3.0, 3.0, 1.0), x) * (sqrt(gain) / 8)
    channels = x.shape[1]
    x = F.conv2d(F.pad(x, around), taps.view(1, 1, 1, 4).expand(channels, -1, -1, -1), groups=channels)
    return F.conv2d(x, taps.view(1, 1, 4, 1).expand(channels, -1, -1, -1), groups=channels)


def _tokens(x: Tensor) -> Tensor:
    return x.permute(0, 2, 3, 1)


def _image(x: Tensor) -> Tensor:
    return x.permute(0, 3, 1, 2)


def _exponent(power_of_two: int) -> int:
    return power_of_two.bit_length() - 1


def _edges(size: int) -> list[int]:
    """Return the edges of the second stage's features, from the picture's down to 16."""
    return [size >> i for i in range(_exponent(size // MIDDLE) + 1)]


def _drawn(values: np.ndarray) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))


def rename[Value](state_dict: Mapping[str, Value]) -> dict[str, Value]:
    """Return the entries with the leading 1 of modulated convolutions' weights taken off, (1, out, in, k, k).

    Args:
        state_dict: tensors, or their shapes, by published name.
    """
    return {name: _without_first(value) for name, value in state_dict.items()}


def _without_first(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value[0] if value.ndim == 5 else value
    return value[1:] if len(value) == 5 else value


def describe(_settings: Mapping[str, Any]) -> Traits:
    """Return what the network asks of its pictures.

    float16 has not the range that the first stage, which nothing normalises, may need.
    """
    return Traits(tiles=False, precisions=("float32", "bfloat16"), float32_frames=True)


def recognise(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any] | None:
    """Return constructor settings read off published names and shapes; None if it is no MAT."""
    first, deepest = "synthesis.first_stage.conv_first.conv.weight", "synthesis.enc.EncConv_Block_16x16.conv1.weight"
    code = "mapping.fc0.weight"
    if any(name not in shapes for name in (first, deepest, code)):
        return None
    matches = (re.fullmatch(r"synthesis\.enc\.EncConv_Block_(\d+)x\1\.conv0\.weight", name) for name in shapes)
    size = max(int(match[1]) for match in matches if match)
    return {
        "size": size,
        "width": shapes[first][0],
        "code": shapes[code][1],
        "most": shapes[deepest][0],
        "capacity": size * shapes[f"synthesis.enc.EncConv_Block_{size}x{size}.conv0.weight"][0],
    }
