"""PSNR and SSIM of filters on the test sets of the papers, beside the published figures."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
import vapoursynth as vs

from vsrestore.errors import VsrestoreError

from .datasets import DATASETS

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)


@app.command()
def dataset(
    name: Annotated[str, typer.Argument(help=f"test set: {', '.join(DATASETS)}", show_default=False)],
    truth: Annotated[
        Path, typer.Option(help="folder with a folder of true frames for each clip", exists=True, file_okay=False)
    ],
    filter: Annotated[
        str,
        typer.Option(help="filter of vsrestore, e.g. \"edvr(model='vimeo90k_sr')\", or bicubic, or input as it is"),
    ],
    low: Annotated[
        Path | None,
        typer.Option(
            help="folder with a folder of low-quality frames for each clip, or the same as --truth where every clip "
            "holds both (GoPro, DVD, BSD, UDM10); without it BIx4, BDx4 and noise are made from the true frames",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    input: Annotated[str | None, typer.Option(help="which low-quality version it is; the usual one by default")] = None,
    listed: Annotated[
        Path | None,
        typer.Option("--list", help="text file with the clips to take, one on each line", exists=True, dir_okay=False),
    ] = None,
    frames: Annotated[
        int | None, typer.Option(help="frames from the start of each clip; all by default", min=1)
    ] = None,
    border: Annotated[int, typer.Option(help="pixels at each edge that do not count", min=0)] = 0,
    skip: Annotated[int, typer.Option(help="frames at both ends of each clip that do not count", min=0)] = 0,
    mirror: Annotated[
        bool, typer.Option("--mirror", help="play every clip forward and backward and average, as for Vimeo-90K")
    ] = False,
) -> None:
    """Measure a filter on a test set of a paper: PSNR and SSIM of each clip and their means.

    Every clip has a folder of images, by name in order: Vid4/GT/calendar and Vid4/BIx4/calendar, REDS4/GT/000 and
    REDS4/sharp_bicubic/000, UDM10/caffe/truth and UDM10/caffe/blur4, test/GOPR0384_11_00/sharp and .../blur of GoPro,
    quantitative_datasets/IMG_0003/GT and .../input of DVD, BSD_3ms24ms/test/000/Sharp/RGB and .../Blur/RGB,
    vimeo_septuplet/sequences/00001/0266 with --list sep_testlist.txt, DAVIS/JPEGImages/480p/aerobatics,
    Set8/tractor, and gt/NAME and input/NAME of the synthetic VHS set of TAPE.

    Papers restore whole clips at once, so a recurrent filter repeats their tables with a chunk as long as the clip:
    "basicvsrpp(model='reds4', chunk=100, overlap=0)".
    """
    from .measure import Settings, results
    from .table import show

    settings = Settings(
        dataset=name,
        truth=truth,
        low=low,
        input=input or (DATASETS[name].inputs[0] if name in DATASETS else ""),
        filter=filter,
        listed=listed,
        frames=frames,
        border=border,
        skip=skip,
        mirror=mirror,
    )
    done = []
    for result in results(settings):
        done.append(result)
        print(f"{result.clip}: {' '.join(f'{value:.4f}' for value in result.score)}", file=sys.stderr)
    show(done, settings)


Weights = Annotated[Path, typer.Argument(help="weights of the network", exists=True, dir_okay=False)]
Clips = Annotated[list[Path], typer.Argument(help="clean clips", exists=True, dir_okay=False)]
Frames = Annotated[int, typer.Option(help="frames from the start of each clip", min=1)]
Width = Annotated[int, typer.Option(help="wider clips are scaled down to this, in pixels", min=16)]
Seeds = Annotated[list[int] | None, typer.Option("--seed", help="seed of a random mixture; repeatable")]
Csv = Annotated[Path | None, typer.Option("--csv", help="file that gets all figures as well", dir_okay=False)]


@app.command()
def film(
    weights: Weights, clips: Clips, frames: Frames = 12, width: Width = 720, seeds: Seeds = None, csv: Csv = None
) -> None:
    """Measure film weights on clean clips that are damaged by both presets and by random mixtures."""
    from .own import measure

    print(measure("film", weights, clips, frames, width, seeds or (), csv))


@app.command()
def tape(
    weights: Weights, clips: Clips, frames: Frames = 12, width: Width = 720, seeds: Seeds = None, csv: Csv = None
) -> None:
    """Measure tape weights on clean clips that are damaged by both presets and by random mixtures."""
    from .own import measure

    print(measure("tape", weights, clips, frames, width, seeds or (), csv))


@app.command()
def upscale(weights: Weights, clips: Clips, frames: Frames = 12, width: Width = 720, csv: Csv = None) -> None:
    """Measure weights that enlarge on clean clips that are made smaller, as they are and compressed."""
    from .own import measure

    print(measure("upscale", weights, clips, frames, width, (), csv))


def main() -> None:
    """Run the command; what a user can put right is told in one line."""
    try:
        app(prog_name="scripts/evaluate")
    except (VsrestoreError, vs.Error) as error:
        print(f"evaluate: {error}", file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
