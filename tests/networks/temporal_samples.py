"""What the tests of our own window networks share: frames, windows, and a network that does something."""

import torch


def frames(n=1, t=7, h=37, w=53):
    return torch.rand(n, t, 3, h, w, generator=torch.Generator().manual_seed(1))


def windows(*centres):
    return torch.tensor(centres)[:, None] + torch.arange(-2, 3)


def shaken(kind, **settings):
    """A new network whose last layers are not zero."""
    torch.manual_seed(0)
    network = kind(**settings).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.01 * torch.randn_like(parameter)
    return network
