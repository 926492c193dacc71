"""Single-image networks of others: the library spandrel recognises their checkpoints and builds them.

What spandrel's own call adds (padding, clamping, cropping) differs from the scripts that the networks were published
with, so the network alone is taken, and `describe` tells how a picture is fitted to it as published.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from spandrel import MAIN_REGISTRY, ImageModelDescriptor, ModelTiling, UnsupportedModelError
from torch import Tensor, nn

from vsrestore.networks.state_dict import NetworkError, compare, flatten, shorten, unwrap
from vsrestore.networks.traits import PRECISIONS, Traits
from vsrestore.networks.without_memory import WithoutMemory

# Architectures whose network gives something else than the picture, or takes more than one; spandrel's call makes up
# for that, and finds nothing to pad in frames of the right size.
CALLED = {
    *("DRUNet", "DnCNN", "FBCNN", "GFPGAN", "IPT"),
    *("MMRealSR", "MixDehazeNet", "RestoreFormer", "RetinexFormer"),
}
# Architectures that run with channels last; of the others none was tried.
CHANNELS_LAST = {"Compact", "ESRGAN", "SCUNet", "SwinIR"}
TILE_OVERLAP = 32


@dataclass(frozen=True)
class ImageModel:
    """What a checkpoint is, and how a picture is fitted to its network."""

    architecture: str
    """As spandrel calls it."""
    traits: Traits
    """What it asks of its pictures, as published."""
    channels: tuple[int, int]
    """Of the picture taken and the picture given."""
    square: bool
    """Whether width and height must be the same."""


def describe(state_dict: Mapping[str, Any]) -> ImageModel:
    """Return what spandrel reads off a checkpoint, with the size rule of the published script where that differs.

    The network is laid out without memory for its weights.

    Raises:
        NetworkError: no checkpoint of a single-image network that spandrel knows.
    """
    with WithoutMemory(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch tells of every tensor that it is not copied
        descriptor = _descriptor(state_dict)
    size, architecture = descriptor.size_requirements, str(descriptor.architecture.id)
    halves = {"float16": descriptor.supports_half, "bfloat16": descriptor.supports_bfloat16}
    traits = Traits(
        scale=descriptor.scale,
        multiple=size.multiple_of,
        minimum=max(size.minimum, 1),
        tiles=descriptor.tiling != ModelTiling.INTERNAL,
        tile_overlap=TILE_OVERLAP,
        channels="luma" if descriptor.input_channels == 1 else "rgb",
        precisions=tuple(name for name in PRECISIONS if halves.get(name, True)),
        channels_last=architecture in CHANNELS_LAST,
    )
    rule = PUBLISHED_RULES.get(architecture)
    traits = replace(traits, **rule(descriptor.model)) if rule else traits
    return ImageModel(architecture, traits, (descriptor.input_channels, descriptor.output_channels), size.square)


def load(state_dict: Mapping[str, Any]) -> nn.Module:
    """Build the network of a checkpoint, (N, C, H, W) to (N, C, scale H, scale W) in [0, 1], in evaluation mode.

    Raises:
        NetworkError: no checkpoint of a single-image network that spandrel knows.
    """
    descriptor = _descriptor(state_dict)
    if descriptor.architecture.id in CALLED:
        return _Called(descriptor).eval()
    network: nn.Module = descriptor.model
    if descriptor.architecture.id == "SwinIR":
        _share_shift_masks(network)
    if descriptor.architecture.id == "SCUNet":
        _keep_biases(network)
    return network.eval()


def mixed(one: Mapping[str, Any], other: Mapping[str, Any], share: float) -> dict[str, Tensor]:
    """Return the tensors of two checkpoints mixed one by one, ``share`` of the first and the rest of the second.

    Raises:
        NetworkError: their tensors differ in names or shapes.
    """
    first, second = (list(unwrap(flatten(arguments)))[-1][1] for arguments in (one, other))
    shapes = [{name: tuple(tensor.shape) for name, tensor in arguments.items()} for arguments in (first, second)]
    compare(shapes[0], shapes[1], "the checkpoint that it is to be mixed with")
    return {name: share * tensor + (1 - share) * second[name] for name, tensor in first.items()}


def _esrgan(network: Any) -> dict[str, Any]:
    return {"multiple": network.shuffle_factor or 1, "minimum": max(network.shuffle_factor or 1, 2)}


def _swinir(network: Any) -> dict[str, Any]:
    shared = {"precisions": PRECISIONS, "minimum": 1}
    if network.start_unshuffle > 1:  # the first stage of DiffBIR
        return {**shared, "multiple": network.start_unshuffle * network.window_size, "padding": "constant"}
    return {**shared, "multiple": network.window_size, "padding": "symmetric", "pads_always": True}


def _scunet(network: Any) -> dict[str, Any]:
    return {"multiple": 64, "padding": "replicate", "minimum": 1}


PUBLISHED_RULES: dict[str, Callable[[Any], dict[str, Any]]] = {"ESRGAN": _esrgan, "SCUNet": _scunet, "SwinIR": _swinir}
"""Architecture -> what the published script does otherwise than spandrel declares."""


def _descriptor(state_dict: Mapping[str, Any]) -> ImageModelDescriptor[nn.Module]:
    tensors = flatten(state_dict)
    for _, level in unwrap(tensors):
        try:
            descriptor = MAIN_REGISTRY.load(level)
        except UnsupportedModelError:
            continue
        except Exception as error:  # which one, is the constructor's of whatever network spandrel took it for
            raise NetworkError(f"spandrel takes it for a network that its tensors do not fit: {error}") from error
        if not isinstance(descriptor, ImageModelDescriptor):
            kind = descriptor.architecture.name
            raise NetworkError(f"{kind} needs a mask beside the picture; it is no model for images")
        return descriptor
    names = f"its {len(tensors)} tensors are called {shorten(tensors)}"
    raise NetworkError(f"no checkpoint of an image model that spandrel knows ({names})")


class _Called(nn.Module):
    """A network seen through spandrel's call."""

    def __init__(self, descriptor: ImageModelDescriptor[nn.Module]) -> None:
        super().__init__()
        self.network = descriptor.model
        self._call = descriptor.__call__

    def forward(self, image: Tensor) -> Tensor:
        return self._call(image)


