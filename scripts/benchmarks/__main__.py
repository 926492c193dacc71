"""Benchmarks of vsrestore: tables on stdout, JSON in out/bench."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vsrestore.pipeline.programs import allocator
from vsrestore.runtime.descriptor import Precision

from .process import restart_with
from .report import Report

if TYPE_CHECKING:
    from .damage_cases import Settings
    from .timing import Measure

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)

Clips = Annotated[Path, typer.Option(help="folder with clean clips", exists=True, file_okay=False, show_default=False)]
Repeats = Annotated[int, typer.Option(help="runs that count; the median is taken", min=1)]
Model = Annotated[str, typer.Option(help="weights of the film network")]
ProcessorTime = Annotated[
    bool, typer.Option("--processor-time", help="processor seconds of one thread, for a machine that others use, too")
]
Kinds = Annotated[list[str] | None, typer.Option(help="kind of damage, or clean; repeatable; all by default")]
Generators = Annotated[list[str] | None, typer.Option(help='"ours" or "other hands"; repeatable; both by default')]
Patterns = Annotated[list[str] | None, typer.Option("--pattern", help="file names to take, as in a shell; repeatable")]


def publish(reports: Iterable[Report]) -> None:
    """Print and save reports; leave with code 1 where a requirement is not met."""
    missed = 0
    for report in reports:
        report.show()
        print(f"written: {report.save()}\n")
        missed += sum(not requirement.met for requirement in report.requirements)
    if missed:
        raise typer.Exit(1)


@app.command("film-quality")
def film_quality(
    clips: Clips,
    pattern: Patterns = None,
    damage: Annotated[
        list[str] | None, typer.Option(help="preset of film damage, or the seed of a random mixture; repeatable")
    ] = None,
    frames: Annotated[int, typer.Option(help="frames of each clip")] = 12,
    width: Annotated[int, typer.Option(help="wider clips are scaled down to this, in pixels")] = 640,
    chain: Annotated[list[str] | None, typer.Option(help="classical chain; repeatable; all by default")] = None,
    model: Annotated[str, typer.Option(help="weights of the film network, or none")] = "film",
    precision: Annotated[Precision, typer.Option(help="precision of the film network")] = "float32",
) -> None:
    """Quality of film and of classical chains on our own damage."""
    from . import film_quality as benchmark

    defaults = benchmark.Settings(clips)
    settings = benchmark.Settings(
        clips,
        tuple(pattern or defaults.patterns),
        tuple(damage or defaults.damages),
        frames,
        width,
        tuple(chain or defaults.chains),
        None if model == "none" else model,
        precision,
    )
    publish(benchmark.run(settings))


@app.command("film-kinds")
def film_kinds(
    clips: Clips,
    pattern: Patterns = None,
    kind: Kinds = None,
    generator: Generators = None,
    frames: Annotated[int, typer.Option(help="frames of each clip")] = 8,
    width: Annotated[int, typer.Option(help="wider clips are scaled down to this, in pixels")] = 480,
    model: Annotated[str, typer.Option(help="weights of the film network")] = "film",
    precision: Annotated[Precision, typer.Option(help="precision of the network")] = "float32",
    first: Annotated[
        list[str] | None, typer.Option(help="what goes first: stains, scratches or marks; repeatable")
    ] = None,
) -> None:
    """Gain of film by kind of damage, our own and that of another generator, and clean clips."""
    from . import kinds as benchmark

    settings = _kinds(clips, pattern, kind, generator, frames, width, model, precision)
    publish(benchmark.film_kinds(replace(settings, first=tuple(first or ()))))


@app.command("tape-kinds")
def tape_kinds(
    clips: Clips,
    pattern: Patterns = None,
    kind: Kinds = None,
    generator: Generators = None,
    frames: Annotated[int, typer.Option(help="frames of each clip")] = 8,
    width: Annotated[int, typer.Option(help="wider clips are scaled down to this, in pixels")] = 640,
    model: Annotated[str, typer.Option(help="weights of the tape network")] = "tape",
    precision: Annotated[Precision, typer.Option(help="precision of the network")] = "float32",
) -> None:
    """Gain of tape by kind of damage, our own and that of another generator."""
    from . import kinds as benchmark

    publish(benchmark.tape_kinds(_kinds(clips, pattern, kind, generator, frames, width, model, precision)))


def _kinds(
    clips: Path,
    patterns: list[str] | None,
    kinds: list[str] | None,
    generators: list[str] | None,
    frames: int,
    width: int,
    model: str,
    precision: Precision,
) -> Settings:
    """Return the settings of a measurement by kind."""
    from .damage_cases import Settings

    defaults = Settings(clips)
    return replace(
        defaults,
        patterns=tuple(patterns or defaults.patterns),
        kinds=tuple(kinds or ()),
        generators=tuple(generators or defaults.generators),
        frames=frames,
        width=width,
        model=model,
        precision=precision,
    )


@app.command()
def lines(
    clips: Clips,
    pattern: Patterns = None,
    frames: Annotated[int, typer.Option(help="frames of each clip")] = 12,
    width: Annotated[int, typer.Option(help="wider clips are scaled down to this, in pixels")] = 640,
) -> None:
    """Quality of lines_in_place on our own time-base faults."""
    from . import lines as benchmark

    publish(benchmark.run(clips, tuple(pattern or ("*",)), frames, width))


@app.command()
def overlay(
    clips: Clips,
    pattern: Patterns = None,
    frames: Annotated[int, typer.Option(help="frames of each clip")] = 60,
    width: Annotated[int, typer.Option(help="wider clips are scaled down to this, in pixels")] = 512,
    dates: Annotated[int, typer.Option(help="dates that are drawn into each clip, one after another")] = 3,
) -> None:
    """Dates drawn into real footage, found by static_overlay: how much of each, and how much else."""
    from . import overlay as benchmark

    publish(benchmark.run(clips, tuple(pattern or benchmark.PATTERNS), frames, width, dates))


@app.command()
def interpolation(
    clips: Clips,
    pattern: Patterns = None,
    method: Annotated[list[str] | None, typer.Option(help="what makes the frames; repeatable; all by default")] = None,
    frames: Annotated[int, typer.Option(help="frames of each clip, an odd number")] = 17,
    width: Annotated[int, typer.Option(help="wider clips are scaled down to this, in pixels")] = 640,
) -> None:
    """Frames that were dropped, made again by each method."""
    from . import interpolation as benchmark

    defaults = benchmark.Settings(clips)
    chosen = tuple(pattern or defaults.patterns), tuple(method or defaults.methods)
    publish(benchmark.run(benchmark.Settings(clips, *chosen, frames, width)))


@app.command()
def overhead(chunks: Annotated[int, typer.Option(help="calls of the network")] = 6, repeats: Repeats = 9) -> None:
    """A bare network against the same network as a filter."""
    from . import overhead as benchmark

    publish(benchmark.run(chunks, repeats))


@app.command()
def onnx(frames: Annotated[int, typer.Option(help="frames of each run")] = 12, repeats: Repeats = 9) -> None:
    """vsrestore.onnx and PyTorch against the peer core.ort.Model."""
    from . import onnx_peer as benchmark

    publish(benchmark.run(frames, repeats))


@app.command("film-speed")
def film_speed(
    chunks: Annotated[int, typer.Option(help="calls of the network")] = 6, repeats: Repeats = 5, model: Model = "film"
) -> None:
    """Speed of film at 640x480."""
    from . import film_speed as benchmark

    publish(benchmark.run(chunks, repeats, model))


@app.command()
def memory(repeats: Repeats = 3, model: Model = "film") -> None:
    """Peak memory of a short and of a long clip."""
    from . import memory as benchmark

    publish(benchmark.run(repeats, model))


@app.command()
def card(
    device: Annotated[str, typer.Option(help="cuda, cuda:N, or cpu to try the benchmark itself")] = "cuda",
    case: Annotated[list[str] | None, typer.Option(help="filter; repeatable; all by default")] = None,
) -> None:
    """Filters on a card, in five minutes at most: speed, busy share, memory, float16 beside float32, order, others."""
    import torch

    from . import card as benchmark
    from .card_filters import CASES

    if device != "cpu" and not torch.cuda.is_available():
        raise typer.BadParameter("torch finds no CUDA card on this machine; vsrestore info tells what it finds")
    unknown = [name for name in case or () if name not in CASES]
    if unknown:
        raise typer.BadParameter(f"{unknown[0]} is no case; accepted: {', '.join(CASES)}")
    publish(benchmark.run(benchmark.trial_on(device), case or ()))


@app.command()
def host(frames: Annotated[int, typer.Option(help="frames of each run")] = 12, repeats: Repeats = 3) -> None:
    """What the machine does for a 1080p frame of film and upscale beside a card."""
    from . import host as benchmark

    publish(benchmark.run(frames, repeats))


@app.command()
def command(
    seconds: Annotated[float, typer.Option(help="length of the clip in seconds")] = 60,
    repeats: Repeats = 1,
    model: Model = "film",
    precision: Annotated[Precision, typer.Option(help="precision of the film network")] = "float32",
) -> None:
    """The whole command against its slowest part."""
    from . import command as benchmark

    publish(benchmark.run(seconds, repeats, model, precision))


@app.command()
def segments(
    seconds: Annotated[float, typer.Option(help="length of the clip in seconds")] = 120,
    segment: Annotated[float, typer.Option(help="seconds of a segment")] = 60,
    repeats: Repeats = 1,
    chain: Annotated[str, typer.Option("--filter", help="filter to apply")] = "film",
    width: Annotated[int, typer.Option(help="of the clip, in pixels")] = 640,
) -> None:
    """The command in segments against one piece, and how soon a killed job renders again."""
    from . import segments as benchmark

    publish(benchmark.run(seconds, segment, repeats, chain, width))


@app.command()
def cluster(
    stand_in: Annotated[float, typer.Option(help="seconds that a simulated segment takes")] = 30,
    seconds: Annotated[float, typer.Option(help="length of the clip in seconds, 0 for the simulation alone")] = 60,
    segment: Annotated[float, typer.Option(help="seconds of a segment")] = 15,
    repeats: Repeats = 1,
    chain: Annotated[str, typer.Option("--filter", help="filter to apply")] = "film",
    width: Annotated[int, typer.Option(help="of the clip, in pixels")] = 320,
) -> None:
    """What the engine of a cluster costs: 1, 8 and 64 simulated workers, and two real ones against one program."""
    from . import cluster as benchmark

    reports = [benchmark.simulated(stand_in)]
    if seconds:
        reports.append(benchmark.real(seconds, segment, repeats, chain, width))
    publish(reports)


@app.command()
def chain(
    seconds: Annotated[float, typer.Option(help="length of the clip in seconds")] = 10,
    steps: Annotated[str, typer.Option(help="of the chain, as recipes name them")] = "tape,denoise,upscale",
    precision: Annotated[Precision, typer.Option(help="precision of the networks")] = "float32",
    repeats: Repeats = 1,
    one_thread: ProcessorTime = False,
) -> None:
    """A chain of shipped networks at 720x480 against the sum of its steps."""
    from . import chain_speed as benchmark

    publish(benchmark.run(seconds, steps, precision, repeats, clock(one_thread)))


@app.command()
def edvr(repeats: Repeats = 5, one_thread: ProcessorTime = False) -> None:
    """EDVR our way against the published one, step by step."""
    from . import edvr as benchmark

    publish(benchmark.run(repeats, clock(one_thread)))


@app.command()
def basicvsrpp(repeats: Repeats = 5, one_thread: ProcessorTime = False) -> None:
    """BasicVSR++ our way against the published one, step by step, and against the peer where there is a GPU."""
    from . import basicvsrpp as benchmark
    from . import basicvsrpp_peer as peer

    publish(benchmark.run(repeats, clock(one_thread)))
    publish(peer.run(repeats))


@app.command()
def video(repeats: Repeats = 5, one_thread: ProcessorTime = False) -> None:
    """RVRT, PSRT, MMP-RNN, TAPE and the analog Swin-UNet our way against the published one."""
    from . import video as benchmark

    publish(benchmark.run(repeats, clock(one_thread)))


@app.command()
def against(
    checkout: Annotated[
        Path, typer.Argument(help="folder of another checkout of vsrestore", exists=True, file_okay=False)
    ],
    case: Annotated[list[str] | None, typer.Option(help="filter; repeatable; all by default")] = None,
    repeats: Repeats = 5,
    one_thread: ProcessorTime = False,
) -> None:
    """Speed of filters here against another checkout's, in processes that take turns."""
    from . import against as benchmark
    from .filter_speed import CASES

    unknown = [name for name in case or () if name not in CASES]
    if unknown:
        raise typer.BadParameter(f"{unknown[0]} is no case; accepted: {', '.join(CASES)}")
    publish(benchmark.run(checkout.resolve(), case or list(CASES), repeats, one_thread))


