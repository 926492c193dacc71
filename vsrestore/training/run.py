"""A run in progress: what it is made of, how it begins, and how it is kept and taken up again."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save as to_safetensors
from torch import Tensor

from vsrestore import checkpoints, networks
from vsrestore.networks.fastai_unet import FastaiUNet
from vsrestore.networks.frame_interpolator import FrameInterpolator
from vsrestore.networks.mark_finder import MarkFinder
from vsrestore.networks.scratch_repair import ScratchRepair
from vsrestore.networks.stain_repair import StainRepair
from vsrestore.networks.temporal_unet import TemporalUNet
from vsrestore.networks.temporal_upscaler import TemporalUpscaler
from vsrestore.training.critic import Duel
from vsrestore.training.errors import TrainingError
from vsrestore.training.feature_loss import load_feature_loss
from vsrestore.training.files import write
from vsrestore.training.losses import Criterion
from vsrestore.training.machine import Machine
from vsrestore.training.optimiser import optimisers
from vsrestore.training.recipe import NetworkRecipe, Recipe, RecipeError
from vsrestore.training.widen import widened

Trained = TemporalUNet | TemporalUpscaler | FastaiUNet | FrameInterpolator | ScratchRepair | MarkFinder | StainRepair
LAST_LAYERS = ("weigh", "add", "move", "say")
NETWORKS: dict[str, Callable[..., Trained]] = {
    "temporal_unet": TemporalUNet,
    "temporal_upscaler": TemporalUpscaler,
    "fastai_unet": FastaiUNet,
    "frame_interpolator": FrameInterpolator,
    "scratch_repair": ScratchRepair,
    "mark_finder": MarkFinder,
    "stain_repair": StainRepair,
}
"""What a recipe may train, by the name of its file in `vsrestore.networks`."""


@dataclass
class Run:
    """A run in progress: network, its moving average, what it is measured by, optimisers, steps done, seconds spent.

    losses: of the steps that are not logged yet. duel: the adversarial phase, once it has begun.
    """

    network: Trained
    average: Trained
    criterion: Criterion
    optimisers: list[torch.optim.Optimizer]
    machine: Machine = field(default_factory=Machine)
    step: int = 0
    spent_s: float = 0.0
    losses: list[dict[str, Tensor]] = field(default_factory=list)
    duel: Duel | None = None
    scaler: torch.amp.GradScaler = field(default_factory=lambda: Machine().scaler())

    def groups(self) -> list[dict[str, Any]]:
        """Return the groups of parameters of all optimisers."""
        return [group for optimiser in self.optimisers for group in optimiser.param_groups]


def start(recipe: Recipe, machine: Machine | None = None) -> Run:
    """Return a new run with weights drawn from the recipe's seed.

    Raises:
        RecipeError: the recipe's network is unknown, or does not take its settings.
        CheckpointError: a checkpoint that the recipe needs is not here.
    """
    machine = machine or Machine()
    feature = load_feature_loss(recipe.loss.vgg16, recipe.loss.feature_mse) if recipe.loss.feature else None
    torch.manual_seed(recipe.seed)
    network, average = (build(recipe).to(machine.device) for _ in range(2))
    _check_frames(recipe, network.radius)
    for each in (network, average):
        each.to(memory_format=machine.layout(network.radius))
    average.load_state_dict(network.state_dict())
    average.requires_grad_(False).eval()
    criterion = Criterion(recipe.loss, feature).to(machine.device)
    return Run(
        network, average, criterion, optimisers(network, LAST_LAYERS, recipe.schedule), machine, scaler=machine.scaler()
    )


def _check_frames(recipe: Recipe, radius: int) -> None:
    """Make sure that a sample has frames with all their neighbours, and two in a row where their change counts."""
    needed = 2 * radius + (2 if recipe.loss.temporal else 1)
    if recipe.data.frames < needed:
        raise RecipeError(f"data: frames = {recipe.data.frames}; network and losses need at least {needed}")


def build(recipe: Recipe) -> Trained:
    """Return the network of a recipe, with random weights or those it begins from.

    Raises:
        RecipeError: it is unknown, or does not take the settings.
    """
    asked = recipe.network
    if asked.architecture not in NETWORKS:
        raise RecipeError(f"network: {asked.architecture!r} cannot be trained; known are {', '.join(NETWORKS)}")
    try:
        network = NETWORKS[asked.architecture](**asked.settings)
        if isinstance(network, FastaiUNet):
            network.initialise()
    except (TypeError, ValueError) as error:
        raise RecipeError(f"network.settings: {str(error).partition('__init__() ')[2] or error}") from error
    _begin_from(network, asked)
    return network


def _begin_from(network: Trained, asked: NetworkRecipe) -> None:
    """Load the checkpoints that a recipe begins from."""
    if asked.encoder:
        if not isinstance(network, FastaiUNet):
            raise RecipeError(f"network: {asked.architecture} has no encoder of a ResNet; leave encoder out")
        network.load_encoder(checkpoints.read(checkpoints.find(asked.encoder)))
    if asked.weights:
        tensors = checkpoints.read(checkpoints.find(asked.weights))
        tensors = widened(tensors, network.state_dict()) if asked.widened else tensors
        networks.fill(network, tensors, asked.architecture)


def save(run: Run, path: Path) -> None:
    """Write everything that resuming needs.

    Raises:
        TrainingError: it cannot be written; what was saved before is intact.
    """
    state = {
        "network": run.network.state_dict(),
        "average": run.average.state_dict(),
        "optimisers": [optimiser.state_dict() for optimiser in run.optimisers],
        "scaler": run.scaler.state_dict(),
        "duel": run.duel.state_dict() if run.duel else None,
        "random": torch.get_rng_state(),
        "step": run.step,
        "spent_s": run.spent_s,
        "losses": run.losses,
    }
    content = io.BytesIO()  # torch's own writer of files ends the process where the disk is full
    torch.save(state, content)
    write(path, content.getvalue())


def resume(run: Run, path: Path, begin_duel: Callable[[], Duel]) -> None:
    """Take up a run where `save` left it.

    Args:
        run: a new run of the same recipe.
        path: of the state.
        begin_duel: gives the run a critic, if it had one.

    Raises:
        TrainingError: the file is damaged, or of another recipe.
    """
    try:
        state: dict[str, Any] = torch.load(path, weights_only=True, map_location=run.machine.device)
        if state.get("duel"):
            begin_duel().load_state_dict(state["duel"])
        run.network.load_state_dict(state["network"])
        run.average.load_state_dict(state["average"])
        for optimiser, kept in zip(run.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(kept)
        run.step, run.spent_s = state["step"], state["spent_s"]
    except (RuntimeError, ValueError, KeyError, EOFError, OSError, pickle.UnpicklingError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise TrainingError(f"{path} cannot be taken up: it is damaged or of another recipe ({reason})") from error
    if state.get("scaler"):
        run.scaler.load_state_dict(state["scaler"])
    run.losses = state.get("losses", [])
    if "random" in state:
        torch.set_rng_state(state["random"].cpu())


def export(run: Run, path: Path, recipe: Recipe) -> None:
    """Write the averaged weights as float32 safetensors, named by architecture and task.

    Raises:
        TrainingError: they cannot be written; what was there before is intact.
    """
    tensors = {name: _plain(tensor) for name, tensor in run.average.state_dict().items()}
    write(path, to_safetensors(tensors, {"architecture": recipe.network.architecture, "task": recipe.task}))


def _plain(tensor: Tensor) -> Tensor:
    """Return a tensor as a checkpoint has it: on the CPU, in order, fractions as float32."""
    tensor = tensor.cpu().contiguous()
    return tensor.float() if tensor.is_floating_point() else tensor
