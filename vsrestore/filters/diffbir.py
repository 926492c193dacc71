"""DiffBIR: blind restoration whose detail Stable Diffusion paints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import vapoursynth as vs

from ..devices.parts import Part, Parts
from ..networks.traits import Traits
from ..runtime.apply import Stage, prepare, through
from ..runtime.descriptor import Descriptor, Options, Precision
from ..video import checks
from ..video.errors import fail
from ..video.formats import stacked_rgb
from .checkpoint import Model, holds
from .diffusion import CLEANER, CONTROL, Painting, second_stage, tiles_of
from .image_checkpoint import ImageCheckpoint, image_checkpoint
from .steady import steadied, steadying

if TYPE_CHECKING:
    from torch import nn

NAME = "diffbir"
TASKS = ("sr", "denoise", "face")
WORDS = (
    "Cinematic, High Contrast, highly detailed, taken using a Canon EOS R camera, hyper detailed photo - realistic "
    "maximum detail, 32k, Color Grading, ultra HD, extreme meticulous detailing, skin pore detailing, hyper sharpness, "
    "perfect without deformations."
)
PAINTED = (
    "painting, oil painting, illustration, drawing, art, sketch, oil painting, cartoon, CG Style, 3D render, unreal "
    "engine, blurring, dirty, messy, worst quality, low quality, frames, watermark, signature, jpeg artifacts, "
    "deformed, lowres, over-smooth."
)
UNWANTED = "low quality, blurry, low-resolution, noisy, unsharp, weird textures"
MOST_SCALE = 16
WHOLE = "v1"
"""The release that was published in files that hold all of it."""


@dataclass(frozen=True)
class Cleaner:
    """A network of the first stage: its entry in the registry, and how it is fed."""

    entry: str
    architecture: str
    """As spandrel calls it."""
    enlarges: bool = False
    sees_working_size: bool = False


SWINIR = Cleaner("diffbir-swinir-realesrgan", "SwinIR", sees_working_size=True)
GENERAL = Cleaner("diffbir-swinir-general-v1", "SwinIR", sees_working_size=True)
FACE = Cleaner("diffbir-swinir-face-v1", "SwinIR", sees_working_size=True)
BSRNET = Cleaner("bsrnet", "ESRGAN", enlarges=True)
SCUNET = Cleaner("scunet-color-real-psnr", "SCUNet")


@dataclass(frozen=True, kw_only=True)
class Version:
    """A release of DiffBIR: its checkpoints by task, and what its script does when nothing else is said."""

    cleaners: Mapping[str, Cleaner]
    control: str
    control_for_faces: str
    base: str = "sd21-base"
    prediction: Literal["eps", "v"] = "eps"
    sampler: str = "spaced"
    steps: int = 50
    cfg: float = 4.0
    prompt: str = ""
    negative: str = ""

    def chosen(self, task: str, **choices: object) -> dict[str, Any]:
        """Return what a user gave, and what the script does where that is None."""
        published = {**vars(self), "control": self.control_for_faces if task == "face" else self.control}
        choices = {name: published[name] if value is None else value for name, value in choices.items()}
        return {"prediction": self.prediction, **choices}


VERSIONS = {
    "v2.1": Version(
        cleaners={"sr": SWINIR, "denoise": SWINIR, "face": FACE},
        control="diffbir-v2.1",
        control_for_faces="diffbir-v2.1",
        base="sd21-base-zsnr",
        prediction="v",
        sampler="edm_dpm++_3m_sde",
        steps=10,
        cfg=6.0,
        prompt=WORDS,
        negative=PAINTED,
    ),
    "v2": Version(
        cleaners={"sr": BSRNET, "denoise": SCUNET, "face": FACE},
        control="diffbir-v2",
        control_for_faces="diffbir-v2",
        negative=UNWANTED,
    ),
    "v1": Version(
        cleaners={"sr": GENERAL, "denoise": GENERAL, "face": FACE},
        control="diffbir-v1-general",
        control_for_faces="diffbir-v1-face",
        cfg=1.0,
    ),
}


def diffbir(
    clip: vs.VideoNode,
    version: str = "v2.1",
    task: str = "sr",
    *,
    scale: float | None = None,
    stage2: bool = True,
    steps: int | None = None,
    sampler: str | None = None,
    cfg: float | None = None,
    rescale_cfg: bool = False,
    strength: float = 1.0,
    start: str = "noise",
    augmentation: int = 0,
    prompt: str | None = None,
    negative: str | None = None,
    colour: str = "wavelet",
    seed: int = 231,
    noise: str = "still",
    stabilize: int = 1,
    tile: int | None = None,
    cleaner: Model | None = None,
    control: Model | None = None,
    base: Model | None = None,
    batch: int = 1,
    device: str | None = None,
    precision: Precision | None = None,
    vae_precision: Precision = "float32",
    offload: bool = False,
    scene_changes: bool = True,
) -> vs.VideoNode:
    """Restore and enlarge damaged frames with DiffBIR, whose detail Stable Diffusion paints, and hold it still.

    A first network cleans each frame and invents nothing; a diffusion model, led by what that gave, paints detail, and
    soft colours are put back. Each frame is painted for itself, at ten steps with some 13e12 multiplications for every
    512x512 pixels of output: what that takes here is told in the log before the first frame is done. The detail is
    invented. What makes it hold still, and what was measured of that (not on a card, and not with trained weights):
    docs/diffusion.md.

    The second stage needs ``pip install 'vsrestore[diffusion]'`` and two checkpoints. Output is not cut down to 8 bits,
    as the published script does, but rounded to the format of the clip.

    Args:
        clip: any constant format, progressive.
        version: "v2.1", "v2" or "v1"; each with networks of its own.
        task: "sr" (enlarge what is damaged in unknown ways), "denoise", or "face" (frames that are one face each,
            aligned as those of FFHQ; its first network is for non-commercial use).
        scale: output size / input size, 0.25 to 16; None takes 4 for "sr", 1 otherwise. Frames whose shorter side would
            be less than 512 pixels are painted at 512 and made smaller again.
        stage2: False gives what the first network made, with far less work.
        steps: of the sampler; None as published: 10 for v2.1, else 50.
        sampler: "spaced", "ddim", "dpm++_m2", or "edm_" and one of euler, euler_a, heun, dpm_2, dpm_2_a, lms,
            dpm++_2s_a, dpm++_sde, dpm++_2m, dpm++_2m_sde, dpm++_3m_sde; None as published: "edm_dpm++_3m_sde" for
            v2.1, else "spaced". "ddim" and "edm_dpm++_2m" draw no noise on their way.
        cfg: how far from ``negative`` the prompt leads, 0 to 30; 1 takes half the time. None as published: 6
            for v2.1, 4 for v2, 1 for v1.
        rescale_cfg: whether it rises in the course of the steps.
        strength: of what the first stage made, 0 to 2; less invents more.
        start: "noise", or "picture" (noise on the picture: colours stay nearer; for v2.1, whose first step is noise
            alone, the same).
        augmentation: a step of training, 0 to 999, whose noise the picture is seen with; more invents more.
        prompt: what there is to be seen; None as published: words for good photographs (v2.1), or nothing.
        negative: what there is not; None as published: words for paintings and bad photographs, or nothing (v1).
        colour: how soft colours are put back: "wavelet", "adain" or "none".
        seed: of the noise, a whole number of at least 0; another one paints other detail.
        noise: "still", the same for all frames, or "frame", another one for each, as when pictures are restored one by
            one. Either is a function of the seed and the number of the frame alone.
        stabilize: frames before and after, 0 to 10, with whose detail along the motion that of a frame is averaged;
            0 leaves it as it was painted. Windows end at cuts.
        tile: edge of square tiles in pixels of the output, a multiple of 64, for frames larger than memory; neighbours
            share half. None paints frames whole.
        cleaner: of the first stage, a name of the registry or a path instead of the published one.
        control: of DiffBIR itself, likewise.
        base: Stable Diffusion 2.1 with its text encoder and VAE, likewise; or a whole model of the first release
            ("diffbir-v1-general-full", "diffbir-v1-face-full"), which holds cleaner and control, too.
        batch: frames that are painted at once.
        device: a torch device ("cpu", "cuda", "cuda:1", "mps"); None takes the best there is.
        precision: of first stage, UNet and control branch: None ("float16" on CUDA, else "float32"), "float32",
            "bfloat16" or "float16" (as published); their group norms are float32 in all of them.
        vae_precision: "float32" or "bfloat16"; that of Stable Diffusion can overflow in float16.
        offload: whether UNet and control branch leave the card while the others work, for cards with little memory:
            2.5 GB in float16, moved twice for every batch. First stage and VAE always do.
        scene_changes: whether cuts are detected where the clip does not name them (see ``scenes``).

    Returns:
        The clip in the format it came in, enlarged.

    Raises:
        vs.Error: clip, words, checkpoints, device or numbers that do not fit, or a package that is missing.

    Source:
        Lin et al., DiffBIR, ECCV 2024, arXiv 2308.15070. The licence of Stable Diffusion (CreativeML Open RAIL++-M)
        restricts what its pictures may be used for.

    """
    checks.constant_clip(NAME, clip)
    checks.choice(NAME, "version", version, tuple(VERSIONS))
    checks.choice(NAME, "task", task, TASKS)
    row, options = VERSIONS[version], Options(device=device, precision=precision, scene_changes=scene_changes)
    size, working = _sizes(clip, scale, task)
    if base is not None and holds(NAME, base, CONTROL):
        checks.choice(NAME, "version", version, (WHOLE,))
        cleaner, control = (base if model is None else model for model in (cleaner, control))
    first = _first_stage(row.cleaners[task], cleaner, working, size, tile)
    stages = [first]
    if stage2:
        choices = {"base": base, "control": control, "sampler": sampler}
        painting = Painting(
            **row.chosen(task, **choices, steps=steps, cfg=cfg, prompt=prompt, negative=negative),
            rescale_cfg=rescale_cfg,
            strength=strength,
            start=start,
            augmentation=augmentation,
            colour=colour,
            seed=seed,
            noise=noise,
            tile=tile,
            batch=batch,
            vae_precision=vae_precision,
            offload=offload,
        )
        stages.append(second_stage(NAME, painting, working, size, clip.num_frames))
    return _restored(clip, stages, size, options, steadying(NAME, stabilize) if stage2 else None)


def _restored(
    clip: vs.VideoNode, stages: list[Stage], size: tuple[int, int], options: Options, steady: Descriptor | None
) -> vs.VideoNode:
    prepared = prepare(clip, [*(stage.descriptor for stage in stages), *([steady] if steady else [])], options)
    frames = prepared.planes("rgb")
    made = [through(frames, stages[0], options)]
    made += [through(made[0], stage, options) for stage in stages[1:]]
    pictures = [stacked_rgb(values, *size[::-1]).std.CopyFrameProps(frames) for values in made]
    if steady is None:
        return prepared.finished(pictures[-1])
    faithful, painted = pictures
    return prepared.finished(steadied(faithful, painted, steady, options))


def _sizes(clip: vs.VideoNode, scale: float | None, task: str) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return height and width of the output, and those at which frames are painted."""
    from ..networks.diffusion.first_stage import working_size

    factor = scale if scale is not None else 4 if task == "sr" else 1
    checks.within(NAME, "scale", factor, 0.25, MOST_SCALE)
    width, height = (int(edge * factor) for edge in (clip.width, clip.height))
    fmt = clip.format
    for argument, edge, shift in (("width", width, fmt.subsampling_w), ("height", height, fmt.subsampling_h)):
        if edge < 1 or edge % (1 << shift):
            fail(NAME, f"scale={factor} gives a {argument} of {edge}, which {fmt.name} cannot have; take another scale")
    return (height, width), working_size((height, width))


