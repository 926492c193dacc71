"""Any single-image network that the library spandrel recognises."""

from __future__ import annotations

import vapoursynth as vs

from ..runtime.descriptor import Precision
from .checkpoint import Model
from .image_checkpoint import image_checkpoint, restored


def image_model(
    clip: vs.VideoNode,
    model: Model,
    *,
    batch: int = 1,
    device: str | None = None,
    precision: Precision | None = None,
    tile: int | None = None,
) -> vs.VideoNode:
    """Run any network for single images whose checkpoint the library spandrel recognises.

    Networks of one channel see luma, and the chroma is resized and rejoined. Frames are padded to the size that a
    network needs, for ESRGAN, SwinIR and SCUNet as in their published scripts, and cropped again. The file is read as
    data alone; TorchScript is refused.

    Args:
        clip: any constant format, progressive.
        model: the path of a checkpoint (.pth, .pt, .ckpt, .bin, .safetensors) or a name of the registry.
        batch: frames that are given to the network in one call; more keep a GPU busier and take more memory.
        device: a torch device ("cpu", "cuda", "cuda:1", "mps"); None takes the best there is.
        precision: None ("float16" on CUDA if the network is said to work in it, else "float32"), "float32", or what the
            network is said to work in of "bfloat16" and "float16".
        tile: edge of square tiles in pixels, at least 64, for frames larger than memory; None takes whole frames,
            which most networks were made for.

    Returns:
        The clip in the format it came in, as many times as large as the network enlarges.

    Raises:
        vs.Error: the checkpoint is of no network that spandrel knows, or does not fit the clip or the numbers.

    """
    checkpoint = image_checkpoint("image_model", model)
    return restored("image_model", clip, checkpoint, batch=batch, device=device, precision=precision, tile=tile)
