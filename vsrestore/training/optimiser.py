"""The optimiser: orthogonal steps for kernels, AdamW for the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from vsrestore.training.recipe import ScheduleRecipe

MOMENTUM = 0.95
ROUNDS = 5  # of the iteration; its numbers bring every singular value near 1 in so many
QUINTIC = (3.4445, -4.7750, 2.0315)


@runtime_checkable
class Deep(Protocol):
    """A network that tells its first layers from its last."""

    def depths(self) -> Sequence[list[nn.Parameter]]:
        """All parameters, in groups from the first layers to the last."""


class Orthogonal(torch.optim.Optimizer):
    """Steps whose every direction is equally long, whatever the size of its gradient (Jordan et al., "Muon", 2024).

    The momentum of a kernel, seen as a matrix (out, in * height * width), is replaced by the nearest matrix with
    orthogonal rows or columns. PyTorch's own ``torch.optim.Muon`` takes matrices only.

    Args:
        kernels: parameters with at least two dimensions.
        lr: length of a step in every direction, for kernels that are not taller than wide.
        decay: share of a kernel, times ``lr``, that is taken off at every step.
    """

    def __init__(self, kernels: Iterable[nn.Parameter], lr: float, decay: float) -> None:
        super().__init__(kernels, {"lr": lr, "decay": decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Take a step."""
        for group in self.param_groups:
            for kernel in (kernel for kernel in group["params"] if kernel.grad is not None):
                self._step(kernel, group)

    def _step(self, kernel: Tensor, group: dict[str, Any]) -> None:
        assert kernel.grad is not None
        state = self.state[kernel]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(kernel)
        momentum = state["momentum"].lerp_(kernel.grad, 1 - MOMENTUM)
        direction = orthogonal(torch.lerp(kernel.grad, momentum, MOMENTUM).flatten(1))
        taller = max(1.0, direction.shape[0] / direction.shape[1]) ** 0.5
        kernel.mul_(1 - group["lr"] * group["decay"])
        kernel.add_(direction.view(kernel.shape), alpha=-group["lr"] * taller)


def orthogonal(matrix: Tensor) -> Tensor:
    """The matrix with its singular values brought to about 1 (0.7 to 1.2), by a quintic iteration (Newton-Schulz)."""
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    x = wide / (wide.norm() + 1e-7)
    a, b, c = QUINTIC
    for _ in range(ROUNDS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x if wide is matrix else x.T


def optimisers(network: nn.Module, heads: tuple[str, ...], schedule: ScheduleRecipe) -> list[torch.optim.Optimizer]:
    """Orthogonal steps for the kernels of the body; AdamW for biases and for the layers named in ``heads``.

    Or, as the schedule says, AdamW for all, in groups from the first layers to the last. Every group keeps the rate it
    starts with as "initial_lr".
    """
    both = _adamw(network, schedule) if schedule.optimiser == "adamw" else _orthogonal(network, heads, schedule)
    for group in (group for optimiser in both for group in optimiser.param_groups):
        group["initial_lr"] = group["lr"]
    return both


def _adamw(network: nn.Module, schedule: ScheduleRecipe) -> list[torch.optim.Optimizer]:
    groups = [{"params": group} for group in depths(network)]
    return [torch.optim.AdamW(groups, lr=schedule.rate, betas=(0.9, 0.99), weight_decay=schedule.decay, fused=True)]


def depths(network: nn.Module) -> Sequence[list[nn.Parameter]]:
    """A network's parameters from the first layers to the last, in the groups that it names, else in one."""
    return network.depths() if isinstance(network, Deep) else [list(network.parameters())]


def freeze(network: nn.Module, frozen: bool) -> None:
    """Keep the kernels of all groups but the last as they are, or let them learn; batch norms learn in any case."""
    norms = {id(p) for part in network.modules() if isinstance(part, nn.BatchNorm2d) for p in part.parameters()}
    for parameter in (parameter for group in depths(network)[:-1] for parameter in group):
        parameter.requires_grad_(not frozen or id(parameter) in norms)


def _orthogonal(network: nn.Module, heads: tuple[str, ...], schedule: ScheduleRecipe) -> list[torch.optim.Optimizer]:
    kernels: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    for name, parameter in network.named_parameters():
        (kernels if parameter.ndim == 4 and name.split(".")[0] not in heads else rest).append(parameter)
    return [
        Orthogonal(kernels, schedule.kernel_rate, schedule.kernel_decay),
        torch.optim.AdamW(rest, lr=schedule.rate, betas=(0.9, 0.99), weight_decay=schedule.decay, fused=True),
    ]
