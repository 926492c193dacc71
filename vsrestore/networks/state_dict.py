"""State dicts as publishers pack them: flattening, unwrapping, and filling a network strictly."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from vsrestore.errors import VsrestoreError

if TYPE_CHECKING:
    from torch import Tensor

Shapes = Mapping[str, tuple[int, ...]]

# Averaged weights come before raw ones; outer wrappers before the prefixes found inside them.
WRAPPERS = (
    "params_ema.",
    "params-ema.",
    "params.",
    "state_dict.",
    "model_state_dict.",
    "generator_ema.",
    "G_ema.",
    "generator.",
    "module.",
    "net_g.",
    "netG.",
    "model.",
    "net.",
)
MAX_DEPTH = 6
MAX_NODES = 200_000
# Highest number in a name, per tensor and at least. Lists of modules are numbered through, and of those without tensors
# (activations) there are a few between two that have some.
NUMBER_PER_TENSOR, LEAST_NUMBER = 10, 1_000
# Optimizers of PyTorch before 1.6 call the state of a parameter by its place in memory; it is no layer of a network.
OF_OPTIMIZER = re.compile(r"\bstate\.[0-9]+\.")


class NetworkError(VsrestoreError, ValueError):
    """A state dict that does not fit: of no known architecture, of another one, or incomplete."""


def flatten(tree: Mapping[Any, Any]) -> dict[str, Tensor]:
    """Return every tensor of nested dicts under its path, names joined by dots.

    Args:
        tree: what a checkpoint file holds; what is neither tensor nor dict (epochs, options) is left out.

    Raises:
        NetworkError: nested deeper than 6 levels or more than 200,000 entries, which no checkpoint needs.
    """
    import torch

    tensors: dict[str, Tensor] = {}
    stack: list[tuple[str, int, Any]] = [("", 0, tree)]
    visited = 0
    while stack:
        path, depth, node = stack.pop()
        visited += 1
        if visited > MAX_NODES or depth > MAX_DEPTH:
            raise NetworkError("nested too deep or too large for a checkpoint; a plain state dict is accepted")
        if isinstance(node, torch.Tensor):
            tensors[path] = node
        elif isinstance(node, Mapping):
            joined = f"{path}." if path else ""
            stack.extend((f"{joined}{key}", depth + 1, node[key]) for key in reversed(list(node)))
    return tensors


def strip[Value](tensors: Mapping[str, Value], prefix: str) -> dict[str, Value]:
    """Return the entries whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def check_numbers(names: Iterable[str]) -> None:
    """Refuse names with numbers that no list of modules can reach: a network would be built with as many.

    Args:
        names: of the tensors.

    Raises:
        NetworkError: `body.2000000.weight`, in a file of a few tensors.
    """
    listed = list(names)
    highest = max(LEAST_NUMBER, NUMBER_PER_TENSOR * len(listed))
    for name in listed:
        if any(
            len(number) > 9 or int(number) > highest for number in re.findall(r"[0-9]+", OF_OPTIMIZER.sub("", name))
        ):
            raise NetworkError(
                f"{len(listed)} tensors, and one is called {name[:80]}; no network numbers its layers so high"
            )


def unwrap[Value](tensors: Mapping[str, Value]) -> Iterator[tuple[str, dict[str, Value]]]:
    """Yield (prefix, entries below it), from the mapping as it is down to its innermost wrapper.

    At every level the first wrapper of `WRAPPERS` that is present is taken, so `params_ema` wins over `params`
    and `generator_ema` over `generator`.

    Raises:
        NetworkError: a name bears a number that no network reaches (see `check_numbers`).
    """
    check_numbers(tensors)
    prefix, level = "", dict(tensors)
    while level:
        yield prefix, level
        wrapper = next((w for w in WRAPPERS if any(name.startswith(w) for name in level)), None)
        if wrapper is None:
            return
        prefix, level = prefix + wrapper, strip(level, wrapper)


def count_numbered(names: Iterable[str], prefix: str) -> int:
    """Return how many members a list of modules has, from the tensor names that begin with ``prefix`` and a number."""
    return len({name.removeprefix(prefix).partition(".")[0] for name in names if name.startswith(prefix)})


def compare(expected: Shapes, actual: Shapes, architecture: str, derived: tuple[str, ...] = ()) -> None:
    """Check that the given tensors are exactly those that a network expects.

    Args:
        expected: name -> shape of the network's state dict.
        actual: name -> shape of a checkpoint, in the network's own names.
        architecture: for the message.
        derived: endings of the names that the network computes itself and that may be absent or present.

    Raises:
        NetworkError: tensors are missing, left over, or of another shape; tells how many, and the first few.
    """
    missing = [name for name in expected if name not in actual and not name.endswith(derived)]
    unexpected = [name for name in actual if name not in expected and not name.endswith(derived)]
    reshaped = [
        f"{name} {actual[name]} instead of {shape}"
        for name, shape in expected.items()
        if name in actual and actual[name] != shape
    ]
    faults = [_count("missing", missing), _count("unexpected", unexpected), _count("of another shape", reshaped)]
    if any(faults):
        raise NetworkError(f"does not fit {architecture}: {'; '.join(filter(None, faults))}")


def shorten(names: Iterable[str], most: int = 3) -> str:
    """Return the first few names in one line, with the number of the rest."""
    listed = list(names)
    rest = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + rest


def _count(fault: str, names: list[str]) -> str:
    return f"{len(names)} {fault} ({shorten(names)})" if names else ""
