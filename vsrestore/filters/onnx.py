"""Any network that comes as an ONNX file."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import vapoursynth as vs

from ..devices import pick
from ..networks.traits import BORDERS, Border, Traits
from ..onnx_models.session import Placement, Provider, check_provider, onnx_network
from ..onnx_models.signature import OnnxError, Signature, read_signature
from ..runtime.apply import Stage, apply
from ..runtime.descriptor import Descriptor, Options
from ..runtime.plans.single import Single
from ..runtime.plans.window import Window
from ..video import checks
from ..video.errors import fail, told_by, warn

if TYPE_CHECKING:
    from torch import nn


def onnx(
    clip: vs.VideoNode,
    path: str | PathLike[str],
    *,
    frames: int = 1,
    scale: int | None = None,
    batch: int = 1,
    tile: int | None = None,
    overlap: int = 16,
    multiple: int = 1,
    channel_order: Literal["rgb", "bgr"] = "rgb",
    peak: float = 1.0,
    border: Border = "repeat",
    provider: Provider | None = None,
    device: int = 0,
    precision: Literal["float32", "float16"] | None = None,
    scene_changes: bool = True,
) -> vs.VideoNode:
    """Run an ONNX network that turns one frame, or a window of frames, into one frame.

    The model takes ``(N, C, H, W)``, ``(N, frames * C, H, W)`` or ``(N, frames, C, H, W)`` and gives one frame, all in
    [0, ``peak``], float32 or float16. With three channels it sees RGB; with one it sees luma, and the chroma is resized
    and rejoined. Sizes, channels and scale are read from the file.

    Args:
        clip: any constant format, progressive.
        path: the ONNX file.
        frames: frames that the model takes at once, the wanted one in the middle (the later middle of an even number).
        scale: output size / input size, where the file does not tell it.
        batch: frames that are given to the model in one call, for models that take any number.
        tile: edge of square tiles in pixels; None takes whole frames, or the size of a model that takes only one size.
        overlap: pixels that tiles share.
        multiple: what width and height must be multiples of; the frame is padded by reflection and cropped.
        channel_order: "rgb" or "bgr".
        peak: the value of white that the model takes and gives, at least 1; fast neural style networks have 255.
        border: which frames stand for those beyond a clip's end or a cut: "repeat", "reflect", "reflect_circle",
            "circle".
        provider: "tensorrt", "cuda", "directml", "coreml", "openvino", "rocm" or "cpu", of those that the installed
            onnxruntime offers; None takes the best that works without building an engine first.
        device: number of the GPU.
        precision: what TensorRT computes a float32 model in, "float32" or "float16"; None takes float16. The others
            compute in the model's own.
        scene_changes: whether cuts are detected where the clip does not name them (more than one frame).

    Returns:
        The clip in the format it came in, ``scale`` times as large.

    Raises:
        vs.Error: the file is missing, damaged or does not fit the clip or the numbers.

    """
    checks.constant_clip("onnx", clip)
    for argument, value in (("frames", frames), ("batch", batch), ("multiple", multiple), ("overlap", overlap)):
        checks.whole("onnx", argument, value, 1)
    checks.whole("onnx", "device", device, 0)
    checks.choice("onnx", "channel_order", channel_order, ("rgb", "bgr"))
    checks.within("onnx", "peak", peak, 1)
    checks.choice("onnx", "border", border, BORDERS)
    if precision is not None:
        checks.choice("onnx", "precision", precision, ("float32", "float16"))
        if provider != "tensorrt":
            fail("onnx", "precision is for provider='tensorrt'; others compute as the model was exported; leave it out")
    with told_by("onnx", OnnxError):
        signature = read_signature(Path(path))
        channels = signature.channels(frames)
        scale = _scale(signature, scale)
        check_provider(provider)
    _check_batch(signature, batch)
    traits = Traits(
        scale=scale,
        channels=channel_order if channels == 3 else "luma",
        multiple=multiple,
        tile_overlap=overlap,
        precisions=("float32",),
        channels_last=False,
    )
    window = Window(chunk=batch, before=frames // 2, after=(frames - 1) // 2, border=border)
    plan = Single(chunk=batch) if frames == 1 else window
    descriptor = Descriptor(name="onnx", plan=plan, traits=traits)
    elsewhere = provider != "cpu" if provider else pick.turns(None) > pick.TURNS
    tiled = _tile(signature, clip, tile)
    options = Options(device="cpu", tile=tiled, scene_changes=scene_changes, elsewhere=elsewhere)
    placement = Placement(provider, device, half=precision != "float32")

    def build() -> nn.Module:
        return onnx_network(signature, scale, placement, peak, lambda text: warn("onnx", text))

    return apply(clip, Stage(descriptor=descriptor, build=build), options)


def _scale(signature: Signature, scale: int | None) -> int:
    if scale is not None:
        checks.whole("onnx", "scale", scale, 1)
    told = signature.scale
    if told is None and scale is None:
        fail("onnx", f"{signature.path.name} does not tell its output size; give scale=, e.g. scale=2")
    if told is not None and scale not in (None, told):
        fail("onnx", f"scale={scale}, but {signature.path.name} enlarges by {told}; leave scale out")
    return scale or told or 1


def _check_batch(signature: Signature, batch: int) -> None:
    taken = signature.input_shape[0]
    if taken not in (None, 1):
        fail("onnx", f"{signature.path.name} takes {taken} pictures at once; export it for 1, or for any number")
    if taken == 1 and batch > 1:
        fail("onnx", f"batch={batch}, but {signature.path.name} takes one at a time; leave batch out")


def _tile(signature: Signature, clip: vs.VideoNode, tile: int | None) -> int | None:
    """Return the tile that the user or the only size that the model takes asks for."""
    height, width = signature.size
    if height is None or width is None or (height, width) == (clip.height, clip.width):
        return tile
    size = f"{signature.path.name} takes {width}x{height} only"
    if height != width:
        fail("onnx", f"{size}, but the clip is {clip.width}x{clip.height}; resize the clip or export it for any size")
    if min(clip.width, clip.height) < width:
        fail("onnx", f"{size}, but the clip is smaller ({clip.width}x{clip.height}); enlarge the clip")
    if tile not in (None, width):
        fail("onnx", f"tile={tile}, but {size}; leave tile out")
    return width
