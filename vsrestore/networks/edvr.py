"""EDVR: a sliding window of frames in, its restored centre frame out.

Every neighbour's features are aligned to the centre frame by a pyramid of deformable convolutions (PCD), fused with
temporal and spatial attention (TSA) and reconstructed by a long stack of residual blocks. One architecture for x4
super-resolution and for deblurring or decompression at the same size.

Source:
    Wang, Chan, Yu, Dong, Loy, "EDVR: Video Restoration with Enhanced Deformable Convolutional Networks", CVPR
    Workshops (NTIRE) 2019, arXiv 1905.02716. Tensor names are those of the BasicSR conversion.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.layers.activation import lrelu
from vsrestore.networks.layers.deform_align import DeformAlign
from vsrestore.networks.layers.layout import channels_last
from vsrestore.networks.layers.residual import ResidualBlock, residual_blocks
from vsrestore.networks.layers.split_conv import conv_share
from vsrestore.networks.layers.upsample import enlarge
from vsrestore.networks.traits import Traits

LEVELS = ("l1", "l2", "l3")  # of the feature pyramid, fine to coarse
CHANNELS = 3


class FrameFeatures(NamedTuple):
    """What depends on one frame alone; each tuple is one tensor (N, C, h, w) per level, fine to coarse."""

    levels: tuple[Tensor, ...]
    offsets: tuple[Tensor, ...]  # this frame's share of the first offset convolution, when it is a neighbour


class CentreShares(NamedTuple):
    """What the centre frame adds to the alignment of every neighbour of its window."""

    offsets: tuple[Tensor, ...]  # to the first offset convolution, one tensor (N, C, h, w) per level
    cascade: Tensor  # to the first convolution of the cascade, (N, C, h, w)


class Predeblur(nn.Module):
    """Features of a blurred frame from a three-level pyramid.

    Args:
        channels: of the features.
        hr_in: the frame has the size of the output; its features get a quarter of it.
    """

    def __init__(self, channels: int, hr_in: bool) -> None:
        super().__init__()
        self.hr_in = hr_in
        self.conv_first = conv3x3(CHANNELS, channels)
        if hr_in:
            self.stride_conv_hr1 = conv3x3(channels, channels, stride=2)
            self.stride_conv_hr2 = conv3x3(channels, channels, stride=2)
        self.stride_conv_l2 = conv3x3(channels, channels, stride=2)
        self.stride_conv_l3 = conv3x3(channels, channels, stride=2)
        self.resblock_l3 = ResidualBlock(channels)
        self.resblock_l2_1 = ResidualBlock(channels)
        self.resblock_l2_2 = ResidualBlock(channels)
        self.resblock_l1 = residual_blocks(channels, 5)

    def forward(self, x: Tensor) -> Tensor:
        """Turn frames (N, 3, H, W) into features (N, C, h, w)."""
        fine = lrelu.after(self.conv_first, x)
        if self.hr_in:
            fine = lrelu.after(self.stride_conv_hr2, lrelu.after(self.stride_conv_hr1, fine))
        middle = lrelu.after(self.stride_conv_l2, fine)
        coarse = lrelu.after(self.stride_conv_l3, middle)
        middle = self.resblock_l2_1(middle) + enlarge(self.resblock_l3(coarse), 2)
        fine = self.resblock_l1[:2](fine) + enlarge(self.resblock_l2_2(middle), 2)
        return self.resblock_l1[2:](fine)


class PCDAlign(nn.Module):
    """Alignment of one neighbour with the centre frame: pyramid, cascade, deformable convolutions.

    Args:
        channels: of the features.
        groups: deformable groups.
    """

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        c, upper = channels, LEVELS[:2]
        self.offset_conv1 = nn.ModuleDict({level: conv3x3(2 * c, c) for level in LEVELS})
        self.offset_conv2 = nn.ModuleDict({level: conv3x3(2 * c if level in upper else c, c) for level in LEVELS})
        self.offset_conv3 = nn.ModuleDict({level: conv3x3(c, c) for level in upper})
        self.dcn_pack = nn.ModuleDict({level: DeformAlign(c, groups) for level in LEVELS})
        self.feat_conv = nn.ModuleDict({level: conv3x3(2 * c, c) for level in upper})
        self.cas_offset_conv1 = conv3x3(2 * c, c)
        self.cas_offset_conv2 = conv3x3(c, c)
        self.cas_dcnpack = DeformAlign(c, groups)

    def neighbour_shares(self, levels: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return what a frame with these pyramid levels, (N, C, h, w) each, adds to its own first offsets."""
        return tuple(conv_share(conv, x) for conv, x in zip(self._first_convs(), levels, strict=True))

    def centre_shares(self, levels: Sequence[Tensor]) -> CentreShares:
        """Return what a centre frame with these pyramid levels adds to every neighbour's offsets."""
        c = levels[0].shape[1]
        offsets = tuple(conv_share(conv, x, c, bias=True) for conv, x in zip(self._first_convs(), levels, strict=True))
        return CentreShares(offsets, conv_share(self.cas_offset_conv1, levels[0], c, bias=True))

    def forward(self, neighbour: FrameFeatures, centre: CentreShares) -> Tensor:
        """Align a neighbour's features with the centre frame, (N, C, h, w)."""
        firsts = [a + b for a, b in zip(neighbour.offsets, centre.offsets, strict=True)]
        aligned = self._pyramid(neighbour.levels, firsts)
        return self._cascade(aligned, conv_share(self.cas_offset_conv1, aligned).add_(centre.cascade))

    def plain(self, neighbour: Sequence[Tensor], centre: Sequence[Tensor]) -> Tensor:
        """Align as the paper writes it, from the pyramid levels of both frames; the same as ``forward``."""
        pairs = [torch.cat(pair, dim=1) for pair in zip(neighbour, centre, strict=True)]
        firsts = [conv(pair) for conv, pair in zip(self._first_convs(), pairs, strict=True)]
        aligned = self._pyramid(neighbour, firsts)
        return self._cascade(aligned, self.cas_offset_conv1(torch.cat((aligned, centre[0]), dim=1)))

    def _first_convs(self) -> list[nn.Conv2d]:
        return [cast("nn.Conv2d", self.offset_conv1[name]) for name in LEVELS]

    def _pyramid(self, levels: Sequence[Tensor], firsts: Sequence[Tensor]) -> Tensor:
        """Align coarse to fine, given what the first offset convolutions gave (without activation)."""
        guide = lrelu(self.offset_conv2["l3"](lrelu(firsts[2])))
        aligned = lrelu(self.dcn_pack["l3"](levels[2], guide))
        for index in (1, 0):
            name = LEVELS[index]
            # Offsets double with the size; here features stand for them, and are doubled all the same.
            pair = torch.cat((lrelu(firsts[index]), enlarge(guide, 2) * 2), dim=1)
            guide = lrelu(self.offset_conv3[name](lrelu(self.offset_conv2[name](pair))))
            sampled = self.dcn_pack[name](levels[index], guide)
            aligned = self.feat_conv[name](torch.cat((sampled, enlarge(aligned, 2)), dim=1))
            if index > 0:
                aligned = lrelu(aligned)
        return aligned

    def _cascade(self, aligned: Tensor, first: Tensor) -> Tensor:
        guide = lrelu.after(self.cas_offset_conv2, lrelu(first))
        return lrelu(self.cas_dcnpack(aligned, guide))


