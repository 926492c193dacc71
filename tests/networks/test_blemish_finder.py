import torch

from tests.networks.temporal_samples import frames
from vsrestore.networks.blemish_finder import OFFSETS, RADIUS, BlemishFinder, recognise

SMALL = {"widths": (8, 12, 16), "blocks": (1, 1, 1, 1, 0)}


def windows(*centres):
    return torch.tensor(centres)[:, None] + torch.arange(-RADIUS, RADIUS + 1)


@torch.inference_mode()
def test_an_untrained_network_changes_nothing():
    x = frames(t=8)
    found = BlemishFinder(**SMALL).eval()(x, windows(3, 4))
    assert found.shape == (1, 2, 4, 37, 53)
    assert not found.any()


@torch.inference_mode()
def test_a_stain_goes_and_detail_and_flicker_stay():
    generator = torch.Generator().manual_seed(2)
    coarse = torch.rand(1, 3, 16, 16, generator=generator)
    picture = 0.2 + 0.5 * torch.nn.functional.interpolate(coarse, (128, 128), mode="bilinear")[None]
    x = picture * torch.tensor([0.9, 1.1, 1.0, 0.8, 1.05, 0.95, 1.0])[:, None, None, None]
    truth = x[:, 3:4].clone()
    x[:, 3, :, 30:70, 40:80] *= 0.7
    network = BlemishFinder(**SMALL).eval()
    with torch.no_grad():
        network.say.bias[: len(OFFSETS)] = 20.0  # it takes the shades of all neighbours
        network.say.bias[-2] = 9.0
    repaired = network.restore(x, windows(3))[0]
    assert (repaired - truth).abs().mean() < 0.2 * (x[:, 3:4] - truth).abs().mean()


def test_gradients_reach_every_layer():
    torch.manual_seed(0)
    network = BlemishFinder(**SMALL).train()
    with torch.no_grad():
        network.say.weight += 0.01 * torch.randn_like(network.say.weight)
    picture, marks = network.restore(frames(t=7, h=64, w=64), windows(3))
    (picture.square().mean() + marks.square().mean()).backward()
    assert all(parameter.grad.abs().max() > 0 for parameter in network.parameters())


def test_settings_are_read_off_the_shapes():
    state = BlemishFinder(**SMALL).state_dict()
    assert recognise({name: tuple(tensor.shape) for name, tensor in state.items()}) == SMALL
    assert recognise({"say.weight": (6, 8, 3, 3)}) is None
