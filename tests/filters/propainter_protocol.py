"""How the official tool runs ProPainter over a clip, written down plainly, and networks in place of the real ones.

What the stand-ins give depends on every frame of a call and on its place in it, so that a wrong range shows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from vsrestore.filters.inpainting import FEATURES, FLOW_CONTEXT, IMAGE_CONTEXT
from vsrestore.networks.image_propagation import ImagePropagation


class Counting(nn.Module):
    """Notes what its calls are about."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.calls: list[int] = []


def places(count: int) -> Tensor:
    """A weight for each of so many frames, no two alike."""
    return torch.linspace(1, 2, count).view(-1, 1, 1, 1).cos() / count


class Flow(Counting):
    """Flow that the difference of both frames decides; notes the flows that it made."""

    def forward(self, frames: Tensor, keep: range) -> Tensor:
        self.calls.append(len(keep))
        return self.made(frames)[:, keep.start : keep.stop]

    def made(self, frames: Tensor) -> Tensor:
        there = frames[0, 1:, :2] - frames[0, :-1, 1:]
        flows = 4 * torch.cat((there, there.flip(1) - frames[0, 1:, :2]), 1)
        return torch.cat((flows, torch.zeros_like(frames[0, :1, :1]).expand(-1, 4, -1, -1)))[None]


class Completion(Counting):
    """In holes the mean of all flows seen, each weighted by its place."""

    def forward(self, frames: Tensor, flow: Tensor, keep: range) -> Tensor:
        self.calls.append(len(keep))
        end = min(keep.stop, frames.shape[1] - 1)
        seen = slice(max(keep.start - FLOW_CONTEXT, 0), min(keep.stop + FLOW_CONTEXT, frames.shape[1] - 1))
        result = flow[:, keep.start : keep.stop].clone()
        if end > keep.start:
            kept = slice(keep.start - seen.start, end - seen.start)
            result[0, : end - keep.start] = self.made(flow[0, seen], frames[0, seen.start : seen.stop + 1])[kept]
        return result

    @staticmethod
    def made(flows: Tensor, masks: Tensor) -> Tensor:
        onward, back = masks[:-1], masks[1:]
        holes = torch.cat((onward, onward, back, back), 1)
        mean = (places(len(flows)) * (flows * (1 - holes))).sum(0, keepdim=True)
        return flows * (1 - holes) + mean * holes


