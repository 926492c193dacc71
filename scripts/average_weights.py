"""Average the weights of training runs that went on from each other, which serves better than any one of them.

Wortsman et al., "Model soups", ICML 2022. Each with its share:

    .venv/bin/python scripts/average_weights.py weights/film.safetensors BEFORE.safetensors=0.3 AFTER.safetensors=0.7
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

USAGE = "average_weights.py OUT FILE=SHARE [FILE=SHARE ...], where shares add up to 1"


def average(shares: dict[Path, float], out: Path) -> None:
    """Write the average of checkpoints, safetensors of one network, with the metadata of the last.

    Raises:
        ValueError: the shares do not add up to 1, or the tensors of one have other names or shapes.
    """
    if abs(sum(shares.values()) - 1) > 1e-6:
        raise ValueError(f"the shares add up to {sum(shares.values())}; they must to 1")
    checkpoints = {path: load_file(path) for path in shares}
    shapes = [{name: tensor.shape for name, tensor in tensors.items()} for tensors in checkpoints.values()]
    if any(other != shapes[0] for other in shapes):
        raise ValueError("the checkpoints are of different networks, or of different settings")
    mean = {name: torch.zeros(shape) for name, shape in shapes[0].items()}
    for path, tensors in checkpoints.items():
        for name, tensor in tensors.items():
            mean[name] += shares[path] * tensor
    with safe_open(path, "pt") as last:
        save_file(mean, out, last.metadata())


if __name__ == "__main__":
    try:
        out, *parts = sys.argv[1:]
        shares = {Path(path): float(share) for path, _, share in (part.rpartition("=") for part in parts)}
        average(shares, Path(out))
    except ValueError as error:
        raise SystemExit(f"{error}; usage: {USAGE}") from None
