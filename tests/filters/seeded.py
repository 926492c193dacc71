"""Small networks with seeded weights, saved as checkpoints, and clips made of arrays (T, 3, H, W)."""

from __future__ import annotations

import copy
import importlib
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
import vapoursynth as vs
from safetensors.torch import save_file
from torch import nn

from tests import clips
from tests.filters import image_networks
from tests.golden import records
from vsrestore.checkpoints import entries, read
from vsrestore.comparison import measures
from vsrestore.filters.checkpoint import Checkpoint
from vsrestore.filters.diffusion import BASE, VAE
from vsrestore.filters.tcvc import PUBLISHED
from vsrestore.networks import ARCHITECTURES
from vsrestore.networks.state_dict import strip

EDVR = {"channels": 16, "front_blocks": 1, "back_blocks": 1}
BASICVSRPP = {"channels": 16, "blocks": 1}
REALBASICVSR = {"channels": 16, "blocks": 1, "cleaning_blocks": 1}
DDCOLOR = {
    **{"depths": (1, 1, 1, 1), "widths": (8, 8, 16, 16), "features": (16, 16, 16)},
    **{"hidden": 16, "queries": 8, "layers": 3, "feedforward": 16},
}
FASTAI_UNET = {"blocks": (1, 1, 1, 1), "stem": 8, "ups": (8, 8, 8, 8, 8), "widths": (16, 16, 16, 8)}
DEOLDIFY = {"blocks": (1, 1, 1, 1), "stem": 8, "ups": (8, 8, 8, 8, 8), "widths": (16, 16, 16, 8)}
MAT = {"size": 128, "width": 12, "code": 32, "most": 16, "capacity": 1024}
UFORMER = {"width": 8, "depths": (1, 2, 1, 1, 2, 1, 1, 2, 1), "heads": (1, 1, 1, 1, 2, 2, 1, 1, 1)}
TAPE_REFERENCE = {"width": 16, "depths": (1, 1, 1, 1), "heads": 2}
RVRT = {"channels": 24, "attention_heads": 2, "residual_groups": (1, 1, 1)}
RVRT_DENOISE = {**RVRT, "same_size": True, "denoises": True}
PSRT = {"channels": 8, "groups": 1, "layers": 2, "heads": 2, "hidden": 12}
MMP_RNN = {"features": 8, "cell_blocks": 1, "decoder_blocks": 1}
SF_ADACOF = {"width": 4, "kernel": 3}
RIFE = {"channels": (8, 8, 6, 4), "context": 2, "layers": 1}
ANALOG_SWIN_UNET = {"width": 16, "depths": (1, 1, 1, 1), "decoder_depths": (1, 1, 2), "heads": 4}
TCVC = {
    "tcvc_colour_net": {"width": 4},
    "tcvc_encoder": {"stem": 8, "width": 24, "channels": 32, "layers": 2, "hidden": 16},
    "tcvc_decoder": {"stem": 8, "width": 24, "channels": 32, "hidden": 16},
}
DIFFBIR = {"channels": (32, 64, 32, 32), "attends": (True, True, True, False), "context": 24}
ENCODER = ("encoder.", "quant_conv.")
CONTROL = ("time_embed.", "input_blocks.", "middle_block", "zero_convs.")
DIFFBIR_PARTS = {**BASE, "": "diffusion_control"}
DERIVED = ("spynet.mean", "spynet.std")


def checkpoint(path: Path, architecture: str, **settings: object) -> Path:
    """Save a network whose output stays near its input, so that little of it is clipped; return the path."""
    save_file(tensors(architecture, **settings), path)
    return path


BUILT: dict[tuple[Path, str], nn.Module] = {}
BUILD = Checkpoint.build