@app.command("basicvsrpp-memory")
def basicvsrpp_memory(repeats: Repeats = 3) -> None:
    """Peak memory of basicvsrpp by length of clip and of chunk."""
    from . import chunk_memory as benchmark

    publish(benchmark.run(repeats))


@app.command("video-filters")
def video_filters(
    case: Annotated[list[str] | None, typer.Option(help="filter; repeatable; all by default")] = None,
) -> None:
    """The networks' share in the time of the five filters of `video`, and memory by length of clip."""
    from . import video_filters as benchmark

    publish(benchmark.run(case or tuple(benchmark.CASES)))


@app.command("inpainting-memory")
def inpainting_memory() -> None:
    """Memory of propainter and outpaint by length of clip."""
    from . import inpainting_memory as benchmark

    publish(benchmark.run())


@app.command()
def tiles(
    tile: Annotated[list[int] | None, typer.Option(help="edge in pixels, 0 for whole frames; repeatable")] = None,
    chunk: Annotated[int | None, typer.Option(help="frames of a chunk; by default the filters' own", min=1)] = None,
    one_thread: ProcessorTime = False,
) -> None:
    """Time and memory of deblurring 1920x1080 by size of the tiles."""
    from . import tiles as benchmark

    publish(benchmark.run(tuple(tile or benchmark.TILES), chunk, one_thread))


