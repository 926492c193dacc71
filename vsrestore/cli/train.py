"""`vsrestore train`: train one of our networks from a recipe."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from vsrestore.cli.cancelled import cancellable
from vsrestore.cli.extras import how_to_install
from vsrestore.cli.progress import Bar, printable
from vsrestore.errors import VsrestoreError
from vsrestore.networks import traits

if TYPE_CHECKING:
    from vsrestore.training.machine import Machine
    from vsrestore.training.recipe import Recipe
    from vsrestore.training.run import Run

STATE = "state.pt"
Device = Annotated[
    str | None, typer.Option(help="cpu, cuda, cuda:N, xpu or mps; the best there is by default.", show_default=False)
]
Precision = Annotated[
    traits.Precision | None,
    typer.Option(
        help="Of convolutions; the rest is float32. By default bfloat16 where the device has it, else float32.",
        show_default=False,
    ),
]


def train(
    recipe: Annotated[Path, typer.Argument(help="Training recipe (.toml), see scripts/training.")],
    clips: Annotated[Path, typer.Option(help="Folder of clips: the shots of its index.csv, else all videos in it.")],
    out: Annotated[Path, typer.Option(help="Folder for weights, state, figures and pictures.")],
    resume: Annotated[bool, typer.Option(help="Take up the run that the folder holds.")] = False,
    weights: Annotated[str, typer.Option(help="Checkpoint to begin from, instead of the recipe's: name or path.")] = "",
    minutes: Annotated[float | None, typer.Option(min=0, help="End within so many minutes, schedule complete.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps, instead of the recipe's.")] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes that make samples.")] = 1,
    device: Device = None,
    precision: Precision = None,
) -> None:
    """Train a network from a recipe and write its weights to OUT/weights.safetensors."""
    from dataclasses import replace

    if not resume and (out / STATE).exists():
        stop("train", f"{out} holds a run already; give another folder, or --resume to take it up")
    if resume and not (out / STATE).exists():
        stop("train", f"{out} holds no run to take up; leave --resume away to begin one")
    with explained("train", out):
        from vsrestore.training.machine import machine
        from vsrestore.training.recipe import read_recipe

        plan = read_recipe(recipe)
        if weights:
            plan = replace(plan, network=replace(plan.network, weights=weights))
        if steps:
            plan = replace(plan, schedule=replace(plan.schedule, steps=steps))
        run = _run(plan, clips, out, minutes, workers, machine(device, precision))
        weights_file = printable(str(out / "weights.safetensors"))
        typer.echo(f"{run.step} steps in {run.spent_s / 60:.1f} min: {weights_file}", err=True)


def _run(plan: Recipe, clips: Path, out: Path, minutes: float | None, workers: int, machine: Machine) -> Run:
    """Read the clips and train, a bar on stderr."""
    from vsrestore.training.clips import check_sizes, read_shots, split
    from vsrestore.training.loop import train as run_training
    from vsrestore.training.schedule import spans

    shots = split(read_shots(clips, plan.data.licence_classes), plan.data.validation)
    check_sizes(shots[0], max(span.crop for span in spans(plan)))
    out.mkdir(parents=True, exist_ok=True)
    limit_s = minutes * 60 if minutes else None
    with Bar("steps", "steps/s") as bar:
        return run_training(plan, shots, out, machine=machine, limit_s=limit_s, workers=workers, reporter=bar)


@contextmanager
def explained(command: str, out: Path | None = None) -> Iterator[None]:
    """Tell what the user can put right in one line, and what an interrupted run has left in the folder ``out``."""

    def left() -> str:
        return "--resume takes up what was saved last" if out and (out / STATE).exists() else "nothing was saved"

    try:
        with cancellable(f"vsrestore {command}", left):
            yield
    except VsrestoreError as error:
        stop(command, str(error))
    except ModuleNotFoundError as error:
        advice = how_to_install(error)
        if advice is None:
            raise
        stop(command, advice)


def stop(command: str, message: str, code: int = 2) -> NoReturn:
    """End with one line on stderr."""
    typer.echo(f"vsrestore {command}: {printable(message)}", err=True)
    raise typer.Exit(code)


if __name__ == "__main__":
    typer.run(train)