def _first_stage(
    cleaner: Cleaner, model: Model | None, working: tuple[int, int], size: tuple[int, int], tile: int | None
) -> Stage:
    """Return the stage that cleans; it gives values: red, green and blue below each other."""
    checkpoint = _cleaner(cleaner, model)
    traits = checkpoint.model.traits
    tiles_of(NAME, tile, working)

    def join(networks: Mapping[str, nn.Module]) -> nn.Module:
        from ..networks.diffusion.first_stage import FirstStage
        from ..networks.diffusion.tiling import Tiles

        fed = {"enlarges": cleaner.enlarges, "sees_working_size": cleaner.sees_working_size}
        tiles = Tiles(tile, tile // 2) if tile else None
        return FirstStage(networks["network"], traits, size, tiles=tiles, **fed)

    parts = {"network": Part(checkpoint.build, rests_on="machine", channels_last=traits.channels_last)}
    descriptor = Descriptor(
        name=NAME,
        traits=Traits(tiles=False, float32_frames=True, precisions=traits.precisions),
        output_size=working[::-1],
        values=3,
    )
    return Stage(descriptor=descriptor, build=Parts(parts, join))


def _cleaner(cleaner: Cleaner, model: Model | None) -> ImageCheckpoint:
    """Return the checkpoint of the first stage, which must be of the network that the version has there."""
    prefix = CLEANER if model is not None and holds(NAME, model, CLEANER) else ""
    checkpoint = image_checkpoint(NAME, cleaner.entry if model is None else model, (cleaner.architecture,), prefix)
    if checkpoint.model.channels != (3, 3) or (checkpoint.model.traits.scale > 1) != cleaner.enlarges:
        wanted = "enlarges" if cleaner.enlarges else "keeps the size of"
        fail(NAME, f"{checkpoint.path} is no network that {wanted} pictures in colour, as this version and task need")
    return checkpoint