@app.command()
def diffusion(repeats: Repeats = 3, one_thread: ProcessorTime = False) -> None:
    """A step of DiffBIR against diffusers' own, and diffbir against its networks."""
    from . import diffusion as benchmark

    publish(benchmark.run(repeats, clock(one_thread)))


@app.command("card-memory")
def card_memory() -> None:
    """What a call of RVRT, PSRT, MMP-RNN, TAPE and Analog Swin-UNet holds on a card, reckoned without one."""
    from . import card_memory as benchmark

    publish(benchmark.run())


@app.command("diffusion-memory")
def diffusion_memory() -> None:
    """What DiffBIR takes of a card, reckoned without weights, and its VAE at small size."""
    from . import diffusion_memory as benchmark

    publish(benchmark.run())


@app.command("diffusion-steady")
def diffusion_steady(clips: Clips, pattern: Patterns = None) -> None:
    """How still DiffBIR's detail holds, by the ways in which its noise and its detail are kept."""
    from . import diffusion_steady as benchmark

    publish(benchmark.run(clips, tuple(pattern or benchmark.PATTERNS)))


@app.command()
def colour(frames: Annotated[int, typer.Option(help="frames of each run")] = 16, repeats: Repeats = 3) -> None:
    """ddcolor and deoldify against their bare networks, and in bf16."""
    from . import colour as benchmark

    publish(benchmark.run(frames, repeats))


def clock(processor: bool) -> Measure:
    """Return what to measure runs with; processor time is that of one thread from now on."""
    import torch

    from .timing import duration, processor_time

    if not processor:
        return duration
    torch.set_num_threads(1)
    return processor_time


@app.command("all")
def everything(
    clips: Annotated[
        Path | None, typer.Option(help="folder with clean clips; without it film-quality and lines are left out")
    ] = None,
    pattern: Patterns = None,
) -> None:
    """Run all benchmarks with their defaults."""
    missed = False
    runs: list[Callable[[], None]] = [overhead, host, onnx, film_speed, memory, command, segments, cluster, chain]
    runs += [edvr, basicvsrpp, video, video_filters, inpainting_memory, card_memory, basicvsrpp_memory, tiles, colour]
    runs += [diffusion, diffusion_memory]
    if clips is not None:
        runs += [lambda: film_quality(clips, pattern), lambda: lines(clips, pattern)]
    for run in runs:
        try:
            run()
        except typer.Exit:
            missed = True
    if missed:
        raise typer.Exit(1)


if __name__ == "__main__":
    # So that all that is measured, and all processes for it, keep memory as vspipe does under the command.
    restart_with(allocator())
    app(prog_name="scripts/bench")