class Propagation(ImagePropagation):
    """The real one, which is quick."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.calls: list[int] = []

    def forward(self, frames: Tensor, mask: Tensor, flow: Tensor, keep: range) -> Tensor:
        self.calls.append(len(keep))
        return super().forward(frames, mask, flow, keep)


class Encoder(Counting):
    """A quarter of the size."""

    def forward(self, frames: Tensor, filled: Tensor) -> Tensor:
        self.calls.append(len(frames))
        return self.made(frames, filled)

    @staticmethod
    def made(frames: Tensor, filled: Tensor) -> Tensor:
        small = torch.nn.functional.avg_pool2d(torch.cat((filled, frames), 1), 4)
        return small.repeat(1, FEATURES // 5 + 1, 1, 1)[:, :FEATURES]


class Painter(Counting):
    """In holes something that all it is given has a share in."""

    def forward(
        self,
        frames: Tensor,
        mask: Tensor,
        filled: Tensor,
        flow: Tensor,
        features: Tensor,
        references: Tensor | None = None,
        levels: int | None = None,
    ) -> Tensor:
        self.calls.append(frames.shape[1])
        afar = features[0, :0] if references is None else references
        made = self.made(filled[0], mask[0], flow[0, :-1], torch.cat((features[0], afar)))
        if levels is not None:
            made = (made * levels).floor() / levels
        return torch.where(mask > 0, made[None], frames)

    @staticmethod
    def made(filled: Tensor, mask: Tensor, flow: Tensor, features: Tensor) -> Tensor:
        tokens = (places(len(features)) * features).sum((0, 1), keepdim=True).repeat_interleave(4, 2)
        told = tokens.repeat_interleave(4, 3) + filled[:, :3] + filled[:, 3:]
        if len(flow):
            told = told + (places(len(flow)) * flow).sum((0, 1))
        return ((places(len(filled)) * told * mask).sum(0, keepdim=True) + told).sigmoid()


@dataclass
class StandIns:
    """In the place of the checkpoints of all networks."""

    made: dict[str, Counting] = field(default_factory=dict)

    def calls(self) -> dict[str, list[int]]:
        return {name: network.calls for name, network in self.made.items()}

    def _noted(self, name: str, kind: Callable[[], Counting]) -> Callable[[], Counting]:
        return lambda: self.made.setdefault(name, kind())

    @property
    def flow(self) -> StandIn:
        return StandIn(self._noted("flow", Flow))

    @property
    def completion(self) -> StandIn:
        return StandIn(self._noted("completion", Completion))

    def encoder(self) -> nn.Module:
        return self._noted("features", Encoder)()

    def painter(self) -> nn.Module:
        return self._noted("painting", Painter)()

    def propagation(self) -> nn.Module:
        return self._noted("propagation", Propagation)()


@dataclass
class StandIn:
    """In the place of a checkpoint."""

    build: Callable[[], nn.Module]


def official(
    frames: np.ndarray, masks: np.ndarray, *, neighbours: int, stride: int, references: int, sub: int
) -> np.ndarray:
    """Inpaint a clip of one shot by the stand-ins as the official tool does, all of it in memory.

    Args:
        frames: (T, H, W, 3) uint8.
        masks: (T, H, W), not 0 in holes.
        neighbours: the tool's neighbor_length.
        stride: its ref_stride.
        references: what it makes of subvideo_length // ref_stride.
        sub: its subvideo_length.

    """
    count, half = len(frames), neighbours // 2
    pictures = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255
    holes = (torch.from_numpy(masks) > 0).float()[:, None]
    raw = Flow().made(pictures[None])[0, :-1]
    flow = torch.zeros_like(raw)
    for start in range(0, count - 1, sub) if count - 1 > sub else (0,):
        end = min(count - 1, start + sub) if count - 1 > sub else count - 1
        first, last = max(0, start - FLOW_CONTEXT), min(count - 1, end + FLOW_CONTEXT)
        made = Completion.made(raw[first:last], holes[first : last + 1])
        flow[start:end] = made[start - first : end - first]
    padded = torch.cat((flow, torch.zeros_like(pictures[:1, :1]).expand(-1, 4, -1, -1)))
    filled = torch.cat([_filled(pictures, holes, padded, part) for part in _parts(count, min(100, sub))])
    features = Encoder.made(holes, filled)
    result: list[np.ndarray | None] = [None] * count
    for middle in range(0, count, half):
        local = list(range(max(0, middle - half), min(count, middle + half + 1)))
        afar = [n for n in _references(middle, count, stride, references, sub) if n not in local]
        made = Painter.made(filled[local], holes[local], padded[local[:-1]], features[local + afar])
        for place, number in enumerate(local):
            codes = (made[place].permute(1, 2, 0).numpy() * np.float32(255)).astype(np.uint8)
            known = np.where(masks[number][..., None] > 0, codes, frames[number])
            before = result[number]
            mixed = known if before is None else before.astype(np.float32) * 0.5 + known.astype(np.float32) * 0.5
            result[number] = mixed.astype(np.uint8)
    return np.stack([picture for picture in result if picture is not None])


def _parts(count: int, chunk: int) -> list[range]:
    return [range(start, min(start + chunk, count)) for start in range(0, count, chunk)]


def _filled(pictures: Tensor, holes: Tensor, flow: Tensor, part: range) -> Tensor:
    first, end = max(0, part.start - IMAGE_CONTEXT), min(len(pictures), part.stop + IMAGE_CONTEXT)
    seen = slice(first, end)
    whole = ImagePropagation()(pictures[None, seen], holes[None, seen], flow[None, seen])[0]
    return whole[part.start - first : part.stop - first]


def _references(middle: int, count: int, stride: int, references: int, sub: int) -> range:
    if count <= sub:
        return range(0, count, stride)
    half = stride * (references // 2)
    return range(max(0, middle - half), min(count, middle + half), stride)
