"""MMP-RNN: deblurring of whole sequences, guided by how far each pixel moved."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import vapoursynth as vs

from ..runtime.apply import Stage, apply
from ..runtime.descriptor import Descriptor, Options, Precision
from ..runtime.plans.sequence import Sequence
from ..video.checks import choice, whole
from .checkpoint import Model, entry_of, recognised

Channels = Literal["rgb", "bgr"]


@dataclass(frozen=True)
class Variant:
    """A published model: its entry in the registry and the order of the colours that it was trained on."""

    entry: str
    channels: Channels


VARIANTS = {"gopro": Variant("mmp-rnn-gopro", "rgb"), "bsd": Variant("mmp-rnn-bsd", "bgr")}


def mmp_rnn(
    clip: vs.VideoNode,
    model: Model = "gopro",
    *,
    channels: Channels | None = None,
    chunk: int = 16,
    overlap: int = 2,
    device: str | None = None,
    precision: Precision | None = None,
    scene_changes: bool = True,
) -> vs.VideoNode:
    """Remove motion blur with MMP-RNN, which estimates how far each pixel moved during the exposure.

    It goes from frame to frame and sees all of a chunk before a frame and two frames after it. The published chunk has
    20 frames, of which the first and the last two get no output, so neighbouring chunks share four; that is a ``chunk``
    of 16 with an ``overlap`` of 2. Chunks begin at multiples of ``chunk`` and end at cuts, so a frame never depends on
    what was asked before. Where a clip or a shot begins or ends it is mirrored (frames 2, 1 before 0, 1, 2), so that
    its first and last two frames get an output too, which published scripts leave out.

    A longer overlap lets a chunk's first frames remember more; of those after a chunk only two are looked at. Frames of
    the overlap are not decoded; they cost (overlap + 2) / chunk of the recurrent part, which is three fifths of the
    work. What it buys, as PSNR in dB of the first frame of a chunk against a chunk that began 16 frames earlier:

    =======  ====  ====  ====  ====  ====
    overlap  2     4     6     8     12
    PSNR     24.5  31.3  39.1  46.4  58.6
    =======  ====  ====  ====  ====  ====

    Measured on real frames with seeded weights, which exaggerate the level; later frames of the chunk gain 3 dB each.

    Args:
        clip: any constant format, progressive. Frames are reflected to multiples of 4, and to at least 16 pixels each
            way, and cropped again. The published network saw whole frames of 640x480 and 1280x720, and needs them:
            there are no tiles.
        model: "gopro" (blur that was made of sharp frames), "bsd" (blur that a camera took beside sharp frames), a name
            of the registry, or a path, whose tensors tell its size.
        channels: the order of colours that the weights were trained on, "rgb" or "bgr"; None knows that of the
            published ones and takes "rgb" for a path.
        chunk: frames that are restored at once, at least 2.
        overlap: frames before and after a chunk that it sees too, from 2 to ``chunk``.
        device: a torch device ("cpu", "cuda", "cuda:1", "mps"); None takes the best there is.
        precision: None ("float16" on CUDA, else "float32"), "float32", "float16" (largest error 0.002 of the largest
            value) or "bfloat16" (0.016), on 20 real frames with seeded weights; it does not grow along a chunk.
        scene_changes: whether cuts are detected where the clip does not name them (see ``scenes``).

    Returns:
        The clip in the format it came in.

    Raises:
        vs.Error: clip, checkpoint, device or numbers that do not fit.

    Source:
        Wang, Lu, Gao, Wang, Zhong, Zheng, Yamashita, Efficient Video Deblurring Guided by Motion Magnitude, ECCV 2022,
        arXiv 2207.13374.

    """
    if channels is not None:
        choice("mmp_rnn", "channels", channels, ("rgb", "bgr"))
    entry = entry_of("mmp_rnn", model, {name: row.entry for name, row in VARIANTS.items()})
    checkpoint = recognised("mmp_rnn", entry, "mmp_rnn")
    whole("mmp_rnn", "overlap", overlap, checkpoint.settings["frames"] // 2)
    published = {row.entry: row.channels for row in VARIANTS.values()}
    order: Channels = channels or (published.get(entry, "rgb") if isinstance(entry, str) else "rgb")
    plan = Sequence(chunk=chunk, overlap=overlap, border="reflect", keeps=True)
    descriptor = Descriptor(name="mmp_rnn", plan=plan, traits=replace(checkpoint.traits, channels=order))
    options = Options(device=device, precision=precision, scene_changes=scene_changes)
    return apply(clip, Stage(descriptor=descriptor, build=checkpoint.build), options)