def build_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read each network from its file only once for all tests, and give a copy of it: half of their time."""

    def built(checkpoint: Checkpoint) -> nn.Module:
        key = checkpoint.path, checkpoint.prefix
        if key not in BUILT:
            BUILT[key] = BUILD(checkpoint)
        return copy.deepcopy(BUILT[key])

    monkeypatch.setattr(Checkpoint, "build", built)


def tensors(architecture: str, **settings: object) -> dict[str, torch.Tensor]:
    """Return the tensors of such a network."""
    return {key: tensor.clone() for key, tensor in _made(architecture, **settings).items()}


@cache
def _made(architecture: str, **settings: object) -> dict[str, torch.Tensor]:
    path, _, name = ARCHITECTURES[architecture].partition(":")
    module = importlib.import_module(path)
    network, derived = getattr(module, name)(**settings), (*DERIVED, *getattr(module, "DERIVED", ()))
    keys = {
        key: {"shape": value.shape, "dtype": "float32"}
        for key, value in network.state_dict().items()
        if not key.endswith(derived)
    }
    state = {key: records.tensor(key, spec, gain=0.9) for key, spec in keys.items()}
    state |= records.spectral_vectors(state, keys, gain=0.9, scale=1.0)
    for key in state:
        if "conv_last" in key or key.startswith(("image_cleaning.1", "output_proj", "conv_output", "recons.model.2")):
            state[key] *= 0.2
    return state


def tcvc_folder(folder: Path) -> Path:
    """Save small networks of TCVC in files that are called and laid out as those published; return their folder."""
    first, encoder, decoder = (tensors(name, **settings) for name, settings in TCVC.items())
    encoder = {name if name.startswith("inter_save.") else published_name(name): x for name, x in encoder.items()}
    decoder = {name.replace("decoder.conv1_1.", "decoder.conv_start."): x for name, x in decoder.items()}
    files = (first, *tcvc_files(encoder | {f"decoder.{name}": x for name, x in decoder.items()}))
    for entry, state in zip(PUBLISHED["paper"].values(), files, strict=True):
        save_file(state, folder / entries()[entry].file)
    return folder


def diffbir_files(folder: Path) -> dict[str, Path]:
    """Save small networks of DiffBIR in the published layouts; return their paths by argument of the filter."""
    tensors = _diffbir_tensors()
    base = {name: tensor for name, tensor in tensors.items() if name.startswith(tuple(BASE))}
    base |= {"betas": torch.zeros(1000), "cond_stage_model.model.logit_scale": torch.zeros(())}
    files = {"base": ({"state_dict": base, "epoch": 1}, "base.ckpt")}
    files["control"] = ({name: x for name, x in tensors.items() if name.startswith(CONTROL)}, "control.pth")
    for state, name in files.values():
        torch.save(state, folder / name)
    paths = {argument: folder / name for argument, (_, name) in files.items()}
    return {**paths, "cleaner": image_networks.checkpoint(folder / "cleaner.pth", "swinir-unshuffle")}


def whole_diffbir(files: dict[str, Path], path: Path) -> Path:
    """Save the networks of :func:`diffbir_files` as the first release was published, in one file; return its path."""
    base, control, cleaner = (read(files[part]) for part in ("base", "control", "cleaner"))
    state = {name.removeprefix("state_dict."): tensor for name, tensor in base.items()}
    state |= {f"cond_encoder.{name}": x for name, x in strip(state, VAE).items() if name.startswith(ENCODER)}
    state |= {f"control_model.{name}": tensor for name, tensor in control.items()}
    state |= {f"preprocess_model.{name}": tensor for name, tensor in cleaner.items()}
    torch.save({"state_dict": state, "global_step": 1}, path)
    return path


@cache
def _diffbir_tensors() -> dict[str, torch.Tensor]:
    """The tensors of a small base model and control branch: names as recorded, sizes our own but for the text's."""
    keys = {name: tuple(spec["shape"]) for name, spec in records.layout("diffbir-small-pipeline")[1].items()}
    for prefix, architecture in DIFFBIR_PARTS.items():
        if architecture == "diffusion_text":
            continue
        path, _, class_name = ARCHITECTURES[architecture].partition(":")
        module = importlib.import_module(path)
        settings = {"channels": DIFFBIR["channels"]} if architecture == "diffusion_vae" else DIFFBIR
        ours = getattr(module, class_name)(**settings).state_dict()
        named = {name: shape for name, shape in keys.items() if name.startswith(prefix or CONTROL)}
        renamed = module.rename(strip(named, prefix))
        for (name, shape), new in zip(named.items(), renamed, strict=True):
            own = tuple(ours[new].shape)
            keys[name] = own + (1,) * (len(shape) - len(own))
    return {name: records.tensor(name, {"shape": shape, "dtype": "float32"}, 0.9) for name, shape in keys.items()}


def published_name(name: str) -> str:
    """What a tensor of the encoder of TCVC is called in a golden record, from our own name."""
    first, _, rest = name.partition(".")
    if first != "backbone":
        return f"encoder.transformer.encoder.{name}"
    number, _, rest = rest.partition(".")
    part = {"0": "conv1", "1": "bn1"}.get(number) or f"layer{int(number) - 3}"
    return f"encoder.backbone.0.body.{part}.{rest}"