class TSAFusion(nn.Module):
    """Fusion of a window's aligned features, weighted by likeness to the centre and by spatial attention.

    Args:
        channels: of the features.
        frames: in a window.
    """

    def __init__(self, channels: int, frames: int) -> None:
        super().__init__()
        c = channels
        self.temporal_attn1 = conv3x3(c, c)
        self.temporal_attn2 = conv3x3(c, c)
        self.feat_fusion = nn.Conv2d(frames * c, c, 1)
        self.spatial_attn1 = nn.Conv2d(frames * c, c, 1)
        self.spatial_attn2 = nn.Conv2d(2 * c, c, 1)
        self.spatial_attn3 = conv3x3(c, c)
        self.spatial_attn4 = nn.Conv2d(c, c, 1)
        self.spatial_attn5 = conv3x3(c, c)
        self.spatial_attn_l1 = nn.Conv2d(c, c, 1)
        self.spatial_attn_l2 = conv3x3(2 * c, c)
        self.spatial_attn_l3 = conv3x3(c, c)
        self.spatial_attn_add1 = nn.Conv2d(c, c, 1)
        self.spatial_attn_add2 = nn.Conv2d(c, c, 1)

    def forward(self, aligned: Sequence[Tensor]) -> Tensor:
        """Fuse aligned features, one (N, C, h, w) per frame of the window (repeated frames the same object)."""
        weighted = self._weigh(aligned)
        # Both 1x1 convolutions see the same input, so they run as one.
        convs = (self.feat_fusion, self.spatial_attn1)
        weight = torch.cat([conv.weight for conv in convs])
        bias = torch.cat([conv.bias for conv in convs if conv.bias is not None])
        features, attention = lrelu(F.conv2d(weighted, weight, bias)).chunk(2, dim=1)
        attention = self._spatial_attention(attention)
        added = self.spatial_attn_add2(lrelu.after(self.spatial_attn_add1, attention))
        return torch.addcmul(added, features, attention.sigmoid(), value=2)

    def _weigh(self, aligned: Sequence[Tensor]) -> Tensor:
        """Weight every frame by its likeness to the centre, pixel by pixel, and join them, (N, frames * C, h, w)."""
        centre = self.temporal_attn1(aligned[len(aligned) // 2])
        weighted = {}
        for frame in aligned:
            if id(frame) not in weighted:
                likeness = (self.temporal_attn2(frame) * centre).sum(1, keepdim=True)
                weighted[id(frame)] = frame * likeness.sigmoid()
        return torch.cat([weighted[id(frame)] for frame in aligned], dim=1)

    def _spatial_attention(self, x: Tensor) -> Tensor:
        half = lrelu.after(self.spatial_attn2, pool(x))
        quarter = lrelu.after(self.spatial_attn_l2, pool(lrelu.after(self.spatial_attn_l1, half)))
        quarter = enlarge(lrelu.after(self.spatial_attn_l3, quarter), 2)
        half = lrelu.after(self.spatial_attn3, half) + quarter
        return self.spatial_attn5(enlarge(lrelu.after(self.spatial_attn4, half), 2))


class EDVR(nn.Module):
    """Restore the centre frame of every window of a run of frames.

    Args:
        channels: of the features, 64 (M) or 128 (L).
        frames: in a window, 5 or 7.
        groups: deformable groups.
        front_blocks: residual blocks of every frame's features.
        back_blocks: residual blocks of the reconstruction, 10, 20 or 40.
        predeblur: whether features come from the pyramid for blurred frames.
        hr_in: whether frames come in the size they leave; features have a quarter of it.
        tsa: whether fusion weighs frames by attention.

    Attributes:
        scale: 1 with ``hr_in``, else 4.
        multiple: what height and width of the frames must be multiples of.
    """

    def __init__(
        self,
        channels: int = 128,
        frames: int = 5,
        groups: int = 8,
        front_blocks: int = 5,
        back_blocks: int = 40,
        predeblur: bool = False,
        hr_in: bool = False,
        tsa: bool = True,
    ) -> None:
        super().__init__()
        self.channels, self.frames, self.hr_in = channels, frames, hr_in
        self.scale, self.multiple = (1, 16) if hr_in else (4, 4)
        self._build_input(channels, predeblur, hr_in)
        self.feature_extraction = residual_blocks(channels, front_blocks)
        self.conv_l2_1 = conv3x3(channels, channels, stride=2)
        self.conv_l2_2 = conv3x3(channels, channels)
        self.conv_l3_1 = conv3x3(channels, channels, stride=2)
        self.conv_l3_2 = conv3x3(channels, channels)
        self.pcd_align = PCDAlign(channels, groups)
        self.fusion = TSAFusion(channels, frames) if tsa else nn.Conv2d(frames * channels, channels, 1)
        self.reconstruction = residual_blocks(channels, back_blocks)
        self.upconv1 = conv3x3(channels, 4 * channels)
        self.upconv2 = conv3x3(channels, 4 * 64)
        self.conv_hr = conv3x3(64, 64)
        self.conv_last = conv3x3(64, CHANNELS)

    def _build_input(self, channels: int, predeblur: bool, hr_in: bool) -> None:
        """Make the layers between a frame and its features; their names differ with the variant."""
        if predeblur:
            self.predeblur: nn.Module | None = Predeblur(channels, hr_in)
            self.conv_1x1 = nn.Conv2d(channels, channels, 1)
            return
        self.predeblur = None
        if hr_in:
            self.conv_first_1 = conv3x3(CHANNELS, channels)
            self.conv_first_2 = conv3x3(channels, channels, stride=2)
            self.conv_first_3 = conv3x3(channels, channels, stride=2)
        else:
            self.conv_first = conv3x3(CHANNELS, channels)

    def forward(self, frames: Tensor, windows: Tensor) -> Tensor:
        """Restore one frame per window.

        A frame's features are computed once, when the first window needs them, and dropped after the last one that
        does, so memory grows with the window, not with T. The same up to rounding as ``plain`` window by window.

        Args:
            frames: (N, T, 3, H, W) in [0, 1], RGB; H and W multiples of ``multiple``.
            windows: (K, frames), int64: the positions in T that form each window, centre in the middle.

        Returns:
            (N, K, 3, scale * H, scale * W), not clamped.

        Raises:
            ValueError: a size that is no multiple, or windows of another length.
        """
        rows: list[list[int]] = windows.tolist()
        self._check(frames, windows.shape[-1])
        last_row = {position: k for k, row in enumerate(rows) for position in row}
        known: dict[int, FrameFeatures] = {}
        restored = []
        for k, row in enumerate(rows):
            for position in row:
                if position not in known:
                    known[position] = self._features(frames[:, position])
            centre = row[self.frames // 2]
            restored.append(self._reconstruct(self._fuse(row, known), frames[:, centre]))
            known = {position: features for position, features in known.items() if last_row[position] > k}
        return torch.stack(restored, dim=1)

    def plain(self, window: Tensor) -> Tensor:
        """Restore the centre of one window the published way: all frames from scratch, nothing shared or split.

        Args:
            window: (N, frames, 3, H, W) in [0, 1].

        Returns:
            (N, 3, scale * H, scale * W), not clamped.
        """
        self._check(window, window.shape[1])
        pyramid = self._pyramid(window.flatten(0, 1))
        levels = [level.unflatten(0, window.shape[:2]) for level in pyramid]
        centre = [level[:, self.frames // 2] for level in levels]
        neighbours = [[level[:, t] for level in levels] for t in range(self.frames)]
        aligned = [self.pcd_align.plain(neighbour, centre) for neighbour in neighbours]
        return self._reconstruct(self._join(aligned), window[:, self.frames // 2])

    def _check(self, frames: Tensor, window: int) -> None:
        height, width = frames.shape[-2:]
        if window != self.frames:
            raise ValueError(f"a window holds {window} frames; this network takes {self.frames}")
        if height % self.multiple or width % self.multiple:
            raise ValueError(f"frames are {width}x{height}; multiples of {self.multiple} are accepted: pad them")

    def _features(self, frame: Tensor) -> FrameFeatures:
        """Compute what depends on one frame (N, 3, H, W) alone."""
        levels = self._pyramid(channels_last(frame))
        return FrameFeatures(levels, self.pcd_align.neighbour_shares(levels))

    def _pyramid(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Turn frames (N, 3, H, W) into features at full, half and quarter size, (N, C, h, w)."""
        x = x.to(self.conv_last.weight.dtype)
        fine = self.feature_extraction(self._first(x))
        middle = lrelu.after(self.conv_l2_2, lrelu.after(self.conv_l2_1, fine))
        coarse = lrelu.after(self.conv_l3_2, lrelu.after(self.conv_l3_1, middle))
        return fine, middle, coarse

    def _first(self, x: Tensor) -> Tensor:
        if self.predeblur is not None:
            return self.conv_1x1(self.predeblur(x))
        if self.hr_in:
            for conv in (self.conv_first_1, self.conv_first_2, self.conv_first_3):
                x = lrelu.after(conv, x)
            return x
        return lrelu.after(self.conv_first, x)

    def _fuse(self, row: Sequence[int], known: Mapping[int, FrameFeatures]) -> Tensor:
        """Align the frames of a window with its centre, each distinct one once, and fuse them, (N, C, h, w)."""
        shares = self.pcd_align.centre_shares(known[row[self.frames // 2]].levels)
        aligned = {position: self.pcd_align(known[position], shares) for position in dict.fromkeys(row)}
        return self._join([aligned[position] for position in row])

    def _join(self, aligned: Sequence[Tensor]) -> Tensor:
        if isinstance(self.fusion, TSAFusion):
            return self.fusion(aligned)
        return self.fusion(torch.cat(list(aligned), dim=1))

    def _reconstruct(self, fused: Tensor, centre: Tensor) -> Tensor:
        """Turn fused features (N, C, h, w) into what is added to the centre frame, and add it."""
        x = self.reconstruction(fused)
        x = F.pixel_shuffle(lrelu.after(self.upconv1, x), 2)
        x = F.pixel_shuffle(lrelu.after(self.upconv2, x), 2)
        x = self.conv_last(lrelu.after(self.conv_hr, x))
        base = centre if self.hr_in else enlarge(centre, self.scale)
        return base + x.to(base.dtype)


def conv3x3(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    """Return a 3x3 convolution with zero padding of 1."""
    return nn.Conv2d(inputs, outputs, 3, stride, padding=1)


def pool(x: Tensor) -> Tensor:
    """Halve (N, C, H, W) by maximum and by average, joined to (N, 2C, H/2, W/2); the average counts the padding."""
    pooled = F.max_pool2d(x, 3, stride=2, padding=1), F.avg_pool2d(x, 3, stride=2, padding=1)
    return torch.cat(pooled, dim=1)


# Layout of the 2019 release: beginning of a name -> its beginning here; the first that fits counts.
ORIGINAL = {
    "pre_deblur.conv_first_1.": "predeblur.conv_first.",
    "pre_deblur.conv_first_2.": "predeblur.stride_conv_hr1.",
    "pre_deblur.conv_first_3.": "predeblur.stride_conv_hr2.",
    "pre_deblur.conv_first.": "predeblur.conv_first.",
    "pre_deblur.deblur_L2_conv.": "predeblur.stride_conv_l2.",
    "pre_deblur.deblur_L3_conv.": "predeblur.stride_conv_l3.",
    "pre_deblur.RB_L3_1.": "predeblur.resblock_l3.",
    "pre_deblur.RB_L2_1.": "predeblur.resblock_l2_1.",
    "pre_deblur.RB_L2_2.": "predeblur.resblock_l2_2.",
    **{f"pre_deblur.RB_L1_{i + 1}.": f"predeblur.resblock_l1.{i}." for i in range(5)},
    **{f"fea_L{n}_conv{i}.": f"conv_l{n}_{i}." for n in (2, 3) for i in (1, 2)},
    **{f"pcd_align.L{n}_offset_conv{i}.": f"pcd_align.offset_conv{i}.l{n}." for n in (1, 2, 3) for i in (1, 2, 3)},
    **{f"pcd_align.L{n}_dcnpack.conv_offset_mask.": f"pcd_align.dcn_pack.l{n}.conv_offset." for n in (1, 2, 3)},
    **{f"pcd_align.L{n}_dcnpack.": f"pcd_align.dcn_pack.l{n}." for n in (1, 2, 3)},
    **{f"pcd_align.L{n}_fea_conv.": f"pcd_align.feat_conv.l{n}." for n in (1, 2)},
    "pcd_align.cas_dcnpack.conv_offset_mask.": "pcd_align.cas_dcnpack.conv_offset.",
    # The two temporal convolutions change places: the second one served the centre frame.
    "tsa_fusion.tAtt_2.": "fusion.temporal_attn1.",
    "tsa_fusion.tAtt_1.": "fusion.temporal_attn2.",
    "tsa_fusion.fea_fusion.": "fusion.feat_fusion.",
    **{f"tsa_fusion.sAtt_{i}.": f"fusion.spatial_attn{i}." for i in range(1, 6)},
    **{f"tsa_fusion.sAtt_L{i}.": f"fusion.spatial_attn_l{i}." for i in range(1, 4)},
    **{f"tsa_fusion.sAtt_add_{i}.": f"fusion.spatial_attn_add{i}." for i in (1, 2)},
    "tsa_fusion.": "fusion.",
    "recon_trunk.": "reconstruction.",
    "HRconv.": "conv_hr.",
}

# Layout of mmediting, without its "generator.".
MMEDITING = {
    **{f"feat_l{n}_conv{i}.conv.": f"conv_l{n}_{i}." for n in (2, 3) for i in (1, 2)},
    "pcd_alignment.": "pcd_align.",
    "upsample1.upsample_conv.": "upconv1.",
    "upsample2.upsample_conv.": "upconv2.",
}


def rename[Value](state_dict: Mapping[str, Value]) -> dict[str, Value]:
    """Return the entries of any of the three published layouts under our names (those of BasicSR).

    Args:
        state_dict: tensors, or their shapes, by published name, without wrappers such as ``generator.``.
    """
    if "pcd_align.L1_dcnpack.weight" in state_dict:
        return {_replace(name, ORIGINAL): value for name, value in state_dict.items()}
    if "pcd_alignment.dcn_pack.l1.weight" in state_dict:
        return {_drop_conv(_replace(name, MMEDITING)): value for name, value in state_dict.items()}
    return dict(state_dict)


def _replace(name: str, beginnings: Mapping[str, str]) -> str:
    for theirs, ours in beginnings.items():
        if name.startswith(theirs):
            return ours + name.removeprefix(theirs)
    return name


def _drop_conv(name: str) -> str:
    """Drop the segment that mmediting's convolutions with activation put before weight and bias."""
    return re.sub(r"^((?:pcd_align|fusion)\..*)\.conv\.(weight|bias)$", r"\1.\2", name)


def describe(settings: Mapping[str, Any]) -> Traits:
    """Return what a network with these settings asks of its pictures."""
    same_size = settings["hr_in"]
    return Traits(
        scale=1 if same_size else 4,
        multiple=16 if same_size else 4,
        minimum=16,
        tile_overlap=64,
        float32_frames=True,
        frames=settings["frames"],
        border="repeat" if settings["predeblur"] else "reflect_circle",
    )


def recognise(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any] | None:
    """Return constructor settings read off published names and shapes (any layout); None if it is no EDVR."""
    shapes = rename(shapes)
    tsa = "fusion.temporal_attn1.weight" in shapes
    fusion = "fusion.feat_fusion.weight" if tsa else "fusion.weight"
    dcn = "pcd_align.dcn_pack.l1.conv_offset.weight"
    if any(name not in shapes for name in (fusion, dcn, "feature_extraction.0.conv1.weight")):
        return None
    channels = shapes["feature_extraction.0.conv1.weight"][0]
    return {
        "channels": channels,
        "frames": shapes[fusion][1] // channels,
        "groups": shapes[dcn][0] // 27,
        "front_blocks": _count_blocks(shapes, "feature_extraction"),
        "back_blocks": _count_blocks(shapes, "reconstruction"),
        "predeblur": "predeblur.conv_first.weight" in shapes,
        "hr_in": "predeblur.stride_conv_hr1.weight" in shapes or "conv_first_2.weight" in shapes,
        "tsa": tsa,
    }


def _count_blocks(shapes: Mapping[str, tuple[int, ...]], trunk: str) -> int:
    return sum(re.fullmatch(rf"{trunk}\.\d+\.conv1\.weight", name) is not None for name in shapes)
