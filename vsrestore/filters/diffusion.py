"""Stable Diffusion as a stage of a filter: its checkpoints, what may be asked of it, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ..devices.parts import Part, Parts
from ..networks.state_dict import NetworkError
from ..networks.traits import Traits
from ..runtime.apply import Stage
from ..runtime.descriptor import Descriptor, Precision
from ..runtime.plans.single import Single
from ..video import checks
from ..video.errors import fail, told_by
from .checkpoint import Checkpoint, Model, holds, recognised_parts
from .diffusion_cost import Watch, Work
from .prompt_states import prompt_states

if TYPE_CHECKING:
    from torch import nn

    from ..networks.diffusion.latent_sampler import Sampling
    from ..networks.diffusion.tiling import Tiles

# The networks of a base model -> what the names of their tensors begin with.
UNET, VAE, TEXT = "model.diffusion_model.", "first_stage_model.", "cond_stage_model.model."
BASE = {UNET: "diffusion_unet", VAE: "diffusion_vae", TEXT: "diffusion_text"}
# What else lies in the file of a whole model of DiffBIR's first release.
CONTROL, CLEANER = "control_model.", "preprocess_model."
# What else lies in either: buffers of the schedule, averages of the weights, the encoder of the VAE again.
UNUSED = (
    *("betas", "alphas_cumprod", "sqrt_", "log_one_minus_alphas_cumprod", "posterior_", "logvar", "lvlb_weights"),
    *("model_ema.", "scale_factor", "cond_encoder."),
)
TILE_GRID = 64
MOST_STRENGTH, MOST_GUIDANCE, MOST_AUGMENTATION = 2, 30, 999
NOISES = ("still", "frame")
STARTS = ("noise", "picture")
FIXES = ("wavelet", "adain", "none")


@dataclass(frozen=True, kw_only=True)
class Painting:
    """What a user may choose about the second stage; fields as the arguments of ``diffbir``."""

    base: Model
    control: Model
    prediction: Literal["eps", "v"]
    """Of noise, or of v, which goes with a schedule that ends in noise alone."""
    steps: int
    sampler: str
    cfg: float
    rescale_cfg: bool
    strength: float
    start: str
    augmentation: int
    prompt: str
    negative: str
    colour: str
    seed: int
    noise: str
    tile: int | None
    batch: int
    vae_precision: Precision
    offload: bool


def second_stage(name: str, painting: Painting, working: tuple[int, int], size: tuple[int, int], frames: int) -> Stage:
    """Return the stage that paints detail; it takes and gives values: red, green and blue below each other.

    Args:
        name: the filter, for messages.
        painting: what the user chose.
        working: height and width of what it sees.
        size: height and width of what it gives.
        frames: of the clip.

    Raises:
        vs.Error: numbers, words or checkpoints that do not fit, or a package that is missing.

    """
    from ..networks.diffusion.library import check_libraries

    with told_by(name, NetworkError):
        check_libraries()
    _check(name, painting)
    tiles = tiles_of(name, painting.tile, working)
    sampling = _sampling(name, painting, tiles)
    base, control = _checkpoints(name, painting)
    watch = Watch(name, _work(painting, tiles, working, frames))

    vae, prompts = base[VAE], (painting.prompt, painting.negative)

    def sampler() -> nn.Module:
        from ..networks.diffusion.latent_sampler import LatentSampler

        states = prompt_states(name, base[TEXT], prompts)
        return LatentSampler(base[UNET].build(), control.build(), states, sampling, watch)

    def join(networks: Mapping[str, nn.Module]) -> nn.Module:
        from ..networks.diffusion.diffbir import DiffBIR

        choices = {"fix": painting.colour, "seed": painting.seed, "still": painting.noise == "still"}
        return DiffBIR(**networks, tiles=tiles, size=size, **choices)  # type: ignore[arg-type]

    parts = {
        "sampler": Part(sampler, rests_on="machine" if painting.offload else "device", channels_last=False),
        "encode": Part(lambda: vae.build().get_submodule("encode"), painting.vae_precision, "machine"),
        "decode": Part(lambda: vae.build().get_submodule("decode"), painting.vae_precision, "machine"),
    }
    descriptor = Descriptor(
        name=name,
        plan=Single(chunk=painting.batch),
        traits=Traits(channels="luma", tiles=False, float32_frames=True),
        output_size=size[::-1],
        values=3,
        numbered=True,
    )
    return Stage(descriptor=descriptor, build=Parts(parts, join))


def tiles_of(name: str, tile: int | None, working: tuple[int, int]) -> Tiles | None:
    """Return the tiles of latents for an edge in pixels.

    Raises:
        vs.Error: no multiple of 64, or larger than the shorter side of the picture.

    """
    if tile is None:
        return None
    from ..networks.diffusion.tiling import Tiles
    from ..networks.diffusion.vae import FACTOR

    checks.whole(name, "tile", tile, 2 * TILE_GRID)
    if tile % TILE_GRID:
        fail(name, f"tile={tile}; a multiple of {TILE_GRID} is accepted, e.g. 512")
    shorter = -(-min(working) // FACTOR) * FACTOR
    if tile > shorter:
        most = shorter // TILE_GRID * TILE_GRID
        problem = (
            f"tile={tile} is more than the shorter side of {working[1]}x{working[0]}, at which pictures are painted"
        )
        fail(name, f"{problem}; take {most} or less, or leave tile out")
    return Tiles(tile // FACTOR, tile // FACTOR // 2)


def _check(name: str, painting: Painting) -> None:
    checks.within(name, "cfg", painting.cfg, 0, MOST_GUIDANCE)
    checks.within(name, "strength", painting.strength, 0, MOST_STRENGTH)
    checks.whole(name, "augmentation", painting.augmentation, 0)
    checks.within(name, "augmentation", painting.augmentation, 0, MOST_AUGMENTATION)
    checks.whole(name, "seed", painting.seed, 0)
    checks.whole(name, "batch", painting.batch, 1)
    checks.choice(name, "start", painting.start, STARTS)
    checks.choice(name, "noise", painting.noise, NOISES)
    checks.choice(name, "colour", painting.colour, FIXES)
    checks.choice(name, "vae_precision", painting.vae_precision, ("float32", "bfloat16"))
    for argument, text in (("prompt", painting.prompt), ("negative", painting.negative)):
        if not isinstance(text, str):
            fail(name, f"{argument}={text!r}; a text is accepted, '' for none")


def _sampling(name: str, painting: Painting, tiles: Tiles | None) -> Sampling:
    from ..networks.diffusion.latent_sampler import Sampling
    from ..networks.diffusion.samplers import SAMPLERS, check_steps
    from ..networks.diffusion.schedule import Schedule

    checks.choice(name, "sampler", painting.sampler, SAMPLERS)
    checks.whole(name, "steps", painting.steps, 1)
    with told_by(name, NetworkError):
        check_steps(painting.sampler, painting.steps)
    return Sampling(
        schedule=Schedule(painting.prediction, zero_terminal=painting.prediction == "v"),
        sampler=painting.sampler,
        steps=painting.steps,
        guidance=painting.cfg,
        ramp=painting.rescale_cfg,
        strength=painting.strength,
        start=painting.start,  # type: ignore[arg-type]
        augmentation=painting.augmentation,
        tiles=tiles,
    )


def _checkpoints(name: str, painting: Painting) -> tuple[dict[str, Checkpoint], Checkpoint]:
    """Return those of the base model's networks, and that of the control branch."""
    base = recognised_parts(name, painting.base, BASE, (*UNUSED, CONTROL, CLEANER))
    whole = holds(name, painting.control, CONTROL)
    prefix, others = (CONTROL, (*BASE, *UNUSED, CLEANER)) if whole else ("", ())
    control = recognised_parts(name, painting.control, {prefix: "diffusion_control"}, others)[prefix]
    if dict(control.settings) != dict(base[UNET].settings):
        problem = f"{control.path} and {base[UNET].path} are networks of different sizes"
        fail(name, f"{problem}; give a control branch and the base model that it was trained for")
    if base[TEXT].settings["width"] != base[UNET].settings["context"]:
        fail(name, f"{base[UNET].path} has a text encoder that its UNet does not fit; fetch it again")
    return base, control


def _work(painting: Painting, tiles: Tiles | None, working: tuple[int, int], frames: int) -> Work:
    from ..networks.diffusion.samplers import calls_of
    from ..networks.diffusion.vae import FACTOR

    height, width = (-(-edge // FACTOR) for edge in working)
    parts = f"in {len(tiles.over(height, width))} tiles of {painting.tile}" if tiles else "whole"
    calls = calls_of(painting.sampler, painting.steps)
    what = f"{painting.steps} steps of {painting.sampler} ({calls} calls of the UNet) at {working[1]}x{working[0]}"
    return Work(f"{what}, {parts}", calls, frames, min(painting.batch, frames))
