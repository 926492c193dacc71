"""From what a user calls an image model to its network and to what the runtime must know about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import vapoursynth as vs

from ..checkpoints import CheckpointError
from ..networks.state_dict import NetworkError, strip
from ..runtime.apply import Stage, apply
from ..runtime.descriptor import Descriptor, Options, Precision
from ..runtime.plans.single import Single
from ..video import checks
from ..video.errors import fail, told_by
from .checkpoint import WRAPPED, Model, located

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..networks.image_models import ImageModel


@dataclass(frozen=True)
class ImageCheckpoint:
    """A checkpoint that spandrel recognises; its network is built at the first frame."""

    path: Path
    model: ImageModel
    prefix: str = field(default="", kw_only=True)
    """What the names of its tensors begin with, in a file of several networks."""

    def build(self) -> nn.Module:
        """Return the network with its weights, in evaluation mode, on the CPU."""
        from ..networks import image_models

        return image_models.load(_tensors(self.path, self.prefix))


def image_checkpoint(name: str, model: Model, architectures: tuple[str, ...] = (), prefix: str = "") -> ImageCheckpoint:
    """Return the checkpoint of a single-image network.

    Args:
        name: the filter, for messages.
        model: a name of the registry or the path of a checkpoint.
        architectures: those that the filter is made for, as spandrel calls them (default: any).
        prefix: what the names of its tensors begin with, in a file of several networks.

    Raises:
        vs.Error: the file is missing, truncated, altered, no checkpoint or another network's.

    """
    path = located(name, model)
    from ..networks import image_models

    with told_by(name, CheckpointError, NetworkError):
        checkpoint = ImageCheckpoint(path, image_models.describe(_tensors(path, prefix)), prefix=prefix)
    if architectures and checkpoint.model.architecture not in architectures:
        mismatch = f"{path} is a checkpoint of {checkpoint.model.architecture}, not of {' or '.join(architectures)}"
        fail(name, f"{mismatch}; image_model runs it")
    return checkpoint


def _tensors(path: Path, prefix: str) -> dict[str, Tensor]:
    """Return the tensors of a file, or of one of its networks."""
    from ..checkpoints import read

    tensors = read(path)
    return (
        strip({name.removeprefix(WRAPPED): tensor for name, tensor in tensors.items()}, prefix) if prefix else tensors
    )


def restored(
    name: str,
    clip: vs.VideoNode,
    checkpoint: ImageCheckpoint,
    *,
    device: str | None,
    precision: Precision | None,
    tile: int | None,
    batch: int,
) -> vs.VideoNode:
    """Return ``clip`` as the network of a checkpoint restores it, frame by frame; raises ``vs.Error`` as `apply`."""
    checks.constant_clip(name, clip)
    checks.whole(name, "batch", batch, 1)
    inputs, outputs = checkpoint.model.channels
    if (inputs, outputs) not in ((3, 3), (1, 1)):
        mismatch = f"{checkpoint.path} takes {inputs} channels and gives {outputs}"
        fail(name, f"{mismatch}; models from RGB to RGB or from luma to luma are accepted")
    _check_square(name, clip, checkpoint, tile)
    descriptor = Descriptor(name=name, plan=Single(chunk=batch), traits=checkpoint.model.traits)
    options = Options(device=device, precision=precision, tile=tile)
    return apply(clip, Stage(descriptor=descriptor, build=checkpoint.build), options)


def _check_square(name: str, clip: vs.VideoNode, checkpoint: ImageCheckpoint, tile: int | None) -> None:
    """Refuse a network that takes square pictures alone, unless the frame or every tile is one."""
    if not checkpoint.model.square:
        return
    multiple = checkpoint.model.traits.multiple
    width, height = (-(-length // multiple) * multiple for length in (clip.width, clip.height))
    if width == height or (isinstance(tile, int) and tile <= min(width, height)):
        return
    mismatch = f"{checkpoint.path} takes square pictures only, but the clip is {clip.width}x{clip.height}"
    fail(name, f"{mismatch}; give tile={min(width, height)} or a smaller tile")
