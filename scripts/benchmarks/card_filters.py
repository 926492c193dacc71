"""Every filter that takes a device, as a card is to run it: with weights that are shipped, or with seeded ones."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

import torch
import vapoursynth as vs
from spandrel.architectures.DnCNN import DnCNN
from spandrel.architectures.ESRGAN import ESRGAN
from spandrel.architectures.SCUNet import SCUNet
from spandrel.architectures.SwinIR import SwinIR
from torch import nn

import vsrestore
from vsrestore.filters import inpainting, tcvc
from vsrestore.filters.checkpoint import Checkpoint
from vsrestore.networks import ARCHITECTURES
from vsrestore.networks.ddcolor import DDColor
from vsrestore.networks.deoldify import DeOldify
from vsrestore.networks.fastai_unet import FastaiUNet
from vsrestore.networks.mat import MAT
from vsrestore.networks.realbasicvsr import RealBasicVSR
from vsrestore.networks.traits import Precision
from vsrestore.networks.uformer import Uformer

from . import against, diffusion, video_filters
from .networks import plain, write_onnx
from .published import seeded, seeded_state
from .video import folded

GAIN = 0.7
"""Of the convolutions of seeded networks."""

Filtered = Callable[..., vs.VideoNode]
"""Takes a clip and, by name, a device and a precision."""


def no_arguments(_: vs.VideoNode) -> Mapping[str, object]:
    """Return no arguments."""
    return {}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A filter as it is measured; as it stands, one with weights of its own and no arguments."""

    networks: Mapping[str, Callable[[Path], Path]] = field(default_factory=dict)
    """Argument -> what writes a checkpoint for it, at a path without suffix, and returns what the argument gets."""
    arguments: Callable[[vs.VideoNode], Mapping[str, object]] = no_arguments
    """Takes the clip and returns further arguments."""
    size: tuple[int, int] = (640, 360)
    half: Precision | None = "float16"
    """What stands beside float32 on a card, if anything does."""
    about: str = ""
    """What differs from what users run."""
    within: Callable[[], AbstractContextManager[object]] = nullcontext
    """What has to be entered while the filter is used."""


def checkpoint(build: Callable[[], nn.Module]) -> Callable[[Path], Path]:
    """Return what writes a checkpoint of a network with seeded weights."""

    def write(path: Path) -> Path:
        torch.save(seeded_state(build(), GAIN), path.with_suffix(".pth"))
        return path.with_suffix(".pth")

    return write


@dataclass(frozen=True)
class Seeded(Checkpoint):
    """In the place of a checkpoint whose publisher calls tensors otherwise than we do."""

    def build(self) -> nn.Module:
        """Return the network with seeded weights."""
        return folded(seeded(_network_class(self.architecture)(**self.settings), GAIN))


@contextmanager
def without_files(filter_module: ModuleType) -> Iterator[None]:
    """Networks of published size with seeded weights stand for all checkpoints of the filters in a module."""

    def recognised(_name: str, _model: object, architecture: str, **settings: object) -> Seeded:
        parameters = inspect.signature(_network_class(architecture)).parameters
        defaults = {name: parameter.default for name, parameter in parameters.items()}
        return Seeded(Path("seeded"), architecture, {**defaults, **settings})

    with patch.object(filter_module, "recognised", recognised):
        yield


def _network_class(architecture: str) -> Callable[..., nn.Module]:
    module, _, name = ARCHITECTURES[architecture].partition(":")
    network: Callable[..., nn.Module] = getattr(import_module(module), name)
    return network


def onnx_file(path: Path) -> Path:
    """Write a plain network as an ONNX file."""
    write_onnx(plain(), path.with_suffix(".onnx"))
    return path.with_suffix(".onnx")


def model(build: Callable[[], nn.Module]) -> Mapping[str, Callable[[Path], Path]]:
    """Return what the argument ``model`` gets, of filters with one network."""
    return {"model": checkpoint(build)}


def of_video(name: str) -> Mapping[str, Callable[[Path], Path]]:
    """Return the network of published size that the benchmark ``video-filters`` has for a filter."""
    case = video_filters.CASES[name]
    return model(partial(case.network, **case.published))


