"""The critic of the adversarial phase, and its side of the game: it tells restored pictures from true ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from vsrestore.networks.layers.imagenet import imagenet_statistics

SLOPE = 0.2
HALVINGS = 3  # after the first one
DROPOUT = 0.15
BETAS = (0.0, 0.99)
DECAY = 1e-3


class Critic(nn.Module):
    """Convolutions under spectral norm that halve the picture four times and judge what is left place by place.

    Args:
        width: channels after the first convolution.

    Source:
        The critic of fastai's course, lesson 7 (2019), which DeOldify trains with; Miyato et al., Spectral
        Normalization for GANs, ICLR 2018; Zhang et al., Self-Attention GANs, ICML 2019.
    """

    def __init__(self, width: int = 128) -> None:
        super().__init__()
        layers: list[nn.Module] = [_halving(3, width), nn.Dropout2d(DROPOUT / 2), DenseBlock(width)]
        channels = 2 * width
        for number in range(HALVINGS):
            layers += [nn.Dropout2d(DROPOUT), _halving(channels, 2 * channels)]
            channels *= 2
            if number == 0:
                layers.append(Attention(channels))
        layers.append(spectral_norm(nn.Conv2d(channels, 1, 4, bias=False)))
        self.layers = nn.Sequential(*layers)
        mean, std = imagenet_statistics()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)
        self.mean: Tensor
        self.std: Tensor

    def forward(self, pictures: Tensor) -> Tensor:
        """Judge RGB pictures (N, 3, H, W) in [0, 1], H and W at least 64: (N, places) logits, high for true ones."""
        return self.layers((pictures - self.mean) / self.std).flatten(1)


class DenseBlock(nn.Module):
    """Two convolutions, their input beside what they give: twice the channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convs = nn.Sequential(*(_normed(nn.Conv2d(channels, channels, 3, padding=1)) for _ in range(2)))

    def forward(self, x: Tensor) -> Tensor:
        """Turn (N, C, H, W) into (N, 2 C, H, W)."""
        return torch.cat((x, self.convs(x)), dim=1)


class Attention(nn.Module):
    """Every place looks at every other; what it finds there is added, at first with the weight 0."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        sizes = (max(channels // 8, 1), max(channels // 8, 1), channels)
        self.query, self.key, self.value = (spectral_norm(nn.Conv1d(channels, size, 1, bias=False)) for size in sizes)
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape (N, C, H, W)."""
        query, key, value = (part(x.flatten(2)).transpose(1, 2) for part in (self.query, self.key, self.value))
        attended = F.scaled_dot_product_attention(query, key, value, scale=1.0)
        return x + self.gamma * attended.transpose(1, 2).reshape(x.shape)


def _normed(conv: nn.Conv2d) -> nn.Sequential:
    return nn.Sequential(spectral_norm(conv), nn.LeakyReLU(SLOPE))


def _halving(inputs: int, outputs: int) -> nn.Sequential:
    return _normed(nn.Conv2d(inputs, outputs, 4, stride=2, padding=1))


def critic_loss(of_true: Tensor, of_restored: Tensor) -> Tensor:
    """Mean of the cross entropies of a critic's logits: true pictures should be called 1, restored ones 0."""
    return (F.softplus(-of_true).mean() + F.softplus(of_restored).mean()) / 2


def adversarial_loss(of_restored: Tensor) -> Tensor:
    """Cross entropy of a critic's logits for restored pictures that it should take for true."""
    return F.softplus(-of_restored).mean()


@dataclass
class Duel:
    """What the adversarial phase needs besides the run: the critic, its optimiser, and whose turn it is.

    The critic's turn lasts until its loss is below a threshold, the network's turn one step: so neither outruns the
    other (fastai's adaptive switch).
    """

    critic: Critic
    optimiser: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    networks_turn: bool = False

    def switch(self, loss: float, threshold: float) -> None:
        """Decide whose turn is next, after a step with this loss."""
        self.networks_turn = not self.networks_turn and loss < threshold

    def state_dict(self) -> dict[str, Any]:
        """Return all that resuming needs."""
        kept = {name: getattr(self, name).state_dict() for name in ("critic", "optimiser", "scaler")}
        return {**kept, "networks_turn": self.networks_turn}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what ``state_dict`` has kept."""
        self.critic.load_state_dict(state["critic"])
        self.optimiser.load_state_dict(state["optimiser"])
        if state["scaler"]:
            self.scaler.load_state_dict(state["scaler"])
        self.networks_turn = state["networks_turn"]


def adversary(parameters: Iterator[nn.Parameter], rate: float) -> torch.optim.AdamW:
    """Return the optimiser that both sides use: no memory of gradients, because the other side moves."""
    optimiser = torch.optim.AdamW(parameters, lr=rate, betas=BETAS, weight_decay=DECAY)
    for group in optimiser.param_groups:
        group["initial_lr"] = rate
    return optimiser
