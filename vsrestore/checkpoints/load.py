"""Reading checkpoints safely: tensors only, never a pickle that could run code."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from vsrestore.checkpoints.errors import CheckpointError
from vsrestore.checkpoints.kinds import is_stored, kind_of
from vsrestore.checkpoints.network_pickle import Inert, read_generator
from vsrestore.checkpoints.safetensors_header import claims_too_much, read_shapes
from vsrestore.checkpoints.zip_records import check_sizes, check_sums
from vsrestore.networks.state_dict import NetworkError, flatten

if TYPE_CHECKING:
    from torch import Tensor

# NumPy's numbers among the options of optimizers, as fastai saves them; nobody reads them.
NUMBERS = (("numpy.core.multiarray", "scalar"), ("numpy._core.multiarray", "scalar"), ("numpy", "dtype"))
_ALLOWING = Lock()  # what torch allows is one list for all threads
_WHOLE: set[tuple[Path, int, int]] = set()
"""Zip files that were found to be whole in this process: path, size, time of the last change. A base model of some
gigabytes is read once for each of its networks."""


def peek(path: str | Path) -> dict[str, tuple[int, ...]]:
    """Return name -> shape of a checkpoint's tensors without loading their data.

    Reads only the header of .safetensors files, without importing torch. Names are those of the file; those in nested
    dicts are joined by dots (`params_ema.conv_first.weight`).

    Raises:
        CheckpointError: missing, empty, truncated or not a checkpoint.
    """
    path = Path(path)
    if kind_of(path) == "safetensors":
        return read_shapes(path)
    return {name: tuple(tensor.shape) for name, tensor in _read_torch(path).items()}


def read(path: str | Path) -> dict[str, Tensor]:
    """Return every tensor of a checkpoint on the CPU, by name (see `peek` for the names).

    .safetensors, and PyTorch files of any version (.pth, .pt, .ckpt, .bin, .pkl) that hold tensors, numbers and text
    only. PyTorch zip files are mapped into memory, so tensors that nobody uses (optimizer states) cost nothing.
    Of pickled networks (.pkl of the StyleGAN family) the tensors of the averaged generator, as `G_ema.` and name.

    Raises:
        CheckpointError: missing, empty, truncated, changed since it was written (PyTorch zip files have checksums), not
            a checkpoint, or a pickle that would run code.
    """
    path = Path(path)
    if kind_of(path) == "safetensors":
        return _read_safetensors(path)
    return _read_torch(path)


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    read_shapes(path)
    try:
        return load_file(path)
    except SafetensorError as error:
        raise CheckpointError(f"{path} is no valid safetensors file ({error}); download it again") from error


def _read_torch(path: Path) -> dict[str, Tensor]:
    content = _unpickle(path)
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} holds a {type(content).__name__}, not a state dict of named tensors")
    try:
        tensors = flatten(content)
    except NetworkError as error:
        raise CheckpointError(f"{path} is {error}") from error
    if not tensors:
        raise CheckpointError(f"{path} holds no tensors")
    for name, tensor in tensors.items():
        _check_dense(path, name, tensor)
    return tensors


def _unpickle(path: Path) -> Any:
    import torch

    kind = kind_of(path)
    try:
        if kind == "network":
            return read_generator(path)
        if kind == "zip":
            _check_whole(path)
        mmap = kind == "zip" and is_stored(path)
        with _numbers_left_out():
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
    except CheckpointError:
        raise
    except pickle.UnpicklingError as error:
        raise CheckpointError(f"{path} is not read: {_foreign(error)}") from error
    except Exception as error:  # where a file is damaged decides which of a dozen kinds torch.load raises
        first_line = str(error).strip().partition("\n")[0] or type(error).__name__
        raise CheckpointError(f"{path} is truncated or damaged ({first_line}); download it again") from error


def _check_whole(path: Path) -> None:
    facts = path.stat()
    stamp = path.absolute(), facts.st_size, facts.st_mtime_ns
    if stamp not in _WHOLE:
        check_sums(path)
        check_sizes(path)
        _WHOLE.add(stamp)


@contextmanager
def _numbers_left_out() -> Iterator[None]:
    """Let files hold numbers of NumPy; objects that can do nothing stand for them."""
    from torch.serialization import safe_globals

    with _ALLOWING, safe_globals([type(name, (Inert,), {"__module__": module}) for module, name in NUMBERS]):
        yield


def _foreign(error: pickle.UnpicklingError) -> str:
    named = re.search(r"GLOBAL:? ([\w.]+)", str(error))
    what = f" ({named[1]})" if named else ""
    return (
        f"it holds other objects than tensors{what}, and reading those could run code (or it is damaged); "
        "save its state dict alone as .safetensors or .pth"
    )


def _check_dense(path: Path, name: str, tensor: Tensor) -> None:
    """Refuse tensors that are larger than their data in the file (expanded), sparse or quantised."""
    import torch

    if tensor.layout != torch.strided or tensor.is_quantized:
        raise CheckpointError(f"{path}: {name} is sparse or quantised; plain tensors are accepted")
    too_large = tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes()
    if too_large or claims_too_much(tuple(tensor.shape), path.stat().st_size):
        raise CheckpointError(f"{path}: {name} claims a shape larger than its data; the file is damaged or forged")
