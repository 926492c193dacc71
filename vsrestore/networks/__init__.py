"""Networks in plain PyTorch, one file each, and the look-up of the network that a state dict belongs to.

A network's file holds the class named in `ARCHITECTURES` and

* `recognise(shapes)`: constructor settings read off the published tensor names and shapes, None for other networks;
* `describe(settings)`: what a network with such settings asks of the pictures it gets (`Traits`);
* `rename(state_dict)`, where a publisher uses other names than ours: the same values under our names (values may be
  tensors or shapes);
* `DERIVED`, where the network computes some buffers itself: endings of their names.

A network with norms that can be folded into its convolutions has a method `fold` that does so, once weights are loaded.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from vsrestore.networks.state_dict import NetworkError, Shapes, compare, flatten, shorten, strip, unwrap

if TYPE_CHECKING:
    from types import ModuleType

    from torch import Tensor, nn

    from vsrestore.networks.traits import Traits

__all__ = ["ARCHITECTURES", "NetworkError", "describe", "fill", "load", "recognise"]

ARCHITECTURES: dict[str, str] = {
    "analog_swin_unet": "vsrestore.networks.analog_swin_unet:AnalogSwinUNet",
    "basicvsrpp": "vsrestore.networks.basicvsrpp:BasicVSRpp",
    "ddcolor": "vsrestore.networks.ddcolor:DDColor",
    "deoldify": "vsrestore.networks.deoldify:DeOldify",
    "diffusion_control": "vsrestore.networks.diffusion.control:Control",
    "diffusion_text": "vsrestore.networks.diffusion.text:TextEncoder",
    "diffusion_unet": "vsrestore.networks.diffusion.unet:UNet",
    "diffusion_vae": "vsrestore.networks.diffusion.vae:VAE",
    "edvr": "vsrestore.networks.edvr:EDVR",
    "fastai_unet": "vsrestore.networks.fastai_unet:FastaiUNet",
    "fast_neural_style": "vsrestore.networks.fast_neural_style:TransformerNet",
    "frame_interpolator": "vsrestore.networks.frame_interpolator:FrameInterpolator",
    "mark_finder": "vsrestore.networks.mark_finder:MarkFinder",
    "mat": "vsrestore.networks.mat:MAT",
    "mmp_net": "vsrestore.networks.mmp_net:MMPNet",
    "mmp_rnn": "vsrestore.networks.mmp_rnn:MMPRNN",
    "propainter": "vsrestore.networks.propainter:ProPainter",
    "propainter_flow_completion": "vsrestore.networks.flow_completion:FlowCompletion",
    "psrt": "vsrestore.networks.psrt:PSRT",
    "raft": "vsrestore.networks.raft:RAFT",
    "realbasicvsr": "vsrestore.networks.realbasicvsr:RealBasicVSR",
    "rife": "vsrestore.networks.rife:RIFE",
    "rvrt": "vsrestore.networks.rvrt:RVRT",
    "scratch_repair": "vsrestore.networks.scratch_repair:ScratchRepair",
    "sf_adacof": "vsrestore.networks.sf_adacof:AdaCoF",
    "spynet": "vsrestore.networks.spynet:SPyNet",
    "stain_repair": "vsrestore.networks.stain_repair:StainRepair",
    "tape_reference": "vsrestore.networks.tape_reference:TapeReference",
    "tcvc_colour_net": "vsrestore.networks.tcvc_colour_net:TCVCColourNet",
    "tcvc_decoder": "vsrestore.networks.tcvc_decoder:TCVCDecoder",
    "tcvc_encoder": "vsrestore.networks.tcvc_encoder:TCVCEncoder",
    "temporal_unet": "vsrestore.networks.temporal_unet:TemporalUNet",
    "temporal_upscaler": "vsrestore.networks.temporal_upscaler:TemporalUpscaler",
    "uformer": "vsrestore.networks.uformer:Uformer",
}
"""Architecture -> "module:class"; a module is imported when it is asked for."""


def recognise(shapes: Shapes, architecture: str | None = None, **settings: Any) -> tuple[str, dict[str, Any]]:
    """Return the architecture of a checkpoint and its constructor settings, from tensor names and shapes alone.

    What it accepts, `load` can build: every tensor is compared with those of the network, without loading data.

    Args:
        shapes: name -> shape as published, wrappers such as `params_ema.` or `generator.` included.
        architecture: consider only this one (default: all).
        settings: constructor settings that no shape shows; they override the recognised ones.

    Raises:
        NetworkError: unknown architecture, tensors of another one, incomplete, or a setting the network does not have.
    """
    row, prefix, recognised = _identify(shapes, architecture)
    complete = {**recognised, **settings}
    _check_fit(row, complete, _rename(row, strip(shapes, prefix)))
    return row, complete


def describe(architecture: str, settings: Mapping[str, Any]) -> Traits:
    """Return what a network with settings, as `recognise` tells them, asks of the pictures it gets."""
    traits: Traits = _module(architecture).describe(settings)
    return traits


def load(state_dict: Mapping[str, Any], architecture: str | None = None, **settings: Any) -> nn.Module:
    """Build the network that a state dict belongs to and fill it, strictly; returned in evaluation mode, on the CPU.

    Args:
        state_dict: tensors by name, wrapped or not (`params_ema`, `params`, `state_dict`, `generator_ema.`,
            `generator.`, `module.`; averaged weights are preferred).
        architecture: one of `ARCHITECTURES` (default: recognised from names and shapes).
        settings: constructor settings that no shape shows; they override the recognised ones.

    Raises:
        NetworkError: not recognised, a setting that the network does not have, or tensors that do not fit.
    """
    from vsrestore.networks.without_memory import Undrawn

    tensors = flatten(state_dict)
    row, prefix, recognised = _identify(_shapes(tensors), architecture)
    complete = {**recognised, **settings}
    renamed = _rename(row, strip(tensors, prefix))
    _check_fit(row, complete, _shapes(renamed))
    with Undrawn():
        network = _build(row, complete)
    network.load_state_dict(renamed, strict=False)  # strict but for derived buffers: checked above
    network.eval()
    fold: Callable[[], None] | None = getattr(network, "fold", None)
    if fold is not None:
        fold()
    return network


def fill(network: nn.Module, state_dict: Mapping[str, Any], architecture: str) -> None:
    """Fill a network that is to be trained, strictly; nothing is folded.

    Args:
        network: of the architecture, built with any settings.
        state_dict: tensors by name, as for `load`.
        architecture: one of `ARCHITECTURES`.

    Raises:
        NetworkError: the tensors are those of another network, or of other settings.
    """
    tensors = flatten(state_dict)
    _, prefix, _ = _identify(_shapes(tensors), architecture)
    renamed = _rename(architecture, strip(tensors, prefix))
    derived = getattr(_module(architecture), "DERIVED", ())
    compare(_shapes(network.state_dict()), _shapes(renamed), architecture, derived)
    network.load_state_dict(renamed, strict=False)


def _identify(shapes: Shapes, wanted: str | None) -> tuple[str, str, dict[str, Any]]:
    """Return (architecture, wrapper prefix, settings)."""
    if wanted is not None and wanted not in ARCHITECTURES:
        raise NetworkError(f"unknown architecture {wanted!r}; known are {', '.join(sorted(ARCHITECTURES))}")
    match = _match(shapes, [wanted] if wanted else list(ARCHITECTURES))
    if match:
        return match
    other = _match(shapes, list(ARCHITECTURES)) if wanted else None
    is_other = f"; it is one of {other[0]}" if other else ""
    names = f"its {len(shapes)} tensors are called {shorten(shapes)}" if shapes else "it holds no tensors"
    raise NetworkError(f"no checkpoint of {wanted or 'a known architecture'}{is_other} ({names})")


def _match(shapes: Shapes, candidates: list[str]) -> tuple[str, str, dict[str, Any]] | None:
    for prefix, level in unwrap(shapes):
        for architecture in candidates:
            settings = _settings(architecture, level)
            if settings is not None:
                return architecture, prefix, settings
    return None


def _settings(architecture: str, shapes: Shapes) -> dict[str, Any] | None:
    try:
        settings: dict[str, Any] | None = _module(architecture).recognise(shapes)
    except (IndexError, KeyError, ZeroDivisionError):  # its names with shapes that no network of the kind has
        return None
    return settings


def _check_fit(architecture: str, settings: Mapping[str, Any], shapes: Shapes) -> None:
    """Compare shapes with those of the network, built without memory, so that absurd sizes cost nothing."""
    from vsrestore.networks.without_memory import WithoutMemory

    with WithoutMemory():
        expected = _shapes(_build(architecture, settings).state_dict())
    compare(expected, shapes, architecture, getattr(_module(architecture), "DERIVED", ()))


def _build(architecture: str, settings: Mapping[str, Any]) -> nn.Module:
    network_class = getattr(_module(architecture), ARCHITECTURES[architecture].partition(":")[2])
    accepted = inspect.signature(network_class).parameters
    unknown = [name for name in settings if name not in accepted]
    if unknown:
        raise NetworkError(f"{architecture} has no setting {unknown[0]!r}; it has {', '.join(accepted)}")
    try:
        network: nn.Module = network_class(**settings)
    except (ArithmeticError, RuntimeError, TypeError, ValueError) as error:
        raise NetworkError(f"no {architecture} can be built with the settings {settings}: {error}") from error
    return network


def _rename[Value](architecture: str, published: dict[str, Value]) -> dict[str, Value]:
    module = _module(architecture)
    renamed: dict[str, Value] = module.rename(published) if hasattr(module, "rename") else published
    return renamed


def _module(architecture: str) -> ModuleType:
    return importlib.import_module(ARCHITECTURES[architecture].partition(":")[0])


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}