def hole(clip: vs.VideoNode) -> Mapping[str, object]:
    """Return a rectangle in the middle as the mask."""
    width, height = (edge // 8 * 2 for edge in (clip.width, clip.height))
    return {"mask": (width, height, width, height)}


def swin_ir() -> nn.Module:
    """Return SwinIR-M of the published size, x4."""
    settings = {"upsampler": "nearest+conv", "upscale": 4, "window_size": 8, "mlp_ratio": 2, "resi_connection": "1conv"}
    network: nn.Module = SwinIR(img_size=64, embed_dim=180, depths=[6] * 6, num_heads=[6] * 6, **settings)
    return network


FEW = {"subvideo_length": 10}
"""Frames of a chunk, so that what ProPainter computes before its first frame takes no minute."""
QUARTER, SMALL = (320, 192), (192, 128)
CASES: dict[str, Case] = {
    "adacof": Case(networks=of_video("adacof")),
    "analog_swin_unet": Case(networks=of_video("analog_swin_unet"), size=QUARTER),
    "basicvsrpp": Case(networks=model(against.NETWORKS["basicvsrpp"]), size=(720, 576)),
    "bsrnet": Case(networks=model(partial(ESRGAN, num_filters=64, num_blocks=23, scale=4)), size=QUARTER),
    "ddcolor": Case(networks=model(partial(DDColor, (3, 3, 9, 3), (96, 192, 384, 768)))),
    "deoldify": Case(networks=model(DeOldify)),
    "diffbir": Case(
        networks={"cleaner": lambda path: diffusion.write_cleaner(path.with_suffix(".pth"))},
        arguments=lambda _: {"scale": 1, "steps": 2},
        size=(512, 512),
        about="half width, 2 steps",
        within=partial(diffusion.seeded_networks, diffusion.HALF_WIDTH, diffusion.HALF_WIDTH_VAE),
    ),
    "edvr": Case(networks=model(against.NETWORKS["edvr"]), size=QUARTER),
    "esrgan": Case(networks=model(against.NETWORKS["esrgan"])),
    "film": Case(size=(1920, 1080)),
    "film_mask": Case(),
    "image_model": Case(networks=model(partial(DnCNN, in_nc=3, out_nc=3, nc=64, nb=20, act_mode="R", mode="DnCNN"))),
    "interpolate": Case(),
    "lines_in_place": Case(half=None),
    "mat": Case(networks=model(MAT), arguments=hole, half="bfloat16"),
    "mmp_rnn": Case(networks=of_video("mmp_rnn")),
    "onnx": Case(networks={"path": onnx_file}, half=None),
    "outpaint": Case(
        arguments=lambda _: {"left": 16, **FEW},
        size=QUARTER,
        about="chunks of 10",
        within=partial(without_files, inpainting),
    ),
    "propainter": Case(
        arguments=lambda clip: {**hole(clip), **FEW},
        size=QUARTER,
        about="chunks of 10",
        within=partial(without_files, inpainting),
    ),
    "psrt": Case(networks=of_video("psrt"), size=SMALL),
    "realbasicvsr": Case(networks=model(RealBasicVSR), size=QUARTER),
    "rife": Case(networks=of_video("rife")),
    "rvrt": Case(networks=of_video("rvrt"), arguments=lambda _: {"sigma": 20}, size=SMALL),
    "scunet": Case(networks=model(partial(SCUNet, config=[4] * 7))),
    "style": Case(networks=model(against.NETWORKS["style"])),
    "swinir": Case(networks=model(swin_ir), size=QUARTER),
    "tape": Case(size=(720, 576)),
    "tape_reference": Case(
        networks=of_video("tape_reference"), arguments=lambda _: {"references": [0, 5, 10, 15, 20]}, size=QUARTER
    ),
    "tcvc": Case(arguments=lambda clip: {"reference": clip[:1]}, within=partial(without_files, tcvc)),
    "uformer": Case(networks=model(Uformer)),
    "unet": Case(networks={"path": checkpoint(FastaiUNet)}),
    "upscale": Case(size=(1920, 1080)),
}
OURS = ("film", "tape", "upscale", "interpolate")


def filters() -> tuple[str, ...]:
    """Return all filters that take a device, those with weights of our own first."""
    with_device = [name for name in vsrestore.FILTERS if "device" in _parameters(name)]
    return tuple(dict.fromkeys((*OURS, *with_device)))


def prepared(name: str, folder: Path) -> Filtered:
    """Return a filter as a function of a clip, a device and a precision, once its weights are written to a folder.

    Without a precision the filter computes in float32, or takes none.
    """
    case = CASES[name]
    paths = {argument: write(folder / f"{name}-{argument}") for argument, write in case.networks.items()}

    def filtered(clip: vs.VideoNode, *, device: str, precision: Precision) -> vs.VideoNode:
        where: dict[str, object] = {"device": device, "precision": precision}
        if name == "onnx":
            kind, _, number = device.partition(":")
            where = {"provider": kind, "device": int(number or 0)}
        elif "precision" not in _parameters(name):
            del where["precision"]
        return getattr(vsrestore, name)(clip, **paths, **case.arguments(clip), **where)

    return filtered


def _parameters(name: str) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(getattr(vsrestore, name)).parameters