class _ShiftMasks:
    """The attention masks of SwinIR's blocks: made once for a size, and in the dtype of the features.

    Each block by itself makes its mask anew for every picture, and in float32, which half precision products refuse.
    Masks hold 0 and -100, which every dtype has.
    """

    def __init__(self, block: Any) -> None:
        self._make, self._norm, self._shifted = block.calculate_mask, block.norm1, block.shift_size > 0
        self._size: tuple[int, int] | None = None
        self._mask = self._norm.weight.new_zeros(1, 1, 1)  # of a block without shift

    def __call__(self, size: tuple[int, int]) -> Tensor:
        if self._shifted and size != self._size:
            self._size, self._mask = size, self._make(size)
        self._mask = self._mask.to(self._norm.weight)
        return self._mask


def _keep_biases(network: nn.Module) -> None:
    """Make the biases of SCUNet's attention once; each block by itself makes its table of distances every time."""
    blocks: list[Any] = [module for module in network.modules() if hasattr(module, "relative_embedding")]
    for block in blocks:
        block.register_buffer("bias", block.relative_embedding().detach(), persistent=False)
        block.relative_embedding = partial(getattr, block, "bias")


def _share_shift_masks(network: nn.Module) -> None:
    shared: dict[tuple[int, int], _ShiftMasks] = {}
    blocks: list[Any] = [module for module in network.modules() if hasattr(module, "calculate_mask")]
    for block in blocks:
        key = int(block.window_size), int(block.shift_size)
        block.calculate_mask = shared.setdefault(key, _ShiftMasks(block))
