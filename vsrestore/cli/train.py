"""`vsrestore train`: train one of our networks from a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NoReturn

import typer


def train(
    recipe: Annotated[Path, typer.Argument(help="Recipe (.toml), see scripts/recipes.")],
    clips: Annotated[Path, typer.Option(help="Folder of clips: the shots of its index.csv, else all videos in it.")],
    out: Annotated[Path, typer.Option(help="Folder for weights, state and logs.")],
    resume: Annotated[bool, typer.Option(help="Take up the run that the folder holds.")] = False,
    minutes: Annotated[float | None, typer.Option(min=0, help="End within so many minutes, schedule complete.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps, instead of the recipe's.")] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes that make samples.")] = 1,
) -> None:
    """Train a network from a recipe and write its weights to OUT/weights.safetensors."""
    from dataclasses import replace

    from vsrestore.training.clips import check_sizes, read_shots, split
    from vsrestore.training.errors import DataError
    from vsrestore.training.loop import train as run_training
    from vsrestore.training.recipe import RecipeError, read_recipe

    if not resume and (out / "state.pt").exists():
        _stop(f"{out} holds a run already; give another folder, or --resume to take it up")
    if resume and not (out / "state.pt").exists():
        _stop(f"{out} holds no run to take up; leave --resume away to begin one")
    try:
        plan = read_recipe(recipe)
        if steps:
            plan = replace(plan, schedule=replace(plan.schedule, steps=steps))
        shots = split(read_shots(clips, plan.data.licence_classes), plan.data.validation)
        check_sizes(shots[0], plan.data.crop)
    except (RecipeError, DataError) as error:
        _stop(str(error))
    out.mkdir(parents=True, exist_ok=True)
    limit_s = minutes * 60 if minutes else None
    run = run_training(plan, shots, out, limit_s=limit_s, workers=workers, report=_report)
    typer.echo(f"{run.step} steps in {run.spent_s / 60:.1f} min: {out / 'weights.safetensors'}", err=True)


def _report(progress: float, line: str) -> None:
    typer.echo(f"{progress:6.1%}  {line}", err=True)


def _stop(message: str) -> NoReturn:
    typer.echo(f"vsrestore train: {message}", err=True)
    raise typer.Exit(2)


if __name__ == "__main__":
    typer.run(train)
