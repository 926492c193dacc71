"""What prompts say to a base model: computed once, kept in the cache folder, and read from there ever after."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..cache_folder import cache_folder
from ..video.errors import warn
from ..video.kept import read_kept, write_kept
from .checkpoint import Checkpoint

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

FOLDER = "prompts"
END = 1 << 18  # bytes of a file's end, where a PyTorch zip file has the checksums of all that it holds


def prompt_states(name: str, encoder: Checkpoint, prompts: Sequence[str]) -> Tensor:
    """Return the states of prompts, (N, 77, context), float32.

    The text encoder is read only where nobody has asked for these prompts and this checkpoint before, and is gone
    again afterwards.

    Args:
        name: the filter, for messages.
        encoder: the text encoder.
        prompts: texts.

    """
    import torch

    key = _key(encoder.path, prompts)
    path = cache_folder(FOLDER) / f"{key.hex()[:32]}.npy"
    states = read_kept(path, key)
    if states is None:
        states = _computed(encoder, prompts)
        try:
            write_kept(path, key, states)
        except OSError as error:
            warn(name, f"{path} cannot be written ({error.strerror}); prompts will be encoded again the next time")
    return torch.from_numpy(states)


def _computed(encoder: Checkpoint, prompts: Sequence[str]) -> np.ndarray:
    from ..networks.diffusion.text import states

    return states(encoder.build(), prompts).numpy()


def _key(path: Path, prompts: Sequence[str]) -> bytes:
    """Return what a file and prompts are known by, a SHA-256; of a file of gigabytes not all is read."""
    facts = path.stat()
    with path.open("rb") as file:
        file.seek(max(facts.st_size - END, 0))
        end = hashlib.sha256(file.read()).hexdigest()
    return hashlib.sha256(repr((facts.st_size, facts.st_mtime_ns, end, *prompts)).encode()).digest()
