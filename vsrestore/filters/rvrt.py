"""RVRT: denoising, deblurring and x4 super-resolution of whole sequences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import vapoursynth as vs

from ..runtime.apply import Stage, prepare, through
from ..runtime.call import Companion
from ..runtime.descriptor import Descriptor, Options, Precision
from ..runtime.plans.sequence import Sequence
from ..video.checks import choice, constant_clip, within
from ..video.errors import fail
from .checkpoint import Checkpoint, Model, recognised
from .noise import measuring, noise_levels
from .recurrent import cached_from


@dataclass(frozen=True)
class Variant:
    """A published model: its entry in the registry, and what its checkpoint has to be."""

    entry: str
    same_size: bool = True
    denoises: bool = False


VARIANTS = {
    "denoise": Variant("rvrt-denoise-davis", denoises=True),
    "deblur": Variant("rvrt-deblur-gopro"),
    "deblur_dvd": Variant("rvrt-deblur-dvd"),
    "sr": Variant("rvrt-sr-reds", same_size=False),
    "sr_vimeo_bi": Variant("rvrt-sr-vimeo-bi", same_size=False),
    "sr_vimeo_bd": Variant("rvrt-sr-vimeo-bd", same_size=False),
}

# Frames that the network works on together.
GROUP = 2
# The strongest noise that the network was trained on, and where the range of sigma ends that stands for white.
MOST_NOISE, WHITE = 50, 255


def rvrt(
    clip: vs.VideoNode,
    task: str = "denoise",
    *,
    model: Model | None = None,
    sigma: float | Literal["auto"] = "auto",
    chunk: int = 16,
    overlap: int = 8,
    cpu_cache: bool | None = None,
    device: str | None = None,
    precision: Precision | None = None,
    tile: int | None = None,
    scene_changes: bool = True,
) -> vs.VideoNode:
    """Denoise, deblur or enlarge fourfold with RVRT, which sees a whole chunk of frames at once.

    Chunks begin at multiples of ``chunk`` and end at cuts, so a frame never depends on what was asked before. A frame
    sees its chunk and ``overlap`` frames on both sides, which are computed for that alone and not reconstructed; they
    cost 2 * overlap / chunk more memory and work, less the reconstruction (a sixth to a quarter of the work). The
    network works on two frames at a time, so both are even; a shot that begins at an odd frame is paired from there
    until its chunk ends.

    What an overlap buys, as PSNR in dB of the frame next to a cut between chunks (the worse side) against the whole
    clip at once:

    ==============  ====  ====  ====  ====
    overlap         0     2     4     6
    weights forget  48.5  60.9  69.8  78.6
    less            31.6  35.9  40.7  43.6
    ==============  ====  ====  ====  ====

    Measured for "deblur" on seeded weights, at a gain of 0.5 and of 0.7; how fast trained ones forget is not known
    yet. Each two frames bring 4 to 10 dB.

    Args:
        clip: any constant format, progressive. Frames are mirrored to multiples of 8, as published, and to at least 40
            pixels each way ("sr") or 136, and cropped again; the published networks were run on larger ones only.
        task: "denoise" (white noise of a known strength; trained on DAVIS), "deblur" (motion blur; GoPro),
            "deblur_dvd" (motion blur; DVD), "sr" (x4; REDS), "sr_vimeo_bi" (x4; Vimeo-90K), "sr_vimeo_bd" (x4 of frames
            that were blurred before they were made small; Vimeo-90K).
        model: a name of the registry or a path instead of the published weights of the task.
        sigma: for "denoise", the standard deviation of the noise where white is 255, 0 to 50; more removes more. "auto"
            measures it: in blocks of 16 frames that begin at multiples of 16, on every frame whose number is a multiple
            of 4 (else the first one) of each shot in the block, with Immerkaer's mask and the median absolute
            deviation; the block's level is the median, 50 at most. White noise is found within 3 from 5 to 30; finer
            texture than noise reads as 1 to 4, and noise of tape, whose neighbouring samples are alike, as too little:
            give a number then.
        chunk: frames that are restored at once, even, at least 2. Memory grows with it.
        overlap: frames before and after a chunk that it sees too, even, from 0 to ``chunk``.
        cpu_cache: whether features, flows and restored frames of a chunk rest in the machine's memory and not on the
            GPU, which saves most of the memory that grows with the chunk and costs transfers; the picture is the same.
            None does so for chunks that are longer than 100 frames with their overlap, as published.
        device: a torch device ("cpu", "cuda", "cuda:1", "mps"); None takes the best there is.
        precision: None ("float16" on CUDA, else "float32"), "float32", "float16" (largest error 0.0008 to 0.0011 of the
            largest value, 69 to 70 dB) or "bfloat16" (0.006 to 0.008, 52 to 53 dB), on real frames with seeded weights;
            flows and sampling are float32 in all of them.
        tile: edge of square tiles in pixels, at least 256 ("sr": 64), for frames larger than memory; None takes whole
            frames. Tiles begin at multiples of 32 pixels ("sr": 8) and share 128 ("sr": 32). They see less of fast
            motion: whole frames are better wherever they fit.
        scene_changes: whether cuts are detected where the clip does not name them (see ``scenes``).

    Returns:
        The clip in the format it came in, of the same size or ("sr") four times as large.

    Raises:
        vs.Error: clip, task, checkpoint, device or numbers that do not fit.

    Source:
        Liang, Fan, Xiang, Ranjan, Ilg, Green, Cao, Zhang, Timofte, Van Gool, RVRT, NeurIPS 2022, arXiv 2206.02146.
        Weights are for non-commercial use only.

    """
    constant_clip("rvrt", clip)
    choice("rvrt", "task", task, tuple(VARIANTS))
    _check_sigma(task, sigma)
    checkpoint = _checkpoint(task, model, cached_from("rvrt", cpu_cache))
    plan = Sequence(chunk=chunk, overlap=overlap, multiple=GROUP, keeps=True)
    descriptor = Descriptor(name="rvrt", plan=plan, traits=checkpoint.traits)
    options = Options(device=device, precision=precision, tile=tile, scene_changes=scene_changes)
    measured = VARIANTS[task].denoises and sigma == "auto"
    prepared = prepare(clip, [descriptor, *([measuring("rvrt")] if measured else [])], options)
    frames = prepared.planes("rgb")
    arguments, companions = {}, {}
    if measured:
        companions["noise_level"] = Companion([noise_levels("rvrt", frames, MOST_NOISE / WHITE)])
    elif sigma != "auto":
        arguments["noise_level"] = sigma / WHITE
    stage = Stage(descriptor=descriptor, build=checkpoint.build, companions=companions, arguments=arguments)
    return prepared.finished(through(frames, stage, options))


def _check_sigma(task: str, sigma: float | Literal["auto"]) -> None:
    if isinstance(sigma, str):
        choice("rvrt", "sigma", sigma, ("auto",))
        return
    within("rvrt", "sigma", sigma, 0, MOST_NOISE)
    if not VARIANTS[task].denoises:
        fail("rvrt", f"sigma={sigma!r} is given, but task={task!r} takes no level of noise; leave sigma out")


def _checkpoint(task: str, model: Model | None, cpu_cache: int | None) -> Checkpoint:
    variant = VARIANTS[task]
    checkpoint = recognised("rvrt", variant.entry if model is None else model, "rvrt", cpu_cache=cpu_cache)
    same_size, denoises = checkpoint.settings["same_size"], checkpoint.settings["denoises"]
    if (same_size, denoises) != (variant.same_size, variant.denoises):
        fitting = [name for name, row in VARIANTS.items() if (row.same_size, row.denoises) == (same_size, denoises)]
        mismatch = f"{checkpoint.path} is a checkpoint of another task than {task}"
        fail(
            "rvrt", f"{mismatch}; task={fitting[0]!r} runs it" if model else f"{mismatch}; fetch {variant.entry} again"
        )
    return checkpoint