def tcvc_files(recorded: dict[str, torch.Tensor]) -> list[dict[str, torch.Tensor]]:
    """Return what the published files of the second stage hold, from names as in golden records."""
    encoder = {name: x for name, x in recorded.items() if not name.startswith("decoder.")}
    encoder = {f"model.{name[8:]}" if name.startswith("encoder.") else name: x for name, x in encoder.items()}
    return [encoder, {f"model.{name}": x for name, x in strip(recorded, "decoder.").items()}]


def saved(record: str, path: Path) -> Path:
    """Save the tensors of a golden record as published: a checkpoint of PyTorch's own format."""
    torch.save({"params": records.read(record).tensors}, path)
    return path


def inpainting(folder: Path) -> dict[str, Path]:
    """Save the networks of ProPainter in their published layouts, the generator small; return paths by argument."""
    records_of = {"flow_model": "raft", "completion_model": "flowcomp", "model": "generator"}
    paths = {}
    for argument, record in records_of.items():
        keys = records.layout(f"propainter-{record}")[1]
        if record == "generator":
            keys = {
                name: small_generator(name, spec) for name, spec in keys.items() if not re.search(LATER_BLOCKS, name)
            }
        paths[argument] = folder / f"{record}.pth"
        torch.save(records.state_dict(keys, 0.9), paths[argument])
    return paths


LATER_BLOCKS = r"transformer\.[1-7]\."


def small_generator(name: str, spec: dict) -> dict:
    """Return a tensor of the generator where tokens have 128 channels and not 512, spread out to 4 and not 40."""
    if not name.startswith(("ss.", "sc.embedding.", "transformers.")):
        return spec
    return {**spec, "shape": [{512: 128, 40 * 49: 4 * 49}.get(length, length) for length in spec["shape"]]}


def noise(length: int, height: int, width: int) -> np.ndarray:
    """Smooth patterns that move, with a little noise on every frame; from 0.2 to 0.8."""
    y, x = np.mgrid[:height, :width]
    rng = np.random.default_rng(7)
    frames = [
        [0.5 + 0.25 * np.sin((x + 2 * n) / (3 + c)) * np.cos((y - n) / (4 + c)) for c in range(3)]
        for n in range(length)
    ]
    return (np.array(frames) + rng.uniform(-0.05, 0.05, (length, 3, height, width))).astype(np.float32)


def as_clip(frames: np.ndarray, cuts: tuple[int, ...] = ()) -> vs.VideoNode:
    """Return an RGBS clip of the frames, with a cut before each frame of ``cuts`` and nowhere else."""

    def paint(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        for plane in range(3):
            np.asarray(frame[plane])[:] = frames[n, plane]
        frame.props["_SceneChangePrev"] = int(n in cuts)
        frame.props["_SceneChangeNext"] = int(n + 1 in cuts)
        return frame

    length, _, height, width = frames.shape
    blank = vs.core.std.BlankClip(format=vs.RGBS, width=width, height=height, length=length)
    return blank.std.ModifyFrame(clips=blank, selector=paint)


def as_frames(clip: vs.VideoNode, order: list[int] | None = None) -> np.ndarray:
    """Return all frames (T, 3, H, W), asked for in ``order`` (default: from first to last)."""
    numbers = list(range(clip.num_frames)) if order is None else order
    found = {n: np.stack(clips.samples(clip.get_frame(n))) for n in numbers}
    return np.stack([found[n] for n in sorted(found)])


def chunk_by_chunk(network: nn.Module, frames: np.ndarray, chunk: int, overlap: int, **arguments: object) -> np.ndarray:
    """Return what a network gives chunk by chunk; all frames are made, those of the overlap thrown away."""
    restored = []
    for start in range(0, len(frames), chunk):
        first, end = max(start - overlap, 0), min(start + chunk, len(frames))
        seen = torch.from_numpy(frames[first : end + overlap])[None]
        with torch.inference_mode():
            restored.append(network(seen, **arguments)[0, start - first : end - first].clamp(0, 1).numpy())
    return np.concatenate(restored)


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    """Return PSNR in dB, peak 1; infinity for equal arrays."""
    return measures.psnr(float(np.mean((one - other) ** 2)), np.inf)
