"""Average the weights of training runs that went on from each other, which often serves better than any one of them.

Wortsman et al., "Model soups", ICML 2022. Each, a name of the registry or a path, with its share:

    .venv/bin/python scripts/average_weights.py OUT.safetensors film=0.3 RUN/weights.safetensors=0.7
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from vsrestore import checkpoints

USAGE = "average_weights.py OUT WEIGHTS=SHARE [WEIGHTS=SHARE ...], where shares add up to 1"


def average(shares: dict[Path, float], out: Path) -> None:
    """Write the average of checkpoints, safetensors of one network, with the metadata of the last.

    Raises:
        ValueError: the shares do not add up to 1, or the tensors of one have other names or shapes.
        CheckpointError: one cannot be read.
    """
    if abs(sum(shares.values()) - 1) > 1e-6:
        raise ValueError(f"the shares add up to {sum(shares.values())}; they must to 1")
    weights = {path: checkpoints.read(path) for path in shares}
    shapes = [{name: tensor.shape for name, tensor in tensors.items()} for tensors in weights.values()]
    if any(other != shapes[0] for other in shapes):
        raise ValueError("the checkpoints are of different networks, or of different settings")
    mean = {name: torch.zeros(shape) for name, shape in shapes[0].items()}
    for path, tensors in weights.items():
        for name, tensor in tensors.items():
            mean[name] += shares[path] * tensor
    with safe_open(path, "pt") as last:
        save_file(mean, out, last.metadata())


if __name__ == "__main__":
    try:
        out, *parts = sys.argv[1:]
        shares = {checkpoints.find(name): float(share) for name, _, share in (part.rpartition("=") for part in parts)}
        average(shares, Path(out))
    except ValueError as error:  # as are those of checkpoints
        raise SystemExit(f"{error}; usage: {USAGE}") from None
