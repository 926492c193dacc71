"""Golden records: what published networks gave for given inputs when every tensor was filled by a rule.

A record is `NAME.npz` beside this file. `meta` is JSON (model, variant, gain, config, notes); `keys` is JSON that
lists every tensor name of the published layout with shape, dtype and kind ("seeded", or "buffer" for what the
network derives itself); `in_*` and `out_*` are arrays. Tensors are not stored: their values follow from name, shape
and gain alone.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Record:
    """One record, unpacked."""

    name: str
    meta: dict
    tensors: dict[str, torch.Tensor]
    inputs: dict[str, np.ndarray]
    outputs: dict[str, torch.Tensor]

    @property
    def config(self) -> dict:
        """What the recorded network was built with."""
        return self.meta["config"]

    def clip(self) -> torch.Tensor:
        """The uint8 input clip as float32 (N, T, 3, H, W) in [0, 1]."""
        clip = torch.from_numpy(self.inputs["in_clip"]).float() / 255
        return clip if clip.ndim == 5 else clip[None]

    def frames(self) -> torch.Tensor:
        """The uint8 input frames, (T, 3, H, W) or (T, H, W, 3), as float32 (1, T, 3, H, W) in [0, 1]."""
        frames = torch.from_numpy(self.inputs["in_frames"]).float() / 255
        return (frames if frames.shape[1] == 3 else frames.permute(0, 3, 1, 2))[None]


def names(prefix: str = "") -> list[str]:
    """Names of the records that begin with `prefix`, in order."""
    return sorted(path.stem for path in FOLDER.glob(f"{prefix}*.npz"))


def layout(name: str) -> tuple[dict, dict[str, dict]]:
    """Return a record's meta and keys, without making its tensors."""
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as arrays:
        return json.loads(str(arrays["meta"])), json.loads(str(arrays["keys"]))


def read(name: str) -> Record:
    """Unpack one record and make its tensors."""
    meta, keys = layout(name)
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as arrays:
        inputs = {key: arrays[key] for key in arrays.files if key.startswith("in_")}
        outputs = {key: torch.from_numpy(arrays[key]) for key in arrays.files if key.startswith("out_")}
    tensors = state_dict(keys, meta["gain"], meta.get("gain_by_prefix"))
    stored = {key for key in inputs if key.startswith("in_state.")}
    tensors |= {key.removeprefix("in_state."): torch.from_numpy(inputs.pop(key)) for key in stored}
    if any(key.endswith("weight_u") and key not in tensors for key in keys):
        tensors |= spectral_vectors(tensors, keys, meta["gain"], meta["config"].get("spectral_u_scale", 1.0))
    return Record(name, meta, tensors, inputs, outputs)


def spectral_vectors(tensors: dict, keys: dict[str, dict], gain: float, scale: float) -> dict[str, torch.Tensor]:
    """Make the vectors u and v of every spectral norm: one step of the power iteration, then u scaled."""
    vectors = {}
    for name in (name for name in tensors if name.endswith("weight_orig")):
        prefix = name.removesuffix("weight_orig")
        matrix = tensors[name].flatten(1).double()
        start = tensor(f"{prefix}weight_u", keys[f"{prefix}weight_u"], gain).double()
        v = torch.nn.functional.normalize(matrix.T @ start, dim=0)
        u = scale * torch.nn.functional.normalize(matrix @ v, dim=0)
        vectors |= {f"{prefix}weight_u": u.float(), f"{prefix}weight_v": v.float()}
    return vectors


def state_dict(
    keys: dict[str, dict], gain: float, by_prefix: dict[str, float] | None = None
) -> dict[str, torch.Tensor]:
    """Make the tensors of a layout, those of some prefixes with a gain of their own; derived buffers are left out."""
    gains = by_prefix or {}

    def own(name: str) -> float:
        return next((known for prefix, known in gains.items() if name.startswith(prefix)), gain)

    return {name: tensor(name, spec, own(name)) for name, spec in keys.items() if spec["kind"] == "seeded"}


def tensor(name: str, spec: dict, gain: float) -> torch.Tensor:
    """Make one tensor: normal noise from a generator that its name seeds, scaled by what the tensor is for."""
    shape = tuple(spec["shape"])
    if spec["dtype"] == "int64":
        return torch.zeros(shape, dtype=torch.int64)
    generator = np.random.default_rng(zlib.crc32(name.encode()))
    noise = generator.standard_normal(shape)
    last = name.rpartition(".")[2]
    if last == "running_var":  # drawn after the noise, as the records were
        values = generator.uniform(0.5, 1.5, shape)
    elif last == "running_mean":
        values = noise * 0.1
    elif len(shape) > 1:  # the large ones: in place, which is several times faster
        values = np.multiply(noise, gain, out=noise)
        values /= np.sqrt(np.prod(shape[1:], dtype=int))
    elif last in {"weight", "gamma", "scale", "weight_g"}:
        values = noise * 0.1 + 1.0
    else:
        values = noise * 0.05
    return torch.from_numpy(np.asarray(values, dtype=np.float32))
