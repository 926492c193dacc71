"""From what a user calls an image model to its network and to what the runtime must know about it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import vapoursynth as vs

from ..checkpoints import CheckpointError
from ..networks.state_dict import NetworkError
from ..runtime.apply import apply
from ..runtime.descriptor import Descriptor, Options, Precision
from ..video import checks
from ..video.errors import fail, told_by
from ..video.formats import Planes
from .checkpoint import Model, located

if TYPE_CHECKING:
    from torch import nn

    from ..networks.image_models import ImageModel

PLANES: dict[tuple[int, int], Planes] = {(3, 3): "rgb", (1, 1): "luma"}
TILE_OVERLAP = 32


@dataclass(frozen=True)
class ImageCheckpoint:
    """A checkpoint that spandrel recognises; its network is built at the first frame."""

    path: Path
    model: ImageModel

    def build(self) -> nn.Module:
        """Return the network with its weights, in evaluation mode, on the CPU."""
        from ..checkpoints import read
        from ..networks import image_models

        return image_models.load(read(self.path))


def image_checkpoint(name: str, model: Model, architectures: tuple[str, ...] = ()) -> ImageCheckpoint:
    """Return the checkpoint of a single-image network.

    Args:
        name: the filter, for messages.
        model: a name of the registry or the path of a checkpoint.
        architectures: those that the filter is made for, as spandrel calls them (default: any).

    Raises:
        vs.Error: the file is missing, truncated, altered, no checkpoint or another network's.

    """
    path = located(name, model)
    from ..checkpoints import read
    from ..networks import image_models

    with told_by(name, CheckpointError, NetworkError):
        found = ImageCheckpoint(path, image_models.describe(read(path)))
    if architectures and found.model.architecture not in architectures:
        told = f"{path} is a checkpoint of {found.model.architecture}, not of {' or '.join(architectures)}"
        fail(name, f"{told}; image_model runs it")
    return found


def restored(
    name: str,
    clip: vs.VideoNode,
    found: ImageCheckpoint,
    *,
    device: str | None,
    precision: Precision,
    tile: int | None,
    batch: int,
) -> vs.VideoNode:
    """Return ``clip`` as the network of a checkpoint restores it, frame by frame; raises ``vs.Error`` as `apply`."""
    checks.constant_clip(name, clip)
    checks.whole(name, "batch", batch, 1)
    descriptor = _descriptor(name, found, batch)
    _check_square(clip, found, descriptor, tile)
    return apply(clip, descriptor, found.build, Options(device=device, precision=precision, tile=tile))


def _descriptor(name: str, found: ImageCheckpoint, batch: int) -> Descriptor:
    from ..networks.image_models import CHANNELS_LAST

    model = found.model
    if model.channels not in PLANES:
        told = f"{found.path} takes {model.channels[0]} channels and gives {model.channels[1]}"
        fail(name, f"{told}; models from RGB to RGB or from luma to luma are accepted")
    works: dict[Precision, bool] = {"float32": True, "float16": model.half, "bfloat16": model.bfloat16}
    return Descriptor(
        name=name,
        chunk=batch,
        scale=model.scale,
        planes=PLANES[model.channels],
        multiple=model.multiple,
        padding=model.padding,
        pads_always=model.pads_always,
        minimum=model.minimum,
        tile_overlap=TILE_OVERLAP,
        tiles=model.tiles,
        precisions=tuple(precision for precision, does in works.items() if does),
        channels_last=model.architecture in CHANNELS_LAST,
    )


def _check_square(clip: vs.VideoNode, found: ImageCheckpoint, descriptor: Descriptor, tile: int | None) -> None:
    """Refuse a network that takes square pictures alone, unless the frame or every tile is one."""
    if not found.model.square:
        return
    width, height = (-(-length // descriptor.multiple) * descriptor.multiple for length in (clip.width, clip.height))
    if width == height or (isinstance(tile, int) and tile <= min(width, height)):
        return
    told = f"{found.path} takes square pictures only, but the clip is {clip.width}x{clip.height}"
    fail(descriptor.name, f"{told}; give tile={min(width, height)} or a smaller tile")
