"""`vsrestore finetune`: let one of our networks learn on from the video that it is to restore."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vsrestore.cli.progress import Bar
from vsrestore.cli.train import Device, Precision, explained, stop

if TYPE_CHECKING:
    from vsrestore.training.finetune import Gain

# Filter -> the network's architecture.
TUNABLE = {"film": "temporal_unet", "tape": "temporal_unet", "upscale": "temporal_upscaler"}


def finetune(
    video: Annotated[Path, typer.Argument(help="The video to learn from.")],
    filter: Annotated[str, typer.Option(help="Whose network: film, tape or upscale.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Weights file; VIDEO-FILTER.safetensors here by default.")
    ] = None,
    minutes: Annotated[float, typer.Option(min=0.05, help="How long it may take, measuring included.")] = 10,
    scale: Annotated[int, typer.Option(help="Of upscale: 2 or 4.")] = 2,
    model: Annotated[str | None, typer.Option(help="Weights to begin from; those of the package by default.")] = None,
    seed: Annotated[int, typer.Option(help="Of samples and damage.")] = 1,
    workers: Annotated[int, typer.Option(min=0, help="Processes that make samples.")] = 1,
    device: Device = None,
    precision: Precision = None,
    overwrite: Annotated[bool, typer.Option(help="Replace a weights file that is there.")] = False,
) -> None:
    """Continue the training of a network on a video, and write weights that the filter takes as model=."""
    from vsrestore.filters.upscale import OURS

    if filter not in TUNABLE:
        stop("finetune", f"--filter {filter}: its network is not ours to train; {', '.join(TUNABLE)} are")
    if filter == "upscale" and scale not in OURS:
        stop("finetune", f"--scale {scale}: {' or '.join(map(str, OURS))} are accepted")
    out = output or Path(f"{video.stem}-{filter}.safetensors")
    if out.exists() and not overwrite:
        stop("finetune", f"{out} is there already; give another -o, or --overwrite")
    weights = model or (OURS[scale] if filter == "upscale" else filter)
    with explained("finetune"):
        from vsrestore.training.finetune import finetune as learn_on
        from vsrestore.training.machine import machine

        with Bar("steps", "steps/s") as bar:
            gain = learn_on(
                video,
                weights,
                TUNABLE[filter],
                filter,
                out,
                limit_s=minutes * 60,
                seed=seed,
                machine=machine(device, precision),
                workers=workers,
                reporter=bar,
            )
    _tell(gain, out, f", scale={scale}" if filter == "upscale" else "", filter)


def _tell(gain: Gain, out: Path, scale: str, filter: str) -> None:
    """Say which weights did better, and how to use them; code 1 where those are the ones it began with."""
    difference = gain.after - gain.before
    typer.echo(f"frames held out: {gain.before:.2f} dB before, {gain.after:.2f} dB after ({difference:+.2f} dB)")
    if not gain.kept:
        kept = "the weights it began with did better and are kept, nothing was written"
        stop("finetune", f"{kept}; more --minutes may help", 1)
    typer.echo(f"the new weights did better and are kept in {str(out)!r}")
    typer.echo(f"use them: vsrestore.{filter}(clip{scale}, model={str(out)!r})")
